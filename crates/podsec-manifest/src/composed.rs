//! Custom objects of which a controller composes pods: Tekton's tasks, Argo's workflows. They hold containers, volumes and
//! security contexts, and no pod as a whole.
//!
//! ```text
//! Task: spec.steps[0] ─────► spec.containers[0]     a field that is to blame in the pod stands
//!       spec.sidecars[0] ──► spec.containers[1]     where the container stands in the object
//!       spec.volumes[0] ───► spec.volumes[0]
//! ```
//!
//! What the controllers add of their own, as Tekton's entrypoint and Argo's executor, is theirs, and not judged.

use podsec_standards::Segment;
use podsec_yaml::Node;
use serde_json::{Map, Value};

use crate::locate::Step;
use crate::object::Object;
use crate::template::follow;

/// A pod that a controller would make.
pub(crate) struct Composed<'d, 't> {
    /// As JSON.
    pub(crate) json: Vec<u8>,
    /// The steps to what it is made of.
    pub(crate) steps: Vec<Step>,
    pub(crate) node: Node<'d, 't>,
    parts: Vec<Part<'d, 't>>,
}

/// A part of a pod, and where it stands in the object.
struct Part<'d, 't> {
    in_pod: Vec<Step>,
    steps: Vec<Step>,
    node: Node<'d, 't>,
}

/// A kind of which pods are composed.
struct Recipe {
    group: &'static str,
    kinds: &'static [&'static str],
    /// Where what all pods of an object share stands.
    shared: &'static str,
    /// Where each pod's own parts stand, from there on.
    each: &'static str,
    /// Fields of the pod's `spec`, and of what they are made: `FIELD=PATH,PATH FIELD=PATH`. `^` begins a path in what is
    /// shared; of `PATH|PATH` the first that is there counts, and `PATH+PATH` lays the first over the second.
    fields: &'static str,
}

/// The pods that would be made of an object.
pub(crate) fn composed<'d, 't>(object: &Object<'d, 't>) -> Vec<Composed<'d, 't>> {
    let (group, kind) = (object.name.group(), object.name.kind.as_str());
    let known = KNOWN.iter().filter(|known| known.group == group && known.kinds.contains(&kind));
    let mut pods = Vec::new();
    for known in known {
        for (shared_steps, shared) in follow(known.shared, object.node) {
            for (below, own) in follow(known.each, shared) {
                let steps: Vec<Step> = shared_steps.iter().cloned().chain(below).collect();
                pods.extend(compose(known.fields, (&shared_steps, shared), (steps, own)));
            }
        }
    }
    pods
}

/// A pod of its own parts and of shared ones; none when it has no container, as a template that only leads to others.
fn compose<'d, 't>(
    fields: &str,
    (shared_steps, shared): (&[Step], Node<'d, 't>),
    (steps, own): (Vec<Step>, Node<'d, 't>),
) -> Option<Composed<'d, 't>> {
    let found = |path: &str| {
        let (before, path, from) = match path.strip_prefix('^') {
            Some(path) => (shared_steps, path, shared),
            None => (steps.as_slice(), path, own),
        };
        let with_all = |(below, node): (Vec<Step>, Node<'d, 't>)| {
            (before.iter().cloned().chain(below).collect::<Vec<Step>>(), node)
        };
        follow(path, from).into_iter().map(with_all).collect::<Vec<_>>()
    };
    let mut spec = Map::new();
    let mut parts = Vec::new();
    for field in fields.split(' ') {
        let (name, paths) = field.split_once('=')?;
        let is_list = name.ends_with('s') || name.ends_with("s[]");
        let mut values = Vec::new();
        for path in paths.split(',') {
            let (path, base) = path.split_once('+').unwrap_or((path, ""));
            let base =
                found(base).into_iter().next().filter(|_| !base.is_empty()).map(|(_, node)| node.to_json());
            let alternatives = path.split('|').map(&found).find(|found| !found.is_empty());
            for (steps, node) in alternatives.unwrap_or_default() {
                let mut in_pod = vec![Step::Member("spec".to_owned()), Step::Member(name.to_owned())];
                if is_list {
                    in_pod.push(Step::Element(values.len()));
                }
                parts.push(Part { in_pod, steps, node });
                values.push(laid_over(node.to_json(), base.clone()));
            }
        }
        match (is_list, values.is_empty()) {
            (_, true) => {}
            (true, _) => drop(spec.insert(name.to_owned(), Value::Array(values))),
            (false, _) => drop(values.pop().and_then(|value| spec.insert(name.to_owned(), value))),
        }
    }
    spec.contains_key("containers").then(|| {
        let pod = Value::Object(Map::from_iter([("spec".to_owned(), Value::Object(spec))]));
        Composed { json: pod.to_string().into_bytes(), steps, node: own, parts }
    })
}

