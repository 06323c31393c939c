//! The roles and bindings of the store as one snapshot, which is never older than the last write that was answered.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use podsec_rbac::{Objects, RuleResolver};
use podsec_storage::{Error, Event, Range, Store, Watch};

/// Follows the roles and bindings. Nothing runs beside the requests: each decision first takes in what the store has
/// told since the last one.
#[derive(Default)]
pub(crate) struct Roles(Mutex<Option<Following>>);

struct Following {
    objects: Objects,
    watches: Vec<Box<dyn Watch>>,
    policy: Arc<RuleResolver>,
}

impl Roles {
    /// What all roles and bindings say now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn current(&self, store: &Arc<dyn Store>) -> Result<Arc<RuleResolver>, Error> {
        if let Some(policy) = self.follow() {
            return Ok(policy);
        }
        // Several may load at the same time; each of them follows from what it has read.
        let loaded = Following::load(store).await?;
        let policy = Arc::clone(&loaded.policy);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
        Ok(policy)
    }

    /// `None` when all has to be read: at first, and after a gap in a watch.
    fn follow(&self) -> Option<Arc<RuleResolver>> {
        let mut following = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = following.as_mut()?.take_in().ok();
        if taken.is_none() {
            *following = None;
        }
        taken
    }
}

impl Following {
    async fn load(store: &Arc<dyn Store>) -> Result<Self, Error> {
        let (mut objects, mut watches) = (Objects::default(), Vec::new());
        for prefix in PREFIXES {
            let page = store.range(Range::prefix(prefix)).await?;
            for entry in &page.entries {
                if place(&entry.key).is_some() {
                    insert(&mut objects, &entry.value);
                }
            }
            watches.push(store.watch(prefix, page.revision).await?);
        }
        let policy = Arc::new(objects.policy());
        Ok(Self { objects, watches, policy })
    }

    fn take_in(&mut self) -> Result<Arc<RuleResolver>, Error> {
        let mut changed = false;
        for watch in &mut self.watches {
            while let Some(events) = watch.next().now_or_never() {
                for event in events? {
                    changed |= apply(&mut self.objects, &event);
                }
            }
        }
        if changed {
            self.policy = Arc::new(self.objects.policy());
        }
        Ok(Arc::clone(&self.policy))
    }
}

fn apply(objects: &mut Objects, event: &Event) -> bool {
    let Some((is_role, namespace, name)) = place(event.key()) else { return false };
    match event.entry() {
        Some(entry) => insert(objects, &entry.value),
        None if is_role => objects.remove_role(namespace, name),
        None => objects.remove_binding(namespace, name),
    }
    true
}

fn insert(objects: &mut Objects, value: &[u8]) {
    // Only the registry writes here, and only what it has decoded.
    match serde_json::from_slice(value) {
        Ok(object) => objects.insert(&object),
        Err(error) => tracing::error!(%error, "a stored role or binding is no JSON and grants nothing"),
    }
}

/// What a key is about: whether a role, in which namespace, by which name.
fn place(key: &str) -> Option<(bool, &str, &str)> {
    let (directory, rest) = key.strip_prefix("/registry/")?.split_once('/')?;
    let in_namespace = || rest.split_once('/');
    match directory {
        "clusterroles" => Some((true, "", rest)),
        "clusterrolebindings" => Some((false, "", rest)),
        "roles" => in_namespace().map(|(namespace, name)| (true, namespace, name)),
        "rolebindings" => in_namespace().map(|(namespace, name)| (false, namespace, name)),
        _ => None,
    }
}

/// Roles and bindings together, which halves the watches.
const PREFIXES: [&str; 2] = ["/registry/clusterrole", "/registry/role"];

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use podsec_rbac::{Attributes, Decision, Requester, Target};
    use podsec_storage::{Change, Memory, Precondition};
    use serde_json::{Value, json};

    use super::*;

    async fn put(store: &Arc<dyn Store>, key: &str, object: &Value) {
        let bytes = Bytes::from(object.to_string());
        store.commit(key, Precondition::Any, Change::Put(bytes)).await.unwrap();
    }

    async fn allows(roles: &Roles, store: &Arc<dyn Store>) -> bool {
        let policy = roles.current(store).await.unwrap();
        let target =
            Target::Resource { group: "", resource: "pods", subresource: "", namespace: "a", name: "" };
        let decision =
            policy.decide(&Requester { name: "jane", groups: &[] }, &Attributes { verb: "list", target });
        matches!(decision, Decision::Allow(_))
    }

    #[tokio::test]
    async fn a_binding_holds_from_the_moment_of_its_write_until_that_of_its_deletion() {
        let store: Arc<dyn Store> = Arc::new(Memory::default());
        let roles = Roles::default();
        assert!(!allows(&roles, &store).await);
        let pods = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]});
        let role = json!({"kind": "Role", "metadata": {"name": "r", "namespace": "a"}, "rules": [pods]});
        put(&store, "/registry/roles/a/r", &role).await;
        let binding = json!({"kind": "RoleBinding", "metadata": {"name": "b", "namespace": "a"},
            "roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "jane"}]});
        put(&store, "/registry/rolebindings/a/b", &binding).await;
        assert!(allows(&roles, &store).await);
        // A resource of somebody else whose group begins alike.
        put(&store, "/registry/roles.example.com/things/a", &json!({"kind": "Role"})).await;
        store.commit("/registry/roles/a/r", Precondition::Any, Change::Delete).await.unwrap();
        assert!(!allows(&roles, &store).await);
    }
}
