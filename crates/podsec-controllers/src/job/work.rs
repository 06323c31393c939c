//! Which pods a Job makes or deletes now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{
    Container, EnvVar, EnvVarSource, ObjectFieldSelector, Pod, PodTemplateSpec,
};

use super::backoff::Failures;
use super::pods::{self, FINALIZER, INDEX, INDEX_FAILURES, INDEX_IGNORED, is_indexed, is_suspended};
use super::policies::{self, Verdict};
use super::sync::{Sync, number};
use crate::ownership::controller_reference;
use crate::pods::deletion_order::first_to_go;
use crate::pods::{pod_from_template, state};

/// What is done about the pods.
pub(super) enum Work {
    Nothing,
    /// Some have failed lately, so that none is made for so long.
    Wait(Duration),
    Create(Vec<Pod>),
    /// Those that are too many, which count for nothing.
    Delete(Vec<Arc<Pod>>),
    /// All that are active, since the Job is over.
    End(Vec<Arc<Pod>>),
}

impl Sync {
    /// What to do about the pods.
    pub(super) fn work(&self) -> Work {
        if self.finished.is_some() {
            return Work::End(self.active.clone());
        }
        if self.job.metadata.deletion_timestamp.is_some() {
            return Work::Nothing;
        }
        let active = number(self.active.len());
        if is_suspended(&self.job) {
            return Work::Delete(self.active.clone());
        }
        let parallelism = self.spec.parallelism.unwrap_or(1);
        let wanted = match self.spec.completions {
            None if self.succeeded > 0 => active,
            None => parallelism,
            Some(completions) => (completions - self.succeeded).min(parallelism).max(0),
        };
        let mut too_many = self.too_many(usize::try_from(active - wanted).unwrap_or(0));
        if !too_many.is_empty() {
            too_many.truncate(AT_ONCE);
            return Work::Delete(too_many);
        }
        let ending = if pods::replaces_failed_only(&self.spec) {
            number(self.pods.iter().filter(|pod| state::is_terminating(pod)).count())
        } else {
            0
        };
        match usize::try_from(wanted - ending - active) {
            Ok(missing) if missing > 0 => self.create(missing.min(AT_ONCE)),
            _ => Work::Nothing,
        }
    }

    fn create(&self, missing: usize) -> Work {
        let is_per_index = self.spec.backoff_limit_per_index.is_some();
        let wait = self.failures.remaining(self.now);
        if !is_per_index && !wait.is_zero() {
            return Work::Wait(wait);
        }
        if !is_indexed(&self.spec) {
            return Work::Create(vec![self.pod(None); missing]);
        }
        let mut indexes = self.pending_indexes(missing);
        if is_per_index {
            let wait = |index: &i32| match self.awaiting_replacement.get(index) {
                Some(failed) => self.wait_for_index(failed),
                None => Duration::ZERO,
            };
            let shortest = indexes.iter().map(wait).min().unwrap_or_default();
            indexes.retain(|index| wait(index).is_zero());
            if indexes.is_empty() && !shortest.is_zero() {
                return Work::Wait(shortest);
            }
        }
        Work::Create(indexes.into_iter().map(|index| self.pod(Some(index))).collect())
    }

    fn wait_for_index(&self, failed: &Pod) -> Duration {
        let count = pods::failures_before(failed) + pods::ignored_before(failed) + 1;
        let count = u32::try_from(count).unwrap_or(1);
        Failures { count, last: Some(pods::finished_at(failed)) }.remaining(self.now)
    }

    /// The first indexes that have neither ended nor a pod.
    fn pending_indexes(&self, count: usize) -> Vec<i32> {
        let active = self.active.iter().filter_map(|pod| pods::index(pod));
        let mut taken = self.succeeded_indexes.with(active);
        if pods::replaces_failed_only(&self.spec) {
            let ending = self.pods.iter().filter(|pod| state::is_terminating(pod));
            taken = taken.with(ending.filter_map(|pod| pods::index(pod)));
        }
        if let Some(failed) = &self.failed_indexes {
            taken = taken.merge(failed);
        }
        taken.first_missing(count, self.spec.completions.unwrap_or(0))
    }

