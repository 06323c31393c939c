//! The rules of a definition's schema (`x-kubernetes-validations`) when the definition is written: whether they compile,
//! and whether they may cost too much.

use std::cell::RefCell;

use podsec_apimachinery::field::{Error, Path};
use podsec_cel::limits;
use serde_json::Value;

use crate::custom::rules::NodeRules;
use crate::internal;
use crate::object::Fields;

/// What holds for the rules at one node of a schema.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// How often a value of the node may stand in an object; `None` where a list or map above has no greatest size.
    cardinality: Option<u64>,
    /// The highest list or map above whose items cannot be told apart, so that no stored value belongs to a new one.
    uncorrelatable: Option<&'a Path>,
    /// Whether a single rule may be too expensive: the stored schema is the same.
    unchanged: bool,
    total: &'a RefCell<Total>,
}

impl<'a> Scope<'a> {
    /// At the root of a schema.
    pub(super) fn root(total: &'a RefCell<Total>, unchanged: bool) -> Self {
        Self { cardinality: Some(1), uncorrelatable: None, unchanged, total }
    }

    /// In the schemas that `schema` holds: its properties, values or items.
    pub(super) fn below(self, schema: &Value) -> Self {
        let most = |field: &str| schema.integer(field).map(|most| u64::try_from(most).unwrap_or(0));
        let factor = match schema.text("type") {
            "object" if schema.at("additionalProperties").is_object() => most("maxProperties"),
            "object" if schema.at("additionalProperties") == true => most("maxProperties"),
            "array" => most("maxItems"),
            _ => Some(1),
        };
        let cardinality = self.cardinality.zip(factor).map(|(one, other)| one.saturating_mul(other));
        Self { cardinality, ..self }
    }

    /// In what cannot be told apart, which `path` holds.
    pub(super) fn uncorrelatable(self, path: &'a Path) -> Self {
        Self { uncorrelatable: self.uncorrelatable.or(Some(path)), ..self }
    }

    /// What is wrong with the expressions of the rules of `schema`, which stand at `path`.
    pub(super) fn errors(self, schema: &Value, root: bool, path: &Path) -> Vec<Error> {
        let rules = schema.list("x-kubernetes-validations");
        if rules.is_empty() {
            return Vec::new();
        }
        let path = path.child("x-kubernetes-validations");
        let root = root || schema.flag("x-kubernetes-embedded-resource");
        let Some(compiled) = NodeRules::compile(rules, schema, root) else {
            let why = "internal error: failed to construct type information for x-kubernetes-validations rules: \
                       unable to convert structural schema to CEL declarations";
            return vec![Error::internal(path, why)];
        };
        let mut errors = Vec::new();
        for (index, (rule, compiled_rule)) in rules.iter().zip(&compiled.rules).enumerate() {
            let path = path.index(index);
            let shown = || internal::json("apiextensions.ValidationRule", rule);
            let invalid = |field: &str, why: &str| Error::invalid_json(path.child(field), &shown(), why);
            let times = self.cardinality.unwrap_or(compiled.cardinality);
            let cost = compiled_rule.cost.saturating_mul(times);
            errors.extend(self.cost("rule", "estimated rule cost", cost, &path));
            if let Err(why) = &compiled_rule.program {
                errors.push(invalid("rule", why));
            }
            match &compiled_rule.message {
                Some(Err(why)) => errors.push(invalid("messageExpression", why)),
                Some(Ok(_)) => errors.extend(self.cost(
                    "messageExpression",
                    "estimated messageExpression cost",
                    compiled_rule.message_cost,
                    &path,
                )),
                None => {}
            }
            if !compiled_rule.uses_old_self {
                if let Some(set) = rule.field("optionalOldSelf") {
                    let why = "may not be set if oldSelf is not used in rule";
                    errors.push(Error::invalid(path.child("optionalOldSelf"), set, why));
                }
            } else if let Some(uncorrelatable) = self.uncorrelatable {
                let why = format!(
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelatable}"
                );
                errors.push(Error::invalid(path.child("rule"), rule.at("rule"), &why));
            }
        }
        errors
    }

    /// Counts what an expression may cost; an error when that alone is too much.
    fn cost(self, field: &str, what: &str, cost: u64, path: &Path) -> Option<Error> {
        let path = path.child(field);
        self.total.borrow_mut().add(path.clone(), cost);
        let over = cost > limits::RULE_ESTIMATE && !self.unchanged;
        over.then(|| Error::forbidden(path, &exceeds(what, cost, limits::RULE_ESTIMATE)))
    }
}

/// What the rules of one schema may cost together.
#[derive(Debug, Default)]
pub(super) struct Total {
    cost: u64,
    /// The four most expensive, the most expensive first.
    most: Vec<(u64, Path)>,
}

impl Total {
    fn add(&mut self, path: Path, cost: u64) {
        self.cost = self.cost.saturating_add(cost);
        if cost >= limits::DEFINITION_ESTIMATE / 100 {
            self.most.push((cost, path));
            self.most.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
            self.most.truncate(4);
        }
    }

    /// The errors of a schema at `path` whose rules may cost too much together.
    pub(super) fn errors(&self, path: &Path) -> Vec<Error> {
        if self.cost <= limits::DEFINITION_ESTIMATE {
            return Vec::new();
        }
        let why = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
        let mut errors: Vec<Error> =
            self.most.iter().map(|(_, path)| Error::forbidden(path.clone(), why)).collect();
        let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        let why = exceeds(what, self.cost, limits::DEFINITION_ESTIMATE);
        errors.push(Error::forbidden(path.clone(), &why));
        errors
    }
}

fn exceeds(what: &str, cost: u64, limit: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "the factor is shown with one digit")]
    let factor = cost as f64 / limit as f64;
    let factor = if factor > 100.0 {
        "more than 100x".to_owned()
    } else if factor < 1.5 {
        format!("{factor:.6}x")
    } else {
        format!("{factor:.1}x")
    };
    format!(
        "{what} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and \
         maxLength where arrays, maps, and strings are declared)"
    )
}
