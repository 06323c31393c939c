//! CustomResourceDefinitions: which ones Kubernetes takes, and what is told of those that are not served in full.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path, json as go_json};
use podsec_apimachinery::meta::MetaMut;
use podsec_apimachinery::name::{dns1035_label, dns1123_subdomain};
use podsec_apimachinery::schema::structural::Patterns;
use serde_json::{Value, json};

use super::{field_path, schema};
use crate::admissionregistration::webhook_configurations::client_config;
use crate::custom::{CLEANUP, JsonPath, names};
use crate::generic::{self, BASE};
use crate::object::{Fields, FieldsMut, annotation, as_map, same};
use crate::strategy::{Strategy, Subresource};
use crate::{expressions, formats, immutable, internal, metadata as meta};

/// CustomResourceDefinitions.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "apiextensions.k8s.io",
    resource: "customresourcedefinitions",
    default,
    prepare_for_create: |definition| {
        generic::without_status_first_generation(definition);
        as_map(definition).insert(
            "status".to_owned(),
            json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": null}),
        );
        note_storage_version(definition);
    },
    prepare_for_update: |definition, old| {
        generic::keep_status_count_generation(definition, old);
        note_storage_version(definition);
    },
    validate: |definition| {
        let spec = definition.at("spec");
        let required = format!("{}.{}", spec.at("names").text("plural"), spec.text("group"));
        let name = |name: &str| {
            let mut wrong = dns1123_subdomain(name);
            if name != required {
                wrong.push("must be spec.names.plural+\".\"+spec.group".to_owned());
            }
            wrong
        };
        let mut errors = meta::validate_named(definition, false, name, |prefix| {
            let stem = prefix.strip_suffix('-').map(|stem| format!("{stem}a"));
            name(stem.as_deref().unwrap_or(prefix))
        });
        errors.extend(validate_spec(definition));
        errors.extend(validate_status(definition));
        errors.extend(approval(definition, None));
        errors.extend(preserves_unknown(definition));
        errors
    },
    validate_update: |definition, old| {
        let mut errors = meta::validate_update_any_finalizers(definition, old);
        let (spec, before, path) = (definition.at("spec"), old.at("spec"), Path::new("spec"));
        // What was stored under other rules must still be able to go.
        if !same(spec, before) {
            errors.extend(validate_spec(definition));
        }
        let (names, names_before, names_path) = (spec.at("names"), before.at("names"), path.child("names"));
        if old.at("status").as_object().is_some_and(|status| names::is_true(status, "Established")) {
            errors.extend(immutable::text(spec, before, "scope", &path));
            errors.extend(immutable::text(names, names_before, "kind", &names_path));
        }
        errors.extend(immutable::text(spec, before, "group", &path));
        errors.extend(immutable::text(names, names_before, "plural", &names_path));
        errors.extend(validate_status(definition));
        errors.extend(approval(definition, Some(old)));
        if !before.flag("preserveUnknownFields") {
            errors.extend(preserves_unknown(definition));
        }
        errors
    },
    warnings_on_create: |definition| warnings(definition, &Value::Null),
    warnings_on_update: |definition, old| {
        if definition.at("spec") == old.at("spec") { Vec::new() } else { warnings(definition, old) }
    },
    subresources: &[STATUS],
    prepare_for_delete: |definition, now| {
        let finalizers = podsec_apimachinery::meta::Meta::of(definition).finalizers();
        let mut finalizers: Vec<String> = finalizers.map(str::to_owned).collect();
        if !finalizers.iter().any(|name| name == CLEANUP) {
            finalizers.push(CLEANUP.to_owned());
        }
        MetaMut::of(definition).set_finalizers(finalizers);
        let status = as_map(as_map(definition).entry("status").or_insert(Value::Null));
        let why = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
        names::set_condition(status, "Terminating", true, "InstanceDeletionPending", why, now);
    },
    allow_unconditional_update: false,
    ..BASE
};

