//! Tokens of secrets of type `kubernetes.io/service-account-token`: they hold until somebody deletes the secret or the
//! account.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::patch::field_set::FieldSet;
use podsec_apimachinery::patch::managed_fields::{Request, track};
use podsec_apimachinery::schema::Definitions;
use podsec_kinds::object::{Fields, FieldsMut as _, as_map};
use podsec_storage::Precondition;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::claims;
use crate::registry::{Registry, Resources, Stored, WriteError};
use crate::request::User;

/// The claims of such a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LegacyClaims {
    #[serde(default)]
    iss: String,
    #[serde(default, rename = "kubernetes.io/serviceaccount/namespace")]
    namespace: String,
    #[serde(default, rename = "kubernetes.io/serviceaccount/secret.name")]
    secret: String,
    #[serde(default, rename = "kubernetes.io/serviceaccount/service-account.name")]
    account: String,
    #[serde(default, rename = "kubernetes.io/serviceaccount/service-account.uid")]
    uid: String,
    #[serde(default)]
    sub: String,
}

impl LegacyClaims {
    /// Those of a secret of an account.
    pub(super) fn new(account: &Value, secret: &Value) -> Self {
        let meta = Meta::of(account);
        Self {
            iss: ISSUER.to_owned(),
            namespace: meta.namespace().to_owned(),
            secret: Meta::of(secret).name().to_owned(),
            account: meta.name().to_owned(),
            uid: meta.uid().to_owned(),
            sub: format!("system:serviceaccount:{}:{}", meta.namespace(), meta.name()),
        }
    }

    /// The account as a user.
    pub(super) fn user(&self) -> User {
        let user = claims::account_user(&self.namespace, &self.account);
        User { uid: self.uid.clone(), ..user }
    }

    /// Whether the token holds now: because the secret holds it, and the account is still there.
    ///
    /// # Errors
    /// Why it does not, in Kubernetes' words.
    pub(super) async fn validate(
        &self,
        resources: &Resources,
        token: &str,
        now: Timestamp,
    ) -> Result<(), String> {
        for (claim, value) in [
            ("sub", &self.sub),
            ("namespace", &self.namespace),
            ("secretName", &self.secret),
            ("serviceAccountName", &self.account),
            ("serviceAccountUID", &self.uid),
        ] {
            if value.is_empty() {
                return Err(format!("{claim} claim is missing"));
            }
        }
        let Self { namespace, account, secret, .. } = self;
        if self.sub != format!("system:serviceaccount:{namespace}:{account}") {
            return Err("sub claim is invalid".to_owned());
        }
        let invalidated = || "Token has been invalidated".to_owned();
        let secrets = resources.v1("", "secrets").map_err(|_| invalidated())?;
        let found = secrets.get(namespace, secret).await.map_err(|_| invalidated())?;
        if Meta::of(&found.object).is_being_deleted() {
            return Err(invalidated());
        }
        let copy = STANDARD.decode(found.object.at("data").text("token")).unwrap_or_default();
        if copy != token.as_bytes() {
            return Err("Token does not match server's copy".to_owned());
        }
        let owner = claims::find(resources, "serviceaccounts", namespace, account).await;
        let owner = owner.map_err(|status| status.message)?;
        let owner = Meta::of(&owner);
        if owner.is_being_deleted() {
            return Err(format!("ServiceAccount {namespace}/{account} has been deleted"));
        }
        if owner.uid() != self.uid {
            let (uid, claim) = (owner.uid(), &self.uid);
            return Err(format!("ServiceAccount UID ({uid}) does not match claim ({claim})"));
        }
        let is_marked = !found.object.at("metadata").at("labels").text(INVALID_SINCE).is_empty();
        note_use(&secrets, found, now).await;
        if is_marked {
            return Err(format!(
                "the token in secret {namespace}/{secret} for service account {namespace}/{account} has been marked \
                 invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the \
                 '{INVALID_SINCE}' label from the secret to temporarily allow use of this token"
            ));
        }
        Ok(())
    }
}

/// Writes the day of the last use into the secret, once a day. What cannot be written is written at the next use.
async fn note_use(secrets: &Registry, found: Stored, now: Timestamp) {
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let (today, tomorrow) = (day(now), day(now.saturating_add(jiff::Span::new().hours(24)).unwrap_or(now)));
    let Stored { object, revision } = found;
    let last = object.at("metadata").at("labels").text(LAST_USED);
    if last == today || last == tomorrow {
        return;
    }
    let mut used = object.clone();
    let labels = as_map(&mut used).ensure("metadata").and_then(|metadata| metadata.ensure("labels"));
    let (Some(labels), Some(schema)) = (labels, Definitions::builtin().kind("", "v1", "Secret")) else {
        return;
    };
    labels.insert(LAST_USED.to_owned(), today.into());
    let reset = FieldSet::of(&[]);
    let request =
        Request { manager: "kube-apiserver", api_version: "v1", subresource: "", reset: &reset, now };
    track(Some(&object), &mut used, &schema, &request);
    let meta = Meta::of(&object);
    let written =
        secrets.put(meta.namespace(), meta.name(), Precondition::Revision(revision), &mut used).await;
    if let Err(WriteError::Fail(status)) = written {
        tracing::warn!(message = status.message, "the use of a token of a secret could not be noted");
    }
}

/// The issuer that these tokens name.
pub(super) const ISSUER: &str = "kubernetes/serviceaccount";
const LAST_USED: &str = "kubernetes.io/legacy-token-last-used";
const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";
