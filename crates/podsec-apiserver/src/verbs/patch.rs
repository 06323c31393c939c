//! PATCH: an object changed in part, in the four forms that Kubernetes knows.

use hyper::header::CONTENT_TYPE;
use podsec_apimachinery::Status;
use podsec_apimachinery::codec::{self, Encoding, Kind};
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::patch::schema::Untyped;
use podsec_apimachinery::patch::{GoFormat, Touched, json, merge, patched_text, strategic};
use podsec_apimachinery::schema::{self, Schema};
use podsec_apimachinery::status::Details;
use serde_json::Value;
use tokio::time::Instant;

use super::origin::Origin;
use super::update::check_name;
use super::update::update_object;
use super::write::Write;
use super::{create, managed_fields};
use crate::answer::Answer;
use crate::body::UnreadBody;
use crate::processors::Processors;
use crate::request::options::{FieldValidation, WriteOptions};
use podsec_kinds::object::as_map;

/// The form of a patch, by its content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Merge,
    StrategicMerge,
    Apply,
}

/// Applies the patch in the body to the newest state of the object.
pub(super) async fn patch(
    write: &Write<'_>,
    processors: &Processors,
    body: UnreadBody<'_>,
) -> Result<Answer, Status> {
    let request = write.request;
    let content_type = request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let form = Form::of(content_type.unwrap_or_default());
    let is_custom = write.behaviour().custom.is_some();
    // Nothing says how the lists of a custom object merge.
    let form = form.filter(|form| !(is_custom && *form == Form::StrategicMerge));
    let form = form.ok_or_else(|| unsupported_media_type(is_custom))?;
    let options = WriteOptions::patch(&request.query, &request.headers, form == Form::Apply)?;
    let bytes = body.read().await?;
    write.sinks.recording.patch(bytes.as_ref());
    if form == Form::Apply {
        return apply(write, bytes.as_ref(), &options).await;
    }
    let patch = Patch::parse(form, bytes.as_ref())?;
    drop(bytes);
    let object = update_object(write, &options, Origin::Update, |stored| {
        let apply = || patch.applied(write, stored, &options);
        let mut patched = if patch.is_long() { processors.run(request.deadline, apply)?? } else { apply()? };
        check_name(write, &patched)?;
        create::place(write, &mut patched)?;
        write.behaviour().default(&mut patched);
        Ok(patched)
    })
    .await?;
    write.answer(200, object)
}

/// A patch that was read.
struct Patch {
    form: Form,
    value: Value,
    /// The length of its text.
    bytes: usize,
    /// What strict validation has against the text itself: keys that stand there twice.
    repeated: Vec<String>,
}

impl Patch {
    fn parse(form: Form, bytes: &[u8]) -> Result<Self, Status> {
        let wrong = |why: String| Status::bad_request(format!("error decoding patch: {why}"));
        let parsed = codec::json::parse(bytes).map_err(|error| wrong(error.to_string()))?;
        let decoded = schema::decode_untyped(&parsed).map_err(|error| wrong(error.to_string()))?;
        // Decoding drops nulls, and in a patch they say: remove.
        let value = parsed.to_value().map_err(|error| wrong(error.to_string()))?;
        let repeated = decoded.strict.iter().map(ToString::to_string).collect();
        Ok(Self { form, value, bytes: bytes.len(), repeated })
    }

    /// Whether it may take more than a few milliseconds to apply.
    fn is_long(&self) -> bool {
        let operations = self.value.as_array().map_or(0, Vec::len);
        self.bytes > LONG_BYTES || operations > LONG_OPERATIONS
    }

    /// The patched object, decoded again as if a client had sent it.
    fn applied(&self, write: &Write<'_>, stored: &Value, options: &WriteOptions) -> Result<Value, Status> {
        let (object, patch) = (stored.clone(), self.value.clone());
        let schema = managed_fields::schema_of(write.registry.resource());
        let patched = match (self.form, &schema) {
            (Form::Json, _) => {
                let deadline = write.request.deadline;
                let proceed = || deadline.is_none_or(|deadline| Instant::now() < deadline);
                json::apply_while(object, patch, proceed)
            }
            (Form::Merge | Form::Apply, _) => merge::apply(object, patch),
            (Form::StrategicMerge, Some(schema)) => strategic::apply(object, patch, schema),
            (Form::StrategicMerge, None) => strategic::apply(object, patch, &Untyped),
        };
        let patched = patched.map_err(|error| error.status())?;
        let mut strict = self.repeated.clone();
        let shown = || self.shown(&patched, schema);
        let object = match (schema, &write.behaviour().custom) {
            (Some(schema), _) if self.form == Form::StrategicMerge => {
                let converted = schema::convert(schema, &patched)
                    .map_err(|error| invalid(shown(), &error.to_string()))?;
                strict.extend(converted.unknown);
                of_resource(write, converted.object)
            }
            (Some(schema), _) => {
                let text = patched_text(&patched, Some(schema), &self.touched());
                let kind = Kind::from(&**write.registry.resource());
                let decoded = codec::decode(text.as_bytes(), Encoding::Json, kind)
                    .map_err(|error| invalid(shown(), &error.cause()))?;
                strict.extend(decoded.strict);
                decoded.object
            }
            (None, Some(custom)) => {
                check_type(write, &patched)?;
                let mut object = patched.clone();
                strict.extend(custom.decode(&mut object)?);
                object
            }
            (None, None) => {
                check_type(write, &patched)?;
                patched.clone()
            }
        };
        match options.field_validation {
            FieldValidation::Strict if !strict.is_empty() => {
                return Err(invalid(shown(), &format!("strict decoding error: {}", strict.join(", "))));
            }
            FieldValidation::Warn => strict.into_iter().for_each(|text| write.sinks.warnings.add(text)),
            FieldValidation::Strict | FieldValidation::Ignore => {}
        }
        Ok(object)
    }

