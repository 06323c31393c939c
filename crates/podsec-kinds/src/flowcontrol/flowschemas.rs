//! FlowSchemas: which requests belong together, and with what priority they are served.

use podsec_apimachinery::field::{self, Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Value, json};

use super::{GROUP, conditions, keep_all_but_status};
use crate::generic::{BASE, WITH_GENERATION};
use crate::object::{Fields, FieldsMut, metadata, same};
use crate::printing::{self, column};
use crate::strategy::{Strategy, Subresource};
use crate::{formats, internal, metadata as meta, workload};

/// FlowSchemas.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: GROUP,
    resource: "flowschemas",
    default: |schema| {
        let Some(schema) = schema.as_object_mut() else { return };
        if let Some(spec) = schema.ensure("spec") {
            spec.fill_zero("matchingPrecedence", 1000);
            if let Some(level) = spec.ensure("priorityLevelConfiguration") {
                level.fill("name", "");
            }
        }
        schema.ensure("status");
    },
    prepare_for_create: |schema| {
        workload::reset_status(schema, json!({}));
        workload::start_generation(schema);
    },
    prepare_for_update: WITH_GENERATION.prepare_for_update,
    validate,
    validate_update: |schema, old| {
        let mut errors = meta::common_update(schema, old);
        errors.extend(validate(schema));
        errors
    },
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: keep_all_but_status,
        validate_update: |schema, old| {
            let mut errors = meta::common_update(schema, old);
            errors.extend(conditions(schema));
            errors
        },
    }],
    columns: &[
        printing::NAME,
        column(
            "PriorityLevel",
            "`name` is the name of the priority level configuration being referenced Required.",
        ),
        column(
            "MatchingPrecedence",
            "`matchingPrecedence` is used to choose among the FlowSchemas that match a given request. The chosen \
             FlowSchema is among those with the numerically lowest (which we take to be logically highest) \
             MatchingPrecedence.  Each MatchingPrecedence value must be ranged in [1,10000]. Note that if the \
             precedence is not specified, it will be set to 1000 as default.",
        ),
        column(
            "DistinguisherMethod",
            "`distinguisherMethod` defines how to compute the flow distinguisher for requests that match this \
             schema. `nil` specifies that the distinguisher is disabled and thus will always be the empty string.",
        ),
        printing::AGE,
        column("MissingPL", "references a broken or non-existent PriorityLevelConfiguration"),
    ],
    cells: |schema, now| {
        let spec = schema.at("spec");
        let dangling = schema
            .at("status")
            .list("conditions")
            .iter()
            .find(|condition| condition.text("type") == "Dangling")
            .map_or("?", |condition| condition.text("status"));
        let method = spec.field("distinguisherMethod").map_or(printing::NONE, |method| method.text("type"));
        vec![
            printing::name(schema),
            spec.at("priorityLevelConfiguration").text("name").into(),
            spec.number("matchingPrecedence").into(),
            method.into(),
            printing::age(schema, now),
            dangling.into(),
        ]
    },
    ..BASE
};

/// What the author of a FlowSchema is told: see [`crate::effects`].
#[expect(clippy::unnecessary_wraps, reason = "others depend on the object")]
pub(crate) fn without_effect(_: &Value) -> Option<String> {
    Some("podsec serve has no priority and fairness: FlowSchemas classify no requests".to_owned())
}

fn validate(schema: &Value) -> Vec<Error> {
    let name = metadata(schema).text("name");
    let mut errors = meta::validate(schema, false, NameRule::Dns1123Subdomain);
    let (path, spec) = (Path::new("spec"), schema.at("spec"));
    errors.extend(self::spec(name, spec, &path));
    if let Some(fixed) = mandatory(name)
        && !same(spec, &fixed)
    {
        let detail = format!("spec of '{name}' must equal the fixed value");
        errors.push(internal::invalid(path, "flowcontrol.FlowSchemaSpec", spec, &detail));
    }
    errors.extend(conditions(schema));
    errors
}

