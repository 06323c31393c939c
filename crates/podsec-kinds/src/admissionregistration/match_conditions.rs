//! `matchConditions` of webhooks and policies: whether they are asked about a request at all.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::expressions::{self, Environment, Purpose};
use crate::formats;
use crate::object::Fields;

/// What is wrong with the conditions of `holder`.
pub(super) fn validate(holder: &Value, params: bool, path: &Path) -> Vec<Error> {
    let conditions = holder.list("matchConditions");
    let path = path.child("matchConditions");
    let mut errors = Vec::new();
    if conditions.len() > MOST {
        errors.push(Error::too_many(path.clone(), conditions.len(), MOST));
    }
    let environment = Environment { params, ..Environment::of(Purpose::MatchCondition) };
    let mut names = BTreeSet::new();
    for (index, condition) in conditions.iter().enumerate() {
        let path = path.index(index);
        let expression = condition.text("expression").trim();
        if expression.is_empty() {
            errors.push(Error::required(path.child("expression"), ""));
        } else {
            errors.extend(expressions::compile(
                expression,
                expression,
                &environment,
                &path.child("expression"),
            ));
        }
        let (name, path) = (condition.text("name"), path.child("name"));
        if name.is_empty() {
            errors.push(Error::required(path, ""));
            continue;
        }
        errors.extend(formats::invalid(&path, name, formats::qualified_name(name)));
        if !names.insert(name) {
            errors.push(Error::duplicate(path, &name.into()));
        }
    }
    errors
}

const MOST: usize = 64;
