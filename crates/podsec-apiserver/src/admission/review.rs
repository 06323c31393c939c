//! The AdmissionReview that is sent, member for member as kube-apiserver writes it.

use std::collections::BTreeMap;

use podsec_apimachinery::schema::catalog::Resource;
use serde::Serialize;
use serde_json::Value;

use super::attributes::Action;
use super::matching::version::GroupVersionKind;
use crate::request::User;

/// The form of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admission) enum ReviewVersion {
    /// `admission.k8s.io/v1`.
    V1,
    /// `admission.k8s.io/v1beta1`, whose answers were never verified.
    V1Beta1,
}

/// What a review tells besides the object.
pub(in crate::admission) struct Review<'a> {
    /// Tells this review from every other.
    pub(in crate::admission) uid: &'a str,
    /// The version the webhook's rule asks for.
    pub(in crate::admission) version: &'a Resource,
    /// The kind in that version.
    pub(in crate::admission) kind: &'a GroupVersionKind,
    /// The version that was requested.
    pub(in crate::admission) request_version: &'a Resource,
    /// The kind in the version that was requested.
    pub(in crate::admission) request_kind: &'a GroupVersionKind,
    /// The subresource.
    pub(in crate::admission) subresource: &'a str,
    /// The name as the request gives it; empty when the server makes one up.
    pub(in crate::admission) name: &'a str,
    /// The namespace; of a Namespace, its own name.
    pub(in crate::admission) namespace: &'a str,
    /// What is done.
    pub(in crate::admission) action: Action,
    /// On whose behalf.
    pub(in crate::admission) user: &'a User,
    /// The new state.
    pub(in crate::admission) object: Option<&'a Value>,
    /// The stored state.
    pub(in crate::admission) old: Option<&'a Value>,
    /// Whether nothing will be stored.
    pub(in crate::admission) dry_run: bool,
    /// The options of the request; null for a connection.
    pub(in crate::admission) options: &'a Value,
}

impl Review<'_> {
    /// The body of the POST.
    ///
    /// # Errors
    /// Never in practice: all of it has a JSON form.
    pub(in crate::admission) fn body(&self, review: ReviewVersion) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Wire {
            kind: "AdmissionReview",
            api_version: match review {
                ReviewVersion::V1 => "admission.k8s.io/v1",
                ReviewVersion::V1Beta1 => "admission.k8s.io/v1beta1",
            },
            request: self.request(),
        })
    }

    /// The request as expressions see it.
    ///
    /// # Errors
    /// Never in practice: all of it has a JSON form.
    pub(in crate::admission) fn variable(&self) -> serde_json::Result<Value> {
        serde_json::to_value(self.request())
    }

    fn request(&self) -> WireRequest<'_> {
        let user = self.user;
        WireRequest {
            uid: self.uid,
            kind: WireKind::of(self.kind),
            resource: WireResource::of(self.version),
            sub_resource: self.subresource,
            request_kind: WireKind::of(self.request_kind),
            request_resource: WireResource::of(self.request_version),
            request_sub_resource: self.subresource,
            name: self.name,
            namespace: self.namespace,
            operation: self.action.name(),
            user_info: UserInfo {
                username: &user.name,
                uid: &user.uid,
                groups: &user.groups,
                extra: &user.extra,
            },
            object: self.object,
            old_object: self.old,
            dry_run: self.dry_run,
            options: self.options,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    kind: &'static str,
    api_version: &'static str,
    request: WireRequest<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireRequest<'a> {
    uid: &'a str,
    kind: WireKind<'a>,
    resource: WireResource<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    sub_resource: &'a str,
    request_kind: WireKind<'a>,
    request_resource: WireResource<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_sub_resource: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    operation: &'static str,
    user_info: UserInfo<'a>,
    object: Option<&'a Value>,
    old_object: Option<&'a Value>,
    dry_run: bool,
    options: &'a Value,
}

