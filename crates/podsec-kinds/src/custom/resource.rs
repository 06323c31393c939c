//! One served version of a CustomResourceDefinition.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use podsec_apimachinery::codec::{self, BodyError};
use podsec_apimachinery::field::{Cause, Error, Path};
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::openapi;
use podsec_apimachinery::quote::quoted;
use podsec_apimachinery::schema::catalog::{Resource, Subresource, Verb, api_version};
use podsec_apimachinery::schema::structural::{Patterns, TooManyDefaults};
use podsec_apimachinery::schema::{self, Catalog, Definitions, Structural};
use podsec_apimachinery::{Status, field, table};
use serde_json::{Value, json};

use super::JsonPath;
use super::columns::PrinterColumn;
use super::conversion::Conversion;
use super::rules::{self, Judgement, Validator};
use super::scale::ScalePaths;
use crate::object::as_map;

/// What is particular to the objects of one version.
#[derive(Debug)]
pub struct CustomResource {
    /// What discovery tells of it.
    pub resource: Resource,
    /// What its objects look like.
    pub schema: Structural,
    /// The same as the definition has it, for the OpenAPI document.
    pub document: Value,
    /// Tells that one from others.
    pub digest: u64,
    /// How its objects come from and into the other versions.
    pub conversion: Arc<Conversion>,
    /// Whether the definition is being deleted, so that nothing new may come.
    pub terminating: bool,
    /// What every request for a deprecated version is warned with.
    pub deprecation: Option<String>,
    columns: Vec<PrinterColumn>,
    scale: Option<ScalePaths>,
    selectable: Vec<(String, JsonPath)>,
    /// The rules of the schema, compiled when the first object comes; `None` inside when it has none.
    rules: OnceLock<Option<Validator>>,
}

/// The served versions of a stored definition, under the names that were accepted.
pub fn of_definition(definition: &Value) -> Vec<Arc<CustomResource>> {
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    let mut patterns = Patterns::default();
    let conversion = Arc::new(Conversion::of(definition));
    versions
        .into_iter()
        .flatten()
        .filter_map(|version| {
            Some(Arc::new(CustomResource::of(definition, version, &conversion, &mut patterns)?))
        })
        .collect()
}