    /// Pods of no index or of one that has another pod, and then as many as are too many.
    fn too_many(&self, at_least: usize) -> Vec<Arc<Pod>> {
        let mut left = self.active.clone();
        let mut removed = Vec::new();
        if is_indexed(&self.spec) {
            let mut by_index: BTreeMap<Option<i32>, Vec<Arc<Pod>>> = BTreeMap::new();
            for pod in left.drain(..) {
                by_index.entry(pods::valid_index(&pod, &self.spec)).or_default().push(pod);
            }
            for (index, pods) in by_index {
                let surplus = if index.is_none() { pods.len() } else { pods.len() - 1 };
                let gone =
                    if surplus == 0 { Vec::new() } else { first_to_go(pods.clone(), &[], surplus, self.now) };
                left.extend(pods.into_iter().filter(|pod| !gone.iter().any(|gone| Arc::ptr_eq(gone, pod))));
                removed.extend(gone);
            }
        }
        if removed.len() < at_least {
            removed.extend(first_to_go(left, &[], at_least - removed.len(), self.now));
        }
        removed
    }

    /// A pod, of an index if pods have them.
    fn pod(&self, index: Option<i32>) -> Pod {
        let mut template = self.spec.template.clone();
        let metadata = template.metadata.get_or_insert_default();
        let finalizers = metadata.finalizers.get_or_insert_default();
        if !finalizers.iter().any(|finalizer| finalizer == FINALIZER) {
            finalizers.push(FINALIZER.to_owned());
        }
        let name = self.job.metadata.name.as_deref().unwrap_or_default();
        if let Some(index) = index {
            let annotations = metadata.annotations.get_or_insert_default();
            annotations.insert(INDEX.to_owned(), index.to_string());
            if self.spec.backoff_limit_per_index.is_some() {
                let (failures, ignored) = self.failures_of(index);
                annotations.insert(INDEX_FAILURES.to_owned(), failures.to_string());
                if ignored > 0 {
                    annotations.insert(INDEX_IGNORED.to_owned(), ignored.to_string());
                }
            }
            metadata.labels.get_or_insert_default().insert(INDEX.to_owned(), index.to_string());
            tell_index(&mut template);
            if let Some(spec) = &mut template.spec {
                spec.hostname = Some(format!("{name}-{index}"));
            }
        }
        let namespace = self.job.metadata.namespace.as_deref().unwrap_or_default();
        let mut pod = pod_from_template(&template, namespace, controller_reference(&self.job));
        if let Some(index) = index {
            let suffix = format!("-{index}-");
            let room = LONGEST_PREFIX.saturating_sub(suffix.len());
            pod.metadata.generate_name = Some(format!("{}{suffix}", name.get(..room).unwrap_or(name)));
        }
        pod
    }

    /// How often pods of an index have failed, and in a way that does not count.
    fn failures_of(&self, index: i32) -> (i32, i32) {
        let Some(failed) = self.awaiting_replacement.get(&index) else { return (0, 0) };
        let (failures, ignored) = (pods::failures_before(failed), pods::ignored_before(failed));
        match policies::verdict(&self.spec, failed) {
            Verdict::Ignore => (failures, ignored + 1),
            _ => (failures + 1, ignored),
        }
    }
}

/// Containers learn their index from their environment.
fn tell_index(template: &mut PodTemplateSpec) {
    let Some(spec) = &mut template.spec else { return };
    let inits = spec.init_containers.iter_mut().flatten();
    for container in inits.chain(&mut spec.containers) {
        tell(container);
    }
}

fn tell(container: &mut Container) {
    let env = container.env.get_or_insert_default();
    if env.iter().any(|variable| variable.name == INDEX_VARIABLE) {
        return;
    }
    let field_ref =
        ObjectFieldSelector { api_version: None, field_path: format!("metadata.labels['{INDEX}']") };
    env.push(EnvVar {
        name: INDEX_VARIABLE.to_owned(),
        value: None,
        value_from: Some(EnvVarSource { field_ref: Some(field_ref), ..EnvVarSource::default() }),
    });
}

const INDEX_VARIABLE: &str = "JOB_COMPLETION_INDEX";
/// The pods that are made or deleted in one go.
const AT_ONCE: usize = 500;
/// What the API server leaves room for five letters after.
const LONGEST_PREFIX: usize = 58;
