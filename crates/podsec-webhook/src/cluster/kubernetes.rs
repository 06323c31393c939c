//! What the API server itself is asked.

use std::path::Path;

use http_body_util::BodyExt;
use hyper::Request;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use podsec_admission::{ClusterError, NamespaceLabels};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use super::live::{Answer, Live};
use super::throttle::Throttle;
use super::watch::chain;

/// A cluster behind its API server, asked no more often than is allowed.
pub struct Kubernetes {
    client: kube::Client,
    throttle: Throttle,
    /// Lists of pods are large.
    listings: Semaphore,
}

/// Why there is no way to the API server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KubernetesError {
    /// The process runs in no pod that may speak to the API server, and no kubeconfig was named.
    #[error("no service account to speak to the API server with; --kubeconfig names another way")]
    InCluster(#[source] kube::config::InClusterError),
    /// The kubeconfig cannot be used.
    #[error("the kubeconfig cannot be used")]
    Kubeconfig(#[source] kube::config::KubeconfigError),
    /// The client cannot be set up: its certificates or its credentials are wrong.
    #[error("no client of the API server can be made")]
    Client(#[source] kube::Error),
}

/// A client that speaks as `kubeconfig` says, or as the service account of the pod it runs in.
///
/// # Errors
/// When the kubeconfig is wrong, or there is none and no service account.
pub async fn client(kubeconfig: Option<&Path>) -> Result<kube::Client, KubernetesError> {
    let mut config = match kubeconfig {
        Some(path) => {
            let kubeconfig = Kubeconfig::read_from(path).map_err(KubernetesError::Kubeconfig)?;
            kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
                .await
                .map_err(KubernetesError::Kubeconfig)?
        }
        None => kube::Config::incluster().map_err(KubernetesError::InCluster)?,
    };
    // Every caller has a deadline and tries again in its own time.
    config.default_retry = false;
    kube::Client::try_from(config).map_err(KubernetesError::Client)
}

/// A client that speaks as kubectl would: as `kubeconfig` says, else `$KUBECONFIG`, else the file in the home folder,
/// in a context of it; or as the service account of the pod it runs in when there is no such file.
///
/// # Errors
/// As [`client`].
pub async fn user_client(
    kubeconfig: Option<&Path>,
    context: Option<String>,
) -> Result<kube::Client, KubernetesError> {
    let found = match kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let config = match found {
        Ok(found) => kube::Config::from_custom_kubeconfig(found, &options).await,
        Err(error) => match kube::Config::incluster() {
            Ok(config) if kubeconfig.is_none() && options.context.is_none() => Ok(config),
            _ => Err(error),
        },
    };
    kube::Client::try_from(config.map_err(KubernetesError::Kubeconfig)?).map_err(KubernetesError::Client)
}

impl Kubernetes {
    /// Asks through `client`, at most `qps` times a second and `burst` times at once.
    pub fn new(client: kube::Client, qps: f32, burst: u32) -> Self {
        Self { client, throttle: Throttle::new(qps, burst), listings: Semaphore::new(LISTINGS) }
    }

    async fn get(&self, path: &str, accept: &str) -> Result<bytes::Bytes, ClusterError> {
        self.throttle.turn().await;
        let request = Request::get(path).header("accept", accept).body(Body::empty());
        let request = request.map_err(|error| ClusterError::Unavailable(error.into()))?;
        let response = self.client.send(request).await.map_err(unavailable)?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(unavailable)?.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        let status = serde_json::from_slice::<Status>(&body)
            .unwrap_or_else(|_| Status { code: status.as_u16(), message: status.to_string() });
        Err(match status.code {
            404 => ClusterError::NotFound(status.message),
            _ => ClusterError::Unavailable(status.message.into()),
        })
    }

    async fn find(&self, name: &str) -> Result<NamespaceLabels, ClusterError> {
        let not_found = || ClusterError::NotFound(name.to_owned());
        if !may_exist(name) {
            return Err(not_found());
        }
        let answer = self.get(&format!("/api/v1/namespaces/{name}"), METADATA).await;
        let body = answer.map_err(|error| match error {
            ClusterError::NotFound(_) => not_found(),
            error => error,
        })?;
        let namespace: ObjectWithLabels = serde_json::from_slice(&body).map_err(malformed)?;
        Ok(namespace.metadata.labels.iter().flatten().collect())
    }

    async fn list(&self, namespace: &str) -> Result<Vec<Vec<u8>>, ClusterError> {
        if !may_exist(namespace) {
            return Err(ClusterError::NotFound(namespace.to_owned()));
        }
        let _place =
            self.listings.acquire().await.map_err(|closed| ClusterError::Unavailable(closed.into()))?;
        let mut pods = Vec::new();
        let mut page = String::new();
        loop {
            let path = format!("/api/v1/namespaces/{namespace}/pods?limit={PAGE}{page}");
            let body = self.get(&path, "application/json").await?;
            let list: PodList<'_> = serde_json::from_slice(&body).map_err(malformed)?;
            for pod in &list.items {
                pods.push(serde_json::to_vec(pod).map_err(malformed)?);
            }
            match list.metadata.next {
                Some(token) if !token.is_empty() => page = format!("&continue={}", escaped(&token)),
                _ => return Ok(pods),
            }
        }
    }
}

impl Live for Kubernetes {
    fn namespace<'a>(&'a self, name: &'a str) -> Answer<'a, NamespaceLabels> {
        Box::pin(self.find(name))
    }

    fn pods<'a>(&'a self, namespace: &'a str) -> Answer<'a, Vec<Vec<u8>>> {
        Box::pin(self.list(namespace))
    }
}

/// Whether a namespace may have this name. One with `/` or `?` in it would ask for something else.
fn may_exist(namespace: &str) -> bool {
    !namespace.is_empty() && namespace.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
fn unavailable(error: kube::Error) -> ClusterError {
    ClusterError::Unavailable(chain(&error).into())
}

fn malformed(error: serde_json::Error) -> ClusterError {
    ClusterError::Unavailable(error.into())
}

/// A value inside a query.
fn escaped(value: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    value.bytes().map(escape).collect()
}

/// What the API server says when it refuses.
#[derive(Deserialize)]
struct Status {
    code: u16,
    message: String,
}

#[derive(Deserialize)]
struct ObjectWithLabels {
    #[serde(default)]
    metadata: Labels,
}

#[derive(Default, Deserialize)]
struct Labels {
    labels: Option<std::collections::BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct PodList<'a> {
    #[serde(default)]
    metadata: ListMetadata,
    #[serde(borrow)]
    items: Vec<Pod<'a>>,
}

#[derive(Default, Deserialize)]
struct ListMetadata {
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// A pod without its status and the history of its fields, which are most of it.
#[derive(Deserialize, Serialize)]
struct Pod<'a> {
    #[serde(borrow)]
    metadata: PodMetadata<'a>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    spec: Option<&'a RawValue>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct PodMetadata<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    name: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    annotations: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    owner_references: Option<&'a RawValue>,
}

const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
/// How many pods are asked for, and so are in memory whole, at one time.
const PAGE: usize = 500;
/// How many namespaces' pods are listed at one time.
const LISTINGS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_is_put_into_a_path() {
        assert!(may_exist("kube-system") && may_exist("2"));
        for name in ["", ".", "..", "a/b", "a?limit=1", "a#", "a%2fb", "é"] {
            assert!(!may_exist(name), "{name:?}");
        }
    }

    #[test]
    fn a_pod_is_kept_without_what_no_check_reads() {
        let list = r#"{"metadata":{"continue":"a/b="},"items":[{"metadata":{"name":"a","managedFields":[1],
            "ownerReferences":[{"uid":"1"}]},"spec":{"hostPID":true},"status":{"phase":"Running"}}]}"#;
        let list: PodList<'_> = serde_json::from_str(list).unwrap();
        assert_eq!(
            serde_json::to_string(&list.items).unwrap(),
            r#"[{"metadata":{"name":"a","ownerReferences":[{"uid":"1"}]},"spec":{"hostPID":true}}]"#
        );
        assert_eq!(escaped(&list.metadata.next.unwrap()), "a%2Fb%3D");
    }
}
