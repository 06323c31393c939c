//! What a service account token says, and whether that is still so.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::registry::Resources;
use crate::request::User;

/// The claims of a token, those of RFC 7519 and those of Kubernetes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    #[serde(default, deserialize_with = "one_or_many")]
    aud: Vec<String>,
    #[serde(default)]
    exp: i64,
    #[serde(default)]
    iat: i64,
    #[serde(default)]
    iss: String,
    #[serde(default)]
    jti: String,
    #[serde(rename = "kubernetes.io")]
    kubernetes: Kubernetes,
    #[serde(default)]
    nbf: i64,
    #[serde(default)]
    sub: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kubernetes {
    namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<Reference>,
    serviceaccount: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    warnafter: Option<i64>,
}

/// An object by its name and uid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reference {
    /// The name.
    pub(crate) name: String,
    /// The uid; empty when only the name is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) uid: String,
}

impl Reference {
    /// A reference to an object.
    pub(crate) fn to(object: &Value) -> Self {
        let meta = Meta::of(object);
        Self { name: meta.name().to_owned(), uid: meta.uid().to_owned() }
    }
}

/// What a token holds no longer than.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Nothing but its account.
    Account,
    /// A pod, and the node it runs on.
    Pod(Reference, Option<Reference>),
    /// A secret.
    Secret(Reference),
    /// A node.
    Node(Reference),
}

impl Claims {
    pub(super) fn new(
        issuer: &str,
        account: &Value,
        bound: &Bound,
        audiences: &[String],
        now: Timestamp,
        lifetime: i64,
        warn_after: Option<i64>,
    ) -> Self {
        let meta = Meta::of(account);
        let second = now.as_second();
        let (pod, secret, node) = match bound {
            Bound::Account => (None, None, None),
            Bound::Pod(pod, node) => (Some(pod.clone()), None, node.clone()),
            Bound::Secret(secret) => (None, Some(secret.clone()), None),
            Bound::Node(node) => (None, None, Some(node.clone())),
        };
        Self {
            aud: audiences.to_vec(),
            exp: second.saturating_add(lifetime),
            iat: second,
            iss: issuer.to_owned(),
            jti: Uuid::new_v4().to_string(),
            kubernetes: Kubernetes {
                namespace: meta.namespace().to_owned(),
                node,
                pod,
                secret,
                serviceaccount: Reference::to(account),
                warnafter: warn_after.map(|seconds| second.saturating_add(seconds)),
            },
            nbf: second,
            sub: format!("system:serviceaccount:{}:{}", meta.namespace(), meta.name()),
        }
    }

    pub(super) fn audiences(&self) -> &[String] {
        &self.aud
    }

    pub(super) fn credential_id(&self) -> String {
        format!("JTI={}", self.jti)
    }

    /// The account as a user, with what the token says of where it is used.
    pub(super) fn user(&self) -> User {
        let Kubernetes { namespace, serviceaccount, pod, node, .. } = &self.kubernetes;
        let mut user = account_user(namespace, &serviceaccount.name);
        serviceaccount.uid.clone_into(&mut user.uid);
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                user.extra.insert(format!("authentication.kubernetes.io/{name}"), vec![value.to_owned()]);
            }
        };
        if !self.jti.is_empty() {
            add("credential-id", &self.credential_id());
        }
        if let Some(pod) = pod {
            add("pod-name", &pod.name);
            add("pod-uid", &pod.uid);
        }
        if let Some(node) = node {
            add("node-name", &node.name);
            add("node-uid", &node.uid);
        }
        user
    }

    /// Whether the token holds now: by the clock, and because what it is bound to is still there.
    pub(super) async fn validate(&self, resources: &Resources, now: Timestamp) -> Result<(), String> {
        let second = now.as_second();
        if second - LEEWAY > self.exp && self.exp != 0 {
            return Err("service account token has expired".to_owned());
        }
        if second + LEEWAY < self.nbf {
            return Err("service account token is not valid yet".to_owned());
        }
        if second + LEEWAY < self.iat {
            return Err("service account token is issued in the future".to_owned());
        }
        let Kubernetes { namespace, serviceaccount, pod, secret, node, .. } = &self.kubernetes;
        let name = &serviceaccount.name;
        let account =
            find(resources, "serviceaccounts", namespace, name).await.map_err(|status| status.message)?;
        let uid = Meta::of(&account).uid();
        if uid != serviceaccount.uid {
            return Err(format!("service account UID ({uid}) does not match claim ({})", serviceaccount.uid));
        }
        if is_gone(&account, second) {
            return Err(format!("service account {namespace}/{name} has been deleted"));
        }
        if let Some(secret) = secret {
            let claim = "secret UID ({uid}) does not match service account secret ref claim ({claim})";
            bound(resources, "secrets", namespace, secret, claim, second).await?;
        }
        if let Some(pod) = pod {
            let claim = "pod UID ({uid}) does not match service account pod ref claim ({claim})";
            bound(resources, "pods", namespace, pod, claim, second).await?;
        }
        if let (Some(node), None) = (node, pod) {
            let claim = "node UID ({uid}) does not match service account node ref claim ({claim})";
            bound(resources, "nodes", "", node, claim, second).await?;
        }
        Ok(())
    }
}

/// An account as a user, without its uid.
pub(super) fn account_user(namespace: &str, name: &str) -> User {
    User::new(
        &format!("system:serviceaccount:{namespace}:{name}"),
        &["system:serviceaccounts", &format!("system:serviceaccounts:{namespace}")],
    )
}

/// The issuer that a token names, before anybody knows who has signed it.
pub(in crate::authentication) fn unverified_issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issuer {
        #[serde(default)]
        iss: String,
    }
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice::<Issuer>(&payload).ok().map(|claims| claims.iss)
}

/// Whether the object that a token is bound to is still there, and the same. `mismatch` is what is said of another one.
async fn bound(
    resources: &Resources,
    resource: &str,
    namespace: &str,
    reference: &Reference,
    mismatch: &str,
    now: i64,
) -> Result<(), String> {
    let invalidated = || "service account token has been invalidated".to_owned();
    let object = find(resources, resource, namespace, &reference.name).await.map_err(|_| invalidated())?;
    let uid = Meta::of(&object).uid();
    if uid != reference.uid {
        return Err(mismatch.replace("{uid}", uid).replace("{claim}", &reference.uid));
    }
    if is_gone(&object, now) { Err(invalidated()) } else { Ok(()) }
}

/// An object that waits for its end longer than clocks may differ counts as gone.
fn is_gone(object: &Value, now: i64) -> bool {
    Meta::of(object).deletion_timestamp().is_some_and(|time| time.as_second() < now - LEEWAY)
}

/// The object that a token names.
///
/// # Errors
/// 404 when it is not there.
pub(super) async fn find(
    resources: &Resources,
    resource: &str,
    namespace: &str,
    name: &str,
) -> Result<Value, Status> {
    let registry = resources.v1("", resource)?;
    Ok(registry.get(namespace, name).await?.object)
}

/// `aud` is a text or a list of them.
fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audiences {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Audiences::deserialize(deserializer)? {
        Audiences::One(audience) => vec![audience],
        Audiences::Many(audiences) => audiences,
    })
}

/// The seconds by which clocks may differ.
const LEEWAY: i64 = 60;