/// What the server notes is no change of the definition, and is not judged again.
const STATUS: Subresource = Subresource {
    validate_update: |definition, old| {
        let mut errors = meta::validate_update_any_finalizers(definition, old);
        let names = definition.at("status").at("acceptedNames");
        errors.extend(validate_names(names, &Path::new("status").child("acceptedNames")));
        errors
    },
    ..generic::STATUS
};

fn default(definition: &mut Value) {
    default_status(definition);
    let Some(spec) = definition.as_object_mut().and_then(|fields| fields.object_mut("spec")) else { return };
    if let Some(conversion) = spec.ensure("conversion") {
        conversion.fill_zero("strategy", "None");
        let config = conversion.object_mut("webhook").and_then(|webhook| webhook.object_mut("clientConfig"));
        if let Some(service) = config.and_then(|config| config.object_mut("service")) {
            service.fill("port", 443);
        }
    }
    if let Some(names) = spec.ensure("names") {
        let kind = names.at("kind").as_str().unwrap_or_default().to_owned();
        if !kind.is_empty() {
            names.fill_zero("singular", kind.to_lowercase());
            names.fill_zero("listKind", format!("{kind}List"));
        }
    }
}

/// What the status has in any case.
fn default_status(definition: &mut Value) {
    let mut versions = definition.at("spec").list("versions").iter();
    let storage = versions.find(|version| version.flag("storage")).map(|version| version.at("name").clone());
    let Some(status) = definition.as_object_mut().and_then(|fields| fields.ensure("status")) else { return };
    if let Some(names) = status.ensure("acceptedNames") {
        names.fill("plural", "");
        names.fill("kind", "");
    }
    status.entry("conditions").or_insert(Value::Null);
    for condition in status.objects_mut("conditions") {
        condition.entry("lastTransitionTime").or_insert(Value::Null);
    }
    let stored = status.entry("storedVersions").or_insert(Value::Null);
    if let (None, Some(storage)) = (stored.as_array().filter(|stored| !stored.is_empty()), storage) {
        *stored = json!([storage]);
    }
}

/// Remembers in which version objects may be stored.
fn note_storage_version(definition: &mut Value) {
    let mut versions = definition.at("spec").list("versions").iter();
    let Some(version) = versions.find(|version| version.flag("storage")) else { return };
    let version = version.at("name").clone();
    let status = as_map(as_map(definition).entry("status").or_insert(Value::Null));
    let known = status.entry("storedVersions").or_insert(Value::Null);
    match known.as_array_mut() {
        Some(known) if known.contains(&version) => {}
        Some(known) => known.push(version),
        None => *known = json!([version]),
    }
}

/// The spec as Kubernetes judges it: what all versions have alike stands above them.
fn hoisted(spec: &Value) -> Value {
    let mut hoisted = spec.clone();
    let versions = spec.list("versions");
    let (Some(first), Some(fields)) = (versions.first(), hoisted.as_object_mut()) else { return hoisted };
    for (field, above) in HOISTED {
        if !versions.iter().all(|version| same(version.at(field), first.at(field))) {
            continue;
        }
        fields.insert(above.to_owned(), first.at(field).clone());
        for version in fields.objects_mut("versions") {
            version.remove(field);
        }
    }
    hoisted
}

/// The fields of a version, and what they are called above the versions.
const HOISTED: [(&str, &str); 4] = [
    ("schema", "validation"),
    ("subresources", "subresources"),
    ("additionalPrinterColumns", "additionalPrinterColumns"),
    ("selectableFields", "selectableFields"),
];

