//! The options of a request, from its query string or body, checked with Kubernetes' words
//! (`meta.k8s.io` `CreateOptions`, `UpdateOptions`, `PatchOptions`, `DeleteOptions`).

use hyper::HeaderMap;
use hyper::header::USER_AGENT;
use podsec_apimachinery::Status;
use podsec_apimachinery::field::{Cause, Error, Path};
use podsec_apimachinery::meta::{FIELD_MANAGER_LENGTH, validate_field_manager};
use podsec_apimachinery::quote::quoted;
use serde_json::{Map, Value, json};

use super::query::Query;

/// What a create, update or patch is told beside the object.
#[derive(Clone, Debug)]
pub(crate) struct WriteOptions {
    /// Do everything but store.
    pub(crate) dry_run: bool,
    /// Who owns the fields that are written: the `fieldManager`, or else the client's name.
    pub(crate) field_manager: String,
    /// What to do about unknown and repeated fields.
    pub(crate) field_validation: FieldValidation,
    /// Take fields over from other managers; for apply alone.
    pub(crate) force: bool,
    /// What the client has sent of them, as admission shows it.
    sent: Map<String, Value>,
}

/// What to do about unknown and repeated fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    /// Nothing.
    Ignore,
    /// Refuse the object.
    Strict,
    /// Tell the client.
    Warn,
}

impl WriteOptions {
    /// The options of a POST.
    ///
    /// # Errors
    /// 422 when one is wrong.
    pub(crate) fn create(query: &Query, headers: &HeaderMap) -> Result<Self, Status> {
        Self::parse("CreateOptions", query, headers, Vec::new())
    }

    /// The options of a PUT.
    ///
    /// # Errors
    /// 422 when one is wrong.
    pub(crate) fn update(query: &Query, headers: &HeaderMap) -> Result<Self, Status> {
        Self::parse("UpdateOptions", query, headers, Vec::new())
    }

    /// The options of a PATCH; `apply` for server-side apply.
    ///
    /// # Errors
    /// 422 when one is wrong.
    pub(crate) fn patch(query: &Query, headers: &HeaderMap, apply: bool) -> Result<Self, Status> {
        let mut errors = Vec::new();
        if apply && query.value("fieldManager").is_none() {
            errors.push(Error::required(Path::new("fieldManager"), "is required for apply patch"));
        }
        if !apply && query.optional_flag("force").is_some() {
            errors.push(Error::forbidden(Path::new("force"), "may not be specified for non-apply patch"));
        }
        Self::parse("PatchOptions", query, headers, errors)
    }

    fn parse(kind: &str, query: &Query, headers: &HeaderMap, mut errors: Vec<Error>) -> Result<Self, Status> {
        let manager = query.value("fieldManager");
        if let Some(manager) = manager {
            errors.extend(validate_field_manager(manager, &Path::new("fieldManager")));
        }
        let dry_run = dry_run(query.values("dryRun"), &mut errors);
        let field_validation = match query.value("fieldValidation") {
            None | Some("Warn") => FieldValidation::Warn,
            Some("Strict") => FieldValidation::Strict,
            Some("Ignore") => FieldValidation::Ignore,
            Some(other) => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                errors.push(Error::not_supported(
                    Path::new("fieldValidation"),
                    &Value::from(other),
                    &supported,
                ));
                FieldValidation::Strict
            }
        };
        if !errors.is_empty() {
            return Err(invalid(kind, &errors));
        }
        let field_manager = manager.map_or_else(|| client_name(headers), str::to_owned);
        let mut sent = Map::new();
        if dry_run {
            sent.insert("dryRun".to_owned(), json!(["All"]));
        }
        for field in ["fieldManager", "fieldValidation"] {
            if let Some(value) = query.value(field) {
                sent.insert(field.to_owned(), value.into());
            }
        }
        Ok(Self { dry_run, field_manager, field_validation, force: query.flag("force"), sent })
    }

    /// The options as an object of `kind`, which for a patch is that of what it amounts to.
    pub(crate) fn object(&self, kind: &str) -> Value {
        options_object(kind, self.sent.clone())
    }
}

