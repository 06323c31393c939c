//! What a plan says of clusters: of generated ones against judging every pod by itself, and of small ones in words.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]
#![expect(clippy::format_collect, reason = "the texts are short")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use podsec_analysis::labels::LabelFaultKind;
use podsec_analysis::plan::{
    BreachOrigin, Labelling, Plan, html, json, kubectl, kustomize, manifests, markdown, table,
};
use podsec_analysis::{Collector, PlanOptions, plan};
use podsec_policy::Configuration;
use podsec_standards::{Level, Pod, Policy, Version, evaluate};
use proptest::prelude::*;
use serde_json::{Value, json as object};

fn planned_by(text: &str, options: &PlanOptions) -> Plan {
    let mut collector = Collector::default();
    collector.feed("dump", text.as_bytes());
    plan(&collector.finish(), options)
}

fn planned(text: &str) -> Plan {
    planned_by(text, &PlanOptions::default())
}

/// Parts of pod specs that different checks speak of.
const PARTS: &[&str] = &[
    r"{}",
    r#"{"hostNetwork": true}"#,
    r#"{"securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}}"#,
    r#"{"securityContext": {"runAsNonRoot": true}}"#,
    r#"{"securityContext": {"runAsUser": 0}}"#,
    r#"{"hostUsers": false, "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}"#,
    r#"{"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_rmem", "value": "1"}]}}"#,
    r#"{"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_keepalive_time", "value": "1"}]}}"#,
    r#"{"securityContext": {"seLinuxOptions": {"type": "container_engine_t"}}}"#,
    r#"{"os": {"name": "windows"}}"#,
    r#"{"volumes": [{"name": "v", "hostPath": {"path": "/etc"}}]}"#,
    r#"{"volumes": [{"name": "v", "nfs": {"server": "s", "path": "/"}}]}"#,
];

const CONTAINERS: &[&str] = &[
    r#"{"name": "c"}"#,
    r#"{"name": "c", "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}"#,
    r#"{"name": "c", "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}}"#,
    r#"{"name": "c", "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}"#,
    r#"{"name": "c", "ports": [{"hostPort": 80}]}"#,
    r#"{"name": "c", "livenessProbe": {"tcpSocket": {"port": 1, "host": "h"}}}"#,
    r#"{"name": "istio-init", "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}"#,
];

fn spec() -> impl Strategy<Value = Value> {
    (0..PARTS.len(), prop::collection::vec(0..CONTAINERS.len(), 1..3)).prop_map(|(part, containers)| {
        let mut spec: Value = serde_json::from_str(PARTS[part]).unwrap();
        let containers =
            containers.iter().map(|index| serde_json::from_str::<Value>(CONTAINERS[*index]).unwrap());
        spec["containers"] = containers.collect();
        spec
    })
}

/// An object with this pod in it, and its pod.
fn carried(kind: usize, namespace: usize, number: usize, spec: &Value) -> Value {
    let metadata = object!({"name": format!("w{number}"), "namespace": format!("n{namespace}")});
    let template = object!({"metadata": {}, "spec": spec});
    let owned = |owner: &str, group: &str| {
        let mut metadata = metadata.clone();
        metadata["ownerReferences"] = object!([{"apiVersion": group, "kind": owner, "name": format!("o{}", number % 3), "controller": true, "uid": "u"}]);
        metadata
    };
    match kind {
        0 => object!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}),
        1 => {
            object!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"replicas": 0, "template": template}})
        }
        2 => {
            object!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": {"jobTemplate": {"spec": {"template": template}}}})
        }
        3 => {
            object!({"apiVersion": "v1", "kind": "Pod", "metadata": owned("StatefulSet", "apps/v1"), "spec": spec})
        }
        4 => {
            object!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": metadata, "spec": {"template": template}})
        }
        5 => object!({"apiVersion": "v1", "kind": "PodTemplate", "metadata": metadata, "template": template}),
        _ => {
            object!({"apiVersion": "v1", "kind": "Pod", "metadata": owned("ReplicaSet", "apps/v1"), "spec": spec})
        }
    }
}

type Cluster = Vec<(usize, usize, Value)>;

fn cluster() -> impl Strategy<Value = Cluster> {
    prop::collection::vec((0usize..7, 0usize..4, spec()), 1..24)
}

fn dump(cluster: &Cluster) -> String {
    let objects = cluster
        .iter()
        .enumerate()
        .map(|(number, (kind, namespace, spec))| carried(*kind, *namespace, number, spec));
    object!({"apiVersion": "v1", "items": objects.collect::<Vec<_>>(), "kind": "List"}).to_string()
}

