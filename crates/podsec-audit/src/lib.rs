//! Kubernetes API auditing, audit.k8s.io/v1: policy, events and where they go.
//!
//! ```text
//! Request, UserInfo ─► Auditor ─ Policy ─► Recording ─ stages ─► Event ─► Sink ─► log file, standard output
//! ```
//!
//! The API server makes one [`Auditor`] when both a policy and a log are given, and calls it for every request
//! between authentication and impersonation:
//!
//! | when | call |
//! |---|---|
//! | a request arrives | [`audit_id()`] (also when nothing is audited) |
//! | authentication failed, or `?timeout=` is malformed | [`Auditor::refuse`]; nothing else |
//! | the user is known | [`Auditor::begin`]; [`Rejected`] means 500 |
//! | impersonation, authorization, admission | [`Recording::impersonated`], [`Recording::annotate`] |
//! | the body is decoded | [`Recording::request_object`], [`Recording::patch`], [`Recording::delete_options`] |
//! | the answer is known | [`Recording::response_object`] or [`Recording::response_status`] |
//! | its head goes out | [`Recording::started`] |
//! | its last byte is out, a watch included | [`Recording::complete`]; or the last clone is dropped |
//! | the handler panicked | [`Recording::panicked`] |
//! | the server shuts down | [`Auditor::flush`] |
//!
//! ```
//! use podsec_audit::{RequestInfo, Auditor, Policy, Request, UserInfo, audit_id, sink::Memory, source_ips};
//!
//! let policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]";
//! let policy = Policy::parse(policy.as_bytes(), "policy.yaml".as_ref())?.policy;
//! let log = Memory::default(); // or sink::Log::open(&options)?
//! let auditor = Auditor::new(policy, log.clone());
//!
//! let id = audit_id(None);
//! let request = Request {
//!     audit_id: &id,
//!     uri: "/api/v1/namespaces/prod/pods?dryRun=All",
//!     received: jiff::Timestamp::now(),
//!     source_ips: source_ips(None, None, [127, 0, 0, 1].into()),
//!     user_agent: b"kubectl/v1.37.1",
//!     attributes: RequestInfo {
//!         verb: "create",
//!         path: "/api/v1/namespaces/prod/pods",
//!         is_resource: true,
//!         version: "v1",
//!         resource: "pods",
//!         namespace: "prod",
//!         ..RequestInfo::default()
//!     },
//! };
//! let user = UserInfo { username: "admin".into(), ..UserInfo::default() };
//! let recording = auditor.begin(&request, &user)?;
//! recording.annotate("authorization.k8s.io/decision", "allow");
//! recording.request_object(&serde_json::json!({"kind": "Pod", "metadata": {"name": "web"}}));
//! recording.started(201);
//! recording.complete();
//!
//! let events = log.events();
//! assert_eq!(events.len(), 2); // RequestReceived, ResponseComplete
//! assert_eq!(events[1].object_ref.as_ref().unwrap().name, "web");
//! assert_eq!(events[1].code(), Some(201));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where podsec is better than Kubernetes on purpose: a patch that is not JSON does not lose the event, two log
//! files put aside in one millisecond do not overwrite each other, and a request whose client went away still has
//! its end. Legacy lines are in UTC and not in the local zone.

mod auditor;
mod body;
pub mod event;
mod id;
pub mod json;
mod legacy;
mod metrics;
mod object_reference;
pub mod policy;
mod recording;
mod request;
mod shared;
pub mod sink;
mod system_error;
mod writer;

pub use auditor::{Auditor, Rejected};
pub use event::Event;
pub use id::audit_id;
pub use metrics::Metrics;
pub use object_reference::ObjectReference;
pub use policy::{Level, Policy, Stage};
pub use recording::Recording;
pub use request::{Request, RequestInfo, UserInfo, source_ips};
pub use shared::Clock;
pub use sink::Sink;
