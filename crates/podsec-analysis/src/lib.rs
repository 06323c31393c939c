//! Many subjects, one question: which level fits a namespace, what an upgrade changes, what a log would have met.
//!
//! ```text
//! dumps, folders, a cluster ─► stream ─► collect ─► Inventory ─┬─► plan
//! (bytes that were read)       objects   folded to  by         └─► upgrade
//!                              one by    their      namespace
//!                              one       owners
//! ```
//!
//! Nothing here opens a file or a socket or looks at a clock: bytes come in, answers go out.
//!
//! ```
//! use podsec_analysis::{Collector, PlanOptions, plan};
//!
//! let pods = br#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "web"},
//!                 "spec": {"containers": [{"name": "c", "image": "nginx"}]}}"#;
//! let mut collector = Collector::default();
//! collector.feed("pods.json", &pods[..]);
//! let plan = plan(&collector.finish(), &PlanOptions::default());
//! assert_eq!(plan.namespaces[0].suggested.enforce.to_string(), "baseline:latest");
//! ```

pub mod audit_log;
pub mod breaches;
pub mod collect;
pub mod labels;
pub mod log;
pub mod plan;
pub mod replay;
pub mod report;
pub mod stream;
mod text;
pub mod upgrade;

pub use breaches::Breaches;
pub use collect::{Collector, Inventory};
pub use log::LogReader;
pub use plan::{PlanOptions, plan};
pub use replay::Replay;
pub use upgrade::upgrade;