fn validate_spec(definition: &Value) -> Vec<Error> {
    let (spec, path) = (hoisted(definition.at("spec")), Path::new("spec"));
    let mut errors = Vec::new();
    let group = spec.text("group");
    let group_path = path.child("group");
    if group.is_empty() {
        errors.push(Error::required(group_path, ""));
    } else if let Some(error) = labels(&group_path, group, &dns1123_subdomain(group), "") {
        errors.push(error);
    } else if !group.contains('.') {
        errors.push(Error::invalid(group_path, &group.into(), "should be a domain with at least one dot"));
    }
    errors.extend(formats_one_of(&path.child("scope"), spec.text("scope"), &["Cluster", "Namespaced"]));
    if !spec.at("validation").has("openAPIV3Schema") {
        for (index, version) in spec.list("versions").iter().enumerate() {
            if !version.at("schema").has("openAPIV3Schema") {
                let path = path.child("versions").index(index).child("schema").child("openAPIV3Schema");
                errors.push(Error::required(path, ""));
            }
        }
    }
    let preserves = spec.flag("preserveUnknownFields");
    if preserves && schemas(&spec).any(|schema| schema::any(schema, &|schema| schema.has("default"))) {
        let why = "must be false in order to use defaults in the schema";
        errors.push(Error::invalid(path.child("preserveUnknownFields"), &true.into(), why));
    }
    let mut patterns = Patterns::default();
    errors.extend(validate_versions(&spec, &path.child("versions"), &mut patterns));
    let (names, names_path) = (spec.at("names"), path.child("names"));
    for field in ["plural", "singular", "kind", "listKind"] {
        if names.text(field).is_empty() {
            errors.push(Error::required(names_path.child(field), ""));
        }
    }
    errors.extend(validate_names(names, &names_path));
    let has_status = |subresources: &Value| subresources.has("status");
    let any_status = has_status(spec.at("subresources"))
        || spec.list("versions").iter().any(|version| has_status(version.at("subresources")));
    let validation = spec.at("validation");
    errors.extend(schema::validate(validation, any_status, &path.child("validation"), &mut patterns));
    errors.extend(validate_scale(
        spec.at("subresources").at("scale"),
        &path.child("subresources").child("scale"),
    ));
    errors.extend(validate_columns(&spec, &path.child("additionalPrinterColumns")));
    let selectable = spec.list("selectableFields");
    let selectable_path = path.child("selectableFields");
    if !selectable.is_empty() && validation.is_null() {
        let why = "may only be set when validations.schema is included";
        errors.push(Error::invalid(selectable_path, &"".into(), why));
    } else {
        errors.extend(validate_selectable(selectable, validation.at("openAPIV3Schema"), &selectable_path));
    }
    errors.extend(validate_conversion(&spec, preserves, &path.child("conversion")));
    errors
}

/// The schemas of a hoisted spec.
fn schemas(spec: &Value) -> impl Iterator<Item = &Value> {
    let versions = spec.list("versions").iter().map(|version| version.at("schema"));
    let all = std::iter::once(spec.at("validation")).chain(versions);
    all.filter_map(|validation| validation.field("openAPIV3Schema"))
}

fn validate_versions(spec: &Value, path: &Path, patterns: &mut Patterns) -> Vec<Error> {
    let versions = spec.list("versions");
    let mut errors = Vec::new();
    let (mut seen, mut unique) = (BTreeSet::new(), true);
    let own_subresources = versions.iter().any(|version| version.has("subresources"));
    for (index, version) in versions.iter().enumerate() {
        let (path, name) = (path.index(index), version.text("name"));
        unique &= seen.insert(name);
        errors.extend(labels(&path.child("name"), name, &dns1035_label(name), ""));
        errors.extend(deprecation_warning(version, &path.child("deprecationWarning")));
        let subresources =
            if own_subresources { version.at("subresources") } else { spec.at("subresources") };
        let has_status = subresources.has("status");
        errors.extend(schema::validate(version.at("schema"), has_status, &path.child("schema"), patterns));
        let scale_path = path.child("subresources").child("scale");
        errors.extend(validate_scale(version.at("subresources").at("scale"), &scale_path));
        errors.extend(validate_columns(version, &path.child("additionalPrinterColumns")));
        let (selectable, path) = (version.list("selectableFields"), path.child("selectableFields"));
        match version.at("schema").field("openAPIV3Schema") {
            None if !selectable.is_empty() => {
                let why = "may only be set when `version.schema.openAPIV3Schema` is not included";
                errors.push(Error::invalid(path, &"".into(), why));
            }
            schema => errors.extend(validate_selectable(selectable, schema.unwrap_or(&Value::Null), &path)),
        }
    }
    let mut wrong = |why| {
        let shown = spec.field("versions").map_or(Value::Null, shown_versions);
        errors.push(internal::invalid(
            path.clone(),
            "[]apiextensions.CustomResourceDefinitionVersion",
            &shown,
            why,
        ));
    };
    if !unique {
        wrong("must contain unique version names");
    }
    if versions.iter().filter(|version| version.flag("storage")).count() != 1 {
        wrong("must have exactly one version marked as storage version");
    }
    errors
}

