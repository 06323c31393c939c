//! The reports that have a schema, held against it.

#![expect(clippy::unwrap_used, reason = "a test ends where its own data is not what it must be")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use podsec_manifest::report::SCHEMA;
use serde_json::{Value, json};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn read(name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(data(name)).unwrap()).unwrap()
}

#[test]
fn sarif_is_valid_against_the_schema_of_2_1_0() {
    let schema = read("schemas/sarif-2.1.0.json");
    assert_eq!(faults(&schema, &read("reports/report.sarif")), [""; 0]);
}

#[test]
fn json_is_valid_against_the_schema_that_podsec_prints() {
    let schema = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(faults(&schema, &read("reports/report.json")), [""; 0]);
}

#[test]
#[ignore = "needs xmllint: make test"]
fn junit_is_valid_against_the_schema_of_jenkins() {
    let mut xmllint = Command::new("xmllint");
    xmllint.arg("--noout").arg("--schema").arg(data("schemas/junit-10.xsd")).arg(data("reports/junit.xml"));
    let output = xmllint.output().expect("xmllint runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_a_schema_forbids_is_found() {
    let schema = json!({
        "definitions": {"name": {"type": "string", "pattern": "^x", "minLength": 2}},
        "type": "object",
        "required": ["a"],
        "additionalProperties": false,
        "properties": {
            "a": {"$ref": "#/definitions/name"},
            "b": {"type": "array", "minItems": 1, "uniqueItems": true, "items": {"type": "integer", "minimum": 1}},
            "c": {"anyOf": [{"enum": ["x", "y"]}, {"const": null}]},
        },
    });
    let found = |value: Value| faults(&schema, &value);
    assert_eq!(found(json!({"a": "x1", "b": [1, 2], "c": null})), [""; 0]);
    assert_eq!(
        found(json!({"b": [0, "1"], "d": 1})),
        ["/b/0 is below 1", "/b/1 is no integer", "/d is unknown", "a is missing in "]
    );
    assert_eq!(
        found(json!({"a": 1, "b": [], "c": "z"})),
        ["/a is no string", "/b is too short", "/c is none of what it may be"]
    );
    assert_eq!(
        found(json!({"a": "y", "b": [1, 1]})),
        ["/a is not like ^x", "/a is too short", "/b repeats itself"]
    );
}

/// What is wrong with a value, in the words of the schema that are used here. An unknown word fails the test, so that
/// nothing passes unseen.
fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    visit(schema, schema, value, "", &mut found);
    found.sort();
    found
}

fn visit(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let length = match value {
        Value::Array(items) => items.len(),
        Value::String(text) => text.chars().count(),
        Value::Object(fields) => fields.len(),
        _ => usize::MAX,
    };
    for (word, asked) in schema.as_object().into_iter().flatten() {
        let mut complain = |fits: bool, what: &str| {
            if !fits {
                found.push(format!("{at} {what}"));
            }
        };
        let is_none_of = |schemas: &Value| {
            schemas.as_array().unwrap().iter().all(|schema| {
                let mut inner = Vec::new();
                visit(root, schema, value, at, &mut inner);
                !inner.is_empty()
            })
        };
        match word.as_str() {
            "type" => {
                complain(is_of_type(value, asked), &format!("is no {}", asked.as_str().unwrap_or("such")));
            }
            "enum" => complain(asked.as_array().unwrap().contains(value), "is none of what it may be"),
            "const" => complain(value == asked, "is not what it must be"),
            "anyOf" | "oneOf" => complain(!is_none_of(asked), "is none of what it may be"),
            "allOf" => {
                asked.as_array().unwrap().iter().for_each(|schema| visit(root, schema, value, at, found));
            }
            "minimum" => complain(
                value.as_f64().is_none_or(|number| number >= asked.as_f64().unwrap()),
                &format!("is below {asked}"),
            ),
            "maximum" => complain(
                value.as_f64().is_none_or(|number| number <= asked.as_f64().unwrap()),
                &format!("is above {asked}"),
            ),
            "minItems" | "minLength" => {
                complain(length >= usize::try_from(asked.as_u64().unwrap()).unwrap(), "is too short");
            }
            "uniqueItems" => complain(
                value.as_array().is_none_or(|items| {
                    items.iter().enumerate().all(|(index, item)| !items[..index].contains(item))
                }),
                "repeats itself",
            ),
            "pattern" => {
                let pattern = regex::Regex::new(asked.as_str().unwrap()).unwrap();
                let fits = value.as_str().is_none_or(|text| pattern.is_match(text));
                complain(fits, &format!("is not like {pattern}"));
            }
            "$ref" => {
                let target = root.pointer(asked.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                visit(root, target, value, at, found);
            }
            "required" => {
                for name in asked.as_array().unwrap() {
                    let name = name.as_str().unwrap();
                    if value.as_object().is_some_and(|fields| !fields.contains_key(name)) {
                        found.push(format!("{name} is missing in {at}"));
                    }
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    visit(root, asked, item, &format!("{at}/{index}"), found);
                }
            }
            "properties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    if let Some(schema) = asked.get(name) {
                        visit(root, schema, field, &format!("{at}/{name}"), found);
                    }
                }
            }
            "additionalProperties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    if schema["properties"].get(name).is_some() {
                        continue;
                    }
                    let at = format!("{at}/{name}");
                    if *asked == json!(false) {
                        found.push(format!("{at} is unknown"));
                    } else {
                        visit(root, asked, field, &at, found);
                    }
                }
            }
            // They say nothing about what is valid, or nothing that can be wrong here.
            "$schema" | "$id" | "title" | "description" | "default" | "definitions" | "$defs" | "format" => {}
            unknown => panic!("the schema says {unknown}, which this test does not understand"),
        }
    }
}

fn is_of_type(value: &Value, asked: &Value) -> bool {
    match asked {
        Value::Array(types) => types.iter().any(|asked| is_of_type(value, asked)),
        asked => match asked.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "null" => value.is_null(),
            unknown => panic!("no type {unknown}"),
        },
    }
}
