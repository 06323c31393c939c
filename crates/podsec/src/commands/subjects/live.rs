//! A live cluster: read page by page, and labelled when that is asked for.

use std::time::Duration;

use anyhow::{Context, anyhow};
use http::Request;
use kube::Client;
use podsec_analysis::Collector;
use podsec_analysis::plan::Change;
use podsec_standards::{Version, Workload};
use podsec_webhook::cluster::user_client;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use super::{ObjectProgress, SubjectArguments};

/// A cluster behind its API server.
pub(crate) struct Cluster {
    runtime: Runtime,
    client: Client,
    pause: Duration,
}

impl Cluster {
    pub(super) fn connect(arguments: &SubjectArguments) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client =
            runtime.block_on(user_client(arguments.kubeconfig.as_deref(), arguments.context.clone()))?;
        Ok(Self { runtime, client, pause: Duration::from_secs(1) / arguments.qps.max(1) })
    }

    /// The version of the cluster, which is what `latest` means in it.
    pub(crate) fn version(&self) -> anyhow::Result<Version> {
        let answer: Value = serde_json::from_str(&self.get("/version")?)?;
        let minor = answer["minor"].as_str().unwrap_or_default();
        let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
        let minor = digits.parse().map_err(|_| anyhow!("the API server does not tell its version"))?;
        Ok(Version::V1(minor))
    }

    /// Takes in all that can make a pod. A right that is missing is told, and does not end the reading.
    pub(super) fn collect(
        &self,
        kinds: &[(String, String)],
        helm_releases: bool,
        collector: &mut Collector,
        progress: &mut ObjectProgress,
    ) -> anyhow::Result<()> {
        let mut paths = vec!["/api/v1/namespaces".to_owned()];
        for workload in Workload::ALL {
            let group = match workload.group() {
                "" => "/api/v1".to_owned(),
                group => format!("/apis/{group}/v1"),
            };
            paths.push(format!("{group}/{}", workload.resource()));
        }
        paths.extend(["/api/v1/persistentvolumes".to_owned(), "/api/v1/persistentvolumeclaims".to_owned()]);
        if helm_releases {
            paths.push("/api/v1/secrets?fieldSelector=type%3Dhelm.sh%2Frelease.v1".to_owned());
        }
        // The first request tells whether there is a cluster at all.
        self.get("/version").context("the API server does not answer")?;
        paths.extend(self.custom(kinds, collector));
        for path in paths {
            self.list(&path, collector, progress);
        }
        Ok(())
    }

    /// The paths of the custom kinds that the cluster has.
    fn custom(&self, kinds: &[(String, String)], collector: &mut Collector) -> Vec<String> {
        let mut found = Vec::new();
        let mut groups: Vec<&str> = kinds.iter().map(|(group, _)| group.as_str()).collect();
        groups.sort_unstable();
        groups.dedup();
        let served = match self.get("/apis").map(|text| serde_json::from_str::<Value>(&text)) {
            Ok(Ok(served)) => served,
            Ok(Err(error)) => {
                collector.trouble("/apis", error.to_string());
                return found;
            }
            Err(error) => {
                collector.trouble("/apis", format!("{error:#}"));
                return found;
            }
        };
        for group in served["groups"].as_array().into_iter().flatten() {
            let name = group["name"].as_str().unwrap_or_default();
            let Some(version) = group["preferredVersion"]["groupVersion"].as_str() else { continue };
            if !groups.contains(&name) {
                continue;
            }
            let path = format!("/apis/{version}");
            match self.get(&path).map(|text| serde_json::from_str::<Value>(&text)) {
                Ok(Ok(resources)) => {
                    for resource in resources["resources"].as_array().into_iter().flatten() {
                        let kind = resource["kind"].as_str().unwrap_or_default();
                        let plural = resource["name"].as_str().unwrap_or_default();
                        let is_wanted = kinds.iter().any(|(of, wanted)| of == name && wanted == kind);
                        if is_wanted && !plural.contains('/') {
                            found.push(format!("{path}/{plural}"));
                        }
                    }
                }
                Ok(Err(error)) => collector.trouble(&path, error.to_string()),
                Err(error) => collector.trouble(&path, format!("{error:#}")),
            }
        }
        found
    }

    fn list(&self, path: &str, collector: &mut Collector, progress: &mut ObjectProgress) {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut next = String::new();
        loop {
            let page = format!("{path}{separator}limit={PAGE}{next}");
            let text = match self.get(&page) {
                Ok(text) => text,
                Err(error) => {
                    collector.trouble(path, format!("not read: {error:#}"));
                    return;
                }
            };
            progress.add(text.len());
            collector.feed(path, text.as_bytes());
            match continuation(&text) {
                Some(token) => {
                    let encoded: String = token.bytes().map(encoded).collect();
                    next = format!("&continue={encoded}");
                }
                None => return,
            }
        }
    }

    fn get(&self, path: &str) -> anyhow::Result<String> {
        self.runtime.block_on(async {
            tokio::time::sleep(self.pause).await;
            let request = Request::get(path).body(Vec::new())?;
            Ok(self.client.request_text(request).await?)
        })
    }

    /// Sets labels of a namespace that are still as they were.
    pub(crate) fn label(&self, namespace: &str, changes: &[Change]) -> anyhow::Result<()> {
        let path = format!("/api/v1/namespaces/{namespace}");
        let object: Value = serde_json::from_str(&self.get(&path)?)?;
        let mut labels = Map::new();
        for Change { label, from, to } in changes {
            let now = object["metadata"]["labels"][label].as_str();
            if now != from.as_deref() {
                let was = from.as_deref().unwrap_or("absent");
                return Err(anyhow!("label {label} was {was} and is {} now", now.unwrap_or("absent")));
            }
            labels.insert(label.clone(), to.clone().map_or(Value::Null, Value::from));
        }
        // Whoever changes the namespace meanwhile is not overwritten.
        let version = &object["metadata"]["resourceVersion"];
        let merged = json!({"metadata": {"resourceVersion": version, "labels": labels}});
        self.runtime.block_on(async {
            let request = Request::patch(&*path)
                .header("content-type", "application/merge-patch+json")
                .body(serde_json::to_vec(&merged)?)?;
            self.client.request_text(request).await?;
            Ok(())
        })
    }
}

/// Where the next page begins, if there is one.
fn continuation(page: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Page {
        metadata: Option<Metadata>,
    }
    #[derive(serde::Deserialize)]
    struct Metadata {
        #[serde(rename = "continue")]
        token: Option<String>,
    }
    let page: Page = serde_json::from_str(page).ok()?;
    page.metadata?.token.filter(|token| !token.is_empty())
}

fn encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

/// kubectl's own.
const PAGE: u32 = 500;
