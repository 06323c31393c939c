//! Who may do what: administrators everything, everyone the health endpoints, nodes what a kubelet needs.

use std::fmt;

use serde_json::{Value, json};

use crate::authentication::{ALL_AUTHENTICATED, ALL_UNAUTHENTICATED, MASTERS, User};
use crate::request_info::RequestInfo;

use podsec_apimachinery::quote::quoted;

/// Whether a user may do something, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Yes; the reason goes into the audit log.
    Allow(String),
    /// No rule says so.
    Forbid,
}

/// Decides whether `user` may send the request `info` describes.
pub(crate) fn authorize(user: &User, info: &RequestInfo) -> Decision {
    if user.is_in(MASTERS) {
        return Decision::Allow(String::new());
    }
    for Binding { role, subject, rules } in BINDINGS {
        if subject.is(user) && rules.iter().any(|rule| rule.allows(info)) {
            return Decision::Allow(format!(
                "RBAC: allowed by ClusterRoleBinding \"{role}\" of ClusterRole \"{role}\" to {subject}"
            ));
        }
    }
    Decision::Forbid
}

/// The status of a `SelfSubjectRulesReview`: everything that `user` may do.
pub(crate) fn rules(user: &User) -> Value {
    let everything: &[Rule] =
        &[Rule::Resources { group: "*", resources: &["*"], verbs: &["*"] }, Rule::Paths(&["*"])];
    let own = BINDINGS.iter().filter(|binding| binding.subject.is(user)).flat_map(|binding| binding.rules);
    let masters = if user.is_in(MASTERS) { everything } else { &[] };
    let (mut resources, mut paths) = (Vec::new(), Vec::new());
    for rule in masters.iter().chain(own) {
        match rule {
            Rule::Resources { group, resources: names, verbs } => {
                resources.push(json!({"verbs": verbs, "apiGroups": [group], "resources": names}));
            }
            Rule::Paths(urls) => {
                let verbs = if *urls == ["*"] { "*" } else { "get" };
                paths.push(json!({"verbs": [verbs], "nonResourceURLs": urls}));
            }
        }
    }
    json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false})
}

/// Why a request is refused, without the object's name in front, as in
/// `User "joe" cannot list resource "pods" in API group "" in the namespace "errs"`.
pub(crate) fn refusal(user: &User, info: &RequestInfo) -> String {
    let RequestInfo { verb, group, namespace, path, .. } = info;
    if !info.is_resource {
        return format!("User {} cannot {verb} path {}", quoted(&user.name), quoted(path));
    }
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
}

/// Someone and what they may do; role and binding share their name, as Kubernetes' bootstrap roles do.
struct Binding {
    role: &'static str,
    subject: Subject,
    rules: &'static [Rule],
}

