//! What all roles and bindings say together, found by who asks.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use podsec_apimachinery::quote::quoted;

use crate::request::{Attributes, Requester};
use crate::rule::PolicyRule;
use crate::subject::{Subject, SubjectKind};

/// Whether a user may do something, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes; the text names the binding, the role and the subject.
    Allow(String),
    /// No rule says so; the text names the roles that are bound and not there, or is empty.
    NoOpinion(String),
}

/// Everything that a user may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules<'p> {
    /// The rules of all roles that the user has, in the order of the bindings.
    pub rules: Vec<&'p PolicyRule>,
    /// Which bound roles are not there; empty when all are.
    pub error: String,
}

/// A snapshot of all roles and bindings. A decision looks only at the bindings of who asks.
#[derive(Debug, Default)]
pub struct RuleResolver {
    roles: BTreeMap<(String, String), Arc<[PolicyRule]>>,
    /// Those of the whole cluster are in the namespace without a name.
    namespaces: HashMap<String, Bindings>,
}

/// A binding: who has which role.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) name: String,
    /// Empty for a ClusterRoleBinding.
    pub(crate) namespace: String,
    pub(crate) role_kind: String,
    pub(crate) role_name: String,
    pub(crate) subjects: Vec<Subject>,
    /// What [`Binding::reasons`] makes of them: written once, and not at each decision.
    pub(crate) reasons: Vec<String>,
}

/// The bindings of a namespace, in the order of their names.
#[derive(Debug, Default)]
struct Bindings {
    all: Vec<(Arc<Binding>, Granted)>,
    users: HashMap<String, Vec<Place>>,
    groups: HashMap<String, Vec<Place>>,
}

/// The rules of the role that a binding names, or why there are none.
type Granted = Result<Arc<[PolicyRule]>, String>;

/// A binding and which of its subjects it is, both by position.
type Place = (usize, usize);

impl Binding {
    /// Why a request is allowed by this binding, through each of its subjects.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let Self { name, namespace, role_kind, role_name, subjects, .. } = self;
        let binding = if namespace.is_empty() {
            format!("ClusterRoleBinding {}", quoted(name))
        } else {
            format!("RoleBinding {}", quoted(&format!("{name}/{namespace}")))
        };
        let role = format!("{role_kind} {}", quoted(role_name));
        let reason = |subject| format!("RBAC: allowed by {binding} of {role} to {subject}");
        subjects.iter().map(reason).collect()
    }
}

impl RuleResolver {
    /// The policy of these roles and bindings, those of a namespace in the order in which they are to be visited.
    pub(crate) fn new<'b>(
        roles: BTreeMap<(String, String), Arc<[PolicyRule]>>,
        bindings: impl Iterator<Item = &'b Arc<Binding>>,
    ) -> Self {
        let mut policy = Self { roles, namespaces: HashMap::new() };
        for binding in bindings {
            let granted = policy.role(&binding.role_kind, &binding.namespace, &binding.role_name);
            let bindings = policy.namespaces.entry(binding.namespace.clone()).or_default();
            let index = bindings.all.len();
            for (position, subject) in binding.subjects.iter().enumerate() {
                let places = match (subject.kind, subject.user_name()) {
                    (SubjectKind::Group, _) => bindings.groups.entry(subject.name.clone()).or_default(),
                    (_, Some(name)) => bindings.users.entry(name).or_default(),
                    (_, None) => continue,
                };
                places.push((index, position));
            }
            bindings.all.push((Arc::clone(binding), granted));
        }
        policy
    }

    /// The rules of the role that a binding of `namespace` names.
    ///
    /// # Errors
    /// When there is no such role, in Kubernetes' words.
    pub fn role(&self, kind: &str, namespace: &str, name: &str) -> Result<Arc<[PolicyRule]>, String> {
        let (namespace, resource) = match kind {
            "Role" => (namespace, "role"),
            "ClusterRole" => ("", "clusterrole"),
            _ => return Err(format!("unsupported role reference kind: {}", quoted(kind))),
        };
        // Roles are only in namespaces, ClusterRoles never.
        let found = (kind == "ClusterRole" || !namespace.is_empty())
            .then(|| self.roles.get(&(namespace.to_owned(), name.to_owned())))
            .flatten();
        found.cloned().ok_or_else(|| format!("{resource}.{} {} not found", crate::rule::GROUP, quoted(name)))
    }

    /// Decides about one request.
    pub fn decide(&self, user: &Requester<'_>, attributes: &Attributes<'_>) -> Decision {
        let mut allowed = None;
        let mut missing = Vec::new();
        self.visit(user, attributes.target.namespace(), |reason, rules| {
            match rules {
                Ok(rules) if rules.iter().any(|rule| rule.allows(attributes)) => {
                    allowed = Some(reason.to_owned());
                    return ControlFlow::Break(());
                }
                Ok(_) => {}
                Err(why) => missing.push(why),
            }
            ControlFlow::Continue(())
        });
        match allowed {
            Some(reason) => Decision::Allow(reason),
            None if missing.is_empty() => Decision::NoOpinion(String::new()),
            None => Decision::NoOpinion(format!("RBAC: {}", together(&missing))),
        }
    }

    /// Everything that a user may do in a namespace, the whole cluster's rules included.
    pub fn rules(&self, user: &Requester<'_>, namespace: &str) -> Rules<'_> {
        let (mut all, mut missing) = (Vec::new(), Vec::new());
        self.visit(user, namespace, |_, rules| {
            match rules {
                Ok(rules) => all.extend(rules),
                Err(why) => missing.push(why),
            }
            ControlFlow::Continue(())
        });
        Rules { rules: all, error: together(&missing) }
    }

    /// Shows the bindings of a user, each as a reason with its rules: those of the whole cluster first, then those of the namespace.
    fn visit<'p>(
        &'p self,
        user: &Requester<'_>,
        namespace: &str,
        mut see: impl FnMut(&'p str, Result<&'p [PolicyRule], &'p str>) -> ControlFlow<()>,
    ) {
        let own = if namespace.is_empty() { None } else { self.namespaces.get(namespace) };
        for bindings in self.namespaces.get("").into_iter().chain(own) {
            let mut places: Vec<Place> = bindings.users.get(user.name).cloned().unwrap_or_default();
            for group in user.groups {
                places.extend(bindings.groups.get(group).into_iter().flatten());
            }
            places.sort_unstable();
            // Of several subjects that are the same user, the first counts.
            places.dedup_by_key(|(index, _)| *index);
            for (index, position) in places {
                let Some((binding, rules)) = bindings.all.get(index) else { continue };
                let Some(reason) = binding.reasons.get(position) else { continue };
                let rules = rules.as_deref().map_err(String::as_str);
                if see(reason, rules).is_break() {
                    return;
                }
            }
        }
    }
}

/// Several errors as one, as Kubernetes writes them: each once, in brackets when there is more than one.
fn together(errors: &[&str]) -> String {
    let mut once: Vec<&str> = Vec::new();
    for error in errors {
        if !once.contains(error) {
            once.push(error);
        }
    }
    if let [one] = once.as_slice() {
        (*one).to_owned()
    } else if once.is_empty() {
        String::new()
    } else {
        format!("[{}]", once.join(", "))
    }
}
