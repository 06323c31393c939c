//! `DefaultTolerationSeconds`: a pod stays for five minutes on a node that is in trouble, unless it says otherwise.

use serde_json::Value;

use super::target::is_about;
use crate::verbs::Operation;

/// Adds the tolerations.
pub(super) fn admit(operation: &Operation<'_>, object: &mut Value) {
    if is_about(operation, "", "pods", "") {
        (operation.behaviour.strategy.tolerate)(object);
    }
}