/// An object over another one: its fields count.
fn laid_over(over: Value, base: Option<Value>) -> Value {
    match (over, base) {
        (Value::Object(mut over), Some(Value::Object(base))) => {
            for (name, below) in base {
                let above = over.remove(&name);
                let value = match above {
                    None | Some(Value::Null) => below,
                    Some(above) => laid_over(above, Some(below)),
                };
                over.insert(name, value);
            }
            Value::Object(over)
        }
        (over, _) => over,
    }
}

impl<'d, 't> Composed<'d, 't> {
    /// Where a field of the pod stands: the steps to the part that it is in, that part, and the rest of the way. What is in
    /// no part belongs to what the pod is made of.
    pub(crate) fn part<'s>(&self, segments: &'s [Segment<'s>]) -> (&[Step], Node<'d, 't>, &'s [Segment<'s>]) {
        let leads = |part: &&Part<'d, 't>| {
            part.in_pod.len() <= segments.len()
                && part.in_pod.iter().map(Step::segment).eq(segments.iter().take(part.in_pod.len()).copied())
        };
        match self.parts.iter().find(leads) {
            Some(part) => (&part.steps, part.node, segments.get(part.in_pod.len()..).unwrap_or_default()),
            None => (&self.steps, self.node, segments.get(1..).unwrap_or_default()),
        }
    }
}

/// Containers, volumes and contexts of an Argo template; a script is a container, too.
const ARGO: &str = "containers=container,script,containerSet.containers[*],sidecars[*] initContainers=initContainers[*] \
                    volumes=^volumes[*],volumes[*] securityContext=securityContext|^securityContext hostNetwork=^hostNetwork";

/// Those of a Tekton task, each step laid over the template of all steps.
const TEKTON: &str = "containers=steps[*]+stepTemplate,sidecars[*] volumes=volumes[*]";

/// Those of a task in a run, whose pod template all pods share.
const TEKTON_RUN: &str = "containers=steps[*]+stepTemplate,sidecars[*] volumes=volumes[*],^podTemplate.volumes[*],^taskRunTemplate.podTemplate.volumes[*] \
                          securityContext=^podTemplate.securityContext|^taskRunTemplate.podTemplate.securityContext \
                          hostNetwork=^podTemplate.hostNetwork|^taskRunTemplate.podTemplate.hostNetwork";

#[rustfmt::skip]
const KNOWN: &[Recipe] = &[
    Recipe { group: "argoproj.io", kinds: &["Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate"], shared: "spec", each: "templates[*]", fields: ARGO },
    Recipe { group: "argoproj.io", kinds: &["CronWorkflow"], shared: "spec.workflowSpec", each: "templates[*]", fields: ARGO },
    Recipe { group: "tekton.dev", kinds: &["Task", "ClusterTask"], shared: "spec", each: "", fields: TEKTON },
    Recipe { group: "tekton.dev", kinds: &["TaskRun"], shared: "spec", each: "taskSpec", fields: TEKTON_RUN },
    Recipe { group: "tekton.dev", kinds: &["Pipeline"], shared: "spec", each: "tasks[*].taskSpec", fields: TEKTON },
    Recipe { group: "tekton.dev", kinds: &["Pipeline"], shared: "spec", each: "finally[*].taskSpec", fields: TEKTON },
    Recipe { group: "tekton.dev", kinds: &["PipelineRun"], shared: "spec", each: "pipelineSpec.tasks[*].taskSpec", fields: TEKTON_RUN },
    Recipe { group: "tekton.dev", kinds: &["PipelineRun"], shared: "spec", each: "pipelineSpec.finally[*].taskSpec", fields: TEKTON_RUN },
];

#[cfg(test)]
mod tests {
    use podsec_standards::{Level, Policy, Version};

    use crate::{Source, Templates, check};

