//! What the text of a document must say after the fix: the tree that it has, with the changes made to it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use podsec_yaml::{Kind, Node};
use serde_json::Value;

use super::change::{Action, Change};
use crate::locate::Step;

/// A value as it shall be. What does not change is not copied: only the way to a change is opened.
#[derive(Debug)]
pub(super) enum Tree<'d, 't> {
    /// As the document has it, with all that is below.
    Kept(Node<'d, 't>),
    Object(Fields<'d, 't>),
    List(Vec<Tree<'d, 't>>),
    /// A new string, number, boolean or null.
    Scalar(Value),
}

impl Tree<'_, '_> {
    /// Makes the changes, and removes what they leave empty where Kubernetes takes empty for absent. The changes tell
    /// their fields from the document's root on, `base` steps above this tree.
    pub(super) fn apply(&mut self, base: usize, changes: &[&Change]) {
        let (mut elements, others): (Vec<&Change>, Vec<&Change>) =
            changes.iter().partition(|change| matches!(change.steps.last(), Some(Step::Element(_))));
        // From last to first, so that the places of those still to come hold.
        elements.sort_by_key(|change| match change.steps.last() {
            Some(Step::Element(index)) => std::cmp::Reverse(*index),
            _ => std::cmp::Reverse(0),
        });
        for change in others.iter().chain(&elements) {
            let steps = steps_below(change, base);
            match &change.action {
                Action::Set(value) => self.set(steps, value),
                Action::Remove => drop(self.remove(steps)),
                Action::Replace(name, value) => {
                    let removed = self.remove(steps).is_some();
                    if let (true, Some((_, parent))) = (removed, steps.split_last())
                        && let Some(Self::Object(fields)) = self.open_at(parent)
                    {
                        fields.insert(name, Self::new(value));
                    }
                }
            }
        }
        for change in changes.iter().filter(|change| matches!(change.action, Action::Remove)) {
            self.prune(steps_below(change, base));
        }
    }

    /// Gives the field at a path a value; objects that are missing on the way come to be.
    pub(super) fn set(&mut self, steps: &[Step], value: &Value) {
        let mut place = self;
        for step in steps {
            if place.is_null() && matches!(step, Step::Member(_)) {
                *place = Self::Object(Fields::new(std::iter::empty()));
            }
            place.open();
            place = match (place, step) {
                (Self::Object(fields), Step::Member(name)) => fields.get_or_null(name),
                (Self::List(items), Step::Element(index)) => match items.get_mut(*index) {
                    Some(item) => item,
                    None => return,
                },
                _ => return,
            };
        }
        *place = Self::new(value);
    }

    /// The value at a path, if there is one, as JSON.
    pub(super) fn json_at(&self, steps: &[Step]) -> Option<Value> {
        self.at(steps, &Self::to_json)
    }

    /// What `look` says of the value at a path, if there is one.
    fn at<R>(&self, steps: &[Step], look: &impl Fn(&Self) -> R) -> Option<R> {
        match (self, steps.split_first()) {
            (_, None) => Some(look(self)),
            (Self::Kept(node), Some((step, rest))) => {
                let below = match step {
                    Step::Member(name) => node.get(name),
                    Step::Element(index) => node.items().nth(*index),
                };
                Self::Kept(below?).at(rest, look)
            }
            (Self::Object(fields), Some((Step::Member(name), rest))) => {
                fields.look(name, |field| field.at(rest, look))?
            }
            (Self::List(items), Some((Step::Element(index), rest))) => items.get(*index)?.at(rest, look),
            _ => None,
        }
    }