/// The pods of each namespace.
fn pods(cluster: &Cluster) -> BTreeMap<String, Vec<Pod<'static>>> {
    let mut pods: BTreeMap<String, Vec<Pod<'static>>> = BTreeMap::new();
    for (_, namespace, spec) in cluster {
        let pod = Pod::from_value(&object!({"spec": spec})).unwrap();
        pods.entry(format!("n{namespace}")).or_default().push(pod);
    }
    pods
}

fn allows(policy: Policy, pods: &[Pod<'_>]) -> bool {
    pods.iter().all(|pod| evaluate(policy, pod).is_allowed())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_plan_is_what_judging_every_pod_at_every_level_and_version_finds(cluster in cluster()) {
        let plan = planned(&dump(&cluster));
        let pods = pods(&cluster);
        prop_assert_eq!(plan.namespaces.len(), pods.len());
        for (namespace, (name, pods)) in plan.namespaces.iter().zip(pods) {
            prop_assert_eq!(&namespace.name, &name);
            let versions = || std::iter::once(Version::Latest).chain((25..37).rev().map(Version::V1));
            let expected = [Level::Restricted, Level::Baseline]
                .into_iter()
                .flat_map(|level| versions().map(move |version| Policy::new(level, version)))
                .find(|policy| allows(*policy, &pods))
                .unwrap_or(Policy::new(Level::Privileged, Version::Latest));
            prop_assert_eq!(namespace.suggested.enforce, expected);
            prop_assert_eq!(namespace.suggested.warn, expected);
        }
    }

    #[test]
    fn a_planned_level_refuses_nothing_that_stands_there_and_the_next_refuses_what_it_is_said_to(cluster in cluster()) {
        let plan = planned(&dump(&cluster));
        let pods = pods(&cluster);
        for namespace in &plan.namespaces {
            let pods = &pods[&namespace.name];
            prop_assert!(allows(namespace.suggested.enforce, pods));
            let stands = namespace.suggested.enforce;
            prop_assert_eq!(namespace.next.is_empty(), stands == Policy::new(Level::Restricted, Version::Latest));
            for step in &namespace.next {
                prop_assert!(!allows(step.policy, pods));
                prop_assert!(!step.blockers.is_empty());
                // What is said of it is what evaluation says of one of its pods.
                let said: Vec<String> = pods
                    .iter()
                    .flat_map(|pod| evaluate(step.policy, pod).violations.iter().map(|violation| {
                        let (reason, detail, _) = violation.parts();
                        if detail.is_empty() { reason.to_owned() } else { format!("{reason} ({detail})") }
                    }).collect::<Vec<_>>())
                    .collect();
                for rule in step.blockers.iter().flat_map(|blocker| &blocker.rules) {
                    prop_assert!(said.contains(&rule.rule.saying.sentence), "{}", rule.rule.saying.sentence);
                }
                // And every reason is told of somebody.
                let told = |sentence: &str| {
                    let check = sentence.split(" (").next().unwrap();
                    step.blockers.iter().flat_map(|blocker| &blocker.rules).any(|rule| rule.rule.saying.sentence.starts_with(check))
                };
                prop_assert!(said.iter().all(|sentence| told(sentence)));
                prop_assert!(step.blockers.is_sorted_by_key(|blocker| blocker.edits));
            }
        }
    }

    #[test]
    fn an_older_cluster_judges_by_what_it_knows(cluster in cluster(), minor in 25u64..37) {
        let options = PlanOptions { cluster: Version::V1(minor), ..PlanOptions::default() };
        let plan = planned_by(&dump(&cluster), &options);
        let pods = pods(&cluster);
        for namespace in &plan.namespaces {
            let Policy { level, version } = namespace.suggested.enforce;
            let known = if version == Version::Latest { Version::V1(minor) } else { version };
            prop_assert!(allows(Policy::new(level, known), &pods[&namespace.name]));
            prop_assert!(version == Version::Latest || version < Version::V1(minor));
        }
    }

    #[test]
    fn yaml_and_json_and_lists_of_one_kind_are_planned_alike(cluster in cluster()) {
        let by_list = planned(&dump(&cluster));
        let objects = || cluster.iter().enumerate().map(|(number, (kind, namespace, spec))| carried(*kind, *namespace, number, spec));
        let lines: String = objects().map(|object| format!("{object}\n")).collect();
        let documents: String = objects().map(|object| format!("---\n{object:#}\n")).collect();
        let pretty = format!("{:#}", serde_json::from_str::<Value>(&dump(&cluster)).unwrap());
        for text in [lines, documents, pretty] {
            prop_assert_eq!(json(&planned(&text)), json(&by_list));
        }
    }

    #[test]
    fn any_text_is_planned_without_a_panic(text in "(?s).{0,200}") {
        planned(&text);
    }
}

const SHOP: &str = r"
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {pod-security.kubernetes.io/enforce: privileged, pod-security.kubernetes.io/warning: baseline}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 0
  template:
    spec: {containers: [{name: a, securityContext: &ok {allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}}]}
---
apiVersion: v1
kind: Pod
metadata:
  name: web-5d4f8-x
  namespace: shop
  labels: {pod-template-hash: 5d4f8, pod-security.kubernetes.io/enforce: restricted}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-5d4f8, uid: u, controller: true}]
