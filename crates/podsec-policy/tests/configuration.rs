//! The recorded configurations: accepted and refused as Kubernetes does, in its words.

use podsec_policy::{Configuration, Plugin, Policies};
use podsec_testing::recorded;
use serde::Deserialize;

#[test]
fn every_recorded_configuration_is_judged_as_kubernetes_judged_it() {
    for line in recorded::text("pod-security/config.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let judged = Configuration::from_yaml(&case.config);
        assert_eq!(judged.is_ok(), case.accepted, "{}: {judged:?}", case.name);
        if let (Err(error), Some(recorded)) = (judged, case.error) {
            assert_eq!(error.to_string(), recorded, "{}", case.name);
        }
    }
}

#[test]
fn all_versions_say_the_same() {
    let read = |version: &str| {
        Configuration::from_yaml(&format!(
            "apiVersion: pod-security.admission.config.k8s.io/{version}\n\
             kind: PodSecurityConfiguration\n\
             defaults: {{enforce: baseline, enforce-version: v1.30, warn: restricted}}\n\
             exemptions: {{usernames: [alice], namespaces: [kube-system], runtimeClasses: [kata]}}\n"
        ))
        .unwrap()
    };
    let configuration = read("v1");
    assert_eq!(read("v1beta1"), configuration);
    assert_eq!(read("v1alpha1"), configuration);

    let Policies { enforce, audit, warn } = configuration.defaults;
    let policies = [enforce, audit, warn].map(|policy| policy.to_string());
    assert_eq!(policies, ["baseline:v1.30", "privileged:latest", "restricted:latest"]);
    assert!(configuration.exemptions.has_username("alice") && !configuration.exemptions.has_username("bob"));
    assert!(configuration.exemptions.has_namespace("kube-system"));
    assert!(configuration.exemptions.has_runtime_class("kata"));
}

#[test]
fn a_wrong_type_is_named_with_its_field() {
    let error = |fields: &str| {
        let text = format!(
            "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\n{fields}\n"
        );
        Configuration::from_yaml(&text).unwrap_err().to_string()
    };
    assert_eq!(error("defaults: [1, 2]"), "defaults: must be an object, not a list");
    assert_eq!(
        error("defaults: {enforce-version: 1.24}"),
        "defaults.enforce-version: must be a string, not a number"
    );
    assert_eq!(
        error("exemptions: {namespaces: kube-system}"),
        "exemptions.namespaces: must be a list of strings, not a string"
    );
    assert_eq!(
        error("exemptions: {usernames: [a, true]}"),
        "exemptions.usernames[1]: must be a string, not a boolean"
    );
}

#[test]
fn what_begins_with_a_brace_is_json() {
    let json =
        r#" {"kind": "PodSecurityConfiguration", "apiVersion": "pod-security.admission.config.k8s.io/v1"}"#;
    Configuration::from_yaml(json).unwrap();
    for text in [
        json.replace('"', ""),
        format!("{json} {{}}"),
        format!("{json}\n---\n{json}"),
        format!("{json} # said"),
        json.replace('}', ",}"),
    ] {
        let error = Configuration::from_yaml(&text).unwrap_err().to_string();
        assert!(error.starts_with("not JSON, which it begins as: "), "{text}: {error}");
        assert!(Plugin::from_admission_configuration(&text).is_err(), "{text}");
        if !text.contains("---") {
            Configuration::from_yaml(&format!("---\n{text}\n")).unwrap();
        }
    }
    // Of several documents Kubernetes reads the first.
    Configuration::from_yaml(&format!("---\n{json}\n---\nkind: Secret\n")).unwrap();
}

#[test]
fn an_admission_configuration_holds_or_points_to_the_configuration() {
    let plugin = |plugins: &str| {
        Plugin::from_admission_configuration(&format!(
            "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins: {plugins}\n"
        ))
    };
    let configuration = "{apiVersion: pod-security.admission.config.k8s.io/v1, kind: PodSecurityConfiguration, \
                         exemptions: {usernames: [alice]}}";
    let Plugin::Configuration(inline) =
        plugin(&format!("[{{name: PodSecurity, path: other.yaml, configuration: {configuration}}}]"))
            .unwrap()
    else {
        panic!("the configuration is inline")
    };
    assert!(inline.exemptions.has_username("alice"));

    for (plugins, expected) in [
        ("null", Plugin::Absent),
        ("[{name: EventRateLimit, path: limits.yaml}]", Plugin::Absent),
        ("[{name: PodSecurity, configuration: null}]", Plugin::Absent),
        (
            "[{name: PodSecurity, path: a.yaml}, {name: PodSecurity, path: b.yaml}]",
            Plugin::Path("a.yaml".to_owned()),
        ),
        ("[{name: PodSecurity, path: a.yaml, note: x}]", Plugin::Path("a.yaml".to_owned())),
    ] {
        assert_eq!(plugin(plugins).unwrap(), expected, "{plugins}");
    }

    let error = |plugins: &str| plugin(plugins).unwrap_err().to_string();
    assert_eq!(error("{name: PodSecurity}"), "plugins: must be a list of objects, not an object");
    assert_eq!(error("[{name: 1}]"), "plugins[0].name: must be a string, not a number");
    assert_eq!(error("[{name: PodSecurity, configuration: {}}]"), "Object 'Kind' is missing");
    let error =
        Plugin::from_admission_configuration(&format!("---\n{configuration}")).unwrap_err().to_string();
    assert_eq!(
        error,
        "no kind \"PodSecurityConfiguration\" is registered for version \"pod-security.admission.config.k8s.io/v1\""
    );
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: String,
    accepted: bool,
    error: Option<String>,
}
