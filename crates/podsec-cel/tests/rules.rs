//! What Kubernetes 1.36 says of the rules of definitions: refusals, estimates, answers and costs.

use std::collections::BTreeMap;

use podsec_cel::schema::{SelfType, value};
use podsec_cel::{Budget, Value, limits};
use podsec_testing::recorded;
use serde_json::Value as Json;

/// What one rule does otherwise than recorded, and how much was compared.
fn differences(case: &Json, compared: &mut usize) -> Vec<String> {
    let mut different = Vec::new();
    let mut compare = |what: &str, actual: &Json, expected: &Json| {
        *compared += 1;
        if actual != expected {
            different.push(format!("{}: {what} {actual}, recorded {expected}", case["id"]));
        }
    };
    let (schema, optional) = (&case["schema"], case["optionalOldSelf"] == true);
    let of = SelfType::of(schema, case["isResourceRoot"] == true).expect("every node has a type");
    let program = match of.environment(optional).compile(case["rule"].as_str().expect("a rule is a text")) {
        Err(error) => {
            // The name of the type has a random number there.
            let expected =
                case["compileError"].as_str().unwrap_or_default().replace("selfType<N>", "selfType");
            compare("refusal", &format!("compilation failed: {error}").into(), &expected.into());
            return different;
        }
        Ok(program) => program,
    };
    if let Some(expected) = case.get("estimatedMaxCostPerCall") {
        compare("estimate", &program.estimate(&of).max.into(), expected);
    }
    for evaluation in case["evaluations"].as_array().into_iter().flatten() {
        let Ok(new) = value(&evaluation["self"], schema) else {
            compare("unfit value", &evaluation["error"].is_string().into(), &true.into());
            continue;
        };
        let mut variables = BTreeMap::from([("self".to_owned(), new)]);
        let old = evaluation.get("oldSelf").map(|old| value(old, schema).expect("stored values fit"));
        let old = if optional { Some(old.map_or(Value::NONE, Value::some)) } else { old };
        variables.extend(old.map(|old| ("oldSelf".to_owned(), old)));
        let mut budget = Budget::new(limits::PER_CALL);
        match program.evaluate(&variables, &mut budget) {
            Ok(Value::Bool(answer)) => compare("answer", &answer.into(), &evaluation["value"]),
            Ok(other) => compare("answer", &other.to_string().into(), &evaluation["value"]),
            Err(error) => compare("error", &error.to_string().into(), &evaluation["error"]),
        }
        // What a rule has cost that fails, or that Kubernetes answered in several ways, depends on the order of maps.
        let certain = evaluation.get("value").is_some() && evaluation.get("nondeterministic").is_none();
        if let Some(expected) = evaluation.get("cost").filter(|_| certain) {
            compare("cost", &budget.spent().into(), expected);
        }
    }
    different
}

#[test]
fn rules_of_definitions_say_and_cost_what_they_do_in_kubernetes() {
    let (mut compared, mut different) = (0, Vec::new());
    for line in recorded::text("cel/crd-rules.jsonl").lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        if case["record"] == "rule" && !DIFFERENT.iter().any(|id| case["id"] == *id) {
            different.extend(differences(&case, &mut compared));
        }
    }
    assert!(different.is_empty(), "{} of {compared}:\n{}", different.len(), different.join("\n"));
    assert!(compared > 950, "{compared} answers were compared");
}

/// Where this engine does otherwise: Kubernetes' interpreter fails with an internal error of its own, and counts the unknown
/// fields of an object when it compares it.
const DIFFERENT: &[&str] = &[
    "crd/enumsroot.example.com/v1/.properties[spec]#14@synthetic",
    "crd/preserve.example.com/v1/.properties[spec]#7@synthetic",
];
