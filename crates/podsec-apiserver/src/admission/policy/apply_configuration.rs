//! `ApplyConfiguration`: what an expression yields is merged into the object as by a server-side apply.

use std::collections::BTreeMap;

use podsec_apimachinery::Status;
use podsec_apimachinery::patch::configuration;
use podsec_apimachinery::schema::{CustomType, Definitions};
use podsec_cel::{Value, limits, native};
use podsec_kinds::custom::CustomResource;
use podsec_kinds::object::as_map;
use serde_json::Value as Json;

use super::definition::Policy;
use super::evaluation::Evaluation;
use super::expression::Expression;
use super::unmade::Unmade;
use crate::admission::matching::version::GroupVersionKind;

/// The object with the configuration merged into it.
///
/// # Errors
/// When the expression fails, or what it yields does not fit the object.
pub(super) fn patched(
    policy: &Policy,
    expression: &Expression,
    values: &BTreeMap<String, Value>,
    shown: &Json,
    kind: &GroupVersionKind,
    custom: Option<&CustomResource>,
) -> Result<Json, Unmade> {
    let failed = Unmade::Failed;
    if let Err(why) = &expression.program {
        return Err(failed(why.clone()));
    }
    let mut evaluation = Evaluation::new(values, &policy.variables, limits::PER_OBJECT);
    let value = evaluation.run(expression).map_err(|over| failed(over.to_string()))?.map_err(failed)?;
    let Value::Object(object) = &value else {
        let of = value.type_name();
        return Err(failed(format!("unsupported return type from ApplyConfiguration expression: {of}")));
    };
    let mismatches = native::type_mismatches(object);
    if !mismatches.is_empty() {
        return Err(failed(format!("type mismatch: {}", mismatches.join("\n"))));
    }
    let mut config = native::to_json(&value).map_err(|why| failed(format!("invalid return type: {why}")))?;
    let fields = as_map(&mut config);
    fields.insert("apiVersion".to_owned(), kind.api_version().into());
    fields.insert("kind".to_owned(), kind.kind.as_str().into());
    let schema = Definitions::builtin().kind(&kind.group, &kind.version, &kind.kind);
    let merged = match (schema, custom) {
        (Some(schema), _) => configuration::merge(shown, &config, &schema),
        (None, Some(custom)) => configuration::merge(shown, &config, &CustomType::Root(&custom.schema)),
        (None, None) => {
            let GroupVersionKind { group, version, kind } = kind;
            let message = format!(
                "Resource kind {group}/{version}, Kind={kind} not found. There can be a delay between when \
                 CustomResourceDefinitions are created and when they are available."
            );
            return Err(Unmade::Status(Status::failure(503, "ServiceUnavailable", message)));
        }
    };
    merged.map_err(|why| failed(format!("error applying patch: {why}")))
}
