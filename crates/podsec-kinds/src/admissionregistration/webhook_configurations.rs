//! ValidatingWebhookConfigurations and MutatingWebhookConfigurations: their defaults, and what may stand in them.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::{NameRule, dns1035_label, dns1123_subdomain};
use serde_json::{Map, Value};

use super::webhook_rules::rule;
use super::{GROUP, match_conditions};
use crate::generic::{BASE, count_content};
use crate::object::{Fields, FieldsMut};
use crate::printing::{self, integer};
use crate::strategy::Strategy;
use crate::{formats, label_selector, metadata as meta, workload};

/// ValidatingWebhookConfigurations.
pub(crate) static VALIDATING: Strategy = Strategy {
    resource: "validatingwebhookconfigurations",
    default: |configuration| default(configuration, |_| {}),
    ..CONFIGURATIONS
};

/// MutatingWebhookConfigurations.
pub(crate) static MUTATING: Strategy = Strategy {
    resource: "mutatingwebhookconfigurations",
    default: |configuration| default(configuration, |webhook| webhook.fill("reinvocationPolicy", "Never")),
    ..CONFIGURATIONS
};

const CONFIGURATIONS: Strategy = Strategy {
    group: GROUP,
    prepare_for_create: workload::start_generation,
    prepare_for_update: count_content,
    validate: |configuration| {
        let mut errors = meta::validate_any_finalizers(configuration, false, NameRule::Dns1123Subdomain);
        errors.extend(webhooks(configuration, &Value::Null, Strictness::full()));
        errors
    },
    validate_update: |configuration, old| {
        let mut errors = meta::common_update(configuration, old);
        errors.extend(meta::validate_any_finalizers(configuration, false, NameRule::Dns1123Subdomain));
        errors.extend(webhooks(configuration, old, Strictness::after(old)));
        errors
    },
    columns: &[
        printing::NAME,
        integer("Webhooks", "Webhooks indicates the number of webhooks registered in this configuration"),
        printing::AGE,
    ],
    cells: |configuration, now| {
        let webhooks = configuration.list("webhooks").len();
        vec![printing::name(configuration), webhooks.into(), printing::age(configuration, now)]
    },
    allow_unconditional_update: false,
    ..BASE
};

fn default(configuration: &mut Value, own: fn(&mut Map<String, Value>)) {
    let Some(configuration) = configuration.as_object_mut() else { return };
    for webhook in configuration.objects_mut("webhooks") {
        webhook.fill("failurePolicy", "Fail");
        webhook.fill("matchPolicy", "Equivalent");
        webhook.fill("namespaceSelector", Map::new());
        webhook.fill("objectSelector", Map::new());
        webhook.fill("timeoutSeconds", 10);
        own(webhook);
        if let Some(service) =
            webhook.object_mut("clientConfig").and_then(|config| config.object_mut("service"))
        {
            service.fill("port", 443);
        }
        for rule in webhook.objects_mut("rules") {
            rule.fill("scope", "*");
        }
    }
}

/// What is held against a webhook. A change of a configuration that broke a younger rule already may go on breaking it.
#[derive(Clone, Copy)]
struct Strictness {
    known_review_version: bool,
    no_side_effects: bool,
    unique_names: bool,
}

impl Strictness {
    fn full() -> Self {
        Self { known_review_version: true, no_side_effects: true, unique_names: true }
    }

    fn after(old: &Value) -> Self {
        let webhooks = old.list("webhooks");
        let names: BTreeSet<&str> = webhooks.iter().map(|webhook| webhook.text("name")).collect();
        Self {
            known_review_version: webhooks.iter().all(|webhook| {
                let versions = webhook.list("admissionReviewVersions");
                versions.is_empty() || versions.iter().any(is_known_review_version)
            }),
            no_side_effects: webhooks
                .iter()
                .all(|webhook| NO_SIDE_EFFECTS.contains(&webhook.text("sideEffects"))),
            unique_names: names.len() == webhooks.len(),
        }
    }
}