#[derive(Serialize)]
struct WireKind<'a> {
    group: &'a str,
    version: &'a str,
    kind: &'a str,
}

#[derive(Serialize)]
struct WireResource<'a> {
    group: &'a str,
    version: &'a str,
    resource: &'a str,
}

#[derive(Serialize)]
struct UserInfo<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    username: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    uid: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    groups: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extra: &'a BTreeMap<String, Vec<String>>,
}

impl<'a> WireKind<'a> {
    fn of(kind: &'a GroupVersionKind) -> Self {
        Self { group: &kind.group, version: &kind.version, kind: &kind.kind }
    }
}

impl<'a> WireResource<'a> {
    fn of(resource: &'a Resource) -> Self {
        Self { group: &resource.group, version: &resource.version, resource: &resource.resource }
    }
}

#[cfg(test)]
mod tests {
    use podsec_apimachinery::schema::catalog::Catalog;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_review_has_kubernetes_members_in_their_order() {
        let deployments = Catalog::builtin().find("apps", "v1", "deployments").unwrap();
        let kind = GroupVersionKind::of(deployments, "scale");
        let mut user = User::new("jane", &["dev"]);
        user.extra.insert("scopes".to_owned(), vec!["a".to_owned()]);
        let object = json!({"kind": "Scale", "apiVersion": "autoscaling/v1"});
        let review = Review {
            uid: "u-1",
            version: deployments,
            kind: &kind,
            request_version: deployments,
            request_kind: &kind,
            subresource: "scale",
            name: "web",
            namespace: "prod",
            action: Action::Update,
            user: &user,
            object: Some(&object),
            old: None,
            dry_run: true,
            options: &json!({"kind": "UpdateOptions", "apiVersion": "meta.k8s.io/v1", "dryRun": ["All"]}),
        };
        let body = String::from_utf8(review.body(ReviewVersion::V1).unwrap()).unwrap();
        assert_eq!(
            body,
            concat!(
                r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","#,
                r#""kind":{"group":"autoscaling","version":"v1","kind":"Scale"},"#,
                r#""resource":{"group":"apps","version":"v1","resource":"deployments"},"subResource":"scale","#,
                r#""requestKind":{"group":"autoscaling","version":"v1","kind":"Scale"},"#,
                r#""requestResource":{"group":"apps","version":"v1","resource":"deployments"},"requestSubResource":"scale","#,
                r#""name":"web","namespace":"prod","operation":"UPDATE","#,
                r#""userInfo":{"username":"jane","groups":["dev"],"extra":{"scopes":["a"]}},"#,
                r#""object":{"apiVersion":"autoscaling/v1","kind":"Scale"},"oldObject":null,"dryRun":true,"#,
                r#""options":{"apiVersion":"meta.k8s.io/v1","dryRun":["All"],"kind":"UpdateOptions"}}}"#
            )
        );
    }

    #[test]
    fn what_is_empty_is_left_out_but_for_the_objects() {
        let pods = Catalog::builtin().find("", "v1", "pods").unwrap();
        let kind = GroupVersionKind::of(pods, "");
        let review = Review {
            uid: "u",
            version: pods,
            kind: &kind,
            request_version: pods,
            request_kind: &kind,
            subresource: "",
            name: "",
            namespace: "",
            action: Action::Connect,
            user: &User::default(),
            object: None,
            old: None,
            dry_run: false,
            options: &Value::Null,
        };
        let body: Value = serde_json::from_slice(&review.body(ReviewVersion::V1Beta1).unwrap()).unwrap();
        let pod = json!({"group": "", "version": "v1", "kind": "Pod"});
        let resource = json!({"group": "", "version": "v1", "resource": "pods"});
        assert_eq!(
            body,
            json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1beta1", "request": {
                "uid": "u", "kind": pod, "resource": resource, "requestKind": pod, "requestResource": resource,
                "operation": "CONNECT", "userInfo": {}, "object": null, "oldObject": null, "dryRun": false,
                "options": null,
            }})
        );
    }
}