/// Versions with their schemas as the internal struct has them.
fn shown_versions(versions: &Value) -> Value {
    let mut versions = versions.clone();
    for version in versions.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(schema) =
            version.object_mut("schema").and_then(|schema| schema.get_mut("openAPIV3Schema"))
        {
            *schema = schema::shown(schema);
        }
    }
    versions
}

fn deprecation_warning(version: &Value, path: &Path) -> Vec<Error> {
    let Some(text) = version.field("deprecationWarning").and_then(Value::as_str) else { return Vec::new() };
    let wrong = |why: &str| Error::invalid(path.clone(), &text.into(), why);
    if !version.flag("deprecated") {
        return vec![wrong("can only be set for deprecated versions")];
    }
    let mut errors = Vec::new();
    if text.len() > 256 {
        errors.push(wrong("must be <= 256 characters long"));
    }
    if text.is_empty() {
        errors.push(wrong("must not be an empty string"));
    }
    if let Some((at, _)) = text
        .char_indices()
        .find(|&(_, letter)| letter.is_control() || letter.is_whitespace() && letter != ' ')
    {
        let why = "must only contain printable UTF-8 characters; non-printable character found at index";
        errors.push(wrong(&format!("{why} {at}")));
    }
    errors
}

/// One error for all that is wrong with a name, as these kinds have it.
fn labels(path: &Path, name: &str, wrong: &[String], before: &str) -> Option<Error> {
    let why = format!("{before}{}", wrong.join(","));
    (!wrong.is_empty()).then(|| Error::invalid(path.clone(), &name.into(), &why))
}

fn formats_one_of(path: &Path, value: &str, supported: &[&str]) -> Option<Error> {
    if value.is_empty() {
        return Some(Error::required(path.clone(), ""));
    }
    let known = supported.contains(&value);
    (!known).then(|| formats::unsupported(path, value, supported))
}

fn validate_scale(scale: &Value, path: &Path) -> Vec<Error> {
    if scale.is_null() {
        return Vec::new();
    }
    let mut errors = Vec::new();
    for (field, roots, why) in [
        ("specReplicasPath", &[".spec."][..], "should be a json path under .spec"),
        ("statusReplicasPath", &[".status."], "should be a json path under .status"),
        ("labelSelectorPath", &[".spec.", ".status."], "should be a json path under either .spec or .status"),
    ] {
        let (path, text) = (path.child(field), scale.text(field));
        if text.is_empty() {
            if field != "labelSelectorPath" {
                errors.push(Error::required(path, ""));
            }
        } else if let Some(error) = simple_json_path(text, &path) {
            errors.push(error);
        } else if !roots.iter().any(|root| text.starts_with(root)) {
            errors.push(Error::invalid(path, &text.into(), why));
        }
    }
    errors
}

fn simple_json_path(text: &str, path: &Path) -> Option<Error> {
    let why = "must be a simple json path starting with .";
    (!text.starts_with('.')).then(|| Error::invalid(path.clone(), &text.into(), why))
}

