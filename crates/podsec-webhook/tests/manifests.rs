//! The manifests that `podsec webhook manifests` prints, the Kustomize base and the Helm chart say the same, and what
//! they install is what they ask of others.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use podsec_standards::{Level, Policy, Version, Workload, evaluate};
use podsec_webhook::Installation;
use serde_json::Value;

fn deploy(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The objects of some YAML by kind and name.
fn objects(text: &str) -> BTreeMap<String, Value> {
    let mut objects = BTreeMap::new();
    for document in text.split("---\n").filter(|document| !document.trim().is_empty()) {
        let object =
            podsec_yaml::to_json_strict(document).unwrap_or_else(|error| panic!("{error}\n{document}"));
        let name =
            format!("{}/{}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        assert!(objects.insert(name.clone(), object).is_none(), "{name} twice");
    }
    objects
}

fn printed(installation: &Installation) -> BTreeMap<String, Value> {
    objects(&installation.manifests().unwrap())
}

fn all() -> Installation {
    Installation { monitoring: true, ..Installation::default() }
}

#[test]
fn the_kustomize_base_is_what_is_printed() {
    let mut text = String::new();
    for kustomization in ["kustomize", "kustomize/monitoring"] {
        let list =
            podsec_yaml::to_json_strict(&deploy(&format!("{kustomization}/kustomization.yaml"))).unwrap();
        for file in list["resources"].as_array().unwrap() {
            text += &deploy(&format!("{kustomization}/{}", file.as_str().unwrap()));
            text += "---\n";
        }
    }
    assert_eq!(objects(&text), printed(&all()));
}

#[test]
fn the_helm_chart_is_what_is_printed_but_for_the_namespace() {
    let values = podsec_yaml::to_json_strict(&deploy("helm/podsec-webhook/values.yaml")).unwrap();
    assert_eq!(values["monitoring"], false);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/helm/podsec-webhook/templates");
    let mut text = String::new();
    for file in fs::read_dir(folder).unwrap() {
        text += &rendered(&fs::read_to_string(file.unwrap().path()).unwrap(), &values);
        text += "---\n";
    }
    let mut printed = printed(&all());
    // Helm makes namespaces itself.
    assert!(printed.remove("Namespace/podsec-system").is_some());
    assert_eq!(objects(&text), printed);
}

/// Renders as much of Helm's language as the chart uses, in its own namespace and with every condition true.
fn rendered(template: &str, values: &Value) -> String {
    let mut text = String::new();
    let mut repeated: Option<Vec<&Value>> = None;
    for line in template.lines() {
        let directive = line.trim().strip_prefix("{{-").and_then(|line| line.strip_suffix("}}"));
        match directive.map(|directive| directive.trim_end_matches('-').trim()) {
            Some(".Values.configuration | nindent 4") => {
                for line in values["configuration"].as_str().unwrap().lines() {
                    text.extend(["    ", line, "\n"]);
                }
                continue;
            }
            Some("range $.Values.excludedNamespaces") => {
                repeated = Some(values["excludedNamespaces"].as_array().unwrap().iter().collect());
                continue;
            }
            Some("end") => {
                repeated = None;
                continue;
            }
            Some(_) => continue,
            None => {}
        }
        let line = line
            .replace("{{ .Release.Namespace }}", "podsec-system")
            .replace("{{ .Values.image }}", values["image"].as_str().unwrap())
            .replace("{{ .Values.replicas }}", &values["replicas"].to_string());
        if let Some(items) = &repeated {
            for item in items {
                text += &line.replace("{{ . }}", item.as_str().unwrap());
                text.push('\n');
            }
        } else {
            assert!(!line.contains("{{"), "unknown to this test: {line}");
            text += &line;
            text.push('\n');
        }
    }
    text
}

#[test]
fn the_deployment_satisfies_what_its_namespace_enforces() {
    let printed = printed(&all());
    assert_eq!(
        printed["Namespace/podsec-system"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
        "restricted"
    );
    let deployment = printed["Deployment/podsec-webhook"].to_string();
    let pod = Workload::Deployment.pod_from_json(deployment.as_bytes()).unwrap().unwrap();
    let evaluation = evaluate(Policy::new(Level::Restricted, Version::Latest), &pod);
    assert!(evaluation.is_allowed(), "{}", evaluation.detail());
}

#[test]
fn the_api_server_asks_about_namespaces_and_every_kind_that_carries_a_pod() {
    let printed = printed(&all());
    let webhooks = printed["ValidatingWebhookConfiguration/podsec-webhook"]["webhooks"].as_array().unwrap();
    let mut asked: Vec<(String, String, &str)> = Vec::new();
    for webhook in webhooks {
        for rule in webhook["rules"].as_array().unwrap() {
            assert_eq!(rule["operations"], serde_json::json!(["CREATE", "UPDATE"]));
            let group = rule["apiGroups"][0].as_str().unwrap();
            for resource in rule["resources"].as_array().unwrap() {
                let policy = webhook["failurePolicy"].as_str().unwrap();
                asked.push((group.to_owned(), resource.as_str().unwrap().to_owned(), policy));
            }
        }
    }
    let mut expected = vec![
        (String::new(), "namespaces".to_owned(), "Fail"),
        (String::new(), "pods/ephemeralcontainers".to_owned(), "Fail"),
    ];
    for workload in Workload::ALL {
        let policy = if workload == Workload::Pod { "Fail" } else { "Ignore" };
        expected.push((workload.group().to_owned(), workload.resource().to_owned(), policy));
    }
    asked.sort();
    expected.sort();
    assert_eq!(asked, expected);
}

#[test]
fn the_webhook_is_never_asked_about_its_own_pods() {
    let installation = Installation {
        namespace: "policy".to_owned(),
        excluded_namespaces: vec!["kube-system".to_owned(), "cni".to_owned()],
        ..all()
    };
    let text = installation.manifests().unwrap();
    assert!(!text.contains("podsec-system"));
    let printed = objects(&text);
    for webhook in printed["ValidatingWebhookConfiguration/podsec-webhook"]["webhooks"].as_array().unwrap() {
        let expression = &webhook["namespaceSelector"]["matchExpressions"][0];
        assert_eq!(expression["key"], "kubernetes.io/metadata.name");
        assert_eq!(expression["operator"], "NotIn");
        assert_eq!(expression["values"], serde_json::json!(["policy", "kube-system", "cni"]));
    }
}

#[test]
fn the_values_given_are_in_the_manifests_and_no_other_yaml_gets_in() {
    let installation =
        Installation { image: "registry.example.com/podsec@sha256:00".to_owned(), replicas: 5, ..all() };
    let deployment = &printed(&installation)["Deployment/podsec-webhook"]["spec"];
    assert_eq!(deployment["replicas"], 5);
    assert_eq!(
        deployment["template"]["spec"]["containers"][0]["image"],
        "registry.example.com/podsec@sha256:00"
    );
    for image in ["a\nb: c", "", "{x}", "a #b", "-a"] {
        let installation = Installation { image: image.to_owned(), ..all() };
        assert!(installation.manifests().is_err(), "{image:?}");
    }
}

#[test]
fn the_webhook_may_read_namespaces_list_pods_and_keep_its_own_certificate_and_nothing_else() {
    let printed = printed(&all());
    let rules = |object: &str| {
        let rules = printed[object]["rules"].as_array().unwrap().iter();
        let list = |rule: &Value, field: &str| {
            let items = rule[field].as_array().map(Vec::as_slice).unwrap_or_default();
            items.iter().map(|item| item.as_str().unwrap()).collect::<Vec<_>>().join(",")
        };
        rules
            .map(|rule| {
                ["apiGroups", "resources", "resourceNames", "verbs"].map(|field| list(rule, field)).join(" ")
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        rules("ClusterRole/podsec-webhook"),
        [
            " namespaces  get,list,watch",
            " pods  list",
            "admissionregistration.k8s.io validatingwebhookconfigurations podsec-webhook get,patch",
        ]
    );
    assert_eq!(rules("Role/podsec-webhook"), [" secrets podsec-webhook-tls get,update", " secrets  create"]);
}
