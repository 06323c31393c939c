//! What the requests in an audit log would have met at another level: by workload, user and check.
//!
//! ```text
//! create pods           the pod that was sent ─────────► refused, by the policy of enforce
//! ephemeralcontainers   the pod that was answered ─────► refused
//! update pods           judged where the log says that Kubernetes did: most updates change nothing that counts
//! create deployments    the template that was sent ────► warned about; Kubernetes refuses no workload
//! patch deployments     the template that was answered ► warned about
//! metadata level        there is no pod ───────────────► not known, and counted
//! ```

mod report;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use podsec_policy::{Configuration, NamespaceLabels, Policies};
use podsec_standards::{Pod, Policy, Workload, evaluate};
use serde::{Deserialize, Serialize};

pub use report::{replay_json, replay_markdown, replay_table};

use crate::collect::string_members;
use crate::log::LoggedEvent;

/// By what requests are judged again.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// The policy for all of them; without it, that of their namespace.
    pub policy: Option<Policy>,
    /// Defaults and exemptions.
    pub configuration: Option<Configuration>,
    /// The labels of namespaces. Those that the log itself tells count from then on.
    pub namespaces: HashMap<String, NamespaceLabels>,
}

/// Judges the requests of a log again.
#[derive(Debug, Default)]
pub struct Replay {
    options: ReplayOptions,
    /// What would have been refused or warned about.
    pub met: BTreeMap<MetKey, Met>,
    /// How many requests were judged, and how many could not be.
    pub counts: ReplayCounts,
}

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetKey {
    /// The namespace.
    pub namespace: String,
    /// `Deployment/web`, as far as the request tells.
    pub workload: String,
    /// Who asked.
    pub user: String,
    /// The id of the check.
    pub check: &'static str,
    /// Whether it would have been refused, and not only warned about.
    pub refused: bool,
}

/// How often, and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Met {
    /// How many requests.
    pub count: usize,
    /// The first.
    pub first: String,
    /// The last.
    pub last: String,
    /// What the check says of the last.
    pub sentence: String,
}

/// How many requests were judged, and how many could not be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayCounts {
    /// Requests that make a pod or a workload.
    pub requests: usize,
    /// Those that were judged.
    pub judged: usize,
    /// Those that would have been refused.
    pub refused: usize,
    /// Those that would have been warned about: workloads, which Kubernetes never refuses.
    pub warned: usize,
    /// Those that are exempt.
    pub exempt: usize,
    /// Not known: recorded at the level of metadata, without a pod.
    pub without_body: usize,
    /// Not known: the recorded body cannot be read as what it should be.
    pub unreadable: usize,
    /// Not known: neither the log nor anything else tells the labels of the namespace at that time.
    pub namespace_unknown: usize,
    /// Left out: they failed for another reason, as a conflict.
    pub failed: usize,
    /// Left out: dry runs.
    pub dry_runs: usize,
    /// Left out: updates of pods that Kubernetes itself did not judge, since they change nothing that counts.
    pub insignificant: usize,
    /// Judged, and told together with others, since there are too many to tell each.
    pub folded: usize,
}

