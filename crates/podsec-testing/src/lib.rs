//! What the tests of several crates need. Only `[dev-dependencies]` name this crate.
//!
//! Its own tests, in `tests/architecture`, read the sources of the whole workspace: which file uses which, which crate
//! knows which, how long files are and what their types are called.
#![cfg_attr(
    feature = "server",
    expect(
        clippy::unwrap_used,
        clippy::missing_errors_doc,
        clippy::new_without_default,
        reason = "a test that cannot go on has failed"
    )
)]
#![expect(clippy::missing_panics_doc, reason = "a test that cannot go on has failed")]

#[cfg(feature = "server")]
pub mod api_server;
#[cfg(feature = "server")]
pub mod authority;
#[cfg(feature = "server")]
pub mod client;
pub mod own_address;
pub mod recorded;
#[cfg(feature = "server")]
pub mod reviews;
#[cfg(feature = "server")]
pub mod until_the_end;