fn webhooks(configuration: &Value, old: &Value, strictness: Strictness) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    let conditions = |configuration: &Value| -> Vec<Value> {
        configuration.list("webhooks").iter().map(|webhook| webhook.at("matchConditions").clone()).collect()
    };
    let unchanged = !old.is_null() && conditions(configuration) == conditions(old);
    for (index, webhook) in configuration.list("webhooks").iter().enumerate() {
        let path = Path::new("webhooks").index(index);
        errors.extend(one(webhook, strictness, &path));
        if !unchanged {
            errors.extend(match_conditions::validate(webhook, false, &path));
        }
        errors.extend(review_versions(webhook, strictness, &path.child("admissionReviewVersions")));
        let name = webhook.text("name");
        if strictness.unique_names && !name.is_empty() && !names.insert(name) {
            errors.push(Error::duplicate(path.child("name"), &name.into()));
        }
    }
    errors
}

fn one(webhook: &Value, strictness: Strictness, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    errors.extend(fully_qualified(webhook.text("name"), &path.child("name")));
    for (index, each) in webhook.list("rules").iter().enumerate() {
        errors.extend(rule(each, &path.child("rules").index(index)));
    }
    let mut choice = |field: &str, supported: &[&str]| {
        if let Some(value) =
            webhook.field(field).and_then(Value::as_str).filter(|value| !supported.contains(value))
        {
            errors.push(formats::unsupported(&path.child(field), value, supported));
        }
    };
    choice("failurePolicy", &["Fail", "Ignore"]);
    choice("matchPolicy", &["Equivalent", "Exact"]);
    let classes = if strictness.no_side_effects { NO_SIDE_EFFECTS } else { SIDE_EFFECTS };
    choice("sideEffects", classes);
    if !webhook.has("sideEffects") {
        let detail = format!("must specify one of {}", classes.join(", "));
        errors.push(Error::required(path.child("sideEffects"), &detail));
    }
    if let Some(seconds) = webhook.integer("timeoutSeconds").filter(|seconds| !(1..=30).contains(seconds)) {
        let detail = "the timeout value must be between 1 and 30 seconds";
        errors.push(Error::invalid(path.child("timeoutSeconds"), &seconds.into(), detail));
    }
    for selector in ["namespaceSelector", "objectSelector"] {
        errors.extend(label_selector::validate(webhook.at(selector), &path.child(selector)));
    }
    let reinvocation = webhook.field("reinvocationPolicy").and_then(Value::as_str);
    if let Some(policy) = reinvocation.filter(|policy| !REINVOCATION.contains(policy)) {
        errors.push(formats::unsupported(&path.child("reinvocationPolicy"), policy, REINVOCATION));
    }
    errors.extend(client_config(webhook.at("clientConfig"), &path.child("clientConfig")));
    errors
}

fn fully_qualified(name: &str, path: &Path) -> Option<Error> {
    if name.is_empty() {
        return Some(Error::required(path.clone(), ""));
    }
    let wrong = dns1123_subdomain(name);
    if !wrong.is_empty() {
        return Some(Error::invalid(path.clone(), &name.into(), &wrong.join(",")));
    }
    (name.split('.').count() < 3).then(|| {
        let detail = "should be a domain with at least three segments separated by dots";
        Error::invalid(path.clone(), &name.into(), detail)
    })
}

fn review_versions(webhook: &Value, strictness: Strictness, path: &Path) -> Vec<Error> {
    let versions = webhook.list("admissionReviewVersions");
    let known = REVIEW_VERSIONS.join(", ");
    if versions.is_empty() {
        return vec![Error::required(path.clone(), &format!("must specify one of {known}"))];
    }
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, version) in versions.iter().enumerate() {
        let text = version.as_str().unwrap_or_default();
        if seen.insert(text) {
            errors.extend(formats::invalid(&path.index(index), text, dns1035_label(text)));
        } else {
            errors.push(Error::invalid(path.index(index), version, "duplicate version"));
        }
    }
    if strictness.known_review_version && !versions.iter().any(is_known_review_version) {
        let detail = format!("must include at least one of {known}");
        errors.push(Error::invalid(path.clone(), webhook.at("admissionReviewVersions"), &detail));
    }
    errors
}

