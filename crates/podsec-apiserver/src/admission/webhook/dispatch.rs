//! Who is asked when: mutating webhooks one after the other, again when the object has changed; validating ones at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use podsec_apimachinery::Status;
use serde_json::Value;
use tokio::time::Instant;

use super::annotation::Annotator;
use super::asking::Asking;
use super::caller::Caller;
use super::source::Source;
use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use podsec_kinds::same;

/// The plugin that lets webhooks change objects.
pub(in crate::admission) struct MutatingAdmissionWebhook {
    pub(in crate::admission) source: Source,
    pub(in crate::admission) caller: Arc<Caller>,
}

/// The plugin that lets webhooks judge objects.
pub(in crate::admission) struct ValidatingAdmissionWebhook {
    pub(in crate::admission) source: Source,
    pub(in crate::admission) caller: Arc<Caller>,
}

/// The mutating webhooks of one request.
pub(in crate::admission) struct Mutation<'a> {
    asking: Asking<'a>,
    /// Who has been asked and wants to be asked again if the object changes.
    waiting: BTreeSet<usize>,
    /// Who is asked again.
    again: BTreeSet<usize>,
    changed: bool,
    /// The object as the last round has left it.
    left: Value,
}

impl MutatingAdmissionWebhook {
    /// Finds the webhooks of a request; `None` when there are none.
    ///
    /// # Errors
    /// 500 when the store fails.
    pub(in crate::admission) async fn begin<'a>(
        &'a self,
        attributes: &'a Attributes<'a>,
    ) -> Result<Option<Mutation<'a>>, Status> {
        let asking = Asking::begin(attributes, &self.caller, &self.source).await?;
        Ok(asking.map(|asking| Mutation {
            asking,
            waiting: BTreeSet::new(),
            again: BTreeSet::new(),
            changed: false,
            left: Value::Null,
        }))
    }
}

impl Mutation<'_> {
    /// Asks each of them, and lets it change the object. Whether one has: then everything before it may want to look
    /// again.
    ///
    /// # Errors
    /// The refusal of the first that refuses or cannot be asked.
    pub(in crate::admission) async fn first_round(
        &mut self,
        object: Option<&mut Value>,
    ) -> Result<bool, Status> {
        self.round(0, object).await?;
        Ok(self.changed)
    }

    /// Asks those again that wish it and have been asked before a change.
    ///
    /// # Errors
    /// As [`Mutation::first_round`].
    pub(in crate::admission) async fn second_round(&mut self, object: &mut Value) -> Result<(), Status> {
        if !same(&self.left, object) {
            self.again.append(&mut self.waiting);
        }
        self.round(1, Some(object)).await
    }

    async fn round(&mut self, round: u8, mut object: Option<&mut Value>) -> Result<(), Status> {
        let hooks = Arc::clone(&self.asking.hooks);
        for (index, hook) in hooks.iter().enumerate() {
            let Some(version) = self.asking.version_for(hook, object.as_deref()).await? else { continue };
            if round > 0 && !self.again.contains(&index) {
                continue;
            }
            let recording = &self.asking.attributes.sinks.recording;
            let annotator = Annotator { recording, hook, round, index };
            let started = Instant::now();
            let outcome = self.asking.mutate(&annotator, &version, object.as_deref_mut()).await;
            annotator.mutation(*outcome.as_ref().unwrap_or(&false));
            if matches!(outcome, Ok(true)) {
                self.again.append(&mut self.waiting);
                self.changed = true;
            }
            if hook.reinvokes {
                self.waiting.insert(index);
            }
            self.asking.conclude(&annotator, started, outcome.map(drop), "admit")?;
        }
        self.left = object.map(|object| object.clone()).unwrap_or_default();
        Ok(())
    }
}

#[async_trait]
impl Plugin for ValidatingAdmissionWebhook {
    fn handles(&self, _: Action) -> bool {
        true
    }

    /// Asks all validating webhooks at once: the refusal is that of the first in their order that refuses or cannot be asked.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        let asking = Asking::begin(attributes, &self.caller, &self.source).await?;
        let Some(mut asking) = asking else { return Ok(()) };
        let object = Some(object).filter(|object| !object.is_null());
        let hooks = Arc::clone(&asking.hooks);
        let mut asked = Vec::new();
        for hook in hooks.iter() {
            if let Some(version) = asking.version_for(hook, object).await? {
                asked.push((hook, version));
            }
        }
        let asking = &asking;
        let calls = asked.iter().enumerate().map(|(index, (hook, version))| async move {
            let annotator = Annotator { recording: &attributes.sinks.recording, hook, round: 0, index };
            let started = Instant::now();
            let shown = object.map(|object| asking.shown(object, version));
            let outcome = asking.ask(&annotator, version, shown.as_ref(), false).await.map(drop);
            asking.conclude(&annotator, started, outcome, "validating")
        });
        join_all(calls).await.into_iter().collect()
    }
}
