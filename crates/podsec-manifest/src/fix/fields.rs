//! The fields of an object as they shall be: those of the document, with the changed ones laid over them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use podsec_yaml::{Kind, Node};
use serde_json::Value;

use super::tree::Tree;

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