fn is_known_review_version(version: &Value) -> bool {
    version.as_str().is_some_and(|version| REVIEW_VERSIONS.contains(&version))
}

/// Where a webhook is.
pub(crate) fn client_config(config: &Value, path: &Path) -> Vec<Error> {
    match (config.field("url"), config.field("service")) {
        (Some(url), None) => self::url(url.as_str().unwrap_or_default(), &path.child("url")),
        (None, Some(service)) => self::service(service, &path.child("service")),
        _ => vec![Error::required(path.clone(), "exactly one of url or service is required")],
    }
}

fn url(text: &str, path: &Path) -> Vec<Error> {
    const FORM: &str = "; desired format: https://host[/path]";
    let (before_fragment, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (before_query, query) = before_fragment.split_once('?').unwrap_or((before_fragment, ""));
    let (scheme, rest) = match before_query.split_once(':') {
        Some((scheme, rest))
            if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) =>
        {
            (scheme.to_ascii_lowercase(), rest)
        }
        _ => (String::new(), before_query),
    };
    let authority = rest.strip_prefix("//").and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let (user, host) =
        authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let mut errors = Vec::new();
    let mut wrong =
        |value: &str, detail: &str| errors.push(Error::invalid(path.clone(), &value.into(), detail));
    if scheme != "https" {
        wrong(&scheme, &format!("'https' is the only allowed URL scheme{FORM}"));
    }
    if host.is_empty() {
        wrong(host, &format!("host must be specified{FORM}"));
    }
    if let Some(user) = user {
        wrong(user, "user information is not permitted in the URL");
    }
    if !fragment.is_empty() {
        wrong(fragment, "fragments are not permitted in the URL");
    }
    if !query.is_empty() {
        wrong(query, "query parameters are not permitted in the URL");
    }
    if errors.is_empty()
        && let Err(error) = text.parse::<http::Uri>()
    {
        let detail = format!("url must be a valid URL: parse {text:?}: {error}{FORM}");
        errors.push(Error::required(path.clone(), &detail));
    }
    errors
}

fn service(service: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for field in ["name", "namespace"] {
        if service.text(field).is_empty() {
            errors.push(Error::required(path.child(field), ""));
        }
    }
    let port = service.number("port");
    if let Some(wrong) = formats::port_number(port) {
        errors.push(Error::invalid(path.child("port"), &port.into(), &format!("port is not valid: {wrong}")));
    }
    let text = service.text("path");
    let mut wrong = |detail: &str| errors.push(Error::invalid(path.child("path"), &text.into(), detail));
    match text {
        "" | "/" => {}
        "//" => wrong("segment[0] may not be empty"),
        _ => {
            if !text.starts_with('/') {
                wrong("must start with a '/'");
            }
            // As upstream, which takes the first character for the slash in any case.
            let mut characters = text.chars();
            characters.next();
            let steps = characters.as_str();
            for (index, step) in steps.strip_suffix('/').unwrap_or(steps).split('/').enumerate() {
                if step.is_empty() {
                    wrong(&format!("segment[{index}] may not be empty"));
                    continue;
                }
                for failure in dns1123_subdomain(step) {
                    wrong(&format!("segment[{index}]: {failure}"));
                }
            }
        }
    }
    errors
}

const REVIEW_VERSIONS: &[&str] = &["v1", "v1beta1"];
const NO_SIDE_EFFECTS: &[&str] = &["None", "NoneOnDryRun"];
const SIDE_EFFECTS: &[&str] = &["None", "NoneOnDryRun", "Some", "Unknown"];
const REINVOCATION: &[&str] = &["IfNeeded", "Never"];

#[cfg(test)]
mod tests {
    use proptest::prelude::{
        Just, Strategy as PropStrategy, any, prop, prop_assert_eq, prop_oneof, proptest,
    };
    use serde_json::json;

    use super::*;

