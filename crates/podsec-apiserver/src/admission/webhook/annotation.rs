//! What the audit log learns of webhooks (`mutation.webhook.admission.k8s.io/…` and its siblings).

use std::collections::BTreeMap;

use podsec_apimachinery::name::label_key;
use podsec_audit::{Level, Recording, json};
use serde::Serialize;
use serde_json::value::RawValue;

use super::hook::Hook;

/// A call as annotations name it.
#[derive(Clone, Copy)]
pub(super) struct Annotator<'a> {
    pub(super) recording: &'a Recording,
    pub(super) hook: &'a Hook,
    /// 0, and 1 when webhooks are asked again.
    pub(super) round: u8,
    /// The place of the webhook: of a mutating one among all, of a validating one among those asked.
    pub(super) index: usize,
}

impl Annotator<'_> {
    /// Notes whether a mutating webhook has changed the object.
    pub(super) fn mutation(&self, mutated: bool) {
        let Hook { configuration, name, .. } = self.hook;
        self.note(Level::Metadata, MUTATION, &MutationNote { configuration, webhook: name, mutated });
    }

    /// Notes the patch itself, where bodies are recorded.
    pub(super) fn patch(&self, patch: &[u8]) {
        // As Go writes it: the members of an operation sorted, and everything below as it came.
        let Ok(patch) = json::compact(patch) else { return };
        let Ok(operations) = serde_json::from_str::<Vec<Operation<'_>>>(patch.get()) else { return };
        let Hook { configuration, name, .. } = self.hook;
        let patch = PatchNote { configuration, webhook: name, patch: &operations, patch_type: "JSONPatch" };
        self.note(Level::Request, PATCH, &patch);
    }

    /// Notes that a webhook could not be asked and the request goes on nevertheless.
    pub(super) fn failed_open(&self, mutating: bool) {
        let family = if mutating { MUTATION } else { VALIDATING };
        let key = self.key(&format!("failed-open.{family}"));
        self.recording.annotate(&key, &self.hook.name);
    }

    /// Notes one of the webhook's own annotations under its name; a key that is none is left out.
    pub(super) fn own(&self, key: &str, value: &str) {
        let key = format!("{}/{key}", self.hook.name);
        if key.split('/').count() == 2 && label_key(&key).is_empty() {
            self.recording.annotate(&key, value);
        } else {
            tracing::warn!(webhook = self.hook.name, key, "a webhook's audit annotation has no legal key");
        }
    }

    fn note(&self, level: Level, family: &str, value: &impl Serialize) {
        let value = json::to_vec(value).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        self.recording.annotate_at(level, &self.key(family), &value.unwrap_or_default());
    }

    fn key(&self, family: &str) -> String {
        format!("{family}/round_{}_index_{}", self.round, self.index)
    }
}

/// One operation of a JSON patch, or null.
type Operation<'a> = Option<BTreeMap<String, &'a RawValue>>;

#[derive(Serialize)]
struct MutationNote<'a> {
    configuration: &'a str,
    webhook: &'a str,
    mutated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PatchNote<'a> {
    configuration: &'a str,
    webhook: &'a str,
    patch: &'a [Operation<'a>],
    patch_type: &'static str,
}

const MUTATION: &str = "mutation.webhook.admission.k8s.io";
const VALIDATING: &str = "validating.webhook.admission.k8s.io";
const PATCH: &str = "patch.webhook.admission.k8s.io";
