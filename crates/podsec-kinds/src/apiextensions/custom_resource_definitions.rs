//! CustomResourceDefinitions: which ones can be served, and what is told of those that cannot be served in full.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::meta::MetaMut;
use podsec_apimachinery::name::{NameRule, dns1035_label, dns1123_subdomain};
use podsec_apimachinery::schema::Structural;
use podsec_apimachinery::schema::structural::Patterns;
use serde_json::{Map, Value, json};

use crate::custom::{CLEANUP, JsonPath, names};
use crate::generic::{self, BASE};
use crate::object::as_map;
use crate::object::{Fields, FieldsMut, annotation, metadata};
use crate::strategy::{Strategy, Subresource};
use crate::{formats, metadata as meta};

/// CustomResourceDefinitions.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "apiextensions.k8s.io",
    resource: "customresourcedefinitions",
    default,
    prepare_for_create: |definition| {
        generic::without_status_first_generation(definition);
        as_map(definition).insert(
            "status".to_owned(),
            json!({"conditions": [], "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": []}),
        );
        note_storage_version(definition);
    },
    prepare_for_update: |definition, old| {
        generic::keep_status_count_generation(definition, old);
        note_storage_version(definition);
    },
    validate: |definition| {
        let mut errors = meta::validate(definition, false, NameRule::Dns1123Subdomain);
        errors.extend(validate(definition));
        errors
    },
    validate_update: |definition, old| {
        let mut errors = meta::validate_update(definition, old);
        // What was stored under other rules must still be able to go.
        if definition.at("spec") != old.at("spec") {
            errors.extend(validate(definition));
            errors.extend(immutable(definition, old));
        }
        errors
    },
    warnings_on_create: warnings,
    warnings_on_update: |definition, old| {
        if definition.at("spec") == old.at("spec") { Vec::new() } else { warnings(definition) }
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
const STATUS: Subresource = Subresource { validate_update: meta::validate_update, ..generic::STATUS };

fn default(definition: &mut Value) {
    let Some(spec) = definition.as_object_mut().and_then(|fields| fields.object_mut("spec")) else { return };
    if let Some(conversion) = spec.ensure("conversion") {
        conversion.fill_zero("strategy", "None");
    }
    if let Some(names) = spec.ensure("names") {
        let kind = names.at("kind").as_str().unwrap_or_default().to_owned();
        if !kind.is_empty() {
            names.fill_zero("singular", kind.to_lowercase());
            names.fill_zero("listKind", format!("{kind}List"));
        }
    }
}

/// Remembers in which versions objects may have been stored.
fn note_storage_version(definition: &mut Value) {
    let versions = definition.at("spec").list("versions").iter();
    let stored = versions.filter(|version| version.flag("storage"));
    let stored: Vec<Value> = stored.map(|version| version.at("name").clone()).collect();
    let status = as_map(as_map(definition).entry("status").or_insert(Value::Null));
    let known = status.entry("storedVersions").or_insert_with(|| json!([]));
    if let Some(known) = known.as_array_mut() {
        for version in stored {
            if !known.contains(&version) {
                known.push(version);
            }
        }
    }
}

fn validate(definition: &Value) -> Vec<Error> {
    let (spec, path) = (definition.at("spec"), Path::new("spec"));
    let mut errors = Vec::new();
    let (group, name) = (spec.text("group"), metadata(definition).text("name"));
    let wanted = format!("{}.{group}", spec.at("names").text("plural"));
    if name != wanted {
        let why = "must be spec.names.plural+\".\"+spec.group";
        errors.push(Error::invalid(Path::new("metadata").child("name"), &Value::from(name), why));
    }
    errors.extend(validate_group(definition, group, &path.child("group")));
    let scope = path.child("scope");
    match spec.text("scope") {
        "" => errors.push(Error::required(scope, "")),
        "Cluster" | "Namespaced" => {}
        other => errors.push(Error::not_supported(scope, &Value::from(other), &["Cluster", "Namespaced"])),
    }
    if spec.flag("preserveUnknownFields") {
        let why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in \
                   spec.versions[*].schema instead";
        errors.push(Error::invalid(path.child("preserveUnknownFields"), &Value::from(true), why));
    }
    errors.extend(validate_versions(spec, &path.child("versions")));
    errors.extend(validate_names(spec.at("names"), &path.child("names")));
    let conversion = spec.at("conversion").text("strategy");
    if conversion != "None" {
        // Kubernetes has a second strategy, Webhook; objects would be shown in versions they were not converted to.
        let path = path.child("conversion").child("strategy");
        errors.push(Error::not_supported(path, &Value::from(conversion), &["None"]));
    }
    errors
}

fn validate_group(definition: &Value, group: &str, path: &Path) -> Vec<Error> {
    if group.is_empty() {
        return vec![Error::required(path.clone(), "")];
    }
    let mut errors = formats::invalid(path, group, dns1123_subdomain(group));
    if errors.is_empty() && !group.contains('.') {
        errors.push(Error::invalid(
            path.clone(),
            &Value::from(group),
            "should be a domain with at least one dot",
        ));
    }
    let protected = ["k8s.io", "kubernetes.io"].into_iter();
    let mut protected = protected.filter_map(|domain| group.strip_suffix(domain));
    if protected.any(|before| before.is_empty() || before.ends_with('.'))
        && annotation(definition, API_APPROVED).is_none_or(str::is_empty)
    {
        let path = Path::new("metadata").child("annotations").key(API_APPROVED);
        let why = "protected groups must have approval annotation \"api-approved.kubernetes.io\", see \
                   https://github.com/kubernetes/enhancements/pull/1111";
        errors.push(Error::required(path, why));
    }
    errors
}

fn validate_versions(spec: &Value, path: &Path) -> Vec<Error> {
    let versions = spec.list("versions");
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    let mut patterns = Patterns::default();
    for (index, version) in versions.iter().enumerate() {
        let (path, name) = (path.index(index), version.text("name"));
        errors.extend(formats::invalid(&path.child("name"), name, dns1035_label(name)));
        if !seen.insert(name) {
            let why = "must contain unique version names";
            errors.push(Error::invalid(path.child("name"), &Value::from(name), why));
        }
        let schema = path.child("schema").child("openAPIV3Schema");
        match version.at("schema").field("openAPIV3Schema") {
            None => errors.push(Error::required(schema, "schemas are required")),
            Some(document) => {
                let parsed = Structural::parse(document, &schema, &mut patterns);
                errors.extend(parsed.err().unwrap_or_default());
            }
        }
        errors.extend(validate_scale(version, &path.child("subresources").child("scale")));
    }
    if versions.iter().filter(|version| version.flag("storage")).count() != 1 {
        let names: Vec<&Value> = versions.iter().map(|version| version.at("name")).collect();
        let why = "must have exactly one version marked as storage version";
        errors.push(Error::invalid(path.clone(), &json!(names), why));
    }
    errors
}

fn validate_scale(version: &Value, path: &Path) -> Vec<Error> {
    let Some(scale) = version.at("subresources").field("scale") else { return Vec::new() };
    let mut errors = Vec::new();
    for (field, root) in [("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")] {
        let (path, text) = (path.child(field), scale.text(field));
        if text.is_empty() {
            errors.push(Error::required(path, ""));
        } else if !text.starts_with(root) || JsonPath::parse(text).is_none() {
            let why = format!("should be a json path under {}", root.trim_end_matches('.'));
            errors.push(Error::invalid(path, &Value::from(text), &why));
        }
    }
    errors
}

fn validate_names(names: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for field in ["plural", "singular", "kind", "listKind"] {
        let (path, text) = (path.child(field), names.text(field));
        if text.is_empty() {
            errors.push(Error::required(path, ""));
            continue;
        }
        let is_kind = field.ends_with("ind");
        let checked = if is_kind { text.to_lowercase() } else { text.to_owned() };
        for why in dns1035_label(&checked) {
            let why =
                if is_kind { format!("may have mixed case, but should otherwise match: {why}") } else { why };
            errors.push(Error::invalid(path.clone(), &Value::from(text), &why));
        }
    }
    for field in ["shortNames", "categories"] {
        for (index, name) in names.list(field).iter().filter_map(Value::as_str).enumerate() {
            errors.extend(formats::invalid(&path.child(field).index(index), name, dns1035_label(name)));
        }
    }
    let kind = names.text("kind");
    if !kind.is_empty() && kind == names.text("listKind") {
        let why = "kind and listKind may not be the same";
        errors.push(Error::invalid(path.child("listKind"), &Value::from(kind), why));
    }
    errors
}

/// What objects that are stored already depend on.
fn immutable(definition: &Value, old: &Value) -> Vec<Error> {
    let empty = Map::new();
    let status = old.at("status").as_object().unwrap_or(&empty);
    if !names::is_true(status, "Established") {
        return Vec::new();
    }
    let (spec, before, path) = (definition.at("spec"), old.at("spec"), Path::new("spec"));
    let mut errors = Vec::new();
    let mut compare = |path: Path, new: &Value, old: &Value| {
        if new != old {
            errors.push(Error::invalid(path, new, "field is immutable"));
        }
    };
    compare(path.child("scope"), spec.at("scope"), before.at("scope"));
    compare(path.child("names").child("kind"), spec.at("names").at("kind"), before.at("names").at("kind"));
    errors
}

/// What Kubernetes would do with a definition and podsec does not.
fn warnings(definition: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut patterns = Patterns::default();
    for (index, version) in definition.at("spec").list("versions").iter().enumerate() {
        let path = Path::new("spec").child("versions").index(index);
        let document = version.at("schema").at("openAPIV3Schema");
        let rules = Structural::parse(document, &path, &mut patterns).map_or(0, |schema| schema.cel_rules());
        if rules > 0 {
            let rules =
                if rules == 1 { "1 validation rule".to_owned() } else { format!("{rules} validation rules") };
            warnings.push(format!(
                "{path}.schema: podsec has no CEL and does not evaluate {rules} (x-kubernetes-validations)"
            ));
        }
        for (index, column) in version.list("additionalPrinterColumns").iter().enumerate() {
            if JsonPath::parse(column.text("jsonPath")).is_none() {
                let path = path.child("additionalPrinterColumns").index(index).child("jsonPath");
                warnings.push(format!("{path}: not supported: the column stays empty"));
            }
        }
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
        validate(&definition).iter().map(Error::to_string).collect()
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
            [r#"spec.conversion.strategy: Unsupported value: "Webhook": supported values: "None""#]
        );
        assert_eq!(
            errors(|definition| definition["spec"]["versions"][0]["schema"] = json!({})),
            ["spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required"]
        );
        assert_eq!(
            errors(|definition| definition["spec"]["versions"][0]["storage"] = false.into()),
            [
                r#"spec.versions: Invalid value: ["v1"]: must have exactly one version marked as storage version"#
            ]
        );
    }

    #[test]
    fn rules_in_cel_are_warned_of() {
        let mut definition = widgets();
        assert_eq!(warnings(&definition), [""; 0]);
        definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["x-kubernetes-validations"] =
            json!([{"rule": "self.a > 0"}]);
        assert_eq!(
            warnings(&definition),
            [
                "spec.versions[0].schema: podsec has no CEL and does not evaluate 1 validation rule (x-kubernetes-validations)"
            ]
        );
    }

    #[test]
    fn the_scope_of_an_established_definition_stays() {
        let mut old = widgets();
        old["status"] = json!({"conditions": [{"type": "Established", "status": "True"}]});
        let mut new = old.clone();
        new["spec"]["scope"] = "Cluster".into();
        let errors: Vec<String> = immutable(&new, &old).iter().map(Error::to_string).collect();
        assert_eq!(errors, [r#"spec.scope: Invalid value: "Cluster": field is immutable"#]);
    }
}
