//! Every recorded refusal and every recorded creation, played against the strategies.
//!
//! `tests/data` holds what Kubernetes 1.35 said to invalid objects and what 1.25 stored of valid ones.

use std::path::PathBuf;

use podsec_apimachinery::Status;
use podsec_apimachinery::field::Cause;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
use serde_json::{Map, Value, json};

use crate::object::{Fields, FieldsMut, metadata};
use crate::{STRATEGIES, priority, strategy, tolerations};

fn data(file: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// What the admission plugins of pods do to an object, if it is one.
fn admit(
    strategy: &crate::Strategy,
    object: &mut Value,
    old: Option<&Value>,
    classes: &[Value],
) -> Result<(), String> {
    if strategy.group.is_empty() && strategy.resource == "pods" {
        tolerations::tolerate_node_trouble(object);
        return priority::prioritize(object, old, classes);
    }
    Ok(())
}

/// The object as the server would have it before it is validated.
fn created(mut object: Value, group: &str, resource: &str) -> Value {
    let strategy = strategy(group, resource);
    (strategy.default)(&mut object);
    admit(strategy, &mut object, None, &[]).unwrap();
    (strategy.prepare_for_create)(&mut object);
    object
}

#[test]
fn invalid_objects_are_refused_in_kubernetes_words() {
    let mut wrong = Vec::new();
    let mut decodable = 0;
    for case in data("validation.json") {
        // Decoding refuses before anything here is asked.
        if case.number("code") == 400 {
            continue;
        }
        decodable += 1;
        let mut object = case.at("object").clone();
        let kind = object.text("kind").to_owned();
        let resource = if kind == "Pod" { "pods" } else { "namespaces" };
        let fields = object.as_object_mut().unwrap().ensure("metadata").unwrap();
        if kind == "Pod" {
            fields.insert("namespace".to_owned(), "val".into());
        }
        if !fields.text("generateName").is_empty() {
            let generated = case.text("message").split('"').nth(1).unwrap_or_default();
            fields.insert("name".to_owned(), generated.into());
        }
        let strategy = strategy("", resource);
        (strategy.default)(&mut object);
        let admitted = admit(strategy, &mut object, None, &[]);
        (strategy.prepare_for_create)(&mut object);
        let errors = (strategy.validate)(&object);
        let message = if errors.is_empty() {
            "OK".to_owned()
        } else {
            Status::invalid("", &kind, metadata(&object).text("name"), &errors).message
        };
        if message != case.text("message") {
            wrong.push(format!("{}\n  want {}\n  have {message}", case.text("case"), case.text("message")));
        }
        // What validation lets pass, admission may still refuse: priorities and priority classes.
        if admitted.is_err() {
            assert!(case.text("case").starts_with("priority"), "{}", case.text("case"));
        }
    }
    assert!(wrong.is_empty(), "{} of {decodable} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn created_objects_are_stored_as_kubernetes_stores_them() {
    let mut wrong = Vec::new();
    for case in data("created.json") {
        let (group, resource) = (case.text("group"), case.text("resource"));
        let returned = case.at("returned");
        let mut object = case.at("posted").clone();
        let fields = object.as_object_mut().unwrap().ensure("metadata").unwrap();
        for field in ["name", "namespace", "uid", "creationTimestamp"] {
            fields.copy(field, metadata(returned));
        }
        let mut object = created(object, group, resource);
        if resource == "services" {
            crate::allocation::begin_create(&mut object, crate::allocation::Pool::default()).unwrap();
        }
        if matches!(resource, "pods" | "namespaces" | "deployments") {
            assert_eq!((strategy(group, resource).validate)(&object), [], "{}", case.text("from"));
        }
        let (mut have, mut want) = (object, returned.clone());
        for side in [&mut have, &mut want] {
            forget_versions(side);
        }
        if have != want {
            wrong.push(format!("{} {resource}\n  want {want}\n  have {have}", case.text("from")));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Takes out what the recorded version lacks or has alone, and what follows from chance.
fn forget_versions(object: &mut Value) {
    let object = object.as_object_mut().unwrap();
    let is_job = object.text("kind") == "Job";
    let is_pod = object.text("kind") == "Pod";
    if let Some(metadata) = object.object_mut("metadata") {
        if is_pod {
            // Pods count their generations since 1.33.
            metadata.remove("generation");
        }
        forget_job_labels(metadata, is_job);
        if let Some(annotations) = metadata.object_mut("annotations") {
            annotations.remove("batch.kubernetes.io/job-tracking");
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
    }
    for field in ["kind", "apiVersion"] {
        object.remove(field);
    }
    if let Some(spec) = object.object_mut("spec") {
        for field in
            ["podReplacementPolicy", "persistentVolumeClaimRetentionPolicy", "clusterIP", "clusterIPs"]
        {
            spec.remove(field);
        }
        if is_job {
            spec.remove("manualSelector");
            spec.remove("selector");
            forget_template(spec, true);
        }
        for port in spec.objects_mut("ports") {
            port.remove("nodePort");
        }
        forget_template(spec, false);
        if let Some(job) = spec.object_mut("jobTemplate") {
            job.remove("metadata");
            if let Some(spec) = job.object_mut("spec") {
                forget_template(spec, false);
            }
        }
        // The recording server ran the ServiceAccount plugin for some pods.
        for field in ["serviceAccount", "serviceAccountName"] {
            if spec.text(field) == "default" {
                spec.remove(field);
            }
        }
    }
    forget_template(object, false);
}

fn forget_template(owner: &mut Map<String, Value>, is_job: bool) {
    let Some(template) = owner.object_mut("template") else { return };
    if let Some(metadata) = template.object_mut("metadata") {
        forget_job_labels(metadata, is_job);
    }
    // Templates took host ports up to 1.27.
    let Some(spec) = template.object_mut("spec") else { return };
    for container in spec.objects_mut("containers") {
        for port in container.objects_mut("ports") {
            port.remove("hostPort");
        }
    }
}

fn forget_job_labels(metadata: &mut Map<String, Value>, is_job: bool) {
    if is_job && let Some(labels) = metadata.object_mut("labels") {
        labels.retain(|label, _| !label.contains("controller-uid") && !label.contains("job-name"));
        if labels.is_empty() {
            metadata.remove("labels");
        }
    }
}

#[test]
fn invalid_workloads_are_refused_in_kubernetes_words() {
    let template = json!({ "metadata": { "labels": { "a": "b" } }, "spec": { "containers": [{ "name": "c", "image": "x" }] } });
    let with = |policy: &str| {
        let mut template = template.clone();
        template["spec"]["restartPolicy"] = policy.into();
        template
    };
    let selector = json!({ "matchLabels": { "a": "b" } });
    let other = json!({ "matchLabels": { "z": "z" } });
    let mismatch = r#"spec.template.metadata.labels: Invalid value: {"a":"b"}: `selector` does not match template `labels`"#;
    let cases = [
        (
            "apps",
            "deployments",
            json!({ "template": template }),
            vec!["spec.selector: Required value", mismatch],
        ),
        ("apps", "deployments", json!({ "selector": other, "template": template }), vec![mismatch]),
        (
            "apps",
            "deployments",
            json!({ "selector": selector, "template": with("Never") }),
            vec![
                r#"spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always""#,
            ],
        ),
        (
            "apps",
            "deployments",
            json!({ "replicas": -1, "selector": selector, "template": template }),
            vec!["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
        ),
        ("apps", "statefulsets", json!({ "selector": other, "template": template }), vec![mismatch]),
        (
            "apps",
            "replicasets",
            json!({ "selector": {}, "template": template }),
            vec!["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
        ),
        (
            "apps",
            "daemonsets",
            json!({ "selector": selector, "template": { "metadata": { "labels": { "a": "b" } }, "spec": {} } }),
            vec!["spec.template.spec.containers: Required value"],
        ),
        (
            "",
            "replicationcontrollers",
            json!({ "selector": { "z": "z" }, "template": template }),
            vec![mismatch],
        ),
        (
            "batch",
            "jobs",
            json!({ "template": template }),
            vec![r#"spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never""#],
        ),
        (
            "batch",
            "cronjobs",
            json!({ "schedule": "bogus", "jobTemplate": { "spec": { "template": with("Never") } } }),
            vec![r#"spec.schedule: Invalid value: "bogus": expected exactly 5 fields, found 1: [bogus]"#],
        ),
        (
            "batch",
            "cronjobs",
            json!({ "jobTemplate": { "spec": { "template": with("Never") } } }),
            vec!["spec.schedule: Required value"],
        ),
        ("", "podtemplates", json!({}), vec!["template.spec.containers: Required value"]),
    ];
    for (group, resource, spec, expected) in cases {
        let object = json!({ "metadata": { "name": "x", "namespace": "n", "uid": "u" }, "spec": spec });
        let object = created(object, group, resource);
        let errors: Vec<String> =
            (strategy(group, resource).validate)(&object).iter().map(ToString::to_string).collect();
        assert_eq!(errors, expected, "{resource}");
    }
}

/// The resource of a kind that carries a pod spec.
fn carrier(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "Pod" => ("", "pods"),
        "PodTemplate" => ("", "podtemplates"),
        "ReplicationController" => ("", "replicationcontrollers"),
        "Deployment" => ("apps", "deployments"),
        "ReplicaSet" => ("apps", "replicasets"),
        "StatefulSet" => ("apps", "statefulsets"),
        "DaemonSet" => ("apps", "daemonsets"),
        "Job" => ("batch", "jobs"),
        "CronJob" => ("batch", "cronjobs"),
        _ => return None,
    })
}

#[test]
#[ignore = "needs manifests of other projects: make conformance"]
fn real_manifests_are_valid_unless_they_are_patches_or_have_placeholders() {
    let corpus = podsec_testing::recorded::corpus();
    let index = std::fs::read_to_string(corpus.join("index.tsv")).unwrap();
    let (mut objects, mut wrong) = (0, Vec::new());
    for line in index.lines().filter(|line| line.ends_with("\treal")) {
        let file = line.split('\t').next().unwrap();
        let bytes = std::fs::read(corpus.join(file)).unwrap();
        let text = podsec_yaml::decode(&bytes);
        for document in podsec_yaml::documents(&text).flatten() {
            let mut object = document.to_json();
            let Some((group, resource)) = carrier(object.text("kind")) else { continue };
            if !matches!(object.text("apiVersion"), "v1" | "apps/v1" | "batch/v1") {
                continue;
            }
            objects += 1;
            let metadata = object.as_object_mut().unwrap().ensure("metadata").unwrap();
            metadata.fill("namespace", "n");
            metadata.fill_zero("name", "generated");
            metadata.insert("uid".to_owned(), "u".into());
            let strategy = strategy(group, resource);
            (strategy.default)(&mut object);
            (strategy.prepare_for_create)(&mut object);
            let errors = (strategy.validate)(&object);
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            let placeholder =
                |text: &String| ["$", "{{", "\"<", "KSA_NAME"].iter().any(|mark| text.contains(mark));
            if errors.iter().any(|error| error.cause == Cause::Require) || texts.iter().any(placeholder) {
                continue;
            }
            wrong.extend(texts.iter().map(|text| format!("{file}: {text}")));
        }
    }
    assert_eq!(objects, 1130);
    let protocol = r#"spec.containers[0].ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP""#;
    // Written for extensions/v1beta1, where the selector could be left out.
    let unselected = |file: &str, labels: &str| {
        format!(
            "fluent+fluentd-kubernetes-daemonset/fluentd-daemonset-{file}.yaml: spec.template.metadata.labels: Invalid value: {labels}: `selector` does not match template `labels`"
        )
    };
    let versioned = r#"{"k8s-app":"fluentd-logging","version":"v1"}"#;
    assert_eq!(
        wrong,
        [
            unselected("gcs", versioned),
            unselected("logentries", r#"{"k8s-app":"fluentd"}"#),
            unselected("loggly-rbac", versioned),
            unselected("loggly", versioned),
            format!("kubernetes+examples/_archived/volumes/aws_ebs/aws-ebs-web.yaml: {protocol}"),
            format!("kubernetes+examples/_archived/volumes/cinder/cinder-web.yaml: {protocol}"),
        ]
    );
}

#[test]
fn the_columns_are_those_of_kubernetes() {
    let expected = data("columns.json");
    for case in &expected {
        let strategy = strategy(case.text("group"), case.text("resource"));
        let all = strategy.columns.iter().zip(case.list("columns")).map(|(column, expected)| {
            let mut all =
                json!([column.name, column.column_type.name(), column.column_type.format(), column.priority]);
            // Not every recording has the descriptions.
            if let (Some(all), Some(5)) = (all.as_array_mut(), expected.as_array().map(Vec::len)) {
                all.push(column.description.into());
            }
            all
        });
        let columns: Vec<Value> = all.collect();
        assert_eq!(&Value::from(columns), case.at("columns"), "{}", case.text("resource"));
        assert_eq!(strategy.columns.len(), case.list("columns").len(), "{}", case.text("resource"));
    }
    assert_eq!(expected.len(), 60);
}

#[test]
fn the_pod_of_the_tutorial_is_stored_as_it_was_printed() {
    let container = json!({
        "command": ["sh", "-c", "while true; do echo \"Running...\"; sleep 2h; done"],
        "image": "busybox", "imagePullPolicy": "Always", "name": "busybox",
        "securityContext": { "capabilities": { "add": ["CHOWN"] }, "privileged": false }
    });
    let meta = json!({ "name": "busypod-baseline", "namespace": "prod", "uid": "b4cbba6c" });
    let posted = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": { "containers": [container] }
    });
    // The tutorial was recorded before pods counted their generations.
    let mut counted = meta.clone();
    counted["generation"] = 1.into();
    let mut stored_container = container.clone();
    stored_container["resources"] = json!({});
    stored_container["terminationMessagePath"] = "/dev/termination-log".into();
    stored_container["terminationMessagePolicy"] = "File".into();
    assert_eq!(
        created(posted, "", "pods"),
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": counted,
            "spec": {
                "containers": [stored_container],
                "dnsPolicy": "ClusterFirst", "enableServiceLinks": true,
                "preemptionPolicy": "PreemptLowerPriority", "priority": 0,
                "restartPolicy": "Always", "schedulerName": "default-scheduler", "securityContext": {},
                "terminationGracePeriodSeconds": 30,
                "tolerations": [
                    { "effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300 },
                    { "effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300 }
                ]
            },
            "status": { "phase": "Pending", "qosClass": "BestEffort" }
        })
    );
}

#[test]
fn every_row_has_one_cell_for_each_column() {
    let now = "2026-11-21T20:00:00Z".parse().unwrap();
    for strategy in STRATEGIES {
        let cells = (strategy.cells)(&json!({}), now).len();
        assert_eq!(cells, strategy.columns.len() + unnamed_cells(strategy), "{}", strategy.resource);
    }
}

/// Kubernetes prints the age of an IPAddress without naming its column.
fn unnamed_cells(strategy: &crate::Strategy) -> usize {
    usize::from(strategy.resource == "ipaddresses")
}

/// Any JSON whose keys are often those that the code looks for.
fn arbitrary() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        prop::sample::select(KEYS).prop_map(str::to_owned),
        "[a-z/.]{0,8}".prop_map(String::from),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(TEXTS).prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

const KEYS: &[&str] = &[
    "metadata",
    "name",
    "labels",
    "annotations",
    "spec",
    "status",
    "template",
    "containers",
    "initContainers",
    "ephemeralContainers",
    "image",
    "ports",
    "containerPort",
    "hostPort",
    "resources",
    "limits",
    "requests",
    "cpu",
    "memory",
    "volumes",
    "projected",
    "sources",
    "securityContext",
    "selector",
    "matchLabels",
    "matchExpressions",
    "jobTemplate",
    "schedule",
    "tolerations",
    "key",
    "operator",
    "values",
    "env",
    "valueFrom",
    "fieldRef",
    "data",
    "strategy",
    "rollingUpdate",
    "conditions",
    "containerStatuses",
    "state",
    "terminated",
    "restartPolicy",
    "type",
];
const TEXTS: &[&str] = &[
    "",
    "Always",
    "a",
    "1",
    "100m",
    "-1",
    "nginx:latest",
    "In",
    "Exists",
    "RollingUpdate",
    "25%",
    "* * * * *",
    "é\u{301}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_object_panics_and_defaults_change_nothing_twice(
        spec in arbitrary(), other in arbitrary(), status in arbitrary(), template in arbitrary(),
    ) {
        let object = json!({
            "metadata": { "name": "a", "namespace": "b", "uid": "c" },
            "spec": spec, "status": status, "template": template, "data": other,
        });
        let now = "2026-11-21T20:00:00Z".parse().unwrap();
        for strategy in STRATEGIES {
            let mut once = object.clone();
            (strategy.default)(&mut once);
            let mut twice = once.clone();
            (strategy.default)(&mut twice);
            prop_assert_eq!(&once, &twice, "{}", strategy.resource);
            let _ = (strategy.warnings_on_create)(&once);
            let mut new = once.clone();
            let _ = admit(strategy, &mut new, None, &[]);
            (strategy.prepare_for_create)(&mut new);
            let _ = (strategy.validate)(&new);
            let mut changed = other.clone();
            (strategy.default)(&mut changed);
            let _ = admit(strategy, &mut changed, Some(&new), std::slice::from_ref(&other));
            (strategy.prepare_for_update)(&mut changed, &new);
            let _ = (strategy.validate_update)(&changed, &new);
            let _ = (strategy.warnings_on_update)(&changed, &new);
            for subresource in strategy.subresources {
                let mut through = other.clone();
                (subresource.prepare_for_update)(&mut through, &new);
                let _ = (subresource.validate_update)(&through, &new);
            }
            for field in strategy.selectable_fields {
                let _ = (field.value)(&new, field.label);
            }
            if let Some(check) = strategy.check_graceful_delete {
                let _ = check(&new, None);
            }
            let columns = strategy.columns.len() + unnamed_cells(strategy);
            prop_assert_eq!((strategy.cells)(&new, now).len(), columns);
        }
    }
}