impl Replay {
    /// Judges by these options.
    pub fn new(options: ReplayOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// Takes an event; those that are no end of a request are passed over.
    pub fn event(&mut self, event: &LoggedEvent<'_>) {
        if !event.is_end() {
            return;
        }
        if event.resource == "namespaces" && event.group.is_empty() {
            return self.namespace(event);
        }
        let Some(workload) = Workload::from_resource(&event.group, &event.resource) else { return };
        let is_write = matches!(&*event.verb, "create" | "update" | "patch");
        let is_debugging = workload == Workload::Pod && event.subresource == "ephemeralcontainers";
        if !is_write || !(event.subresource.is_empty() || is_debugging) {
            return;
        }
        if workload == Workload::Pod && !is_judged(event) && !is_debugging {
            self.counts.insignificant += 1;
            return;
        }
        self.counts.requests += 1;
        if is_dry_run(&event.uri) {
            self.counts.dry_runs += 1;
            return;
        }
        let refused_before = event.code == Some(403) && event.message.contains("PodSecurity");
        if event.code.is_some_and(|code| code >= 400) && !refused_before {
            self.counts.failed += 1;
            return;
        }
        self.judge(event, workload);
    }

    fn judge(&mut self, event: &LoggedEvent<'_>, workload: Workload) {
        // What is answered to a patch is what it made; of a refusal there is nothing but what was sent.
        let is_whole = event.verb == "create" || (event.verb == "update" && event.subresource.is_empty());
        let sent = event.request.as_deref().filter(|_| is_whole);
        let answered = event.response.as_deref().filter(|_| event.code.is_none_or(|code| code < 400));
        let Some(json) = sent.or(answered) else {
            self.counts.without_body += 1;
            return;
        };
        let Ok(Some(pod)) = workload.pod_from_json(json.as_bytes()) else {
            self.counts.unreadable += 1;
            return;
        };
        let enforced = workload == Workload::Pod;
        let policy = match self.policy(event, &pod, enforced) {
            Ok(policy) => policy,
            Err(count) => {
                *count(&mut self.counts) += 1;
                return;
            }
        };
        self.counts.judged += 1;
        let evaluation = evaluate(policy, &pod);
        if evaluation.is_allowed() {
            return;
        }
        if enforced {
            self.counts.refused += 1;
        } else {
            self.counts.warned += 1;
        }
        let title = title(event, workload, json);
        for violation in &evaluation.violations {
            let key = MetKey {
                namespace: event.namespace.clone().into_owned(),
                workload: title.clone(),
                user: event.user.clone().into_owned(),
                check: violation.check.id,
                refused: enforced,
            };
            let (reason, detail, _) = violation.parts();
            let sentence = if detail.is_empty() { reason.to_owned() } else { format!("{reason} ({detail})") };
            self.count(key, event, sentence);
        }
    }

    fn count(&mut self, mut key: MetKey, event: &LoggedEvent<'_>, sentence: String) {
        if self.met.len() >= MOST_MET && !self.met.contains_key(&key) {
            self.counts.folded += 1;
            OTHERS.clone_into(&mut key.workload);
            OTHERS.clone_into(&mut key.user);
        }
        let met = self.met.entry(key).or_default();
        met.count += 1;
        if met.first.is_empty() || *event.time < *met.first {
            met.first = event.time.clone().into_owned();
        }
        if *event.time >= *met.last {
            met.last = event.time.clone().into_owned();
            met.sentence = sentence;
        }
    }

    /// The policy for a request, or which count tells why there is none.
    fn policy(
        &self,
        event: &LoggedEvent<'_>,
        pod: &Pod<'_>,
        enforced: bool,
    ) -> Result<Policy, fn(&mut ReplayCounts) -> &mut usize> {
        let exemptions = self.options.configuration.as_ref().map(|configuration| &configuration.exemptions);
        let is_exempt = exemptions.is_some_and(|exemptions| {
            let class = pod.runtime_class_name();
            exemptions.has_namespace(&event.namespace)
                || exemptions.has_username(&event.user)
                || class.is_some_and(|class| exemptions.has_runtime_class(class))
        });
        if is_exempt {
            return Err(|counts| &mut counts.exempt);
        }
        if let Some(policy) = self.options.policy {
            return Ok(policy);
        }
        let defaults = self.options.configuration.as_ref().map(|configuration| configuration.defaults);
        let policies = match (self.options.namespaces.get(&*event.namespace), defaults) {
            (Some(labels), defaults) => labels.policies(&defaults.unwrap_or(Policies::PRIVILEGED)),
            (None, _) => return Err(|counts| &mut counts.namespace_unknown),
        };
        Ok(if enforced { policies.enforce } else { policies.warn })
    }

    /// A namespace as it is from now on.
    fn namespace(&mut self, event: &LoggedEvent<'_>) {
        let is_write = matches!(&*event.verb, "create" | "update" | "patch");
        if !is_write || event.code.is_some_and(|code| code >= 400) || is_dry_run(&event.uri) {
            return;
        }
        let whole = event.request.as_ref().filter(|_| event.verb != "patch");
        let Some(json) = event.response.as_ref().or(whole) else { return };
        let Ok(object) = serde_json::from_str::<Named<'_>>(json) else { return };
        let labels: NamespaceLabels = string_members(object.metadata.labels).into_iter().collect();
        let name = if event.name.is_empty() { object.metadata.name } else { event.name.clone() };
        if self.options.namespaces.len() < MOST_NAMESPACES {
            self.options.namespaces.insert(name.into_owned(), labels);
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    metadata: NameAndOwners<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NameAndOwners<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    generate_name: Cow<'a, str>,
    #[serde(borrow)]
    labels: Option<&'a serde_json::value::RawValue>,
    #[serde(borrow)]
    owner_references: Vec<ControllerReference<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ControllerReference<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    controller: Option<bool>,
}

/// The owner of what a request makes, as far as its body tells.
pub(crate) fn title(event: &LoggedEvent<'_>, workload: Workload, json: &str) -> String {
    let object: Named<'_> = serde_json::from_str(json).unwrap_or_default();
    let metadata = &object.metadata;
    if let Some(owner) = metadata.owner_references.iter().find(|owner| owner.controller == Some(true)) {
        let labels = string_members(metadata.labels);
        let hash =
            labels.iter().find(|(key, _)| key == "pod-template-hash").map(|(_, hash)| format!("-{hash}"));
        return match hash.and_then(|hash| owner.name.strip_suffix(&hash)) {
            Some(deployment) if owner.kind == "ReplicaSet" => format!("Deployment/{deployment}"),
            _ => format!("{}/{}", owner.kind, owner.name),
        };
    }
    let name = if metadata.name.is_empty() { &event.name } else { &metadata.name };
    let name = if metadata.generate_name.is_empty() {
        name.to_string()
    } else {
        format!("{}*", metadata.generate_name)
    };
    format!("{}/{name}", workload.kind())
}

/// Whether Kubernetes judges a write of a pod: one that makes it, also by server-side apply; of the others those that it
/// says it has judged. What an update changed is not in the log.
fn is_judged(event: &LoggedEvent<'_>) -> bool {
    event.verb == "create" || event.code == Some(201) || !event.annotations.is_empty()
}

fn is_dry_run(uri: &str) -> bool {
    uri.split_once('?').is_some_and(|(_, query)| query.split('&').any(|part| part.starts_with("dryRun=")))
}

/// So many workloads, users and checks are told apart.
const MOST_MET: usize = 20_000;
/// So many namespaces are remembered.
const MOST_NAMESPACES: usize = 100_000;
const OTHERS: &str = "(others)";