fn validate_columns(version: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (index, column) in version.list("additionalPrinterColumns").iter().enumerate() {
        let path = path.index(index);
        if column.text("name").is_empty() {
            errors.push(Error::required(path.child("name"), ""));
        }
        let (kind, format) = (column.text("type"), column.text("format"));
        let why = format!("must be one of {}", COLUMN_TYPES.join(","));
        if kind.is_empty() {
            errors.push(Error::required(path.child("type"), &why));
        } else if !COLUMN_TYPES.contains(&kind) {
            errors.push(Error::invalid(path.child("type"), &kind.into(), &why));
        }
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            let why = format!("must be one of {}", COLUMN_FORMATS.join(","));
            errors.push(Error::invalid(path.child("format"), &format.into(), &why));
        }
        let (text, path) = (column.text("jsonPath"), path.child("JSONPath"));
        if text.is_empty() {
            errors.push(Error::required(path, ""));
        } else {
            errors.extend(simple_json_path(text, &path));
        }
    }
    errors
}

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] =
    ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

fn validate_selectable(fields: &[Value], schema: &Value, path: &Path) -> Vec<Error> {
    let (mut errors, mut seen) = (Vec::new(), BTreeSet::new());
    for (index, selectable) in fields.iter().enumerate() {
        let (text, path) = (selectable.text("jsonPath"), path.index(index).child("jsonPath"));
        let mut wrong = |why: &str| errors.push(Error::invalid(path.clone(), &text.into(), why));
        if text.is_empty() {
            errors.push(Error::required(path, ""));
            continue;
        }
        let (names, found) = match field_path::resolve(text, schema, false) {
            Ok(found) => found,
            Err(why) => {
                wrong(&format!("is an invalid path: {why}"));
                continue;
            }
        };
        if names.first().is_some_and(|root| root == "metadata") {
            wrong("must not point to fields in metadata");
        }
        if !matches!(found.text("type"), "string" | "boolean" | "integer") {
            wrong(
                "must point to a field of type string, boolean or integer. Enum string fields and strings with \
                 formats are allowed.",
            );
        }
        if !seen.insert(names) {
            errors.push(Error::duplicate(path, &text.into()));
        }
    }
    if seen.len() > MAX_SELECTABLE_FIELDS {
        errors.push(Error::too_many(path.clone(), seen.len(), MAX_SELECTABLE_FIELDS));
    }
    errors
}

const MAX_SELECTABLE_FIELDS: usize = 8;

fn validate_conversion(spec: &Value, preserves: bool, path: &Path) -> Vec<Error> {
    let conversion = spec.at("conversion");
    let (strategy, webhook) = (conversion.text("strategy"), conversion.at("webhook"));
    let (strategy_path, config_path) = (path.child("strategy"), path.child("webhookClientConfig"));
    let versions_path = path.child("conversionReviewVersions");
    let mut errors = Vec::new();
    if conversion.is_null() {
        return errors;
    }
    if strategy != "None" && preserves {
        let why = "must be None if spec.preserveUnknownFields is true";
        errors.push(Error::invalid(strategy_path.clone(), &strategy.into(), why));
    }
    errors.extend(formats_one_of(&strategy_path, strategy, &["None", "Webhook"]));
    let (config, versions) = (webhook.at("clientConfig"), webhook.list("conversionReviewVersions"));
    if strategy != "Webhook" {
        let why = "should not be set when strategy is not set to Webhook";
        if !config.is_null() {
            errors.push(Error::forbidden(config_path, why));
        }
        if !versions.is_empty() {
            errors.push(Error::forbidden(versions_path, why));
        }
        return errors;
    }
    if config.is_null() {
        errors.push(Error::required(config_path, "required when strategy is set to Webhook"));
    } else {
        errors.extend(client_config(config, &config_path));
    }
    if versions.is_empty() {
        errors.push(Error::required(versions_path, ""));
        return errors;
    }
    let (mut seen, mut known) = (BTreeSet::new(), false);
    for (index, version) in versions.iter().filter_map(Value::as_str).enumerate() {
        let path = versions_path.index(index);
        if !seen.insert(version) {
            errors.push(Error::invalid(path, &version.into(), "duplicate version"));
            continue;
        }
        errors.extend(formats::invalid(&path, version, dns1035_label(version)));
        known |= matches!(version, "v1" | "v1beta1");
    }
    if !known {
        let why = "must include at least one of v1, v1beta1";
        errors.push(Error::invalid_json(
            versions_path,
            &go_json(webhook.at("conversionReviewVersions")),
            why,
        ));
    }
    errors
}

