//! Sets of field paths, and their form in managed fields, FieldsV1:
//! `{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{}}}}}`.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathElement {
    /// A field of a struct or a key of a map.
    Field(String),
    /// The list element whose key fields have these values, as JSON texts, sorted by name.
    Key(Vec<(String, String)>),
    /// The list element that is this scalar, as a JSON text.
    Value(String),
    /// The list element at this position.
    Index(usize),
}

/// A path to a field. Displays as kube-apiserver shows it: `.spec.containers[name="c"].image`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPath(Vec<PathElement>);

/// A set of paths. A path in it says nothing of the paths below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    nodes: BTreeMap<PathElement, Node>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    /// Whether the path that ends here is in the set.
    member: bool,
    children: FieldSet,
}

impl PathElement {
    /// A field of a struct or a key of a map.
    pub fn field(name: &str) -> Self {
        Self::Field(name.to_owned())
    }

    /// The list element that has these key fields.
    pub fn key(mut fields: Vec<(String, Value)>) -> Self {
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        Self::Key(fields.into_iter().map(|(name, value)| (name, value.to_string())).collect())
    }

    /// The list element that is this scalar.
    pub fn value(value: &Value) -> Self {
        Self::Value(value.to_string())
    }

    /// Reads the form in FieldsV1: `f:name`, `k:{…}`, `v:…`, `i:0`.
    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "f" => Some(Self::Field(rest.to_owned())),
            "i" => rest.parse().ok().map(Self::Index),
            "v" => serde_json::from_str(rest).ok().map(|value: Value| Self::value(&value)),
            "k" => {
                let fields: Map<String, Value> = serde_json::from_str(rest).ok()?;
                Some(Self::key(fields.into_iter().collect()))
            }
            _ => None,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Index(index) => format!("i:{index}"),
            Self::Value(value) => format!("v:{value}"),
            Self::Key(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())))
                    .collect();
                format!("k:{{{}}}", fields.join(","))
            }
        }
    }
}

impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Key(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
                write!(f, "[{}]", fields.join(","))
            }
        }
    }
}

impl FieldPath {
    /// A path of fields only: `FieldPath::of(&["metadata", "name"])`.
    pub fn of(fields: &[&str]) -> Self {
        Self(fields.iter().map(|field| PathElement::field(field)).collect())
    }

    /// This path and one more step.
    #[must_use]
    pub fn child(&self, element: PathElement) -> Self {
        let mut elements = self.0.clone();
        elements.push(element);
        Self(elements)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|element| write!(f, "{element}"))
    }
}

