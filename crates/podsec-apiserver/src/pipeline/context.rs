//! What is known about a request by the time its handler runs.

use hyper::{HeaderMap, Uri};
use jiff::Timestamp;
use podsec_audit::Recording;
use tokio::time::Instant;

use super::warning::Warnings;
use crate::authentication::User;
use crate::negotiation::Representation;
use crate::query::Query;
use crate::request_info::RequestInfo;

/// A request that has been authenticated and authorized.
pub(crate) struct Context {
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
    /// What the caller is to be told beside the answer.
    pub(crate) warnings: Warnings,
    /// What the audit log learns.
    pub(crate) recording: Recording,
}
