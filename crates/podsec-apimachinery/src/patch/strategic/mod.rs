//! Strategic merge patch: a merge patch that knows which lists merge, by which key, and takes directives.
//!
//! The directives are `$patch: delete|replace|merge`, `$setElementOrder/x`, `$deleteFromPrimitiveList/x` and
//! `$retainKeys`. Semantics and words are those of `k8s.io/apimachinery` `strategicpatch`, as kube-apiserver calls it:
//! nulls delete, and nulls for absent fields vanish.

mod apply;
mod directive;
mod list;

pub use apply::apply;

#[cfg(test)]
mod tests;
