//! Webhooks that bring custom objects from one version into another, asked as kube-apiserver asks them.
//!
//! ```text
//! entry of another version ─► kept from an earlier call? ─► ConversionReview ─► answer, verified ─► entry
//! ```

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::BoxFuture;
use podsec_apimachinery::Status;
use podsec_kinds::custom::conversion_review::{self, ConversionReview};
use podsec_kinds::custom::{Conversion, ConversionWebhook};
use podsec_kinds::object::Fields;
use podsec_storage::{Entry, Revision};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use crate::admission::webhook::{Clients, Endpoint, post};
use crate::registry::{Convert, Converters};

/// What all conversions share: connections, and the answers of earlier calls.
pub(crate) struct ConversionWebhooks(Arc<Shared>);

struct Shared {
    clients: Clients,
    kept: Mutex<Kept>,
}

/// Answers, each for one state of an object; all are forgotten when they become too large together.
#[derive(Default)]
struct Kept {
    answers: HashMap<Key, Bytes>,
    bytes: usize,
}

/// An object at a revision, and a hash of who converts it into what.
type Key = (Arc<str>, Revision, u64);

impl ConversionWebhooks {
    /// `clients` find the Services of the cluster.
    pub(crate) fn new(clients: Clients) -> Self {
        Self(Arc::new(Shared { clients, kept: Mutex::default() }))
    }
}

impl Converters for ConversionWebhooks {
    fn of(&self, conversion: &Arc<Conversion>) -> Arc<dyn Convert> {
        Arc::new(Converter { webhooks: Arc::clone(&self.0), conversion: Arc::clone(conversion) })
    }
}

impl Shared {
    fn kept(&self, key: &Key) -> Option<Bytes> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).answers.get(key).cloned()
    }

    fn keep(&self, key: Key, answer: &Bytes) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.bytes + answer.len() > MOST_KEPT {
            *kept = Kept::default();
        }
        if kept.answers.insert(key, answer.clone()).is_none() {
            kept.bytes += answer.len();
        }
    }
}

struct Converter {
    webhooks: Arc<Shared>,
    conversion: Arc<Conversion>,
}

impl Convert for Converter {
    fn convert<'a>(&'a self, object: &'a Value, to: &'a str) -> BoxFuture<'a, Result<Value, Status>> {
        Box::pin(self.convert_object(object, to))
    }

    fn convert_entry<'a>(&'a self, entry: Entry, to: &'a str) -> BoxFuture<'a, Result<Entry, Status>> {
        Box::pin(async move {
            let mut hasher = DefaultHasher::new();
            (&*self.conversion, to).hash(&mut hasher);
            let key = (Arc::clone(&entry.key), entry.revision, hasher.finish());
            if let Some(value) = self.webhooks.kept(&key) {
                return Ok(Entry { value, ..entry });
            }
            let object: Value = serde_json::from_slice(&entry.value)
                .map_err(|error| Status::internal(&format!("stored object {}: {error}", entry.key)))?;
            let converted = self.convert_object(&object, to).await?;
            let value =
                serde_json::to_vec(&converted).map_err(|error| Status::internal(&error.to_string()))?;
            let value = Bytes::from(value);
            self.webhooks.keep(key, &value);
            Ok(Entry { value, ..entry })
        })
    }
}

impl Converter {
    async fn convert_object(&self, object: &Value, to: &str) -> Result<Value, Status> {
        let Some(webhook) = &self.conversion.webhook else {
            let mut object = object.clone();
            if let Some(fields) = object.as_object_mut() {
                fields.insert("apiVersion".to_owned(), to.into());
            }
            return Ok(object);
        };
        if object.text("apiVersion") == to {
            return Ok(object.clone());
        }
        let kind = format!("{}, Kind={}", object.text("apiVersion"), object.text("kind"));
        let converted = match self.ask(webhook, object, to).await {
            Ok(objects) => conversion_review::accept(object, objects, to),
            Err(why) => Err(format!("failed: {why}")),
        };
        // As kube-apiserver passes it on: without a reason.
        converted.map_err(|why| Status::failure(500, "", format!("conversion webhook for {kind} {why}")))
    }

    /// The objects of the answer, one of which is expected.
    async fn ask(&self, webhook: &ConversionWebhook, object: &Value, to: &str) -> Result<Vec<Value>, String> {
        let known = |version: &&String| matches!(version.as_str(), "v1" | "v1beta1");
        let version = webhook.review_versions.iter().find(known);
        let version = version.ok_or("no supported conversion review versions")?;
        let endpoint = Endpoint::read(&webhook.client_config)
            .ok_or("webhook configuration must have either service or URL")?;
        let bundle = STANDARD.decode(webhook.client_config.text("caBundle"));
        let bundle = bundle.map_err(|error| format!("caBundle: {error}"))?;
        let client = self.webhooks.clients.client_of(&endpoint, &bundle)?;
        let uid = Uuid::new_v4().to_string();
        let review = ConversionReview { version, uid: &uid, to };
        let request = serde_json::to_vec(&review.request(object)).map_err(|error| error.to_string())?;
        let deadline = Instant::now() + TIMEOUT;
        let answer = post(&client, &endpoint.url(), request, TIMEOUT, deadline).await;
        review.read(&answer.map_err(|failure| failure.why)?)
    }
}

/// How long a conversion may take, as in kube-apiserver.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The bytes of all answers that are kept.
const MOST_KEPT: usize = 64 << 20;
