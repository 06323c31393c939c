//! One request as plain data: what is asked, by whom, until when, and how the answer is to be written. Everything below
//! the pipeline reads it, and nothing there changes it.

pub(crate) mod deadline;
mod info;
pub(crate) mod list_options;
pub(crate) mod options;
mod peer;
mod query;
pub(crate) mod representation;
pub(crate) mod user;

use hyper::{HeaderMap, Uri};
use jiff::Timestamp;
use podsec_apimachinery::schema::catalog::Resource;
use tokio::time::Instant;

pub(crate) use info::RequestInfo;
pub use peer::Peer;
pub(crate) use query::Query;
use representation::Representation;
pub use user::User;

/// A request that has been authenticated and authorized.
pub(crate) struct Request {
    /// The URL as it came.
    pub(crate) uri: Uri,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// What the request asks for.
    pub(crate) info: RequestInfo,
    /// Its query string.
    pub(crate) query: Query,
    /// On whose behalf it runs, impersonation included.
    pub(crate) user: User,
    /// When it came.
    pub(crate) received: Timestamp,
    /// When the client stops waiting.
    pub(crate) deadline: Option<Instant>,
    /// How the answer is to be written.
    pub(crate) representation: Representation,
}

impl Request {
    /// The namespace in the URL of an object of `resource`. A Namespace object, whose URL names itself, has none.
    pub(crate) fn namespace(&self, resource: &Resource) -> &str {
        if resource.namespaced { &self.info.namespace } else { "" }
    }

    /// The name in the URL.
    pub(crate) fn name(&self) -> &str {
        &self.info.name
    }
}
