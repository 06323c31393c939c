//! `JSONPatch`: the operations that an expression yields change the object.

use std::collections::BTreeMap;

use podsec_apimachinery::codec;
use podsec_apimachinery::patch::{Error, json};
use podsec_apimachinery::schema::{self, Definitions};
use podsec_apimachinery::{Status, schema::strict_message};
use podsec_cel::value::Object;
use podsec_cel::{Value, kubernetes, limits, native};
use serde_json::{Map, Value as Json};
use tokio::time::Instant;

use super::definition::Policy;
use super::evaluation::Evaluation;
use super::expression::Expression;
use super::unmade::Unmade;
use crate::admission::matching::version::GroupVersionKind;

/// The object with the operations applied to it; as it was when one of their tests fails.
///
/// # Errors
/// When the expression fails, or an operation does not fit the object; 500 when the result is no object of the kind.
pub(super) fn patched(
    policy: &Policy,
    expression: &Expression,
    values: &BTreeMap<String, Value>,
    shown: &Json,
    kind: &GroupVersionKind,
    deadline: Option<Instant>,
) -> Result<Json, Unmade> {
    let failed = Unmade::Failed;
    if let Err(why) = &expression.program {
        return Err(failed(why.clone()));
    }
    let mut evaluation = Evaluation::new(values, &policy.variables, limits::PER_OBJECT);
    let value = evaluation.run(expression).map_err(|over| failed(over.to_string()))?.map_err(failed)?;
    let Value::List(list) = &value else {
        return Err(failed("type mismatch: JSONPatchType.expression should evaluate to array".to_owned()));
    };
    let operations: Result<Vec<Json>, String> = list.items.iter().map(operation).collect();
    let operations = Json::Array(operations.map_err(failed)?);
    let in_time = || deadline.is_none_or(|deadline| Instant::now() < deadline);
    match json::apply_while(shown.clone(), operations, in_time) {
        Ok(patched) => decoded(patched, kind).map_err(|why| Unmade::Status(Status::internal(&why))),
        Err(Error::TestFailed(_)) => Ok(shown.clone()),
        Err(error @ Error::Interrupted) => Err(Unmade::Status(error.status())),
        Err(error) => Err(failed(format!("JSON Patch: {error}"))),
    }
}

/// One operation as JSON.
fn operation(value: &Value) -> Result<Json, String> {
    let Value::Object(object) = value else { return Err(no_operation(value)) };
    let Object { message, fields } = &**object;
    if &**message != kubernetes::JSON_PATCH {
        return Err(no_operation(value));
    }
    let mut operation = Map::new();
    for field in ["op", "path", "from"] {
        let text = match fields.get(field) {
            Some(Value::String(text)) => &**text,
            _ => "",
        };
        if field != "from" || !text.is_empty() {
            operation.insert(field.to_owned(), text.into());
        }
    }
    if let Some(value) = fields.get("value") {
        if let Value::Object(object) = value {
            let mismatches = native::type_mismatches(object);
            if !mismatches.is_empty() {
                return Err(format!("type mismatch: {}", mismatches.join("\n")));
            }
        }
        let value = native::to_json(value).map_err(|why| {
            format!("JSONPath valueExpression evaluated to a type that could not marshal to JSON: {why}")
        })?;
        operation.insert("value".to_owned(), value);
    }
    Ok(Json::Object(operation))
}

fn no_operation(value: &Value) -> String {
    format!(
        "type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch, got element of {}",
        value.type_name()
    )
}

/// Decodes a patched object as if a client had sent it, strictly.
fn decoded(patched: Json, kind: &GroupVersionKind) -> Result<Json, String> {
    let Some(schema) = Definitions::builtin().kind(&kind.group, &kind.version, &kind.kind) else {
        return Ok(patched);
    };
    let text = serde_json::to_vec(&patched).map_err(|error| error.to_string())?;
    let parsed = codec::json::parse(&text).map_err(|error| error.to_string())?;
    let decoded = schema::decode(schema, &parsed).map_err(|error| error.to_string())?;
    if decoded.strict.is_empty() { Ok(decoded.object) } else { Err(strict_message(&decoded.strict)) }
}