    /// The whole value as JSON.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Kept(node) => node.to_json(),
            Self::Object(fields) => fields.to_json(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Scalar(value) => value.clone(),
        }
    }

    /// Whether a node, of this document or another one, has the same JSON.
    pub(super) fn is(&self, node: Node<'_, '_>) -> bool {
        match (self, node.kind()) {
            (Self::Kept(kept), _) => kept.is_same_json(node),
            (Self::Object(fields), _) => fields.is(node),
            (Self::List(items), Kind::Sequence(_)) => {
                let mut nodes = node.items();
                items.iter().all(|item| nodes.next().is_some_and(|node| item.is(node)))
                    && nodes.next().is_none()
            }
            (Self::Scalar(value), Kind::Scalar(_)) => node.to_json() == *value,
            _ => false,
        }
    }

    /// Opens everything, so that what is kept are only scalars.
    pub(super) fn open_all(&mut self) {
        self.open();
        match self {
            Self::Object(fields) => fields.open_all(),
            Self::List(items) => items.iter_mut().for_each(Self::open_all),
            Self::Kept(_) | Self::Scalar(_) => {}
        }
    }

    /// Something that the document does not have.
    fn new(value: &Value) -> Self {
        match value {
            Value::Object(fields) => {
                Self::Object(Fields::new(fields.iter().map(|(name, value)| (name.clone(), Self::new(value)))))
            }
            Value::Array(items) => Self::List(items.iter().map(Self::new).collect()),
            other => Self::Scalar(other.clone()),
        }
    }

    /// Makes a kept collection one whose members can be changed.
    fn open(&mut self) {
        let Self::Kept(node) = *self else { return };
        match node.kind() {
            Kind::Mapping(_) => *self = Self::Object(Fields::kept(node)),
            Kind::Sequence(_) => *self = Self::List(node.items().map(Self::Kept).collect()),
            Kind::Scalar(_) => {}
        }
    }

    /// The value at a path, if there is one, and open.
    fn open_at(&mut self, steps: &[Step]) -> Option<&mut Self> {
        let mut place = self;
        place.open();
        for step in steps {
            place = match (place, step) {
                (Self::Object(fields), Step::Member(name)) => fields.get_mut(name)?,
                (Self::List(items), Step::Element(index)) => items.get_mut(*index)?,
                _ => return None,
            };
            place.open();
        }
        Some(place)
    }

    fn remove(&mut self, steps: &[Step]) -> Option<Self> {
        let (last, parent) = steps.split_last()?;
        match (self.open_at(parent)?, last) {
            (Self::Object(fields), Step::Member(name)) => fields.remove(name),
            (Self::List(items), Step::Element(index)) if *index < items.len() => Some(items.remove(*index)),
            _ => None,
        }
    }

    /// Removes the objects and lists around a removed field that are now empty, from the inside out.
    fn prune(&mut self, removed: &[Step]) {
        for length in (1..removed.len()).rev() {
            let Some(steps) = removed.get(..length) else { return };
            let empty = match self.open_at(steps) {
                Some(Self::Object(fields)) => fields.is_empty(),
                Some(Self::List(items)) => items.is_empty(),
                // Removed on account of an earlier change.
                None => true,
                Some(_) => false,
            };
            if !empty || !means_absent_when_empty(steps) {
                return;
            }
            self.remove(steps);
        }
    }

    fn is_null(&self) -> bool {
        match self {
            Self::Kept(node) => node.is_null(),
            Self::Scalar(value) => value.is_null(),
            Self::Object(_) | Self::List(_) => false,
        }
    }
}

fn steps_below(change: &Change, base: usize) -> &[Step] {
    change.steps.get(base..).unwrap_or_default()
}

/// Security contexts, all that is in them, and annotations. An empty `httpGet` is something else than none.
fn means_absent_when_empty(steps: &[Step]) -> bool {
    let is = |step: &Step, wanted: &str| matches!(step, Step::Member(name) if name == wanted);
    steps.iter().any(|step| is(step, "securityContext"))
        || steps.last().is_some_and(|step| is(step, "annotations"))
}

/// The fields of an object, each once.
#[derive(Debug)]
pub(super) struct Fields<'d, 't> {
    /// The object of the document; none when it is new.
    kept: Option<Node<'d, 't>>,
    /// The fields that may become something else, or nothing.
    changed: BTreeMap<Cow<'d, str>, Option<Tree<'d, 't>>>,
}

impl<'d, 't> Fields<'d, 't> {
    /// The fields of an object of the document.
    pub(super) fn kept(node: Node<'d, 't>) -> Self {
        Self { kept: Some(node), changed: BTreeMap::new() }
    }

    /// Fields of an object that the document does not have.
    pub(super) fn new(fields: impl Iterator<Item = (String, Tree<'d, 't>)>) -> Self {
        let changed = fields.map(|(name, value)| (Cow::Owned(name), Some(value))).collect();
        Self { kept: None, changed }
    }

    /// What `look` says of a field, if there is one.
    pub(super) fn look<R>(&self, name: &str, look: impl FnOnce(&Tree<'d, 't>) -> R) -> Option<R> {
        match self.changed.get(name) {
            Some(changed) => changed.as_ref().map(look),
            None => self.kept?.get(name).map(|node| look(&Tree::Kept(node))),
        }
    }

