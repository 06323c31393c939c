//! Which fields two values of one type differ in.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::kind::{Kind, element_of, is_empty, items};
use crate::patch::field_set::{FieldPath, FieldSet, PathElement};
use crate::patch::schema::TypeSchema;

/// The fields in which a new value differs from an old one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::patch) struct Comparison {
    /// Only in the new value.
    pub(in crate::patch) added: FieldSet,
    /// In both, with different values.
    pub(in crate::patch) modified: FieldSet,
    /// Only in the old value.
    pub(in crate::patch) removed: FieldSet,
}

impl Comparison {
    /// Forgets the fields in `ignored` and all below them.
    pub(in crate::patch) fn without(&self, ignored: &FieldSet) -> Self {
        Self {
            added: self.added.without_below(ignored),
            modified: self.modified.without_below(ignored),
            removed: self.removed.without_below(ignored),
        }
    }
}

/// Compares two values of one type.
pub(in crate::patch) fn compare<S: TypeSchema>(old: &Value, new: &Value, schema: &S) -> Comparison {
    let mut comparison = Comparison::default();
    comparison.visit(Some(old), Some(new), Some(schema), &FieldPath::default());
    comparison
}

impl Comparison {
    fn visit<S: TypeSchema>(
        &mut self,
        old: Option<&Value>,
        new: Option<&Value>,
        schema: Option<&S>,
        path: &FieldPath,
    ) {
        let Some(shown) = new.or(old) else { return };
        let hidden = old.filter(|_| new.is_some());
        let mut kind = Kind::of(schema, shown);
        if shown.is_null()
            && let Some(hidden) = hidden
        {
            kind = Kind::of(schema, hidden);
        }
        // What changes its kind, as undeclared fields may, changes as a whole.
        let changes_kind = hidden.is_some_and(|hidden| !hidden.is_null() && Kind::of(schema, hidden) != kind);
        let is_leaf = match kind {
            Kind::Scalar(_) | Kind::AtomicList | Kind::AtomicMap => true,
            Kind::Set | Kind::KeyedList(_) | Kind::Map => changes_kind || (is_empty(old) && is_empty(new)),
        };
        if is_leaf {
            self.leaf(old, new, path);
            return;
        }
        match kind {
            Kind::Map => {
                let (old, new) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
                let is_new = |name: &String| new.is_some_and(|new| new.contains_key(name));
                let only_old = old.into_iter().flat_map(Map::keys).filter(|name| !is_new(name));
                for name in new.into_iter().flat_map(Map::keys).chain(only_old) {
                    let field = schema.and_then(|schema| schema.field(name));
                    let path = path.child(PathElement::field(name));
                    let (old, new) = (old.and_then(|old| old.get(name)), new.and_then(|new| new.get(name)));
                    self.visit(old, new, field.as_ref(), &path);
                }
            }
            _ => self.visit_list(items(old), items(new), &kind, schema, path),
        }
        match (old, new) {
            (None, Some(_)) => self.added.insert(path),
            (Some(_), None) => self.removed.insert(path),
            _ => {}
        }
    }

    fn visit_list<S: TypeSchema>(
        &mut self,
        old: &[Value],
        new: &[Value],
        kind: &Kind,
        schema: Option<&S>,
        path: &FieldPath,
    ) {
        let element_schema = schema.and_then(TypeSchema::element);
        let mut elements: BTreeMap<PathElement, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
        for item in old {
            if let Ok(element) = element_of(kind, element_schema.as_ref(), item) {
                elements.entry(element).or_default().0.push(item);
            }
        }
        for item in new {
            if let Ok(element) = element_of(kind, element_schema.as_ref(), item) {
                elements.entry(element).or_default().1.push(item);
            }
        }
        for (element, (old, new)) in elements {
            let path = path.child(element);
            match (old.as_slice(), new.as_slice()) {
                ([], [new]) => self.visit(None, Some(new), element_schema.as_ref(), &path),
                ([old], []) => self.visit(Some(old), None, element_schema.as_ref(), &path),
                ([old], [new]) => self.visit(Some(old), Some(new), element_schema.as_ref(), &path),
                // Elements that share their key are owned together.
                ([], _) => self.added.insert(&path),
                (_, []) => self.removed.insert(&path),
                (old, new) if old == new => {}
                _ => self.modified.insert(&path),
            }
        }
    }

    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>, path: &FieldPath) {
        match (old, new) {
            (None, _) => self.added.insert(path),
            (_, None) => self.removed.insert(path),
            (old, new) if old == new => {}
            _ => self.modified.insert(path),
        }
    }
}
