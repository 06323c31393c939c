//! Changes made to the tree of a document: what its text must say after the fix.

use serde_json::{Map, Value};

use super::plan::{Action, Change};
use crate::locate::Step;

/// Makes the changes, and removes what they leave empty where Kubernetes takes empty for absent.
pub(super) fn apply(root: &mut Value, changes: &[&Change]) {
    let (mut elements, others): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|change| matches!(change.steps.last(), Some(Step::Element(_))));
    // From last to first, so that the places of those still to come hold.
    elements.sort_by_key(|change| match change.steps.last() {
        Some(Step::Element(index)) => std::cmp::Reverse(*index),
        _ => std::cmp::Reverse(0),
    });
    for change in others.iter().chain(&elements) {
        match &change.action {
            Action::Set(value) => set(root, &change.steps, value.clone()),
            Action::Remove => drop(remove(root, &change.steps)),
            Action::Replace(name, value) => {
                let removed = remove(root, &change.steps).is_some();
                if let (true, Some((_, parent))) = (removed, change.steps.split_last())
                    && let Some(Value::Object(parent)) = find(root, parent)
                {
                    parent.insert((*name).to_owned(), value.clone());
                }
            }
        }
    }
    for change in changes.iter().filter(|change| matches!(change.action, Action::Remove)) {
        prune(root, &change.steps);
    }
}

/// The value at a path, if there is one.
pub(super) fn find<'v>(root: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    steps.iter().try_fold(root, |value, step| match (value, step) {
        (Value::Object(fields), Step::Member(name)) => fields.get_mut(name),
        (Value::Array(items), Step::Element(index)) => items.get_mut(*index),
        _ => None,
    })
}

/// Gives the field at a path a value; objects that are missing on the way come to be.
fn set(root: &mut Value, steps: &[Step], value: Value) {
    let mut place = root;
    for step in steps {
        place = match step {
            Step::Member(name) => {
                if place.is_null() {
                    *place = Value::Object(Map::new());
                }
                let Value::Object(fields) = place else { return };
                fields.entry(name.as_str()).or_insert(Value::Null)
            }
            Step::Element(index) => match place.get_mut(index) {
                Some(item) => item,
                None => return,
            },
        };
    }
    *place = value;
}

fn remove(root: &mut Value, steps: &[Step]) -> Option<Value> {
    let (last, parent) = steps.split_last()?;
    match (find(root, parent)?, last) {
        (Value::Object(fields), Step::Member(name)) => fields.remove(name),
        (Value::Array(items), Step::Element(index)) if *index < items.len() => Some(items.remove(*index)),
        _ => None,
    }
}

/// Removes the objects and lists around a removed field that are now empty, from the inside out.
fn prune(root: &mut Value, removed: &[Step]) {
    for length in (1..removed.len()).rev() {
        let Some(steps) = removed.get(..length) else { return };
        let empty = match find(root, steps) {
            Some(Value::Object(fields)) => fields.is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            // Removed on account of an earlier change.
            None => true,
            Some(_) => false,
        };
        if !empty || !means_absent_when_empty(steps) {
            return;
        }
        remove(root, steps);
    }
}

/// Security contexts, all that is in them, and annotations. An empty `httpGet` is something else than none.
fn means_absent_when_empty(steps: &[Step]) -> bool {
    let is = |step: &Step, wanted: &str| matches!(step, Step::Member(name) if name == wanted);
    steps.iter().any(|step| is(step, "securityContext"))
        || steps.last().is_some_and(|step| is(step, "annotations"))
}

#[cfg(test)]
mod tests {
    use podsec_standards::CHECKS;
    use serde_json::json;

    use super::*;

    fn change(path: &[&str], action: Action) -> Change {
        let step = |step: &&str| match step.parse() {
            Ok(index) => Step::Element(index),
            Err(_) => Step::Member((*step).to_owned()),
        };
        Change { steps: path.iter().map(step).collect(), action, check: CHECKS[0], safe: true, pod: 0 }
    }

    fn applied(mut tree: Value, changes: &[Change]) -> Value {
        apply(&mut tree, &changes.iter().collect::<Vec<_>>());
        tree
    }

    #[test]
    fn elements_are_removed_from_last_to_first_and_what_is_empty_goes_too() {
        let add = ["securityContext", "capabilities", "add"];
        let at = |index| change(&[add[0], add[1], add[2], index], Action::Remove);
        let tree = json!({"name": "a", "securityContext": {"capabilities": {"add": ["A", "B", "C"]}}});
        assert_eq!(
            applied(tree.clone(), &[at("0"), at("2")]),
            json!({"name": "a", "securityContext": {"capabilities": {"add": ["B"]}}})
        );
        assert_eq!(applied(tree, &[at("0"), at("1"), at("2")]), json!({"name": "a"}));
    }

    #[test]
    fn missing_objects_come_to_be_and_null_counts_as_missing() {
        let set = change(&["spec", "securityContext", "runAsNonRoot"], Action::Set(json!(true)));
        for tree in [json!({}), json!({"spec": null}), json!({"spec": {"securityContext": null}})] {
            let expected = json!({"spec": {"securityContext": {"runAsNonRoot": true}}});
            assert_eq!(applied(tree, std::slice::from_ref(&set)), expected);
        }
    }

    #[test]
    fn an_emptied_object_stays_where_empty_is_not_absent() {
        let host = change(&["lifecycle", "preStop", "httpGet", "host"], Action::Remove);
        let tree = json!({"lifecycle": {"preStop": {"httpGet": {"host": "h"}}}});
        assert_eq!(applied(tree, &[host]), json!({"lifecycle": {"preStop": {"httpGet": {}}}}));
    }

    #[test]
    fn a_replaced_member_leaves_the_others() {
        let path = change(&["volumes", "0", "hostPath"], Action::Replace("emptyDir", json!({})));
        let tree = json!({"volumes": [{"name": "a", "hostPath": {"path": "/"}}]});
        assert_eq!(applied(tree, &[path]), json!({"volumes": [{"name": "a", "emptyDir": {}}]}));
    }
}
