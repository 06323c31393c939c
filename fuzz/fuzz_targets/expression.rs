//! Compiling, estimating and running an expression never panics, and ends within its budget.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use podsec_cel::{Budget, Error, Value, kubernetes, limits};
use serde_json::json;

fuzz_target!(|text: &str| {
    let object = Value::from_json(&json!({ "metadata": { "name": "a" }, "spec": { "replicas": 3, "items": [1, "b"] } }));
    let variables =
        BTreeMap::from(["object", "oldObject", "params", "self"].map(|name| (name.to_owned(), object.clone())));
    for environment in [kubernetes::mutating_policy(true, false), kubernetes::untyped_rule()] {
        let Ok(program) = environment.compile(text) else { continue };
        program.estimate(&());
        let mut budget = Budget::new(limits::PER_CALL);
        let outcome = program.evaluate(&variables, &mut budget);
        assert!(budget.spent() <= limits::PER_CALL || matches!(outcome, Err(Error::CostExceeded)));
    }
});
