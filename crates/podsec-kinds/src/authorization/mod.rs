//! The kinds of `authorization.k8s.io` that ask what a user may do.

mod selectors;
pub(crate) mod subjectaccessreviews;
