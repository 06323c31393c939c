//! A serving certificate from a Secret (`--tls-secret`), as cert-manager keeps one: followed by a watch, so that no
//! kubelet's mount stands between a renewal and the next handshake.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ListParams, WatchEvent, WatchParams};
use tokio::time::{Instant, sleep, timeout};

use crate::cluster::{Patience, chain};
use crate::replacement::replace;
use crate::tls::ServingCertificate;

/// The Secret that holds a certificate: `tls.crt` with its chain, and `tls.key`, both PEM (`kubernetes.io/tls`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSecret {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// A text that names no Secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no Secret; write NAMESPACE/NAME")]
pub struct SecretNameError(String);

impl FromStr for TlsSecret {
    type Err = SecretNameError;

    fn from_str(text: &str) -> Result<Self, SecretNameError> {
        // No other characters are in the names of namespaces and Secrets.
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        };
        match text.split_once('/') {
            Some((namespace, name)) if is_name(namespace) && is_name(name) => {
                Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => Err(SecretNameError(text.to_owned())),
        }
    }
}

/// Follows one Secret through lists and watches, for ever.
pub(crate) struct Follower {
    api: Api<Secret>,
    name: String,
    /// The watch that goes on, and since when.
    events: Option<(BoxStream<'static, kube::Result<WatchEvent<Secret>>>, Instant)>,
    patience: Patience,
    /// What was last served, or refused.
    seen: Option<Pair>,
}

/// A certificate with its chain, and its key: both PEM.
#[derive(PartialEq, Eq)]
struct Pair {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Follower {
    pub(crate) fn new(client: kube::Client, secret: &TlsSecret) -> Self {
        let api = Api::namespaced(client, &secret.namespace);
        Self { api, name: secret.name.clone(), events: None, patience: Patience::default(), seen: None }
    }

    /// The certificate to begin with: waits until the Secret holds one that can be served.
    pub(crate) async fn first(&mut self) -> ServingCertificate {
        loop {
            let Some(pair) = self.changed().await else { continue };
            match ServingCertificate::from_pem(&pair.chain, &pair.key) {
                Ok(certificate) => return certificate,
                Err(error) => {
                    tracing::error!(
                        secret = self.name,
                        error = chain(&error),
                        "the certificate is refused; waiting for another"
                    );
                }
            }
        }
    }

    /// Serves whatever the Secret comes to hold, and tells when it expires.
    pub(crate) async fn follow(mut self, certificate: Arc<ServingCertificate>, served: impl Fn(u64) + Send) {
        loop {
            if let Some(pair) = self.changed().await {
                replace(&certificate, &pair.chain, &pair.key, &served);
            }
        }
    }

    /// What the Secret comes to hold; none when that is what it held before, or nothing of use.
    async fn changed(&mut self) -> Option<&Pair> {
        let pair = match self.next().await {
            Some(secret) => pair_in(secret),
            None => Err("there is no such Secret"),
        };
        match pair {
            Ok(pair) if self.seen.as_ref() == Some(&pair) => None,
            Ok(pair) => Some(self.seen.insert(pair)),
            Err(reason) => {
                tracing::warn!(secret = self.name, reason, "the Secret holds no certificate");
                None
            }
        }
    }

    /// The Secret as it is now, or as it is when it next changes; none when it is not there.
    async fn next(&mut self) -> Option<Secret> {
        loop {
            let Some((events, since)) = &mut self.events else {
                match self.begin().await {
                    Ok(secret) => return secret,
                    Err(error) => self.wait(&error).await,
                }
                continue;
            };
            let (event, lasted) = (timeout(SILENCE, events.next()).await, since.elapsed());
            match event {
                Ok(Some(Ok(WatchEvent::Added(secret) | WatchEvent::Modified(secret)))) => {
                    return Some(secret);
                }
                Ok(Some(Ok(WatchEvent::Deleted(_)))) => return None,
                Ok(Some(Ok(WatchEvent::Bookmark(_)))) => continue,
                Ok(Some(Ok(WatchEvent::Error(status)))) => self.wait(&kube::Error::Api(status.boxed())).await,
                Ok(Some(Err(error))) => self.wait(&error).await,
                // Closed, as every watch is after some time, or dead.
                Ok(None) | Err(_) if lasted >= HEALTHY => self.patience.renew(),
                Ok(None) | Err(_) => sleep(self.patience.next()).await,
            }
            // One Secret is listed as cheaply as a watch is taken up where it was.
            self.events = None;
        }
    }

    /// Lists the Secret and begins to watch it.
    async fn begin(&mut self) -> kube::Result<Option<Secret>> {
        let field = format!("metadata.name={}", self.name);
        let list = self.api.list(&ListParams::default().fields(&field)).await?;
        let watch = WatchParams { timeout: Some(WATCH_SECONDS), ..WatchParams::default().fields(&field) };
        let revision = list.metadata.resource_version.unwrap_or_default();
        let events = self.api.watch(&watch, &revision).await?;
        self.events = Some((events.boxed(), Instant::now()));
        Ok(list.items.into_iter().next())
    }

    async fn wait(&mut self, error: &kube::Error) {
        let delay = self.patience.next();
        tracing::warn!(
            secret = self.name,
            error = chain(error),
            retry_milliseconds = delay.as_millis(),
            "the Secret cannot be watched; the certificate stays"
        );
        sleep(delay).await;
    }
}

fn pair_in(secret: Secret) -> Result<Pair, &'static str> {
    let mut data = secret.data.unwrap_or_default();
    let ByteString(chain) = data.remove("tls.crt").ok_or("it has no tls.crt")?;
    let ByteString(key) = data.remove("tls.key").ok_or("it has no tls.key")?;
    Ok(Pair { chain, key })
}

/// How long one watch lasts. A connection that died in silence is noticed five seconds later.
const WATCH_SECONDS: u32 = 120;
const SILENCE: Duration = Duration::from_secs(125);
/// A watch that lasted this long was none that is refused at once.
const HEALTHY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_by_its_namespace_and_name() {
        let secret: TlsSecret = "podsec-system/webhook.tls".parse().unwrap();
        assert_eq!((secret.namespace.as_str(), secret.name.as_str()), ("podsec-system", "webhook.tls"));
        for text in ["", "tls", "/tls", "a/", "a/b/c", "a/b,c", "a/b?x"] {
            assert!(text.parse::<TlsSecret>().is_err(), "{text}");
        }
    }
}