/// Who is bound.
enum Subject {
    Group(&'static str),
    ServiceAccount(&'static str),
    User(&'static str),
}

impl Subject {
    fn is(&self, user: &User) -> bool {
        match self {
            Self::Group(group) => user.is_in(group),
            Self::User(name) => user.name == *name,
            Self::ServiceAccount(name) => {
                user.name.strip_prefix("system:serviceaccount:kube-system:") == Some(name)
            }
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(name) => write!(f, "Group {name:?}"),
            Self::User(name) => write!(f, "User {name:?}"),
            Self::ServiceAccount(name) => write!(f, "ServiceAccount \"{name}/kube-system\""),
        }
    }
}

/// What a role allows.
enum Rule {
    /// Verbs on resources of a group.
    Resources { group: &'static str, resources: &'static [&'static str], verbs: &'static [&'static str] },
    /// GET of paths; a trailing `*` stands for anything.
    Paths(&'static [&'static str]),
}

impl Rule {
    fn allows(&self, info: &RequestInfo) -> bool {
        match self {
            Self::Paths(paths) => {
                let matches = |path: &&str| match path.strip_suffix('*') {
                    Some(prefix) => info.path.starts_with(prefix),
                    None => info.path == **path,
                };
                !info.is_resource && info.verb == "get" && paths.iter().any(matches)
            }
            Self::Resources { group, resources, verbs } => {
                let names = |resource: &&str| match resource.split_once('/') {
                    None if *resource == "*" => true,
                    Some((resource, subresource)) => {
                        info.resource == resource && info.subresource == subresource
                    }
                    None => info.resource == **resource && info.subresource.is_empty(),
                };
                info.is_resource
                    && (info.group == *group || *group == "*")
                    && (verbs.contains(&&*info.verb) || *verbs == ["*"])
                    && resources.iter().any(names)
            }
        }
    }
}

const HEALTH: &[&str] = &["/healthz", "/livez", "/readyz", "/version", "/version/"];
const DISCOVERY: &[&str] = &[
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/healthz",
    "/livez",
    "/openapi",
    "/openapi/*",
    "/readyz",
    "/version",
    "/version/",
];
const READ: &[&str] = &["get", "list", "watch"];

/// Kubernetes' bootstrap bindings, as far as this server has someone to bind.
const BINDINGS: &[Binding] = &[
    Binding {
        role: "system:service-account-issuer-discovery",
        subject: Subject::Group("system:serviceaccounts"),
        rules: &[Rule::Paths(&[
            "/.well-known/openid-configuration",
            "/.well-known/openid-configuration/",
            "/openid/v1/jwks",
            "/openid/v1/jwks/",
        ])],
    },
    Binding {
        role: "system:public-info-viewer",
        subject: Subject::Group(ALL_AUTHENTICATED),
        rules: &[Rule::Paths(HEALTH)],
    },
    Binding {
        role: "system:public-info-viewer",
        subject: Subject::Group(ALL_UNAUTHENTICATED),
        rules: &[Rule::Paths(HEALTH)],
    },
    Binding {
        role: "system:discovery",
        subject: Subject::Group(ALL_AUTHENTICATED),
        rules: &[Rule::Paths(DISCOVERY)],
    },
    Binding {
        role: "system:basic-user",
        subject: Subject::Group(ALL_AUTHENTICATED),
        rules: &[
            Rule::Resources {
                group: "authorization.k8s.io",
                resources: &["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
                verbs: &["create"],
            },
            Rule::Resources {
                group: "authentication.k8s.io",
                resources: &["selfsubjectreviews"],
                verbs: &["create"],
            },
        ],
    },
    Binding {
        role: "system:kube-scheduler",
        subject: Subject::User("system:kube-scheduler"),
        rules: &[
            Rule::Resources { group: "", resources: &["pods", "nodes"], verbs: READ },
            Rule::Resources { group: "", resources: &["bindings", "pods/binding"], verbs: &["create"] },
        ],
    },
    Binding {
        role: "system:controller:generic-garbage-collector",
        subject: Subject::ServiceAccount("generic-garbage-collector"),
        rules: &[Rule::Resources {
            group: "*",
            resources: &["*"],
            verbs: &["delete", "get", "list", "patch", "update", "watch"],
        }],
    },
    Binding {
        role: "system:controller:namespace-controller",
        subject: Subject::ServiceAccount("namespace-controller"),
        rules: &[
            Rule::Resources {
                group: "*",
                resources: &["*"],
                verbs: &["delete", "deletecollection", "get", "list"],
            },
            Rule::Resources {
                group: "",
                resources: &["namespaces/finalize", "namespaces/status"],
                verbs: &["update"],
            },
        ],
    },
    Binding {
        role: "system:node",
        subject: Subject::Group("system:nodes"),
        rules: &[
            Rule::Resources {
                group: "",
                resources: &["services", "nodes", "pods", "configmaps", "secrets", "namespaces"],
                verbs: READ,
            },
            Rule::Resources { group: "", resources: &["pods"], verbs: &["create", "delete"] },
            Rule::Resources {
                group: "",
                resources: &["nodes", "nodes/status"],
                verbs: &["create", "patch", "update"],
            },
            Rule::Resources { group: "", resources: &["pods/status"], verbs: &["patch", "update"] },
            Rule::Resources { group: "", resources: &["events"], verbs: &["create", "patch", "update"] },
            Rule::Resources {
                group: "coordination.k8s.io",
                resources: &["leases"],
                verbs: &["create", "delete", "get", "patch", "update"],
            },
        ],
    },
];

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::query::Query;

    fn decide(groups: &[&str], method: &str, url: &str) -> Decision {
        let user = User::new("joe", groups);
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        authorize(&user, &RequestInfo::resolve(&method, url, &Query::default()).unwrap())
    }

    #[test]
    fn everyone_may_ask_for_health_and_nobody_without_a_group_for_pods() {
        assert_ne!(decide(&[ALL_UNAUTHENTICATED], "GET", "/livez"), Decision::Forbid);
        assert_eq!(decide(&[ALL_UNAUTHENTICATED], "POST", "/livez"), Decision::Forbid);
        assert_eq!(decide(&[ALL_UNAUTHENTICATED], "GET", "/api"), Decision::Forbid);
        assert_eq!(decide(&[ALL_UNAUTHENTICATED], "GET", "/metrics"), Decision::Forbid);
        assert_eq!(decide(&[ALL_AUTHENTICATED], "GET", "/api/v1/pods"), Decision::Forbid);
        assert_eq!(decide(&[MASTERS], "DELETE", "/api/v1/pods"), Decision::Allow(String::new()));
    }

    #[test]
    fn a_node_writes_the_status_of_pods_and_not_the_pods() {
        let nodes = &["system:nodes"];
        assert_ne!(decide(nodes, "PATCH", "/api/v1/namespaces/a/pods/x/status"), Decision::Forbid);
        assert_eq!(decide(nodes, "PATCH", "/api/v1/namespaces/a/pods/x"), Decision::Forbid);
    }
}
