//! What roles and bindings allow, and what they keep people from granting.

mod cluster;

use cluster::{Answer, Cluster};
use serde_json::{Value, json};

const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/dev/roles";
const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/dev/rolebindings";
const CLUSTER_ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
const CLUSTER_BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";

async fn start() -> Cluster {
    let cluster = Cluster::start().await;
    cluster.namespace("dev", json!({})).await;
    cluster
}

fn role(name: &str, rule: &Value) -> Value {
    json!({"metadata": {"name": name}, "rules": [rule]})
}

fn pods(verbs: &[&str]) -> Value {
    json!({"apiGroups": [""], "resources": ["pods"], "verbs": verbs})
}

fn binding(name: &str, kind: &str, role: &str, user: &str) -> Value {
    json!({
        "metadata": {"name": name}, "subjects": [{"kind": "User", "name": user}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
    })
}

/// Sends a request as joe, who has no groups but `system:authenticated`.
async fn joe(cluster: &Cluster, request: &str, body: &Value) -> Answer {
    let kind = if request.starts_with("PATCH") { "application/merge-patch+json" } else { "application/json" };
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    cluster.send("joe", request, &[("content-type", kind)], &body).await
}

fn message(answer: &Answer) -> String {
    answer.object()["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_binding_holds_from_its_creation_to_its_deletion() {
    let cluster = start().await;
    let list = async || joe(&cluster, "GET /api/v1/namespaces/dev/pods", &Value::Null).await.code;
    assert_eq!(list().await, 403);
    cluster.create(ROLES, role("reader", &pods(&["list"]))).await;
    cluster.create(BINDINGS, binding("joe", "Role", "reader", "joe")).await;
    assert_eq!(list().await, 200);
    assert_eq!(joe(&cluster, "GET /api/v1/pods", &Value::Null).await.code, 403, "only in its namespace");
    assert_eq!(cluster.json(&format!("DELETE {BINDINGS}/joe"), &Value::Null).await.code, 200);
    assert_eq!(list().await, 403);
}

#[tokio::test]
async fn a_refusal_tells_of_a_bound_role_that_is_not_there() {
    let cluster = start().await;
    cluster.create(BINDINGS, binding("joe", "Role", "ghost", "joe")).await;
    let answer = joe(&cluster, "GET /api/v1/namespaces/dev/pods", &Value::Null).await;
    assert_eq!(
        message(&answer),
        "pods is forbidden: User \"joe\" cannot list resource \"pods\" in API group \"\" in the namespace \"dev\": \
         RBAC: role.rbac.authorization.k8s.io \"ghost\" not found"
    );
}

#[tokio::test]
async fn who_may_write_roles_may_not_grant_more_than_it_holds() {
    let cluster = start().await;
    cluster.create(BINDINGS, binding("admin", "ClusterRole", "admin", "joe")).await;
    let nodes = json!({"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]});
    let held = "user \"joe\" (groups=[\"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:";
    assert_eq!(joe(&cluster, &format!("POST {ROLES}"), &role("own", &pods(&["get"]))).await.code, 201);
    let escalations = [
        (format!("POST {ROLES}"), role("more", &nodes), "more"),
        (format!("PUT {ROLES}/own"), role("own", &nodes), "own"),
        (format!("PUT {ROLES}/new"), role("new", &nodes), "new"),
        (format!("PATCH {ROLES}/own"), json!({"rules": [nodes]}), "own"),
    ];
    for (request, body, name) in escalations {
        let answer = joe(&cluster, &request, &body).await;
        assert_eq!(answer.code, 403, "{request}: {}", answer.text);
        let expected = format!(
            "roles.rbac.authorization.k8s.io \"{name}\" is forbidden: {held}\n\
             {{APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"get\"]}}"
        );
        assert_eq!(message(&answer), expected, "{request}");
    }
    let answer =
        joe(&cluster, &format!("POST {BINDINGS}"), &binding("all", "ClusterRole", "cluster-admin", "joe"))
            .await;
    assert_eq!(
        message(&answer),
        format!(
            "rolebindings.rbac.authorization.k8s.io \"all\" is forbidden: {held}\n\
             {{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}}\n{{NonResourceURLs:[\"*\"], Verbs:[\"*\"]}}"
        )
    );
    let answer = joe(&cluster, &format!("POST {BINDINGS}"), &binding("none", "Role", "ghost", "joe")).await;
    assert_eq!(
        (answer.code, message(&answer).as_str()),
        (404, "rolebindings.rbac.authorization.k8s.io \"ghost\" not found")
    );
    let owned = joe(&cluster, &format!("POST {BINDINGS}"), &binding("own", "Role", "own", "bob")).await;
    assert_eq!(owned.code, 201, "{}", owned.text);
}

#[tokio::test]
async fn the_verbs_escalate_and_bind_lift_the_check() {
    let cluster = start().await;
    let rbac = |resources: &[&str], verbs: &[&str], names: &[&str]| json!({"apiGroups": ["rbac.authorization.k8s.io"], "resources": resources, "verbs": verbs, "resourceNames": names});
    let rules = json!([
        rbac(&["roles", "rolebindings"], &["create", "update", "get"], &[]),
        rbac(&["clusterroles"], &["bind"], &["view"]),
    ]);
    cluster.create(ROLES, json!({"metadata": {"name": "writer"}, "rules": rules})).await;
    cluster.create(BINDINGS, binding("writer", "Role", "writer", "joe")).await;
    let bind = async |name: &str| {
        joe(&cluster, &format!("POST {BINDINGS}"), &binding(name, "ClusterRole", name, "bob")).await.code
    };
    assert_eq!((bind("view").await, bind("edit").await), (201, 403));
    let grant =
        async |name: &str| joe(&cluster, &format!("POST {ROLES}"), &role(name, &pods(&["get"]))).await.code;
    assert_eq!(grant("a").await, 403);
    cluster.create(ROLES, role("escalator", &rbac(&["roles"], &["escalate"], &[]))).await;
    cluster.create(BINDINGS, binding("escalator", "Role", "escalator", "joe")).await;
    assert_eq!(grant("a").await, 201);
}

#[tokio::test]
async fn only_who_may_everything_sets_an_aggregation_rule() {
    let cluster = start().await;
    let writes = json!({"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["create"]});
    cluster.create(CLUSTER_ROLES, role("writer", &writes)).await;
    cluster.create(CLUSTER_BINDINGS, binding("writer", "ClusterRole", "writer", "joe")).await;
    let aggregated = json!({"metadata": {"name": "all"}, "rules": [],
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]}});
    let answer = joe(&cluster, &format!("POST {CLUSTER_ROLES}"), &aggregated).await;
    assert_eq!(
        message(&answer),
        "clusterroles.rbac.authorization.k8s.io \"all\" is forbidden: must have cluster-admin privileges to use the \
         aggregationRule"
    );
}

#[tokio::test]
async fn an_aggregated_role_follows_the_roles_that_it_selects() {
    let cluster = start().await;
    let view = cluster.get(&format!("{CLUSTER_ROLES}/view")).await.object();
    assert!(!view["rules"].as_array().unwrap().is_empty(), "filled before the first request");
    let rule = json!({"apiGroups": ["example.com"], "resources": ["things"], "verbs": ["list"]});
    let labels = json!({"rbac.authorization.k8s.io/aggregate-to-view": "true"});
    cluster
        .create(CLUSTER_ROLES, json!({"metadata": {"name": "a-things", "labels": labels}, "rules": [rule]}))
        .await;
    // Through view into edit, and from there into admin.
    for _ in 0..500 {
        let admin = cluster.get(&format!("{CLUSTER_ROLES}/admin")).await.object();
        if admin["rules"].as_array().unwrap().contains(&rule) {
            let manager = &admin["metadata"]["managedFields"][0];
            assert_eq!(manager["manager"], "clusterrole-aggregation-controller");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("admin never got the rule");
}

#[tokio::test]
async fn a_review_answers_with_the_reason_that_the_audit_log_has() {
    let cluster = start().await;
    cluster.create(BINDINGS, binding("view", "ClusterRole", "view", "joe")).await;
    let ask =
        json!({"spec": {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "dev"}}});
    let url = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    assert_eq!(
        joe(&cluster, url, &ask).await.object()["status"],
        json!({"allowed": true,
            "reason": "RBAC: allowed by RoleBinding \"view/dev\" of ClusterRole \"view\" to User \"joe\""})
    );
    let rules = json!({"spec": {"namespace": "dev"}});
    let rules =
        joe(&cluster, "POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews", &rules).await.object();
    let lists = rules["status"]["resourceRules"].as_array().unwrap();
    assert!(lists.iter().any(|rule| rule["resources"].as_array().unwrap().contains(&json!("configmaps"))));
    assert_eq!(rules["status"]["incomplete"], false);
}

#[tokio::test]
async fn somebody_acts_as_others_as_far_as_it_may_impersonate_them() {
    let cluster = start().await;
    let rule = json!({"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"], "resourceNames": ["bob"]});
    cluster.create(CLUSTER_ROLES, role("as-bob", &rule)).await;
    cluster.create(CLUSTER_BINDINGS, binding("as-bob", "ClusterRole", "as-bob", "joe")).await;
    cluster.create(BINDINGS, binding("bob", "ClusterRole", "view", "bob")).await;
    let list = async |headers: &[(&str, &str)]| {
        cluster.send("joe", "GET /api/v1/namespaces/dev/pods", headers, b"").await
    };
    assert_eq!(list(&[("impersonate-user", "bob")]).await.code, 200);
    assert_eq!(
        message(&list(&[("impersonate-user", "alice")]).await),
        "users \"alice\" is forbidden: User \"joe\" cannot impersonate resource \"users\" in API group \"\" at the \
         cluster scope"
    );
    assert_eq!(
        message(&list(&[("impersonate-user", "bob"), ("impersonate-group", "ops")]).await),
        "groups \"ops\" is forbidden: User \"joe\" cannot impersonate resource \"groups\" in API group \"\" at the \
         cluster scope"
    );
}

#[tokio::test]
async fn a_constrained_right_to_impersonate_holds_for_the_named_requests_alone() {
    let cluster = start().await;
    let rules = json!([
        {"apiGroups": ["authentication.k8s.io"], "resources": ["users"], "resourceNames": ["bob"],
            "verbs": ["impersonate:user-info"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["impersonate-on:user-info:list"]},
    ]);
    cluster.create(CLUSTER_ROLES, json!({"metadata": {"name": "as-bob"}, "rules": rules})).await;
    cluster.create(CLUSTER_BINDINGS, binding("as-bob", "ClusterRole", "as-bob", "joe")).await;
    cluster.create(BINDINGS, binding("bob", "ClusterRole", "view", "bob")).await;
    let list = async |resource: &str| {
        let url = format!("GET /api/v1/namespaces/dev/{resource}");
        cluster.send("joe", &url, &[("impersonate-user", "bob")], b"").await
    };
    assert_eq!(list("pods").await.code, 200);
    assert_eq!(
        message(&list("services").await),
        "services is forbidden: User \"joe\" cannot impersonate-on:user-info:list resource \"services\" in API group \
         \"\" in the namespace \"dev\""
    );
}

#[tokio::test]
async fn a_bootstrap_role_gets_back_what_it_lacks_at_the_next_start_and_keeps_what_was_added() {
    let cluster = start().await;
    let url = format!("{CLUSTER_ROLES}/system:basic-user");
    let complete = cluster.get(&url).await.object();
    assert_eq!(complete["metadata"]["annotations"]["rbac.authorization.kubernetes.io/autoupdate"], "true");
    let added = pods(&["get"]);
    let answer = cluster.json(&format!("PATCH {url}"), &json!({"rules": [added]})).await;
    assert_eq!(answer.code, 200, "{}", answer.text);
    cluster.api.bootstrap().await.unwrap();
    let rules = cluster.get(&url).await.object()["rules"].clone();
    let rules = rules.as_array().unwrap();
    assert!(rules.contains(&added));
    let asks = json!({"spec": {"resourceAttributes": {"verb": "create", "group": "authentication.k8s.io",
        "resource": "selfsubjectreviews"}}});
    let answer = joe(&cluster, "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &asks).await;
    assert_eq!(answer.object()["status"]["allowed"], true);
}
