//! What the tests of several crates need. Only `[dev-dependencies]` name this crate.
//!
//! Its own tests, in `tests/architecture`, read the sources of the whole workspace: which file uses which, which crate
//! knows which, how long files are and what their types are called.
