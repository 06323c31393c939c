//! Objects have the types that Kubernetes' definitions give every field, read by a check or not.

mod scenario;

use podsec_admission::{GroupVersionKind, GroupVersionResource, Operation, Request};
use podsec_apimachinery::schema::{Definitions, Schema, Shape};
use podsec_standards::{Pod, Workload};
use serde_json::{Map, Value, json};

use crate::scenario::Scenario;

#[test]
fn every_field_of_a_pod_is_of_the_type_that_kubernetes_defines() {
    let is_read = |json: &[u8]| Pod::from_json(json).is_ok();
    assert!(fields_tried("", "Pod", &is_read) > 600);
}

#[test]
fn every_field_around_a_pod_is_of_the_type_that_kubernetes_defines() {
    for workload in Workload::ALL {
        let is_read = |json: &[u8]| workload.pod_of_object(json).is_ok();
        assert!(fields_tried(workload.group(), workload.kind(), &is_read) > 20, "{workload}");
    }
}

#[test]
fn every_field_of_a_namespace_is_of_the_type_that_kubernetes_defines() {
    let scenario = Scenario::with_labels(&[]);
    let is_read = |json: &[u8]| {
        let kind = GroupVersionKind { version: "v1".into(), kind: "Namespace".into(), ..Default::default() };
        let resource = GroupVersionResource { resource: "namespaces".into(), ..Default::default() };
        let request = Request {
            kind,
            resource,
            operation: Operation::Create,
            object: Some(json),
            ..Request::default()
        };
        // Another kind is no namespace, of whatever type it is.
        let names_a_kind = json.starts_with(br#"{"kind":""#) || json.starts_with(br#"{"apiVersion":""#);
        names_a_kind || scenario.response(&request).allowed()
    };
    assert!(fields_tried("", "Namespace", &is_read) > 20);
}

/// Tries every field of a kind, and tells how many there are.
fn fields_tried(group: &str, kind: &str, is_read: &dyn Fn(&[u8]) -> bool) -> usize {
    let schema = Definitions::builtin().kind(group, "v1", kind).expect("the kind is defined");
    let mut fields = 0;
    visit(schema, &mut Vec::new(), is_read, &mut fields);
    fields
}

/// Tries every sort of value at a place and at all that are in it.
fn visit(schema: Schema<'_>, path: &mut Vec<Step>, is_read: &dyn Fn(&[u8]) -> bool, fields: &mut usize) {
    *fields += 1;
    for value in values() {
        let mut object = value.clone();
        for step in path.iter().rev() {
            object = match step {
                Step::Field(name) => Value::Object(Map::from_iter([(name.clone(), object)])),
                Step::Element => json!([null, object]),
            };
        }
        let text = object.to_string();
        // No object is another matter than `null`.
        if text != "null" {
            assert_eq!(is_read(text.as_bytes()), is_of(schema, &value), "{text}");
        }
    }
    let mut inside = |step, schema| {
        path.push(step);
        visit(schema, path, is_read, fields);
        path.pop();
    };
    match schema.shape() {
        Shape::List(items) => inside(Step::Element, items),
        Shape::Map(values) => inside(Step::Field("key".to_owned()), values),
        // A pod in a workload is a pod like any other.
        Shape::Struct(fields) if fields.name().ends_with(".PodTemplateSpec") => {}
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
