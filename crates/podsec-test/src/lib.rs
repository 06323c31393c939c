//! A Kubernetes API server in a test's own process: one line, one a test, any number in parallel.
//!
//! Requests reach it without a socket and without certificates, and pass everything that they pass in `podsec serve`:
//! authorization, admission, validation, defaults. All objects are in memory and go with the [`Cluster`].
//!
//! ```
//! use k8s_openapi::api::core::v1::ConfigMap;
//! use kube::Api;
//! use kube::api::PostParams;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cluster = podsec_test::Cluster::start().await?;
//! let maps = Api::<ConfigMap>::namespaced(cluster.client(), "default");
//! let map = serde_json::from_value(serde_json::json!({"metadata": {"name": "a"}}))?;
//! let created = maps.create(&PostParams::default(), &map).await?;
//! assert!(created.metadata.uid.is_some());
//! # Ok(())
//! # }
//! ```

mod builder;
mod cluster;

pub use builder::{Builder, Error};
pub use cluster::Cluster;
