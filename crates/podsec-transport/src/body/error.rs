//! How long a body may be, and why one was not read.

/// The longest body that is read, in bytes: the limit of upstream's webhook and of the API server itself.
pub const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It is longer than [`BODY_LIMIT`]; the sentence is upstream's.
    #[error("request entity is too large; limit is {BODY_LIMIT} bytes")]
    TooLarge,
    /// The bodies in memory leave no room for it.
    #[error("too many requests are being read at the moment, try again")]
    NoRoom,
    /// The client took too long.
    #[error("the request body did not arrive in time")]
    TooSlow,
    /// The connection failed before its end.
    #[error("unable to read the request body")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}