impl FieldSet {
    /// The set of these paths of fields.
    pub fn of(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            set.insert(&FieldPath::of(path));
        }
        set
    }

    /// Reads FieldsV1. `None` when it is malformed.
    pub fn parse(fields: &Value) -> Option<Self> {
        let mut set = Self::default();
        for (key, value) in fields.as_object()?.iter().filter(|(key, _)| *key != ".") {
            let children = Self::parse(value)?;
            let member = children.is_empty() || value.get(".").is_some();
            set.nodes.insert(PathElement::parse(key)?, Node { member, children });
        }
        Some(set)
    }

    /// Writes FieldsV1.
    pub fn to_fields(&self) -> Value {
        let mut fields = Map::new();
        for (element, node) in &self.nodes {
            let mut value = node.children.to_fields();
            if let (true, Some(inner)) = (node.member && !node.children.is_empty(), value.as_object_mut()) {
                inner.insert(".".to_owned(), Value::Object(Map::new()));
            }
            fields.insert(element.text(), value);
        }
        Value::Object(fields)
    }

    /// Adds a path; the empty path, the object itself, cannot be owned.
    pub fn insert(&mut self, path: &FieldPath) {
        if let Some((last, parents)) = path.0.split_last() {
            let mut set = self;
            for element in parents {
                set = &mut set.nodes.entry(element.clone()).or_default().children;
            }
            set.nodes.entry(last.clone()).or_default().member = true;
        }
    }

    /// Whether it holds no path.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Whether the path of one step is in the set.
    pub fn has(&self, element: &PathElement) -> bool {
        self.nodes.get(element).is_some_and(|node| node.member)
    }

    /// The paths below `element`.
    pub fn below(&self, element: &PathElement) -> Option<&Self> {
        self.nodes.get(element).map(|node| &node.children).filter(|children| !children.is_empty())
    }

    /// The paths in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        for (element, node) in &other.nodes {
            let into = union.nodes.entry(element.clone()).or_default();
            into.member |= node.member;
            into.children = into.children.union(&node.children);
        }
        union
    }

    /// The paths in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |mine, theirs| mine && theirs, Self::intersection, false)
    }

    /// The paths in this set that are not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.combine(other, |mine, theirs| mine && !theirs, Self::difference, true)
    }

    /// The paths in this set that neither are in the other nor lie below a path in it.
    #[must_use]
    pub fn without_below(&self, other: &Self) -> Self {
        let mut left = self.clone();
        left.nodes.retain(|element, node| {
            let Some(theirs) = other.nodes.get(element) else { return true };
            if theirs.member {
                return false;
            }
            node.children = node.children.without_below(&theirs.children);
            node.member || !node.children.is_empty()
        });
        left
    }

    /// Every path, in the order of structured-merge-diff: at each place first what ends there, then what lies below.
    pub fn paths(&self) -> Vec<FieldPath> {
        let mut paths = Vec::new();
        self.collect(&FieldPath::default(), &mut paths);
        paths
    }

    /// The same set where every element that `keep` accepts, and that has paths below it, is a member itself.
    /// `keep` and `descend` get what the caller knows of the type at each place.
    #[must_use]
    pub(super) fn with_members<T>(
        &self,
        place: &T,
        keep: &impl Fn(&T, &PathElement) -> bool,
        descend: &impl Fn(&T, &PathElement) -> T,
    ) -> Self {
        let nodes = self.nodes.iter().map(|(element, node)| {
            let children = node.children.with_members(&descend(place, element), keep, descend);
            let member = node.member || (!children.is_empty() && keep(place, element));
            (element.clone(), Node { member, children })
        });
        Self { nodes: nodes.collect() }
    }

    fn combine(
        &self,
        other: &Self,
        member: impl Fn(bool, bool) -> bool + Copy,
        children: fn(&Self, &Self) -> Self,
        keeps_unmatched: bool,
    ) -> Self {
        let mut combined = Self::default();
        for (element, mine) in &self.nodes {
            let node = match other.nodes.get(element) {
                Some(theirs) => Node {
                    member: member(mine.member, theirs.member),
                    children: children(&mine.children, &theirs.children),
                },
                None if keeps_unmatched => mine.clone(),
                None => continue,
            };
            if node.member || !node.children.is_empty() {
                combined.nodes.insert(element.clone(), node);
            }
        }
        combined
    }

    fn collect(&self, prefix: &FieldPath, paths: &mut Vec<FieldPath>) {
        let members = self.nodes.iter().filter(|(_, node)| node.member);
        paths.extend(members.map(|(element, _)| prefix.child(element.clone())));
        for (element, node) in &self.nodes {
            node.children.collect(&prefix.child(element.clone()), paths);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn set(fields: &Value) -> FieldSet {
        FieldSet::parse(fields).unwrap()
    }

    #[test]
    fn paths_are_shown_as_in_conflicts() {
        let fields = json!({
            "f:metadata": {"f:finalizers": {"v:\"a/b\"": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {".": {}, "f:image": {}}}, "f:x": {"i:0": {}}},
        });
        assert_eq!(
            set(&fields).paths().iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                ".metadata.finalizers[=\"a/b\"]",
                ".spec.containers[name=\"c\"]",
                ".spec.containers[name=\"c\"].image",
                ".spec.x[0]",
            ]
        );
        assert_eq!(set(&fields).to_fields(), fields);
    }

    #[test]
    fn keys_are_the_same_in_whatever_order_they_were_written() {
        let written = set(&json!({"k:{\"protocol\":\"TCP\", \"containerPort\":80}": {}}));
        assert_eq!(written.to_fields(), json!({"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {}}));
    }

    #[test]
    fn malformed_fields_are_not_read() {
        for fields in [json!(1), json!({"x": {}}), json!({"k:[]": {}}), json!({"f:a": 1}), json!({"i:x": {}})]
        {
            assert_eq!(FieldSet::parse(&fields), None, "{fields}");
        }
    }

    #[test]
    fn sets_combine_path_by_path() {
        let a = set(&json!({"f:a": {".": {}, "f:x": {}}, "f:b": {}}));
        let b = set(&json!({"f:a": {"f:x": {}, "f:y": {}}, "f:c": {}}));
        assert_eq!(
            a.union(&b).to_fields(),
            json!({"f:a": {".": {}, "f:x": {}, "f:y": {}}, "f:b": {}, "f:c": {}})
        );
        assert_eq!(a.intersection(&b).to_fields(), json!({"f:a": {"f:x": {}}}));
        assert_eq!(a.difference(&b).to_fields(), json!({"f:a": {}, "f:b": {}}));
        assert_eq!(a.without_below(&set(&json!({"f:a": {}}))).to_fields(), json!({"f:b": {}}));
    }

    proptest! {
        #[test]
        fn the_laws_of_sets_hold(a in sets(), b in sets()) {
            let both = a.intersection(&b);
            prop_assert_eq!(a.difference(&b).union(&both), a.clone());
            prop_assert_eq!(a.union(&b), b.union(&a));
            prop_assert!(a.difference(&b).intersection(&b).is_empty());
            prop_assert_eq!(FieldSet::parse(&a.to_fields()), Some(a));
        }
    }

    fn sets() -> impl Strategy<Value = FieldSet> {
        let element = prop::sample::select(vec!["f:a", "f:b", "v:1", "k:{\"n\":\"x\"}", "i:0"]);
        let path = prop::collection::vec(element, 1..4);
        prop::collection::vec(path, 0..6).prop_map(|paths| {
            let mut set = FieldSet::default();
            for path in paths {
                set.insert(&FieldPath(path.into_iter().filter_map(PathElement::parse).collect()));
            }
            set
        })
    }
}
