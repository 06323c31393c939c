//! The rules of a schema, compiled: a tree that has the form of the schema.

use std::collections::BTreeMap;

use serde_json::Value;

use super::rule::NodeRules;
use crate::object::Fields;

/// The rules of a schema at one node and below it.
#[derive(Debug)]
pub(crate) struct Validator {
    /// Those of the node itself; an error when expressions know no type for its values.
    pub(super) own: Result<Vec<super::rule::Rule>, String>,
    /// Those of the values that a map or list holds.
    pub(super) values: Option<Box<Validator>>,
    pub(super) items: Option<Box<Validator>>,
    pub(super) properties: BTreeMap<String, Validator>,
    pub(super) all_of: Vec<Validator>,
}

impl Validator {
    /// Compiles the rules of the schema of a kind; `None` when it has none.
    pub(crate) fn of(schema: &Value) -> Option<Self> {
        // Kubernetes does not look into `allOf` here, and neither must this.
        has_rules(schema).then(|| Self::compile(schema, schema, true)).flatten()
    }

    /// The rules of `source` for values of `node`. They differ below `allOf`, which has rules and no types.
    pub(super) fn compile(source: &Value, node: &Value, root: bool) -> Option<Self> {
        let rules = source.list(RULES);
        let own = if rules.is_empty() {
            Ok(Vec::new())
        } else {
            let compiled = NodeRules::compile(rules, node, root).map(|compiled| compiled.rules);
            compiled.ok_or_else(|| "failed to convert to declType for CEL validation rules".to_owned())
        };
        let below = |field: &str| {
            let (source, node) = (schema(source, field)?, schema(node, field)?);
            Self::compile(source, node, is_embedded(node)).map(Box::new)
        };
        let properties = source.entries("properties").filter_map(|(name, source)| {
            let node = node.at("properties").field(name)?;
            let validator = Self::compile(source, node, is_embedded(node))?;
            // What expressions know no type for is left out with all that is below.
            podsec_cel::schema::SelfType::of(node, is_embedded(node))?;
            Some((name.to_owned(), validator))
        });
        let all_of = source.list("allOf").iter();
        let validator = Self {
            own,
            values: below("additionalProperties"),
            items: below("items"),
            properties: properties.collect(),
            all_of: all_of.filter_map(|source| Self::compile(source, node, root)).collect(),
        };
        let is_empty = validator.own.as_ref().is_ok_and(Vec::is_empty)
            && validator.values.is_none()
            && validator.items.is_none()
            && validator.properties.is_empty()
            && validator.all_of.is_empty();
        (!is_empty).then_some(validator)
    }
}

pub(super) fn has_rules(node: &Value) -> bool {
    let below = ["items", "additionalProperties"].into_iter().filter_map(|field| schema(node, field));
    !node.list(RULES).is_empty()
        || below.into_iter().any(has_rules)
        || node.entries("properties").any(|(_, property)| has_rules(property))
}

/// The schema in a field that may also hold a boolean.
pub(super) fn schema<'s>(node: &'s Value, field: &str) -> Option<&'s Value> {
    node.field(field).filter(|inner| inner.is_object())
}

pub(super) fn is_embedded(node: &Value) -> bool {
    node.flag("x-kubernetes-embedded-resource")
}

pub(super) const RULES: &str = "x-kubernetes-validations";