    /// What a refusal shows: the patch as Go prints it, or the text that the patch has made.
    fn shown(&self, patched: &Value, schema: Option<Schema<'_>>) -> String {
        match self.form {
            Form::StrategicMerge | Form::Apply => GoFormat(&self.value).to_string(),
            Form::Json | Form::Merge => patched_text(patched, schema, &self.touched()),
        }
    }

    fn touched(&self) -> Touched {
        match self.form {
            Form::Json => Touched::by_json_patch(&self.value),
            Form::Merge | Form::StrategicMerge | Form::Apply => Touched::by_merge_patch(&self.value),
        }
    }
}

/// 422 about the patch, which has no name.
fn invalid(shown: String, why: &str) -> Status {
    Status::invalid("", "", "", &[Error::invalid(Path::new("patch"), &Value::from(shown), why)])
}

/// The object as one of the resource's kind, whatever the patch says of it: a strategic merge patch is converted into the
/// type of the resource, which knows itself.
fn of_resource(write: &Write<'_>, mut object: Value) -> Value {
    let fields = as_map(&mut object);
    fields.insert("apiVersion".to_owned(), write.registry.resource().api_version().into());
    fields.insert("kind".to_owned(), write.registry.resource().kind.as_str().into());
    object
}

/// 422 for an object that a patch has made one of another kind or version.
fn check_type(write: &Write<'_>, object: &Value) -> Result<(), Status> {
    let resource = write.registry.resource();
    let expected = [("apiVersion", resource.api_version()), ("kind", resource.kind.clone())];
    let errors: Vec<Error> = expected
        .iter()
        .filter(|(field, expected)| object.get(field).and_then(Value::as_str) != Some(expected))
        .map(|(field, expected)| {
            let found = object.get(field).unwrap_or(&Value::Null);
            Error::invalid(Path::new(field), found, &format!("must be {expected}"))
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(write.registry.invalid(write.name(), &errors)) }
}

/// Server-side apply: brings the object to what the body says, and makes it when it is absent.
async fn apply(write: &Write<'_>, bytes: &[u8], options: &WriteOptions) -> Result<Answer, Status> {
    let wrong = |why: String| Status::bad_request(format!("error decoding YAML: {why}"));
    let text = std::str::from_utf8(bytes).map_err(|error| wrong(error.to_string()))?;
    let config = podsec_yaml::to_json(text).map_err(|error| wrong(error.to_string()))?;
    let (namespace, name) = (write.namespace(), write.name());
    for _ in 0..CREATE_ATTEMPTS {
        if write.registry.find(namespace, name).await?.is_some() {
            let object = update_object(write, options, Origin::Apply, |stored| {
                let applied = managed_fields::applied(write, options, Some(stored), &config);
                finish(write, applied.map_err(|error| error.status())?)
            })
            .await?;
            return write.answer(200, object);
        }
        let applied = managed_fields::applied(write, options, None, &config);
        let object = applied.map_err(|error| error.status())?;
        let uid = Meta::of(&object).uid();
        if !uid.is_empty() {
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(Status::conflict(write.registry.group_resource(), name, &why));
        }
        let object = finish(write, object)?;
        if !write.request.info.subresource.is_empty() {
            return Err(Status::not_found(write.registry.group_resource(), name));
        }
        match create::create_object(write, object, options, Origin::Apply).await {
            Ok(object) => return write.answer(201, object),
            // Someone else has made it in between: then it is an update.
            Err(status) if status.reason == "AlreadyExists" => {}
            Err(status) => return Err(status),
        }
    }
    Err(write.registry.modified(name))
}

fn finish(write: &Write<'_>, mut object: Value) -> Result<Value, Status> {
    check_name(write, &object)?;
    create::place(write, &mut object)?;
    write.behaviour().default(&mut object);
    Ok(object)
}

impl Form {
    fn of(content_type: &str) -> Option<Self> {
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/json-patch+json" => Some(Self::Json),
            "application/merge-patch+json" => Some(Self::Merge),
            "application/strategic-merge-patch+json" => Some(Self::StrategicMerge),
            "application/apply-patch+yaml" => Some(Self::Apply),
            _ => None,
        }
    }
}

fn unsupported_media_type(custom: bool) -> Status {
    let message = if custom {
        "the body of the request was in an unknown format - accepted media types include: \
         application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    } else {
        "415: Unsupported Media Type"
    };
    Status { details: Some(Details::default()), ..Status::failure(415, "UnsupportedMediaType", message) }
}

/// A patch of more bytes than this is long; parsing and decoding the object again is most of it.
const LONG_BYTES: usize = 64 << 10;
/// A JSON patch of more operations than this is long: each may move a list of a megabyte by one place.
const LONG_OPERATIONS: usize = 8;
const CREATE_ATTEMPTS: usize = 5;
