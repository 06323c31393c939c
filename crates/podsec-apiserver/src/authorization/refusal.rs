//! Why a request is refused, in Kubernetes' words.

use podsec_apimachinery::quote::quoted;

use crate::request::RequestInfo;
use crate::request::User;

/// Why a request is refused, without the object's name in front, as in
/// `User "joe" cannot list resource "pods" in API group "" in the namespace "errs"`. The authorizer's reason stands
/// behind it, if it gave one.
pub(crate) fn refusal(user: &User, info: &RequestInfo, reason: &str) -> String {
    let RequestInfo { verb, group, namespace, path, .. } = info;
    let mut message = if info.is_resource {
        let resource = if info.subresource.is_empty() {
            info.resource.clone()
        } else {
            format!("{}/{}", info.resource, info.subresource)
        };
        let place = if namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace {}", quoted(namespace))
        };
        format!(
            "User {} cannot {verb} resource {} in API group {} {place}",
            quoted(&user.name),
            quoted(&resource),
            quoted(group)
        )
    } else {
        format!("User {} cannot {verb} path {}", quoted(&user.name), quoted(path))
    };
    if !reason.is_empty() {
        message.push_str(": ");
        message.push_str(reason);
    }
    message
}