fn spec(name: &str, spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let precedence = spec.number("matchingPrecedence");
    let mut wrong = |detail: &str| {
        errors.push(Error::invalid(path.child("matchingPrecedence"), &precedence.into(), detail));
    };
    if precedence <= 0 {
        wrong("must be a positive value");
    }
    if precedence > 10_000 {
        wrong("must not be greater than 10000");
    }
    if precedence == 1 && name != "exempt" {
        wrong("only the schema named 'exempt' may have matchingPrecedence 1");
    }
    if let Some(method) = spec.field("distinguisherMethod")
        && !DISTINGUISHERS.contains(&method.text("type"))
    {
        let path = path.child("distinguisherMethod").child("type");
        let shown = internal::json("flowcontrol.FlowDistinguisherMethod", method);
        errors.push(Error::not_supported_json(path, &shown, DISTINGUISHERS));
    }
    let level = spec.at("priorityLevelConfiguration").text("name");
    let level_path = path.child("priorityLevelConfiguration").child("name");
    if level.is_empty() {
        errors.push(Error::required(level_path, "must reference a priority level"));
    } else {
        errors.extend(formats::invalid(&level_path, level, formats::subdomain(level)));
    }
    for (index, rule) in spec.list("rules").iter().enumerate() {
        errors.extend(self::rule(rule, &path.child("rules").index(index)));
    }
    errors
}

fn rule(rule: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if rule.list("subjects").is_empty() {
        errors.push(Error::required(path.child("subjects"), "subjects must contain at least one value"));
    }
    for (index, subject) in rule.list("subjects").iter().enumerate() {
        errors.extend(self::subject(subject, &path.child("subjects").index(index)));
    }
    if rule.list("resourceRules").is_empty() && rule.list("nonResourceRules").is_empty() {
        let detail = "at least one of resourceRules and nonResourceRules has to be non-empty";
        errors.push(Error::required(path.clone(), detail));
    }
    for (index, rule) in rule.list("resourceRules").iter().enumerate() {
        errors.extend(resource_rule(rule, &path.child("resourceRules").index(index)));
    }
    for (index, rule) in rule.list("nonResourceRules").iter().enumerate() {
        errors.extend(non_resource_rule(rule, &path.child("nonResourceRules").index(index)));
    }
    errors
}

fn subject(subject: &Value, path: &Path) -> Vec<Error> {
    let kind = subject.text("kind");
    let own = match kind {
        "ServiceAccount" => "serviceAccount",
        "User" => "user",
        "Group" => "group",
        _ => {
            return vec![formats::unsupported(
                &path.child("kind"),
                kind,
                &["Group", "ServiceAccount", "User"],
            )];
        }
    };
    let mut errors = Vec::new();
    let own_path = path.child(own);
    match subject.field(own) {
        None => {
            let detail = format!("{own} is required when subject kind is '{kind}'");
            errors.push(Error::required(own_path, &detail));
        }
        Some(account) if own == "serviceAccount" => errors.extend(service_account(account, &own_path)),
        Some(named) if named.text("name").is_empty() => {
            errors.push(Error::required(own_path.child("name"), ""));
        }
        Some(_) => {}
    }
    // Kubernetes visits the others in another order for users and groups than for accounts.
    for (field, kind) in [("serviceAccount", "ServiceAccount"), ("user", "User"), ("group", "Group")] {
        if field != own && subject.has(field) {
            let detail = format!("{field} is forbidden when subject kind is not '{kind}'");
            errors.push(Error::forbidden(path.child(field), &detail));
        }
    }
    errors
}

fn service_account(account: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let (name, namespace) = (account.text("name"), account.text("namespace"));
    if name.is_empty() {
        errors.push(Error::required(path.child("name"), ""));
    } else if name != "*" {
        errors.extend(formats::invalid(&path.child("name"), name, formats::subdomain(name)));
    }
    if namespace.is_empty() {
        let detail = "must specify namespace for service account";
        errors.push(Error::required(path.child("namespace"), detail));
    } else {
        errors.extend(formats::invalid(&path.child("namespace"), namespace, formats::label(namespace)));
    }
    errors
}

fn verbs(rule: &Value, path: &Path) -> Option<Error> {
    let verbs: Vec<&str> = rule.list("verbs").iter().filter_map(Value::as_str).collect();
    let path = path.child("verbs");
    if verbs.is_empty() {
        Some(Error::required(path, "verbs must contain at least one value"))
    } else if verbs.contains(&"*") {
        alone(rule, "verbs", "verbs", &path)
    } else if verbs.iter().any(|verb| !VERBS.contains(verb)) {
        Some(Error::not_supported_json(path, &field::json(rule.at("verbs")), VERBS))
    } else {
        None
    }
}