    fn webhook() -> Value {
        json!({
            "name": "pods.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "clientConfig": { "service": { "name": "hook", "namespace": "hooks" } },
            "rules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]
            }]
        })
    }

    fn configuration(webhooks: &[Value]) -> Value {
        json!({ "metadata": { "name": "hooks", "uid": "u", "resourceVersion": "1" }, "webhooks": webhooks })
    }

    fn errors(webhooks: &[Value]) -> Vec<String> {
        let mut configuration = configuration(webhooks);
        (MUTATING.default)(&mut configuration);
        (MUTATING.validate)(&configuration).iter().map(ToString::to_string).collect()
    }

    /// The errors about a webhook in which `pointer` holds `value`.
    fn with(pointer: &str, value: Value) -> Vec<String> {
        let mut webhook = webhook();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        webhook.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(field.to_owned(), value);
        errors(&[webhook])
    }

    #[test]
    fn the_defaults_are_those_of_the_first_version() {
        let mut configuration = configuration(&[webhook()]);
        (MUTATING.default)(&mut configuration);
        let hook = &configuration["webhooks"][0];
        assert_eq!(
            [
                &hook["failurePolicy"],
                &hook["matchPolicy"],
                &hook["reinvocationPolicy"],
                &hook["rules"][0]["scope"]
            ],
            ["Fail", "Equivalent", "Never", "*"]
        );
        assert_eq!([&hook["timeoutSeconds"], &hook["clientConfig"]["service"]["port"]], [10, 443]);
        assert_eq!([&hook["namespaceSelector"], &hook["objectSelector"]], [&json!({}), &json!({})]);
        assert_eq!((MUTATING.validate)(&configuration), []);
    }

    #[test]
    fn what_cannot_be_called_is_refused_in_kubernetes_words() {
        for (pointer, value, expected) in [
            (
                "/name",
                json!("hook"),
                r#"webhooks[0].name: Invalid value: "hook": should be a domain with at least three segments separated by dots"#,
            ),
            ("/name", json!(""), "webhooks[0].name: Required value"),
            (
                "/failurePolicy",
                json!("Maybe"),
                r#"webhooks[0].failurePolicy: Unsupported value: "Maybe": supported values: "Fail", "Ignore""#,
            ),
            (
                "/matchPolicy",
                json!("x"),
                r#"webhooks[0].matchPolicy: Unsupported value: "x": supported values: "Equivalent", "Exact""#,
            ),
            (
                "/sideEffects",
                json!("Some"),
                r#"webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun""#,
            ),
            (
                "/sideEffects",
                Value::Null,
                "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun",
            ),
            (
                "/timeoutSeconds",
                json!(31),
                "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
            ),
            (
                "/reinvocationPolicy",
                json!("x"),
                r#"webhooks[0].reinvocationPolicy: Unsupported value: "x": supported values: "IfNeeded", "Never""#,
            ),
            (
                "/admissionReviewVersions",
                json!([]),
                "webhooks[0].admissionReviewVersions: Required value: must specify one of v1, v1beta1",
            ),
            (
                "/admissionReviewVersions",
                json!(["v2"]),
                r#"webhooks[0].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1"#,
            ),
            (
                "/admissionReviewVersions",
                json!(["v1", "v1"]),
                r#"webhooks[0].admissionReviewVersions[1]: Invalid value: "v1": duplicate version"#,
            ),
            (
                "/clientConfig/url",
                json!("https://x"),
                "webhooks[0].clientConfig: Required value: exactly one of url or service is required",
            ),
            (
                "/clientConfig",
                json!({}),
                "webhooks[0].clientConfig: Required value: exactly one of url or service is required",
            ),
            (
                "/clientConfig",
                json!({"url": "http://x/y"}),
                r#"webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]"#,
            ),
            (
                "/clientConfig",
                json!({"url": "https://"}),
                r#"webhooks[0].clientConfig.url: Invalid value: "": host must be specified; desired format: https://host[/path]"#,
            ),
            (
                "/clientConfig",
                json!({"url": "https://a:b@x/"}),
                r#"webhooks[0].clientConfig.url: Invalid value: "a:b": user information is not permitted in the URL"#,
            ),
            (
                "/clientConfig",
                json!({"url": "https://x/?q#"}),
                r#"webhooks[0].clientConfig.url: Invalid value: "q": query parameters are not permitted in the URL"#,
            ),
            (
                "/clientConfig/service",
                json!({"name": "x"}),
                "webhooks[0].clientConfig.service.namespace: Required value",
            ),
            (
                "/clientConfig/service/port",
                json!(0),
                "webhooks[0].clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
            ),
            (
                "/clientConfig/service/path",
                json!("x"),
                r#"webhooks[0].clientConfig.service.path: Invalid value: "x": must start with a '/'"#,
            ),
            (
                "/clientConfig/service/path",
                json!("/a//b"),
                r#"webhooks[0].clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty"#,
            ),
        ] {
            assert_eq!(
                with(pointer, value.clone()).first().map(String::as_str),
                Some(expected),
                "{pointer} {value}"
            );
        }
    }

    #[test]
    fn match_conditions_are_compiled() {
        assert_eq!(
            with("/matchConditions", json!([{ "name": "a", "expression": "request.name != ''" }])),
            [""; 0]
        );
        let errors = with("/matchConditions", json!([{ "name": "a", "expression": "params.x" }]));
        let [error] = &errors[..] else { panic!("one error: {errors:?}") };
        assert!(
            error.contains("compilation failed: ERROR: <input>:1:1: undeclared reference to 'params'"),
            "{error}"
        );
        let errors = with("/matchConditions", json!([{ "name": "a", "expression": "1" }]));
        let why = r#"webhooks[0].matchConditions[0].expression: Invalid value: "1": must evaluate to bool but got int"#;
        assert_eq!(errors, [why]);
    }

    #[test]
    fn two_webhooks_of_one_name_are_one_too_many() {
        assert_eq!(
            errors(&[webhook(), webhook()]),
            [r#"webhooks[1].name: Duplicate value: "pods.example.com""#]
        );
    }

    #[test]
    fn what_was_let_in_before_a_rule_may_stay() {
        let mut old = webhook();
        old["sideEffects"] = "Some".into();
        let mut old = configuration(&[old]);
        (VALIDATING.default)(&mut old);
        assert_eq!((VALIDATING.validate_update)(&old, &old), []);
        let mut new = configuration(&[webhook()]);
        (VALIDATING.default)(&mut new);
        assert_eq!((VALIDATING.validate_update)(&old, &new).len(), 1);
    }

    /// Any JSON whose keys are those of webhooks.
    fn arbitrary() -> impl PropStrategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            prop::sample::select(&["", "*", "*/*", "a/*", "/", "//", "é", "https://a@[b:/?#", "v1"][..])
                .prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 64, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(prop::sample::select(KEYS), inner, 0..8).prop_map(|fields| {
                    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
                }),
            ]
        })
    }

    const KEYS: &[&str] = &[
        "admissionReviewVersions",
        "apiGroups",
        "apiVersions",
        "clientConfig",
        "name",
        "namespace",
        "namespaceSelector",
        "objectSelector",
        "operations",
        "path",
        "port",
        "resources",
        "rules",
        "service",
        "sideEffects",
        "timeoutSeconds",
        "url",
        "matchExpressions",
        "matchLabels",
    ];

    proptest! {
        #[test]
        fn no_configuration_panics_and_defaults_change_nothing_twice(
            webhooks in prop::collection::vec(arbitrary(), 0..3), old in prop::collection::vec(arbitrary(), 0..3),
        ) {
            let old = configuration(&old);
            for strategy in [&MUTATING, &VALIDATING] {
                let mut once = configuration(&webhooks);
                (strategy.default)(&mut once);
                let mut twice = once.clone();
                (strategy.default)(&mut twice);
                prop_assert_eq!(&once, &twice);
                let _ = (strategy.validate)(&once);
                let _ = (strategy.validate_update)(&once, &old);
            }
        }
    }
}
