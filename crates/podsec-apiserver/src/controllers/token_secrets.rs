//! The tokens controller: secrets of type `kubernetes.io/service-account-token` are filled with a token of their account,
//! and deleted with it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_kinds::object::{Fields, FieldsMut as _, annotation, as_map};
use podsec_storage::{Error, Event, Range};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::retries::Retries;
use crate::apiserver::ApiServer;
use crate::client::Client;
use crate::registry::Registry;
use crate::request::User;

/// Follows the secrets and the accounts.
pub(super) async fn run(api: Arc<ApiServer>) {
    let client = Client::new(&api, User::new(USER, &[]), "kube-controller-manager/podsec");
    let registries = (api.builtin("", "v1", "secrets"), api.builtin("", "v1", "serviceaccounts"));
    let (Some(secrets), Some(accounts)) = registries else { return };
    let controller = Controller { client, secrets, accounts };
    loop {
        // After a gap all secrets are looked at again.
        if let Error::Closed = controller.follow().await {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Namespace and name of a secret.
type Key = (String, String);

struct Controller {
    client: Client,
    secrets: Registry,
    accounts: Registry,
}

/// What is done with a secret.
#[derive(Debug, PartialEq, Eq)]
enum Deed {
    /// Its account is not there, or is another one of the same name.
    Delete,
    /// It lacks something.
    Update(Value),
}

/// From a secret and the account that it names to what is done. `token` signs one.
fn reconcile(
    secret: &Value,
    account: Option<&Value>,
    authority: Option<&str>,
    token: impl FnOnce(&Value) -> Option<String>,
) -> Option<Deed> {
    let uid = annotation(secret, UID).unwrap_or_default();
    let account = account.filter(|account| uid.is_empty() || uid == Meta::of(account).uid());
    let Some(account) = account else { return Some(Deed::Delete) };
    let data = secret.at("data");
    let authority = authority.map(|authority| STANDARD.encode(authority));
    let authority = authority.filter(|authority| data.text("ca.crt") != authority.as_str());
    let lacks = |key: &str| data.text(key).is_empty();
    if authority.is_none() && !lacks("namespace") && !lacks("token") {
        return None;
    }
    let (mut changed, meta) = (secret.clone(), Meta::of(account));
    let fields = as_map(&mut changed);
    let filled = fields.ensure("data")?;
    if let Some(authority) = authority {
        filled.insert("ca.crt".to_owned(), authority.into());
    }
    if lacks("namespace") {
        filled.insert("namespace".to_owned(), STANDARD.encode(Meta::of(secret).namespace()).into());
    }
    if lacks("token") {
        filled.insert("token".to_owned(), STANDARD.encode(token(account)?).into());
    }
    let annotations = fields.ensure("metadata")?.ensure("annotations")?;
    annotations.insert(NAME.to_owned(), meta.name().into());
    annotations.insert(UID.to_owned(), meta.uid().into());
    Some(Deed::Update(changed))
}

impl Controller {
    /// Works until the store does not tell what changes any more, and why.
    async fn follow(&self) -> Error {
        let store = self.secrets.store();
        let (secrets, accounts) = (self.secrets.prefix(""), self.accounts.prefix(""));
        let page = match store.range(Range::prefix(&secrets)).await {
            Ok(page) => page,
            Err(error) => return error,
        };
        let watches =
            (store.watch(&secrets, page.revision).await, store.watch(&accounts, page.revision).await);
        let (mut changed, mut gone) = match watches {
            (Ok(changed), Ok(gone)) => (changed, gone),
            (Err(error), _) | (_, Err(error)) => return error,
        };
        let mut retries = Retries::new();
        for entry in page.entries.iter().filter(|entry| may_hold_token(&entry.value)) {
            self.tend(key_of(&entry.key), &mut retries).await;
        }
        loop {
            let keys = tokio::select! {
                events = changed.next() => events.map(|events| of_secrets(&events)),
                events = gone.next() => match events {
                    Ok(events) => self.of_accounts(&events).await,
                    Err(error) => Err(error),
                },
                key = retries.next() => Ok(BTreeSet::from([key])),
            };
            match keys {
                Ok(keys) => {
                    for key in keys {
                        self.tend(key, &mut retries).await;
                    }
                }
                Err(error) => return error,
            }
        }
    }

    /// The secrets of namespaces where an account has gone.
    async fn of_accounts(&self, events: &[Arc<Event>]) -> Result<BTreeSet<Key>, Error> {
        let gone = events.iter().filter(|event| matches!(***event, Event::Delete { .. }));
        let namespaces: BTreeSet<String> = gone.map(|event| key_of(event.key()).0).collect();
        let mut keys = BTreeSet::new();
        for namespace in namespaces {
            let prefix = self.secrets.prefix(&namespace);
            let page = self.secrets.store().range(Range::prefix(&prefix)).await?;
            let entries = page.entries.iter().filter(|entry| may_hold_token(&entry.value));
            keys.extend(entries.map(|entry| key_of(&entry.key)));
        }
        Ok(keys)
    }

    async fn tend(&self, key: Key, retries: &mut Retries<Key>) {
        let done = self.work(&key).await.unwrap_or(false);
        retries.note(key, done);
    }

    /// Whether nothing is left to do.
    async fn work(&self, (namespace, name): &Key) -> Result<bool, Status> {
        let found = self.secrets.find(namespace, name).await?;
        let Some(secret) = found.map(|stored| stored.object).filter(|secret| secret.text("type") == TYPE)
        else {
            return Ok(true);
        };
        let account = annotation(&secret, NAME).unwrap_or_default();
        if account.is_empty() {
            return Ok(true);
        }
        let account = self.accounts.find(namespace, account).await?.map(|stored| stored.object);
        let api = self.client.api();
        let sign = |account: &Value| api.service_accounts.issue_for_secret(account, &secret).ok();
        let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
        let code = match reconcile(&secret, account.as_ref(), api.authority.as_deref(), sign) {
            None => return Ok(true),
            Some(Deed::Update(changed)) => self.client.update(&path, &changed).await.0,
            Some(Deed::Delete) => {
                let uid = Meta::of(&secret).uid();
                let options = json!({
                    "kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid},
                });
                self.client.delete(&path, &options).await.0
            }
        };
        // Of a conflict its own event tells.
        Ok(code.is_success() || matches!(code, StatusCode::NOT_FOUND | StatusCode::CONFLICT))
    }
}

/// The secrets that are new or other than before, those that can hold no token left out.
fn of_secrets(events: &[Arc<Event>]) -> BTreeSet<Key> {
    let entries = events.iter().filter_map(|event| event.entry());
    entries.filter(|entry| may_hold_token(&entry.value)).map(|entry| key_of(&entry.key)).collect()
}

/// Most secrets are of another type: reading them as bytes tells.
fn may_hold_token(secret: &[u8]) -> bool {
    secret.windows(TYPE.len()).any(|window| window == TYPE.as_bytes())
}

fn key_of(key: &str) -> Key {
    let mut parts = key.rsplit('/');
    let name = parts.next().unwrap_or_default().to_owned();
    (parts.next().unwrap_or_default().to_owned(), name)
}

/// The user whose right it is in Kubernetes.
const USER: &str = "system:kube-controller-manager";
const TYPE: &str = "kubernetes.io/service-account-token";
const NAME: &str = "kubernetes.io/service-account.name";
const UID: &str = "kubernetes.io/service-account.uid";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_filled_once_and_deleted_with_its_account() {
        let account = json!({"metadata": {"name": "bot", "namespace": "n", "uid": "1"}});
        let secret = json!({
            "metadata": {"name": "s", "namespace": "n", "annotations": {NAME: "bot"}}, "type": TYPE,
            "data": {"extra": "eA=="},
        });
        let sign = |_: &Value| Some("jwt".to_owned());
        let Some(Deed::Update(filled)) = reconcile(&secret, Some(&account), Some("pem"), sign) else {
            panic!("nothing is filled in")
        };
        let expected = json!({"extra": "eA==", "ca.crt": "cGVt", "namespace": "bg==", "token": "and0"});
        assert_eq!(filled["data"], expected);
        assert_eq!(filled["metadata"]["annotations"], json!({NAME: "bot", UID: "1"}));
        assert_eq!(reconcile(&filled, Some(&account), Some("pem"), |_| panic!("it has a token")), None);
        assert_eq!(reconcile(&filled, None, Some("pem"), sign), Some(Deed::Delete));
        let other = json!({"metadata": {"name": "bot", "namespace": "n", "uid": "2"}});
        assert_eq!(reconcile(&filled, Some(&other), Some("pem"), sign), Some(Deed::Delete));
        // A token that somebody has taken out comes back, and so does the certificate of a new authority.
        for (key, authority) in [("token", "pem"), ("ca.crt", "other")] {
            let mut changed = filled.clone();
            changed["data"][key] = "".into();
            let deed = reconcile(&changed, Some(&account), Some(authority), sign);
            assert!(matches!(deed, Some(Deed::Update(_))), "{key}");
        }
    }
}