/// `*` stands alone.
fn alone(rule: &Value, field: &str, called: &str, path: &Path) -> Option<Error> {
    let list = rule.list(field);
    (list.len() > 1 && list.contains(&"*".into())).then(|| {
        let detail = format!("if '*' is present, must not specify other {called}");
        Error::invalid_json(path.clone(), &field::json(rule.at(field)), &detail)
    })
}

fn non_resource_rule(rule: &Value, path: &Path) -> Vec<Error> {
    let mut errors: Vec<Error> = verbs(rule, path).into_iter().collect();
    let urls = rule.list("nonResourceURLs");
    let path = path.child("nonResourceURLs");
    if urls.is_empty() {
        errors.push(Error::required(path, "nonResourceURLs must contain at least one value"));
    } else if urls.contains(&"*".into()) {
        errors.extend(alone(rule, "nonResourceURLs", "non-resource URLs", &path));
    } else {
        errors.extend(urls.iter().enumerate().filter_map(|(index, url)| {
            let why = wrong_url(url.as_str().unwrap_or_default())?;
            Some(Error::invalid(path.index(index), url, why))
        }));
    }
    errors
}

fn wrong_url(url: &str) -> Option<&'static str> {
    match url {
        "" => Some("must not be empty"),
        "/" => None,
        _ if !url.starts_with('/') => Some("must start with slash"),
        _ if url.contains(' ') => Some("must not contain white-space"),
        _ if url.contains("//") => Some("must not contain double slash"),
        _ => {
            let stars = url.matches('*').count();
            (stars > 1 || stars == 1 && !url.ends_with("/*"))
                .then_some("wildcard can only do suffix matching")
        }
    }
}

fn resource_rule(rule: &Value, path: &Path) -> Vec<Error> {
    let mut errors: Vec<Error> = verbs(rule, path).into_iter().collect();
    for (field, called, one) in
        [("apiGroups", "api groups", "api group"), ("resources", "resources", "resource")]
    {
        let path = path.child(field);
        if rule.list(field).is_empty() {
            let detail = format!("resource rules must supply at least one {one}");
            errors.push(Error::required(path, &detail));
        } else {
            errors.extend(alone(rule, field, called, &path));
        }
    }
    let namespaces = rule.list("namespaces");
    let path = path.child("namespaces");
    if namespaces.is_empty() && !rule.flag("clusterScope") {
        let detail = "resource rules that are not cluster scoped must supply at least one namespace";
        errors.push(Error::required(path, detail));
    } else if namespaces.contains(&"*".into()) {
        errors.extend(alone(rule, "namespaces", "namespaces", &path));
    } else {
        for (index, namespace) in namespaces.iter().enumerate() {
            let text = namespace.as_str().unwrap_or_default();
            errors.extend(formats::label(text).iter().map(|why| {
                let detail = format!("each member of this list must be '*' or a DNS-1123 label; {why}");
                Error::invalid(path.index(index), namespace, &detail)
            }));
        }
    }
    errors
}

/// The spec of a schema that is always as Kubernetes has it.
fn mandatory(name: &str) -> Option<Value> {
    let spec = |level: &str, precedence: i64, names: &[&str]| {
        let subjects: Vec<Value> =
            names.iter().map(|name| json!({ "kind": "Group", "group": { "name": name } })).collect();
        json!({
            "priorityLevelConfiguration": { "name": level }, "matchingPrecedence": precedence,
            "rules": [{
                "subjects": subjects,
                "resourceRules": [{
                    "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "clusterScope": true, "namespaces": ["*"]
                }],
                "nonResourceRules": [{ "verbs": ["*"], "nonResourceURLs": ["*"] }]
            }]
        })
    };
    match name {
        "exempt" => Some(spec("exempt", 1, &["system:masters"])),
        "catch-all" => {
            let mut spec = spec("catch-all", 10_000, &["system:unauthenticated", "system:authenticated"]);
            spec["distinguisherMethod"] = json!({ "type": "ByUser" });
            Some(spec)
        }
        _ => None,
    }
}

const DISTINGUISHERS: &[&str] = &["ByNamespace", "ByUser"];
const VERBS: &[&str] =
    &["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