impl CustomResource {
    fn of(
        definition: &Value,
        version: &Value,
        conversion: &Arc<Conversion>,
        patterns: &mut Patterns,
    ) -> Option<Self> {
        let spec = definition.get("spec")?;
        let names = definition.pointer("/status/acceptedNames")?;
        let text = |value: &Value, field: &str| {
            value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let list = |field: &str| -> Vec<String> {
            let list = names.get(field).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let (group, name, kind) = (text(spec, "group"), text(version, "name"), text(names, "kind"));
        let served = version.get("served").and_then(Value::as_bool).unwrap_or_default();
        // What Kubernetes itself serves stays what it is.
        if !served || kind.is_empty() || Catalog::builtin().version(&group, &name).is_some() {
            return None;
        }
        let document = version.pointer("/schema/openAPIV3Schema")?;
        let scale = ScalePaths::of_version(version);
        let own = |name_of: &str, group: &str, version: &str, kind: &str| Subresource {
            name: name_of.to_owned(),
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            verbs: vec![Verb::Get, Verb::Patch, Verb::Update],
        };
        let mut subresources = Vec::new();
        if scale.is_some() {
            subresources.push(own("scale", "autoscaling", "v1", "Scale"));
        }
        if version.pointer("/subresources/status").is_some() {
            subresources.push(own("status", &group, &name, &kind));
        }
        let selectable = version.get("selectableFields").and_then(Value::as_array).into_iter().flatten();
        let selectable = selectable.filter_map(|field| {
            let path = field.get("jsonPath")?.as_str()?;
            Some((path.trim_start_matches('.').to_owned(), JsonPath::parse(path)?))
        });
        Some(Self {
            schema: readable(document, definition, patterns)?,
            document: document.clone(),
            digest: openapi::digest(document),
            conversion: Arc::clone(conversion),
            terminating: Meta::of(definition).is_being_deleted(),
            deprecation: deprecation(version, &api_version(&group, &name), &kind),
            columns: PrinterColumn::of_version(version),
            scale,
            selectable: selectable.collect(),
            rules: OnceLock::new(),
            resource: Resource {
                list_kind: text(names, "listKind"),
                resource: text(names, "plural"),
                singular: text(names, "singular"),
                namespaced: spec.get("scope").is_some_and(|scope| scope == "Namespaced"),
                short_names: list("shortNames"),
                categories: list("categories"),
                storage_version_hash: String::new(),
                verbs: VERBS.to_vec(),
                subresources,
                group,
                version: name,
                kind,
            },
        })
    }

    /// Whether the version has a status that only its own door lets through.
    pub fn has_status(&self) -> bool {
        self.resource.subresource("status").is_some()
    }

    /// Makes an object of what a client has sent: metadata as all kinds have it, and only fields that the schema knows.
    /// Returns what strict field validation has against it.
    ///
    /// # Errors
    /// For metadata of the wrong type.
    pub fn decode(&self, object: &mut Value) -> Result<Vec<String>, BodyError> {
        let mut strict = Vec::new();
        let fields = as_map(object);
        if let Some(metadata) = fields.get("metadata").filter(|metadata| !metadata.is_null()) {
            let decoded = decode_metadata(metadata).map_err(|cause| BodyError::Object {
                found: self.resource.kind.clone(),
                version: self.resource.version.clone(),
                expected: self.resource.kind.clone(),
                cause,
            })?;
            strict.extend(decoded.strict.iter().map(|error| {
                let place = quoted(&format!("metadata.{}", error.path));
                format!("{} field {place}", error.cause)
            }));
            fields.insert("metadata".to_owned(), decoded.object);
        }
        let unknown = self.schema.prune(object);
        strict.extend(unknown.iter().map(|place| format!("unknown field {}", quoted(place))));
        Ok(strict)
    }

    /// Fills what is absent, and takes away what the schema does not know. Idempotent.
    ///
    /// # Errors
    /// When the defaults alone are larger than any store takes. The object is filled in part then.
    pub fn complete(&self, object: &mut Value) -> Result<(), TooManyDefaults> {
        self.schema.prune(object);
        self.schema.fill_defaults(object)
    }

    /// What the schema and its rules have against an object that takes the place of `old`, if there is one. `errors` is
    /// what is wrong with it already.
    pub(crate) fn judge(
        &self,
        subresource: &str,
        mut errors: Vec<Error>,
        object: &Value,
        old: Option<&Value>,
    ) -> Judgement {
        errors.extend(match old {
            Some(old) if subresource == "status" => self.schema.validate_field_update("status", object, old),
            Some(old) => self.schema.validate_update(object, old),
            None => self.schema.validate(object),
        });
        errors.extend(self.scale.iter().flat_map(|scale| scale.errors(object, subresource == "status")));
        let Some(rules) = self.rules.get_or_init(|| Validator::of(&self.document)) else {
            return Judgement { errors, warnings: Vec::new() };
        };
        // Rules may rely on what the schema says.
        if errors.iter().any(|error| BLOCKING.contains(&error.cause)) {
            let why = "some validation rules were not checked because the object was invalid; correct the existing \
                       errors to complete validation";
            errors.push(Error::invalid(Path::new("<nil>"), &Value::Null, why));
            return Judgement { errors, warnings: Vec::new() };
        }
        let judgement = rules::judge(rules, &self.document, object, old);
        errors.extend(judgement.errors);
        Judgement { errors, ..judgement }
    }

    /// The columns of its Table behind the name.
    pub fn columns(&self) -> impl Iterator<Item = table::Column> {
        self.columns.iter().map(PrinterColumn::definition)
    }

    /// The cells of one object behind its name.
    pub fn cells(&self, object: &Value, now: Timestamp) -> impl Iterator<Item = Value> {
        self.columns.iter().map(move |column| column.cell(object, now))
    }

    /// The fields that a field selector may name.
    pub fn selectable_fields(&self) -> impl Iterator<Item = &str> {
        self.selectable.iter().map(|(label, _)| label.as_str())
    }

    /// The value of one of them; `None` for another field.
    pub fn field(&self, object: &Value, label: &str) -> Option<String> {
        let (_, path) = self.selectable.iter().find(|(name, _)| name == label)?;
        Some(match path.first(object) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            _ => String::new(),
        })
    }

    /// The Scale of an object.
    ///
    /// # Errors
    /// 500 for an object without replicas, 404 when the version has no scale.
    pub fn scale(&self, object: &Value) -> Result<Value, Status> {
        self.scale.as_ref().ok_or_else(Status::no_such_resource)?.of(object)
    }

    /// Brings the replicas of a Scale into the object.
    pub fn set_scale(&self, scale: &Value, object: &mut Value) {
        if let Some(paths) = &self.scale {
            paths.apply(scale, object);
        }
    }
}

/// The schema; what was stored when definitions were not read may have none.
fn readable(document: &Value, definition: &Value, patterns: &mut Patterns) -> Option<Structural> {
    let parsed = Structural::parse(document, &Path::default(), patterns);
    if let Err(errors) = &parsed {
        let name = Meta::of(definition).name();
        tracing::warn!(name, why = %field::aggregate(errors), "a version of a definition is not served");
    }
    parsed.ok()
}

fn decode_metadata(metadata: &Value) -> Result<schema::Decoded, String> {
    let whole = || schema::Decoded { object: json!({}), strict: Vec::new() };
    let Some(definition) = Definitions::builtin().named(OBJECT_META) else { return Ok(whole()) };
    let text = metadata.to_string();
    let parsed = codec::json::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    schema::decode(definition, &parsed).map_err(|error| error.to_string())
}

fn deprecation(version: &Value, api_version: &str, kind: &str) -> Option<String> {
    if version.get("deprecated") != Some(&Value::Bool(true)) {
        return None;
    }
    let own = version.get("deprecationWarning").and_then(Value::as_str);
    Some(own.map_or_else(|| format!("{api_version} {kind} is deprecated"), str::to_owned))
}

/// What is so wrong with an object that its rules are not asked.
const BLOCKING: [Cause; 5] =
    [Cause::Unsupported, Cause::Require, Cause::TooLong, Cause::TooMany, Cause::TypeInvalid];

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// What can be done with custom objects, in kube-apiserver's order.
const VERBS: [Verb; 8] = [
    Verb::Delete,
    Verb::DeleteCollection,
    Verb::Get,
    Verb::List,
    Verb::Patch,
    Verb::Create,
    Verb::Update,
    Verb::Watch,
];