spec:
  initContainers: [{name: istio-init, securityContext: {runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {add: [NET_ADMIN], drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}}]
  containers: [{name: a, securityContext: {allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}}]
---
apiVersion: v1
kind: Pod
metadata:
  name: etcd-node1
  namespace: shop
  annotations: {kubernetes.io/config.mirror: x}
  ownerReferences: [{apiVersion: v1, kind: Node, name: node1, uid: node, controller: true}]
spec: {hostNetwork: true, containers: [{name: a}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: data}
spec: {containers: [{name: a}], volumes: [{name: v, persistentVolumeClaim: {claimName: disk}}]}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv1}
spec: {hostPath: {path: /srv/db}, claimRef: {namespace: data, name: disk}}
";

#[test]
fn pods_fold_to_their_deployment_and_injectors_are_blamed() {
    let plan = planned(SHOP);
    let [data, shop] = &plan.namespaces[..] else { panic!("two namespaces") };
    assert_eq!(shop.suggested.enforce.level, Level::Privileged);
    let blockers = &shop.next[0].blockers;
    let found: Vec<(&str, BreachOrigin, bool, usize)> = blockers
        .iter()
        .flat_map(|blocker| {
            blocker
                .rules
                .iter()
                .map(|rule| (blocker.subject.as_str(), rule.origin, blocker.mirror, blocker.pods))
        })
        .collect();
    assert_eq!(
        found,
        [
            ("Deployment/web", BreachOrigin::Injector("Istio"), false, 1),
            ("Pod/etcd-node1", BreachOrigin::Pod, true, 1),
        ]
    );
    assert_eq!((shop.labelling, shop.mirror), (Labelling::Mislabelled, 1));
    let kinds: Vec<LabelFaultKind> = shop.faults.iter().map(|fault| fault.kind).collect();
    assert_eq!(kinds, [LabelFaultKind::Misspelt, LabelFaultKind::Misplaced]);
    assert_eq!(data.labelling, Labelling::Unknown);
    assert_eq!((data.unseen[0].path.as_str(), data.unseen[0].claim.as_str()), ("/srv/db", "disk"));
}

#[test]
fn an_exempt_namespace_keeps_its_labels_and_an_exempt_class_is_in_nobodys_way() {
    let configuration = Configuration::from_yaml(
        "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\nexemptions: {namespaces: [a], runtimeClasses: [kata], usernames: ['system:serviceaccount:kube-system:daemon-set-controller']}\n",
    )
    .unwrap();
    let options = PlanOptions { configuration, ..PlanOptions::default() };
    let text = r#"
{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {"pod-security.kubernetes.io/enforce": "baseline"}}}
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "b"}, "spec": {"hostPID": true, "runtimeClassName": "kata"}}
{"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "d", "namespace": "b"}, "spec": {"template": {"spec": {"hostPID": true}}}}
"#;
    let plan = planned_by(text, &options);
    let [a, b] = &plan.namespaces[..] else { panic!("two namespaces") };
    assert_eq!(
        (a.labelling, a.faults[0].kind, a.changes()),
        (Labelling::Exempt, LabelFaultKind::NoEffect, false)
    );
    // Its pods are made by an exempt user; the template is warned about all the same.
    assert_eq!(b.suggested.enforce.level, Level::Restricted);
    assert_eq!(b.suggested.warn.level, Level::Privileged);
    assert_eq!(b.exempt_subjects, 2);
}

