//! Whatever is written as an expression ends: in a refusal, an error or a value, within the budget and without a panic.

use std::collections::BTreeMap;

use podsec_cel::{Budget, Type, Value, kubernetes, limits, schema};
use proptest::prelude::*;
use serde_json::json;

/// What expressions are made of, wrong more often than right.
fn part() -> impl Strategy<Value = String> {
    let words = [
        "object",
        "oldObject",
        "request",
        "params",
        "self",
        "x",
        "y",
        "spec",
        "true",
        "null",
        "1",
        "-1",
        "2u",
        "0.5",
        "9223372036854775807",
        "'a'",
        "\"\\u00e9\"",
        "b'\\xff'",
        "r'('",
        "''",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        ".",
        ",",
        ":",
        "?",
        "+",
        "-",
        "*",
        "/",
        "%",
        "==",
        "!=",
        "<",
        ">=",
        "&&",
        "||",
        "!",
        " in ",
        ".all(x, ",
        ".exists(x, ",
        ".map(x, ",
        ".filter(x, ",
        ".transformMap(k, v, ",
        ".sortBy(x, ",
        "has(",
        "size(",
        "int(",
        "string(",
        "timestamp(",
        "duration(",
        "quantity(",
        "ip(",
        "cidr(",
        "url(",
        "semver(",
        "format.named(",
        ".matches(",
        ".find(",
        ".split(",
        ".format([",
        ".orValue(",
        "optional.of(",
        "dyn(",
        "type(",
        "Object{",
        "JSONPatch{op: ",
        "[?",
        ".?",
        "`a-b`",
        "// ",
        "\n",
        "\u{0}",
        "日",
    ];
    prop_oneof![4 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,4}"]
}

fn run(text: &str) {
    let object = json!({
        "metadata": { "name": "a", "labels": { "k": "v" } },
        "spec": { "replicas": 3, "items": [1, 2, 3], "text": "1.5Gi" },
    });
    let value = Value::from_json(&object);
    let variables = BTreeMap::from(
        ["object", "oldObject", "params", "self"].map(|name| (name.to_owned(), value.clone())),
    );
    let environments = [
        kubernetes::validating_policy(true, false),
        kubernetes::mutating_policy(true, false),
        kubernetes::untyped_rule(),
    ];
    for environment in environments {
        let Ok(program) = environment.compile(text) else { continue };
        let estimate = program.estimate(&());
        assert!(estimate.min <= estimate.max || estimate.max == 0, "{text}: {estimate:?}");
        let mut budget = Budget::new(limits::PER_CALL);
        let outcome = program.evaluate(&variables, &mut budget);
        if budget.spent() > limits::PER_CALL {
            assert!(matches!(outcome, Err(podsec_cel::Error::CostExceeded)), "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_ends_without_a_panic(parts in prop::collection::vec(part(), 0..24)) {
        run(&parts.concat());
    }

    #[test]
    fn names_of_fields_are_escaped_and_found_again(name in "[a-zA-Z_./$-][a-zA-Z0-9_./$-]{0,12}") {
        if let Some(escaped) = schema::escape(&name) {
            let environment = podsec_cel::Environment::default().with_variable("self", Type::Dyn);
            prop_assert!(environment.compile(&format!("self.{escaped}")).is_ok(), "{escaped}");
        }
    }
}

#[test]
fn loops_in_loops_end_at_the_budget() {
    let many = json!((0..1000).collect::<Vec<_>>());
    let variables = BTreeMap::from([("self".to_owned(), Value::from_json(&many))]);
    let program =
        kubernetes::untyped_rule().compile("self.all(a, self.all(b, self.all(c, a + b + c >= 0)))").unwrap();
    let mut budget = Budget::new(limits::PER_CALL);
    assert_eq!(program.evaluate(&variables, &mut budget).unwrap_err(), podsec_cel::Error::CostExceeded);
    assert!(budget.spent() < 2 * limits::PER_CALL);
}

#[test]
fn signs_without_an_expression_end_at_the_bound_of_depth() {
    for sign in [".", "?", "[.", "(.", "-.", "!."] {
        let text = sign.repeat(50_000 / sign.len());
        assert!(podsec_cel::kubernetes::untyped_rule().compile(&text).is_err(), "{sign}");
    }
}