    /// The value of a field, for a change.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Tree<'d, 't>> {
        if !self.changed.contains_key(name) {
            let node = self.kept?.get(name)?;
            self.changed.insert(Cow::Owned(name.to_owned()), Some(Tree::Kept(node)));
        }
        self.changed.get_mut(name)?.as_mut()
    }

    /// The value of a field, for a change; null when there was none.
    pub(super) fn get_or_null(&mut self, name: &str) -> &mut Tree<'d, 't> {
        let before = self.kept.and_then(|kept| kept.get(name)).map(Tree::Kept);
        let slot = self.changed.entry(Cow::Owned(name.to_owned())).or_insert(before);
        slot.get_or_insert(Tree::Scalar(Value::Null))
    }

    pub(super) fn insert(&mut self, name: &'static str, value: Tree<'d, 't>) {
        self.changed.insert(Cow::Borrowed(name), Some(value));
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Tree<'d, 't>> {
        self.get_mut(name)?;
        self.changed.get_mut(name)?.take()
    }

    /// Whether a field of the document goes.
    pub(super) fn removes(&self, name: &str) -> bool {
        matches!(self.changed.get(name), Some(None))
    }

    /// The fields that may become something else, but do not go.
    pub(super) fn changed(&self) -> impl Iterator<Item = (&str, &Tree<'d, 't>)> {
        self.changed.iter().filter_map(|(name, value)| Some((&**name, value.as_ref()?)))
    }

    /// What a field becomes, if it may become something else, and does not go.
    pub(super) fn change(&self, name: &str) -> Option<&Tree<'d, 't>> {
        self.changed.get(name)?.as_ref()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changed().next().is_none() && self.untouched().is_empty()
    }

    pub(super) fn to_json(&self) -> Value {
        let untouched = self.untouched().into_iter().map(|(name, node)| (name.into_owned(), node.to_json()));
        let changed = self.changed().map(|(name, value)| (name.to_owned(), value.to_json()));
        Value::Object(untouched.chain(changed).collect())
    }

    /// Whether a node, of this document or another one, has the same JSON.
    pub(super) fn is(&self, node: Node<'_, '_>) -> bool {
        if !matches!(node.kind(), Kind::Mapping(_)) {
            return false;
        }
        // What was not touched stands in the same order in nearly every text.
        let mut untouched = self.untouched().into_iter();
        let (mut same, mut in_order, mut changed) = (true, true, 0);
        node.each_entry(|entry| {
            if !same || !in_order {
                return;
            }
            if let Some(value) = self.changed.get(&*entry.name) {
                same = value.as_ref().is_some_and(|value| value.is(entry.value));
                changed += 1;
            } else if let Some((_, kept)) = untouched.next().filter(|(name, _)| *name == entry.name) {
                same = kept.is_same_json(entry.value);
            } else {
                in_order = false;
            }
        });
        if in_order && untouched.next().is_none() {
            return same && changed == self.changed().count();
        }
        same && self.to_json() == node.to_json()
    }

    /// Opens everything, so that all fields count as changed.
    pub(super) fn open_all(&mut self) {
        for (name, node) in self.untouched() {
            self.changed.insert(name, Some(Tree::Kept(node)));
        }
        self.changed.values_mut().flatten().for_each(Tree::open_all);
    }

    fn untouched(&self) -> Vec<(Cow<'d, str>, Node<'d, 't>)> {
        let mut untouched = Vec::new();
        if let Some(kept) = self.kept {
            kept.each_entry(|entry| {
                if !self.changed.contains_key(&entry.name) {
                    untouched.push((entry.name, entry.value));
                }
            });
        }
        untouched
    }
}

#[cfg(test)]
mod tests {
    use podsec_standards::{CHECKS, Safety};
    use serde_json::json;

    use super::*;

    fn change(path: &[&str], action: Action) -> Change {
        let step = |step: &&str| match step.parse() {
            Ok(index) => Step::Element(index),
            Err(_) => Step::Member((*step).to_owned()),
        };
        Change {
            steps: path.iter().map(step).collect(),
            action,
            check: CHECKS[0],
            safety: Safety::Unsafe,
            note: None,
            pod: 0,
        }
    }

    fn applied(tree: &Value, changes: &[Change]) -> Value {
        let text = tree.to_string();
        let document = podsec_yaml::document(&text).unwrap();
        let mut tree = Tree::Kept(document.root());
        tree.apply(0, &changes.iter().collect::<Vec<_>>());
        tree.to_json()
    }

    #[test]
    fn elements_are_removed_from_last_to_first_and_what_is_empty_goes_too() {
        let add = ["securityContext", "capabilities", "add"];
        let at = |index| change(&[add[0], add[1], add[2], index], Action::Remove);
        let tree = json!({"name": "a", "securityContext": {"capabilities": {"add": ["A", "B", "C"]}}});
        assert_eq!(
            applied(&tree, &[at("0"), at("2")]),
            json!({"name": "a", "securityContext": {"capabilities": {"add": ["B"]}}})
        );
        assert_eq!(applied(&tree, &[at("0"), at("1"), at("2")]), json!({"name": "a"}));
    }

    #[test]
    fn missing_objects_come_to_be_and_null_counts_as_missing() {
        let set = change(&["spec", "securityContext", "runAsNonRoot"], Action::Set(json!(true)));
        for tree in [json!({}), json!({"spec": null}), json!({"spec": {"securityContext": null}})] {
            let expected = json!({"spec": {"securityContext": {"runAsNonRoot": true}}});
            assert_eq!(applied(&tree, std::slice::from_ref(&set)), expected);
        }
    }

    #[test]
    fn an_emptied_object_stays_where_empty_is_not_absent() {
        let host = change(&["lifecycle", "preStop", "httpGet", "host"], Action::Remove);
        let tree = json!({"lifecycle": {"preStop": {"httpGet": {"host": "h"}}}});
        assert_eq!(applied(&tree, &[host]), json!({"lifecycle": {"preStop": {"httpGet": {}}}}));
    }

    #[test]
    fn a_replaced_member_leaves_the_others() {
        let path = change(&["volumes", "0", "hostPath"], Action::Replace("emptyDir", json!({})));
        let tree = json!({"volumes": [{"name": "a", "hostPath": {"path": "/"}}]});
        assert_eq!(applied(&tree, &[path]), json!({"volumes": [{"name": "a", "emptyDir": {}}]}));
    }
}
