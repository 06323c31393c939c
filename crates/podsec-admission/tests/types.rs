//! The pod that is judged has the types that Kubernetes' definitions give every field, read by a check or not.

use podsec_apimachinery::schema::{Definitions, Schema, Shape};
use podsec_standards::Pod;
use serde_json::{Map, Value, json};

#[test]
fn every_field_of_a_pod_is_of_the_type_that_kubernetes_defines() {
    let pod = Definitions::builtin().named("io.k8s.api.core.v1.Pod").expect("a pod is defined");
    let mut fields = 0;
    visit(pod, &mut Vec::new(), &mut fields);
    assert!(fields > 1000, "only {fields} fields were tried");
}

/// Tries every sort of value at a place and at all that are in it.
fn visit(schema: Schema<'_>, path: &mut Vec<Step>, fields: &mut usize) {
    *fields += 1;
    for value in values() {
        let mut pod = value.clone();
        for step in path.iter().rev() {
            pod = match step {
                Step::Field(name) => Value::Object(Map::from_iter([(name.clone(), pod)])),
                Step::Element => json!([null, pod]),
            };
        }
        let read = Pod::from_json(pod.to_string().as_bytes()).map(drop);
        assert_eq!(read.is_ok(), is_of(schema, &value), "{pod}: {read:?}");
    }
    let mut inside = |step, schema| {
        path.push(step);
        visit(schema, path, fields);
        path.pop();
    };
    match schema.shape() {
        Shape::List(items) => inside(Step::Element, items),
        Shape::Map(values) => inside(Step::Field("key".to_owned()), values),
        Shape::Struct(fields) => {
            for (name, schema) in fields.fields() {
                inside(Step::Field(name.to_owned()), schema);
            }
        }
        _ => {}
    }
}

enum Step {
    Field(String),
    Element,
}

fn values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(true),
        json!(1),
        json!(2_147_483_648_i64),
        json!(9_223_372_036_854_775_808_u64),
        json!(1.5),
        json!("text"),
        json!("1Gi"),
        json!("2026-11-22T03:04:05Z"),
        json!([]),
        json!({}),
    ]
}

/// Whether Kubernetes decodes the value into a field of this schema.
fn is_of(schema: Schema<'_>, value: &Value) -> bool {
    if value.is_null() {
        return true;
    }
    match schema.shape() {
        Shape::Any => true,
        Shape::Boolean => value.is_boolean(),
        Shape::Integer32 => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Shape::Integer64 => value.as_i64().is_some(),
        Shape::String => value.is_string(),
        Shape::Time => value.as_str().is_some_and(|text| text.ends_with('Z')),
        Shape::Quantity => value.is_number() || value == "1Gi",
        Shape::IntOrString => {
            value.is_string() || value.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
        }
        Shape::List(_) => value.is_array(),
        Shape::Map(_) | Shape::Struct(_) => value.is_object(),
        other => panic!("a pod holds {other:?}"),
    }
}