fn validate_names(names: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for field in ["plural", "singular", "kind", "listKind"] {
        let (path, text) = (path.child(field), names.text(field));
        let is_kind = matches!(field, "kind" | "listKind");
        let before = if is_kind { "may have mixed case, but should otherwise match: " } else { "" };
        let checked = if is_kind { text.to_lowercase() } else { text.to_owned() };
        if !text.is_empty() {
            errors.extend(labels(&path, text, &dns1035_label(&checked), before));
        }
    }
    let each = |field: &str| -> Vec<Error> {
        let names = names.list(field).iter().filter_map(Value::as_str).enumerate();
        names
            .filter_map(|(index, name)| {
                labels(&path.child(field).index(index), name, &dns1035_label(name), "")
            })
            .collect()
    };
    errors.extend(each("shortNames"));
    let kind = names.text("kind");
    if !kind.is_empty() && kind == names.text("listKind") {
        let why = "kind and listKind may not be the same";
        errors.push(Error::invalid(path.child("listKind"), &kind.into(), why));
    }
    errors.extend(each("categories"));
    errors
}

/// The names a definition has, and the versions its objects may be stored in.
fn validate_status(definition: &Value) -> Vec<Error> {
    let (status, path) = (definition.at("status"), Path::new("status"));
    let mut errors = validate_names(status.at("acceptedNames"), &path.child("acceptedNames"));
    let (stored, path) = (status.list("storedVersions"), path.child("storedVersions"));
    let shown = go_json(status.at("storedVersions"));
    if stored.is_empty() {
        errors.push(Error::invalid_json(path, &shown, "must have at least one stored version"));
        return errors;
    }
    let versions = definition.at("spec").list("versions");
    for version in versions.iter().filter(|version| version.flag("storage")) {
        if !stored.contains(version.at("name")) {
            let why = format!("must have the storage version {}", version.text("name"));
            errors.push(Error::invalid_json(path.clone(), &shown, &why));
        }
    }
    for (index, name) in stored.iter().enumerate() {
        if !versions.iter().any(|version| version.at("name") == name) {
            let text = name.as_str().unwrap_or_default();
            let why = format!(
                "missing from spec.versions; {text} was previously a storage version, and must remain in spec.versions \
                 until a storage migration ensures no data remains persisted in {text} and removes {text} from \
                 status.storedVersions"
            );
            errors.push(Error::invalid(path.index(index), name, &why));
        }
    }
    errors
}