#[test]
fn a_replicaset_that_was_replaced_is_in_nobodys_way_and_one_with_pods_is() {
    let objects = |replicas: u8| {
        format!(
            r#"
{{"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {{"name": "w-1", "namespace": "n", "ownerReferences": [{{"apiVersion": "apps/v1", "kind": "Deployment", "name": "w", "controller": true, "uid": "1"}}]}}, "spec": {{"replicas": {replicas}, "template": {{"spec": {{"hostPID": true}}}}}}}}
{{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {{"name": "w", "namespace": "n"}}, "spec": {{"template": {{"spec": {{}}}}}}}}
"#
        )
    };
    for (replicas, level) in [(0, Level::Restricted), (1, Level::Privileged)] {
        let plan = planned(&objects(replicas));
        assert_eq!(plan.namespaces[0].suggested.enforce.level, level);
        assert_eq!(plan.namespaces[0].subjects, 1);
    }
}

#[test]
fn what_cannot_be_read_is_told_and_counted() {
    let plan = planned(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: 1}\n---\nkind: [\n---\nkind: Pod\napiVersion: v1\nmetadata: {name: b}\n",
    );
    assert_eq!(plan.counts.troubles, 2);
    assert_eq!((plan.counts.pods, plan.namespaces.len()), (1, 1));
}

#[test]
fn a_release_of_helm_is_read_out_of_its_secret() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let manifest = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: agent}\nspec: {template: {spec: {hostNetwork: true}}}\n";
    let once = STANDARD.encode(object!({"manifest": manifest}).to_string());
    let secret = object!({"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {"name": "sh.helm.release.v1.agent.v1", "namespace": "mon", "labels": {"status": "deployed"}},
        "data": {"release": STANDARD.encode(once)}});
    let plan = planned(&secret.to_string());
    assert_eq!((plan.namespaces[0].name.as_str(), plan.counts.releases), ("mon", 1));
    let blocker = &plan.namespaces[0].next[0].blockers[0];
    assert_eq!(blocker.subject, "DaemonSet/agent");
    assert_eq!(blocker.source.as_deref(), Some("Helm release mon/sh.helm.release.v1.agent.v1"));
}

const LABELLED: &str = r#"
{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {"pod-security.kubernetes.io/enforce": "privileged", "team": "x"}}}
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "a"}, "spec": {"containers": [{"name": "c"}]}}
{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b"}}
"#;

#[test]
fn the_commands_warn_first_and_the_way_back_restores_what_was_there() {
    let plan = planned(LABELLED);
    let (mut there, mut back) = (String::new(), String::new());
    kubectl(&plan, false, &mut there).unwrap();
    kubectl(&plan, true, &mut back).unwrap();
    let p = "pod-security.kubernetes.io";
    let commands: Vec<&str> = there.lines().filter(|line| line.starts_with("kubectl")).collect();
    assert_eq!(
        commands[..2],
        [
            format!(
                "kubectl label --overwrite namespace a {p}/warn=baseline {p}/warn-version=latest {p}/audit=baseline {p}/audit-version=latest"
            ),
            format!("kubectl label --overwrite namespace a {p}/enforce=baseline {p}/enforce-version=latest"),
        ]
    );
    let commands: Vec<&str> = back.lines().filter(|line| line.starts_with("kubectl")).collect();
    assert_eq!(
        commands[..2],
        [
            format!("kubectl label --overwrite namespace a {p}/enforce=privileged {p}/enforce-version-"),
            format!(
                "kubectl label --overwrite namespace a {p}/warn- {p}/warn-version- {p}/audit- {p}/audit-version-"
            ),
        ]
    );
    assert!(
        back.lines()
            .filter(|line| line.starts_with("kubectl"))
            .all(|line| there.contains(&format!("# {line}")))
    );
}

#[test]
fn patches_and_manifests_are_yaml_that_say_the_labels() {
    let plan = planned(LABELLED);
    for back in [false, true] {
        let (mut patches, mut objects) = (String::new(), String::new());
        kustomize(&plan, back, &mut patches).unwrap();
        manifests(&plan, back, &mut objects).unwrap();
        let component = podsec_yaml::to_json(&patches).unwrap();
        let patch = component["patches"][0]["patch"].as_str().unwrap();
        let patch = podsec_yaml::to_json(patch).unwrap();
        let level = if back { "privileged" } else { "baseline" };
        assert_eq!(patch["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], level);
        assert_eq!(patch["metadata"]["labels"]["pod-security.kubernetes.io/warn"].is_null(), back);
        let documents: Vec<Value> = podsec_yaml::documents(&objects)
            .map(|document| document.unwrap().to_json())
            .filter(|value| !value.is_null())
            .collect();
        assert_eq!(documents.len(), 2, "{objects}");
        assert_eq!(documents[0]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], level);
    }
}

#[test]
fn every_report_tells_the_workload_and_its_field() {
    let plan = planned(SHOP);
    let mut text = String::new();
    table(&plan, false, &mut text).unwrap();
    markdown(&plan, &mut text).unwrap();
    write!(text, "{}{:#}", html(&plan).unwrap(), json(&plan)).unwrap();
    assert_eq!(text.matches("added by Istio").count(), 3, "{text}");
    assert!(text.matches("/srv/db").count() >= 3);
    let escaped = planned(
        r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "<script>", "namespace": "a"}, "spec": {"hostPID": true}}"#,
    );
    assert!(!html(&escaped).unwrap().contains("<script>&") && html(&escaped).unwrap().contains("script&"));
}