    /// The places of the violations of baseline: line, path.
    fn found(text: &str) -> Vec<(usize, String)> {
        let source = Source { name: "a.yaml".to_owned(), text: text.to_owned() };
        let report = check(&source, &Templates::default(), &Policy::new(Level::Baseline, Version::Latest));
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        let findings = report.pods.iter().flat_map(|pod| &pod.findings);
        findings
            .flat_map(|finding| &finding.places)
            .map(|place| (place.position.line, place.path.clone()))
            .collect()
    }

    fn at(line: usize, path: &str) -> (usize, String) {
        (line, path.to_owned())
    }

    #[test]
    fn the_steps_and_sidecars_of_a_task_are_containers() {
        let text = "apiVersion: tekton.dev/v1\nkind: Task\nspec:\n  stepTemplate:\n    securityContext: {privileged: true}\n  steps:\n  - \
                    {name: a, image: x}\n  - {name: b, image: x, securityContext: {privileged: false}}\n  sidecars:\n  - {name: c, \
                    securityContext: {privileged: true}}\n  volumes:\n  - {name: v, hostPath: {path: /}}\n";
        assert_eq!(
            found(text),
            [
                at(12, "spec.volumes[0].hostPath"),
                at(7, "spec.steps[0].securityContext.privileged"),
                at(10, "spec.sidecars[0].securityContext.privileged")
            ]
        );
    }

    #[test]
    fn a_task_of_a_run_shares_the_pod_template() {
        let task = "apiVersion: tekton.dev/v1\nkind: TaskRun\nspec:\n  podTemplate: {hostNetwork: true}\n  taskSpec:\n    steps: [{name: a}]\n";
        assert_eq!(found(task), [at(4, "spec.podTemplate.hostNetwork")]);
        let run = "apiVersion: tekton.dev/v1\nkind: PipelineRun\nspec:\n  taskRunTemplate:\n    podTemplate: {hostNetwork: true}\n  \
                   pipelineSpec:\n    tasks:\n    - {taskSpec: {steps: [{name: a}]}}\n    finally:\n    - {taskSpec: {steps: [{name: b}]}}\n";
        assert_eq!(found(run).len(), 2);
        let pipeline = "apiVersion: tekton.dev/v1\nkind: Pipeline\nspec:\n  tasks:\n  - taskSpec:\n      steps:\n      - name: a\n        \
                        securityContext: {privileged: true}\n";
        assert_eq!(found(pipeline), [at(8, "spec.tasks[0].taskSpec.steps[0].securityContext.privileged")]);
    }

    #[test]
    fn each_template_of_a_workflow_is_a_pod_with_what_the_workflow_shares() {
        let spec = "volumes:\n- {name: v, hostPath: {path: /}}\ntemplates:\n- name: main\n  steps: [[{name: a, template: run}]]\n- name: \
                    run\n  container: {image: x, securityContext: {privileged: true}}\n- name: code\n  script: {image: x, source: y}\n  \
                    sidecars: [{name: s, ports: [{hostPort: 80}]}]\n";
        let indented = |by: usize| spec.lines().map(|line| " ".repeat(by) + line + "\n").collect::<String>();
        let paths = |text: &str| found(text).into_iter().map(|(_, path)| path).collect::<Vec<_>>();
        let workflow = format!("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n{}", indented(2));
        let expected = [
            "spec.volumes[0].hostPath",
            "spec.templates[1].container.securityContext.privileged",
            "spec.volumes[0].hostPath",
            "spec.templates[2].sidecars[0].ports[0].hostPort",
        ];
        assert_eq!(paths(&workflow), expected);
        for kind in ["WorkflowTemplate", "ClusterWorkflowTemplate"] {
            assert_eq!(paths(&workflow.replace("kind: Workflow", &format!("kind: {kind}"))), expected);
        }
        let cron = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nspec:\n  workflowSpec:\n{}",
            indented(4)
        );
        assert_eq!(paths(&cron).len(), 4);
    }

    #[test]
    fn the_deployments_of_an_operator_are_judged() {
        let text = "apiVersion: operators.coreos.com/v1alpha1\nkind: ClusterServiceVersion\nspec:\n  install:\n    spec:\n      \
                    deployments:\n      - name: a\n        spec:\n          template:\n            spec: {hostPID: true, containers: []}\n";
        let path = "spec.install.spec.deployments[0].spec.template.spec.hostPID";
        assert_eq!(found(text), [at(10, path)]);
    }
}