/// Definitions of Kubernetes' own groups say where they were approved.
fn approval(definition: &Value, old: Option<&Value>) -> Option<Error> {
    let group = definition.at("spec").text("group");
    let protected = ["k8s.io", "kubernetes.io"].into_iter();
    let mut protected = protected.filter_map(|domain| group.strip_suffix(domain));
    if !protected.any(|before| before.is_empty() || before.ends_with('.')) {
        return None;
    }
    let state = approval_state(definition);
    if old.is_some_and(|old| approval_state(old) == state) {
        return None;
    }
    let path = Path::new("metadata").child("annotations").key(API_APPROVED);
    let why = "protected groups must have approval annotation \"api-approved.kubernetes.io\"";
    let see = "see https://github.com/kubernetes/enhancements/pull/1111";
    match state {
        Approval::Missing => Some(Error::required(path, &format!("{why}, {see}"))),
        Approval::Invalid => {
            let why = format!("{why} with either a URL or a reason starting with \"unapproved\", {see}");
            let text = annotation(definition, API_APPROVED).unwrap_or_default();
            Some(Error::invalid(path, &text.into(), &why))
        }
        Approval::Approved | Approval::Bypassed => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Approval {
    Missing,
    Bypassed,
    Approved,
    Invalid,
}

fn approval_state(definition: &Value) -> Approval {
    let text = annotation(definition, API_APPROVED).unwrap_or_default();
    let is_url = || {
        let url = text.parse::<http::Uri>();
        url.is_ok_and(|url| url.scheme().is_some() && url.host().is_some_and(|host| !host.is_empty()))
    };
    match text {
        "" => Approval::Missing,
        _ if text.starts_with("unapproved") => Approval::Bypassed,
        _ if is_url() => Approval::Approved,
        _ => Approval::Invalid,
    }
}

fn preserves_unknown(definition: &Value) -> Option<Error> {
    definition.at("spec").flag("preserveUnknownFields").then(|| {
        let why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        Error::invalid(Path::new("spec").child("preserveUnknownFields"), &true.into(), why)
    })
}

/// What Kubernetes warns of, and what it would do with a definition and podsec does not.
fn warnings(definition: &Value, old: &Value) -> Vec<String> {
    let (spec, before) = (hoisted(definition.at("spec")), hoisted(old.at("spec")));
    let known: BTreeSet<&str> = schemas(&before).flat_map(schema::unknown_formats).collect();
    let formats = schemas(&spec).flat_map(schema::unknown_formats).filter(|format| !known.contains(format));
    let mut warnings: Vec<String> = formats.map(|format| format!("unrecognized format {format:?}")).collect();
    let versions = definition.at("spec").list("versions");
    for (index, version) in versions.iter().enumerate() {
        let path = Path::new("spec").child("versions").index(index);
        let has_rules = |schema: &Value| !schema.list("x-kubernetes-validations").is_empty();
        if schema::any(version.at("schema").at("openAPIV3Schema"), &has_rules) {
            let path = path.child("schema");
            warnings.push(expressions::not_evaluated(&path, "objects are stored whatever the rules say"));
        }
        for (index, column) in version.list("additionalPrinterColumns").iter().enumerate() {
            if JsonPath::parse(column.text("jsonPath")).is_none() {
                let path = path.child("additionalPrinterColumns").index(index).child("jsonPath");
                warnings.push(format!("{path}: not supported: the column stays empty"));
            }
        }
    }
    if versions.len() > 1 && definition.at("spec").at("conversion").text("strategy") == "Webhook" {
        let path = Path::new("spec").child("conversion");
        warnings.push(format!(
            "{path}: podsec serve calls no conversion webhook: objects change their version only"
        ));
    }
    warnings
}

/// The annotation by which the definition of a `k8s.io` group says that Kubernetes knows of it.
const API_APPROVED: &str = "api-approved.kubernetes.io";

#[cfg(test)]
mod tests {
    use super::*;

    fn widgets() -> Value {
        let mut definition = json!({
            "metadata": {"name": "widgets.example.com"},
            "spec": {
                "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
                "versions": [{
                    "name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }],
            },
        });
        default(&mut definition);
        definition
    }

    fn errors(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut definition = widgets();
        change(&mut definition);
        (STRATEGY.prepare_for_create)(&mut definition);
        (STRATEGY.validate)(&definition).iter().map(Error::to_string).collect()
    }

    #[test]
    fn names_left_out_follow_from_the_kind() {
        let names =
            json!({"plural": "widgets", "kind": "Widget", "singular": "widget", "listKind": "WidgetList"});
        assert_eq!(widgets()["spec"]["names"], names);
        assert_eq!(widgets()["spec"]["conversion"], json!({"strategy": "None"}));
        assert_eq!(errors(|_| {}), [""; 0]);
    }

    #[test]
    fn what_cannot_be_served_is_refused() {
        assert_eq!(
            errors(|definition| definition["metadata"]["name"] = "x".into()),
            [r#"metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group"#]
        );
        assert_eq!(
            errors(|definition| definition["spec"]["scope"] = "World".into()),
            [r#"spec.scope: Unsupported value: "World": supported values: "Cluster", "Namespaced""#]
        );
        assert_eq!(
            errors(|definition| definition["spec"]["conversion"]["strategy"] = "Webhook".into()),
            [
                "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
                "spec.conversion.conversionReviewVersions: Required value",
            ]
        );
        assert_eq!(
            errors(|definition| definition["spec"]["versions"][0]["schema"] = Value::Null),
            ["spec.versions[0].schema.openAPIV3Schema: Required value"]
        );
        assert_eq!(
            errors(|definition| definition["spec"]["versions"][0]["storage"] = false.into()),
            [
                r#"spec.versions: Invalid value: [{"Name":"v1","Served":true,"Storage":false,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}]: must have exactly one version marked as storage version"#,
                "status.storedVersions: Invalid value: null: must have at least one stored version",
            ]
        );
    }

    #[test]
    fn what_versions_have_alike_is_judged_above_them() {
        let second = |schema: Value| {
            move |definition: &mut Value| {
                let mut version = definition["spec"]["versions"][0].clone();
                version["name"] = "v2".into();
                version["storage"] = false.into();
                version["schema"]["openAPIV3Schema"] = schema;
                definition["spec"]["versions"].as_array_mut().unwrap().push(version);
            }
        };
        let wrong = json!({"type": "object", "properties": {"a": {"type": "X"}}});
        let types = r#"supported values: "array", "boolean", "integer", "number", "object", "string""#;
        let message = |place: &str| {
            format!(r#"spec.{place}.openAPIV3Schema.properties[a].type: Unsupported value: "X": {types}"#)
        };
        assert_eq!(errors(second(wrong.clone())), [message("versions[1].schema")]);
        let both = |definition: &mut Value| {
            definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = wrong.clone();
            second(wrong)(definition);
        };
        assert_eq!(errors(both), [message("validation")]);
    }

    #[test]
    fn selectable_fields_are_scalars_of_the_schema() {
        let with = |path: &str| {
            let path = path.to_owned();
            move |definition: &mut Value| {
                let version = &mut definition["spec"]["versions"][0];
                version["schema"]["openAPIV3Schema"]["properties"] =
                    json!({"a": {"type": "string"}, "b": {"type": "object"}, "metadata": {"type": "object"}});
                version["selectableFields"] = json!([{"jsonPath": path}]);
            }
        };
        assert_eq!(errors(with(".a")), [""; 0]);
        let why = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
        assert_eq!(
            errors(with(".b")),
            [format!(r#"spec.selectableFields[0].jsonPath: Invalid value: ".b": {why}"#)]
        );
        assert_eq!(
            errors(with(".c")),
            [
                r#"spec.selectableFields[0].jsonPath: Invalid value: ".c": is an invalid path: does not refer to a valid field"#
            ]
        );
    }

    #[test]
    fn rules_in_cel_and_unknown_formats_are_warned_of() {
        let mut definition = widgets();
        let of = |definition: &Value| warnings(definition, &Value::Null);
        assert_eq!(of(&definition), [""; 0]);
        let schema = &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        schema["properties"] = json!({"a": {"type": "string", "format": "nope"}});
        schema["x-kubernetes-validations"] = json!([{"rule": "self.a > 0"}]);
        assert_eq!(
            of(&definition),
            [
                r#"unrecognized format "nope""#,
                "spec.versions[0].schema: podsec serve does not evaluate CEL: objects are stored whatever the rules say",
            ]
        );
        assert_eq!(warnings(&definition, &definition).len(), 1);
    }

    #[test]
    fn the_scope_of_an_established_definition_stays() {
        let mut old = widgets();
        (STRATEGY.prepare_for_create)(&mut old);
        old["status"]["conditions"] = json!([{"type": "Established", "status": "True"}]);
        old["metadata"]["resourceVersion"] = "1".into();
        let mut new = old.clone();
        new["spec"]["scope"] = "Cluster".into();
        let errors: Vec<String> =
            (STRATEGY.validate_update)(&new, &old).iter().map(Error::to_string).collect();
        assert_eq!(errors, [r#"spec.scope: Invalid value: "Cluster": field is immutable"#]);
    }
}
