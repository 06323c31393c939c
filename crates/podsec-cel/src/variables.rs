//! The values of an expression's variables.

use std::collections::BTreeMap;

use crate::error::{Budget, Error};
use crate::value::Value;

/// The values of an expression's variables, found by name.
pub trait Variables {
    /// The variable's value; `None` when there is none of this name. What working it out costs is spent.
    fn get(&self, name: &str, budget: &mut Budget) -> Option<Result<Value, Error>>;

    /// The field of a variable whose fields are worked out one by one, as the `variables` of a policy are; `None` for
    /// every other variable.
    fn field(&self, variable: &str, field: &str, budget: &mut Budget) -> Option<Result<Value, Error>> {
        let _ = (variable, field, budget);
        None
    }
}

/// Variables whose values are all known.
impl Variables for BTreeMap<String, Value> {
    fn get(&self, name: &str, _: &mut Budget) -> Option<Result<Value, Error>> {
        self.get(name).cloned().map(Ok)
    }
}
