//! Every rule kept and broken, and schemas and objects that nobody would write.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::schema::structural::Patterns;

/// What is wrong with `value` under `spec.a`, whose schema this is.
fn errors(schema: &Value, value: &Value) -> Vec<String> {
    let schema = json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {"a": schema}},
    }});
    let schema = Structural::parse(&schema, &Path::new("s"), &mut Patterns::default()).unwrap();
    schema.validate(&json!({"spec": {"a": value}})).iter().map(Error::to_string).collect()
}

#[test]
fn every_rule_is_broken_in_kubernetes_words() {
    for (schema, value, expected) in [
        (
            json!({"type": "integer"}),
            json!("x"),
            r#"spec.a: Invalid value: "string": spec.a in body must be of type integer: "string""#,
        ),
        (
            json!({"type": "string"}),
            json!(null),
            r#"spec.a: Invalid value: "null": spec.a in body must be of type string: "null""#,
        ),
        (
            json!({"x-kubernetes-int-or-string": true}),
            json!(true),
            r#"spec.a: Invalid value: "boolean": spec.a in body must be of type integer,string: "boolean""#,
        ),
        (
            json!({"type": "string", "enum": ["b", "c"]}),
            json!("x"),
            r#"spec.a: Unsupported value: "x": supported values: "b", "c""#,
        ),
        (
            json!({"type": "string", "pattern": "^a+$"}),
            json!("b"),
            r#"spec.a: Invalid value: "b": spec.a in body should match '^a+$'"#,
        ),
        (
            json!({"type": "integer", "minimum": 1}),
            json!(0),
            "spec.a: Invalid value: 0: spec.a in body should be greater than or equal to 1",
        ),
        (
            json!({"type": "integer", "maximum": 3, "exclusiveMaximum": true}),
            json!(3),
            "spec.a: Invalid value: 3: spec.a in body should be less than 3",
        ),
        (
            json!({"type": "integer", "multipleOf": 2}),
            json!(3),
            "spec.a: Invalid value: 3: spec.a in body should be a multiple of 2",
        ),
        (
            json!({"type": "string", "minLength": 2}),
            json!("ä"),
            r#"spec.a: Invalid value: "ä": spec.a in body should be at least 2 chars long"#,
        ),
        (
            json!({"type": "string", "maxLength": 1}),
            json!("ab"),
            "spec.a: Too long: may not be more than 1 byte",
        ),
        (
            json!({"type": "array", "items": {"type": "string"}, "minItems": 1}),
            json!([]),
            "spec.a: Invalid value: 0: spec.a in body should have at least 1 items",
        ),
        (
            json!({"type": "array", "items": {"type": "integer"}, "maxItems": 1}),
            json!([1, 2]),
            "spec.a: Too many: 2: must have at most 1 items",
        ),
        (
            json!({"type": "array", "items": {"type": "object", "required": ["b"]}}),
            json!([{}]),
            "spec.a[0].b: Required value",
        ),
        (
            json!({"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}),
            json!(["x", "x"]),
            r#"spec.a[1]: Duplicate value: "x""#,
        ),
        (
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            json!({"k": 1}),
            r#"spec.a.k: Invalid value: "integer": spec.a.k in body must be of type string: "integer""#,
        ),
        (
            json!({"type": "string", "format": "date-time"}),
            json!("now"),
            r#"spec.a: Invalid value: "now": spec.a in body must be of type date-time: "now""#,
        ),
        (
            json!({"type": "object", "not": {"required": ["x"]}, "properties": {"x": {"type": "string"}}}),
            json!({"x": ""}),
            r#"<nil>: Invalid value: "": "spec.a" must not validate the schema (not)"#,
        ),
    ] {
        assert_eq!(errors(&schema, &value), [expected], "{schema} {value}");
    }
}

#[test]
fn what_keeps_its_schema_is_let_through() {
    for (schema, value) in [
        (json!({"type": "integer"}), json!(3.0)),
        (json!({"type": "number"}), json!(3)),
        (json!({"type": "string", "nullable": true}), json!(null)),
        (json!({"x-kubernetes-int-or-string": true}), json!("80%")),
        (json!({"type": "integer", "minimum": 1, "maximum": 1}), json!(1)),
        (json!({"type": "string", "format": "date-time"}), json!("2026-01-02T03:04:05Z")),
        (
            json!({"type": "object", "anyOf": [{"required": ["x"]}, {"required": ["y"]}],
            "x-kubernetes-preserve-unknown-fields": true}),
            json!({"y": 1}),
        ),
    ] {
        assert_eq!(errors(&schema, &value), [""; 0], "{schema} {value}");
    }
}

#[test]
fn one_of_tells_what_the_nearest_alternative_lacks() {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true,
        "oneOf": [{"required": ["x"]}, {"required": ["y"]}]});
    let none = r#"<nil>: Invalid value: "": "spec.a" must validate one and only one schema (oneOf). Found none valid"#;
    assert_eq!(errors(&schema, &json!({})), [none, "spec.a.x: Required value"]);
    assert_eq!(
        errors(&schema, &json!({"x": 1, "y": 1})),
        [
            r#"<nil>: Invalid value: "": "spec.a" must validate one and only one schema (oneOf). Found 2 valid alternatives"#
        ]
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
        prop_oneof!["object", "array", "string", "integer"].prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("type"),
        Just("properties"),
        Just("items"),
        Just("additionalProperties"),
        Just("default"),
        Just("enum"),
        Just("oneOf"),
        Just("required"),
        Just("pattern"),
        Just("minimum"),
        Just("spec"),
        Just("multipleOf"),
        Just("nullable"),
        Just("x-kubernetes-preserve-unknown-fields"),
        Just("metadata"),
    ];
    leaf.prop_recursive(5, 48, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    /// Whatever stands in a definition and in an object of it: nothing panics, and what was pruned and filled once
    /// stays as it is.
    #[test]
    fn pruning_and_filling_come_to_an_end(schema in any_json(), object in any_json()) {
        let schema = Structural::parse(
            &json!({"type": "object", "properties": {"spec": schema}}),
            &Path::new("s"),
            &mut Patterns::default(),
        );
        if let Ok(schema) = schema {
            let mut object = json!({"spec": object});
            schema.prune(&mut object);
            prop_assert!(schema.prune(&mut object).is_empty());
            schema.fill_defaults(&mut object).unwrap();
            schema.prune(&mut object);
            let filled = object.clone();
            schema.fill_defaults(&mut object).unwrap();
            schema.validate(&object);
            prop_assert_eq!(object, filled);
        }
    }
}

#[test]
fn what_has_been_wrong_before_may_stay() {
    let schema = json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {
            "size": {"type": "integer", "maximum": 10}, "name": {"type": "string", "maxLength": 3},
        }},
        "ports": {
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "properties": {"name": {"type": "string"}, "port": {"type": "integer", "minimum": 1}}},
        },
    }});
    let schema = Structural::parse(&schema, &Path::default(), &mut Patterns::default()).unwrap();
    let texts = |new: &Value, old: &Value| -> Vec<String> {
        schema.validate_update(new, old).iter().map(Error::to_string).collect()
    };
    let old = json!({"spec": {"size": 20, "name": "a"}, "ports": [{"name": "a", "port": 0}, {"name": "b", "port": 1}]});
    let new = json!({"spec": {"size": 20, "name": "b"}, "ports": [{"name": "c", "port": 2}, {"name": "a", "port": 0}]});
    assert_eq!(texts(&new, &old), [""; 0]);
    let new = json!({"spec": {"size": 21, "name": "b"}, "ports": [{"name": "b", "port": 0}]});
    assert_eq!(
        texts(&new, &old),
        [
            "ports[0].port: Invalid value: 0: ports[0].port in body should be greater than or equal to 1",
            "spec.size: Invalid value: 21: spec.size in body should be less than or equal to 10",
        ]
    );
}

#[test]
fn a_number_that_is_no_integer_is_told_twice() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer", "format": "int32"}}});
    let schema = Structural::parse(&schema, &Path::default(), &mut Patterns::default()).unwrap();
    let texts: Vec<String> =
        schema.validate(&json!({"a": 1.5, "b": 3_000_000_000_u32})).iter().map(Error::to_string).collect();
    assert_eq!(
        texts,
        [
            r#"a: Invalid value: "number": a in body must be of type integer: "number""#,
            r#"<nil>: Invalid value: "": Checked value must be of type integer (default format) in a"#,
            r#"<nil>: Invalid value: "": Checked value must be of type integer with format int32 in b"#,
        ]
    );
}
