//! The shape of the workspace's sources: no circles, no arrows that point back, no long files, no name with two meanings.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod circles;
mod crates;
mod known;
mod lengths;
mod modules;
mod names;
mod purity;
mod surface;
mod tokens;
mod workspace;
