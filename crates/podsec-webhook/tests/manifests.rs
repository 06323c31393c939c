//! The manifests that `podsec webhook manifests` prints, the Kustomize base and the Helm chart say the same, and what
//! they install is what they ask of others.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use podsec_standards::{Level, Policy, Version, Workload, evaluate};
use podsec_webhook::Installation;
use serde_json::{Value, json};

fn deploy_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy")
}

fn deploy(file: &str) -> String {
    let path = deploy_folder().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The objects of some YAML by kind and name.
fn objects(text: &str) -> BTreeMap<String, Value> {
    let mut objects = BTreeMap::new();
    for document in text.split("---\n").filter(|document| !is_blank(document)) {
        let object =
            podsec_yaml::to_json_strict(document).unwrap_or_else(|error| panic!("{error}\n{document}"));
        let name =
            format!("{}/{}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        assert!(objects.insert(name.clone(), object).is_none(), "{name} twice");
    }
    objects
}

/// Whether a document holds comments alone.
fn is_blank(document: &str) -> bool {
    document.lines().all(|line| line.trim().is_empty() || line.starts_with('#'))
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

/// Every way in which installations differ, once each and all at once.
fn installations() -> Vec<Installation> {
    let secret =
        Installation { tls_secret: Some("podsec-webhook-tls".to_owned()), ..Installation::default() };
    let other = Installation {
        namespace: "policy".to_owned(),
        image: "registry.example.com/podsec@sha256:00".to_owned(),
        replicas: 5,
        excluded_namespaces: vec!["kube-system".to_owned(), "cni".to_owned()],
        tls_secret: Some("certificate".to_owned()),
        api_server_cidrs: vec!["192.0.2.1/32".parse().unwrap(), "::/0".parse().unwrap()],
        monitoring: true,
    };
    vec![Installation::default(), all(), secret, other]
}

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn kustomize_builds_what_is_printed() {
    let kubectl = tool("KUBECTL_PINNED");
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base");
    let copied = Command::new("cp").arg("-R").arg(deploy_folder().join("kustomize")).arg(&base).status();
    assert!(copied.unwrap().success());
    // The last one is for those who write patches of their own.
    for installation in &installations()[..3] {
        let components = [
            installation.monitoring.then_some("base/monitoring"),
            installation.tls_secret.is_some().then_some("base/tls-secret"),
        ];
        let components: Vec<&str> = components.into_iter().flatten().collect();
        let kustomization = json!({"resources": ["base"], "components": components});
        fs::write(folder.path().join("kustomization.yaml"), kustomization.to_string()).unwrap();
        let built = output(Command::new(&kubectl).arg("kustomize").arg(folder.path()));
        assert_eq!(objects(&built), printed(installation), "{installation:?}");
    }
}

#[test]
#[ignore = "needs Helm 4.3: make test"]
fn helm_renders_what_is_printed_but_for_the_namespace() {
    let helm = tool("HELM_PINNED");
    for installation in installations() {
        let Installation { namespace, image, replicas, excluded_namespaces, tls_secret, monitoring, .. } =
            installation.clone();
        let api_servers = if replicas == 5 { json!(["192.0.2.1/32", "::/0"]) } else { json!([]) };
        let values = json!({
            "image": image,
            "replicas": replicas,
            "excludedNamespaces": excluded_namespaces,
            "tlsSecret": tls_secret.unwrap_or_default(),
            "apiServerCIDRs": api_servers,
            "monitoring": monitoring,
        });
        // What is not set must be right by itself.
        let defaults = installation.image == Installation::default().image && !monitoring && replicas == 2;
        let values = if defaults && installation.tls_secret.is_none() {
            json!({"image": installation.image})
        } else {
            values
        };
        let mut objects = objects(&rendered(&helm, &namespace, &values));
        // Helm makes namespaces itself.
        let name = format!("Namespace/{namespace}");
        objects.insert(name.clone(), printed(&installation)[&name].clone());
        assert_eq!(objects, printed(&installation), "{installation:?}");
    }
}

#[test]
#[ignore = "needs Helm 4.3: make test"]
fn helm_finds_no_fault_with_the_chart() {
    let helm = tool("HELM_PINNED");
    output(
        Command::new(&helm)
            .args(["lint", "--strict", "--quiet"])
            .arg(deploy_folder().join("helm/podsec-webhook")),
    );
    let annotation = json!({"image": "podsec", "webhookAnnotations": {"cert-manager.io/inject-ca-from": "policy/webhook"}});
    let annotated = objects(&rendered(&helm, "policy", &annotation));
    assert_eq!(
        annotated["ValidatingWebhookConfiguration/podsec-webhook"]["metadata"]["annotations"],
        annotation["webhookAnnotations"]
    );
}

fn rendered(helm: &Path, namespace: &str, values: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("values.yaml"), values.to_string()).unwrap();
    let chart = deploy_folder().join("helm/podsec-webhook");
    let mut helm = Command::new(helm);
    helm.args(["template", "podsec-webhook", "--namespace", namespace, "--values"]);
    output(helm.arg(folder.path().join("values.yaml")).arg(chart))
}

/// A renderer that the environment names.
fn tool(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable);
    path.unwrap_or_else(|| panic!("{variable} names no renderer; make test installs it")).into()
}

/// What a command prints when all is well.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
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
            assert_eq!(rule["operations"], json!(["CREATE", "UPDATE"]));
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
        assert_eq!(expression["values"], json!(["policy", "kube-system", "cni"]));
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
fn a_network_policy_lets_https_in_and_where_they_are_named_from_api_servers_and_prometheus_alone() {
    let policy = |installation: &Installation| {
        let mut policy = printed(installation)["NetworkPolicy/podsec-webhook"]["spec"].clone();
        let deployment = &printed(installation)["Deployment/podsec-webhook"]["spec"];
        assert_eq!(policy["podSelector"], deployment["selector"]);
        assert_eq!(policy["policyTypes"], json!(["Ingress"]));
        policy["ingress"].take()
    };
    let ports = json!([{"port": 8443, "protocol": "TCP"}]);
    assert_eq!(policy(&all()), json!([{"ports": ports}]));
    let known =
        Installation { api_server_cidrs: vec!["2001:db8::/64".parse().unwrap()], ..Installation::default() };
    let block = json!({"ipBlock": {"cidr": "2001:db8::/64"}});
    assert_eq!(policy(&known), json!([{"ports": ports, "from": [block]}]));
    let monitored = policy(&Installation { monitoring: true, ..known });
    assert_eq!(monitored[0]["from"].as_array().unwrap().len(), 2);
    for wrong in ["", "192.0.2.1", "192.0.2.1/33", "::/129", "a/8", "192.0.2.1/8\nx: y"] {
        assert!(wrong.parse::<podsec_webhook::AddressRange>().is_err(), "{wrong:?}");
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

#[test]
fn a_webhook_whose_certificate_somebody_else_looks_after_may_only_watch_it() {
    let installation = Installation { tls_secret: Some("certificate".to_owned()), ..Installation::default() };
    let printed = printed(&installation);
    let text = installation.manifests().unwrap();
    assert!(!text.contains("--self-signed") && !text.contains("validatingwebhookconfigurations"), "{text}");
    assert_eq!(
        printed["Role/podsec-webhook"]["rules"],
        json!([{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["certificate"], "verbs": ["list", "watch"]}])
    );
    let arguments =
        &printed["Deployment/podsec-webhook"]["spec"]["template"]["spec"]["containers"][0]["args"];
    assert_eq!(arguments[2], "--tls-secret=podsec-system/certificate");
}
