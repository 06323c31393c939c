//! CustomResourceDefinitions: which ones Kubernetes takes, and what is told of those that are not served in full.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path, json as go_json};
use podsec_apimachinery::meta::MetaMut;
use podsec_apimachinery::name::dns1123_subdomain;
use serde_json::{Value, json};

use super::approval::approval;
use super::definition_spec::validate_spec;
use super::hoisted::{hoisted, schemas};
use super::names::validate_names;
use super::schema;
use crate::custom::{CLEANUP, JsonPath, names};
use crate::generic::{self, BASE};
use crate::object::{Fields, FieldsMut, as_map, same};
use crate::strategy::{Strategy, Subresource};
use crate::{immutable, metadata as meta};

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
        errors.extend(validate_spec(definition, &Value::Null));
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
            errors.extend(validate_spec(definition, old));
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
        for (index, column) in version.list("additionalPrinterColumns").iter().enumerate() {
            if JsonPath::parse(column.text("jsonPath")).is_none() {
                let path = path.child("additionalPrinterColumns").index(index).child("jsonPath");
                warnings.push(format!("{path}: not supported: the column stays empty"));
            }
        }
    }
    warnings
}

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
    fn unknown_formats_are_warned_of_when_they_are_new() {
        let mut definition = widgets();
        let of = |definition: &Value| warnings(definition, &Value::Null);
        assert_eq!(of(&definition), [""; 0]);
        let schema = &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        schema["properties"] = json!({"a": {"type": "string", "format": "nope"}});
        assert_eq!(of(&definition), [r#"unrecognized format "nope""#]);
        assert_eq!(warnings(&definition, &definition), [""; 0]);
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