/// What a delete is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeleteOptions {
    /// Do everything but delete.
    pub(crate) dry_run: bool,
    /// How many seconds the object may stay.
    pub(crate) grace_period_seconds: Option<i64>,
    /// What happens to dependents.
    pub(crate) propagation: Option<Propagation>,
    /// The uid the object must have.
    pub(crate) uid: Option<String>,
    /// The resourceVersion the object must have.
    pub(crate) resource_version: Option<String>,
    /// The older way to say what happens to dependents, when the client has used it.
    orphan_dependents: Option<bool>,
}

/// What happens to the dependents of a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// They go after it.
    Background,
    /// They go before it.
    Foreground,
    /// They stay.
    Orphan,
}

/// The finalizer of an object whose dependents are to stay.
pub(crate) const ORPHAN: &str = "orphan";
/// The finalizer of an object whose dependents are to go first.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";

impl DeleteOptions {
    /// Whether the client has said what happens to the dependents, in either way.
    pub(crate) fn say_what_happens_to_dependents(&self) -> bool {
        self.propagation.is_some()
    }

    /// From the query string, for a DELETE without a body.
    ///
    /// # Errors
    /// 400 for what is no number, 422 when an option is wrong.
    pub(crate) fn from_query(query: &Query) -> Result<Self, Status> {
        let grace = match query.value("gracePeriodSeconds") {
            None => None,
            Some(text) => Some(parse_integer(text)?),
        };
        let dry_run: Vec<&str> = query.values("dryRun").collect();
        let orphan = query.optional_flag("orphanDependents");
        Self::check(dry_run, grace, query.value("propagationPolicy"), orphan, None, None)
    }

    /// From a body that has been decoded.
    ///
    /// # Errors
    /// 422 when an option is wrong.
    pub(crate) fn from_object(object: &Value) -> Result<Self, Status> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let dry_run = object.get("dryRun").and_then(Value::as_array);
        let dry_run = dry_run.into_iter().flatten().filter_map(Value::as_str).collect();
        Self::check(
            dry_run,
            object.get("gracePeriodSeconds").and_then(Value::as_i64),
            text("/propagationPolicy").filter(|policy| !policy.is_empty()),
            object.get("orphanDependents").and_then(Value::as_bool),
            text("/preconditions/uid"),
            text("/preconditions/resourceVersion"),
        )
    }

    fn check(
        dry_run_values: Vec<&str>,
        grace_period_seconds: Option<i64>,
        policy: Option<&str>,
        orphan: Option<bool>,
        uid: Option<&str>,
        resource_version: Option<&str>,
    ) -> Result<Self, Status> {
        let mut errors = Vec::new();
        let path = Path::new("propagationPolicy");
        if let (Some(policy), Some(_)) = (policy, orphan) {
            let detail = "orphanDependents and deletionPropagation cannot be both set";
            errors.push(Error::invalid(path.clone(), &Value::from(policy), detail));
        }
        let propagation = match (policy, orphan) {
            (Some("Background"), _) | (None, Some(false)) => Some(Propagation::Background),
            (Some("Foreground"), _) => Some(Propagation::Foreground),
            (Some("Orphan"), _) | (None, Some(true)) => Some(Propagation::Orphan),
            (None, None) => None,
            (Some(other), _) => {
                // Not sorted, as upstream does not sort it.
                let supported = "supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"";
                errors.push(unsupported(path, &Value::from(other), supported));
                None
            }
        };
        let dry_run = dry_run(dry_run_values.into_iter(), &mut errors);
        if !errors.is_empty() {
            return Err(invalid("DeleteOptions", &errors));
        }
        Ok(Self {
            dry_run,
            grace_period_seconds,
            propagation,
            uid: uid.map(str::to_owned),
            resource_version: resource_version.map(str::to_owned),
            orphan_dependents: orphan,
        })
    }

    /// The options as admission shows them.
    pub(crate) fn object(&self) -> Value {
        let mut fields = Map::new();
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        set("dryRun", self.dry_run.then(|| json!(["All"])));
        set("gracePeriodSeconds", self.grace_period_seconds.map(Value::from));
        set("orphanDependents", self.orphan_dependents.map(Value::from));
        let policy = self.propagation.filter(|_| self.orphan_dependents.is_none());
        set("propagationPolicy", policy.map(|policy| format!("{policy:?}").into()));
        let mut preconditions = Map::new();
        for (name, value) in [("resourceVersion", &self.resource_version), ("uid", &self.uid)] {
            if let Some(value) = value {
                preconditions.insert(name.to_owned(), value.as_str().into());
            }
        }
        set("preconditions", Some(preconditions).filter(|map| !map.is_empty()).map(Value::Object));
        options_object("DeleteOptions", fields)
    }
}

fn options_object(kind: &str, mut fields: Map<String, Value>) -> Value {
    fields.insert("kind".to_owned(), kind.into());
    fields.insert("apiVersion".to_owned(), "meta.k8s.io/v1".into());
    Value::Object(fields)
}

/// A number of the query string.
///
/// # Errors
/// 400 in Go's words.
pub(crate) fn parse_integer(text: &str) -> Result<i64, Status> {
    text.parse::<i64>().map_err(|error| {
        let why = match error.kind() {
            std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        Status::bad_request(format!("strconv.ParseInt: parsing {}: {why}", quoted(text)))
    })
}

/// 422 about options, which have no name.
pub(crate) fn invalid(kind: &str, errors: &[Error]) -> Status {
    Status::invalid("meta.k8s.io", kind, "", errors)
}

/// `Unsupported value`, with the supported ones in an order of their own.
pub(crate) fn unsupported(path: Path, value: &Value, supported: &str) -> Error {
    Error { path, cause: Cause::Unsupported, message: format!("Unsupported value: {value}: {supported}") }
}

fn dry_run<'q>(values: impl Iterator<Item = &'q str>, errors: &mut Vec<Error>) -> bool {
    let values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
    if values.iter().any(|value| *value != "All") {
        errors.push(Error::not_supported(Path::new("dryRun"), &Value::from(values.clone()), &["All"]));
    }
    !values.is_empty()
}

/// The client's name: its `User-Agent` up to the first slash.
fn client_name(headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let agent = agent.unwrap_or_default();
    let name = agent.split('/').next().unwrap_or_default();
    let mut printable = String::new();
    for character in name.chars().filter(|character| !character.is_control()) {
        if printable.len() + character.len_utf8() > FIELD_MANAGER_LENGTH {
            break;
        }
        printable.push(character);
    }
    if printable.is_empty() { "unknown".to_owned() } else { printable }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(query: &str) -> String {
        WriteOptions::create(&Query::parse(query), &HeaderMap::new()).unwrap_err().message
    }

    #[test]
    fn wrong_options_are_refused_in_kubernetes_words() {
        assert_eq!(
            message("fieldValidation=Bogus"),
            r#"CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Bogus": supported values: "", "Ignore", "Strict", "Warn""#
        );
        assert_eq!(
            message("dryRun=Bogus"),
            r#"CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Bogus"]: supported values: "All""#
        );
        assert_eq!(
            message(&format!("fieldManager={}", "x".repeat(129))),
            r#"CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes"#
        );
    }

    #[test]
    fn a_delete_may_not_say_twice_what_happens_to_dependents() {
        let options = serde_json::json!({"orphanDependents": true, "propagationPolicy": "Background"});
        assert_eq!(
            DeleteOptions::from_object(&options).unwrap_err().message,
            r#"DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Background": orphanDependents and deletionPropagation cannot be both set"#
        );
    }
}
