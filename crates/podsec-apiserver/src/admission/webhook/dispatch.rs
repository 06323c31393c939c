//! Who is asked when: mutating webhooks one after the other, again when the object has changed; validating ones at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;
use podsec_apimachinery::Status;
use serde_json::Value;
use tokio::time::Instant;

use super::annotation::Annotator;
use super::asking::Asking;
use crate::admission::Write;
use crate::verbs::Operation;
use podsec_kinds::same;

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

impl<'a> Mutation<'a> {
    /// Finds them; `None` when there are none.
    ///
    /// # Errors
    /// 500 when the store fails.
    pub(in crate::admission) async fn begin(
        operation: &'a Operation<'a>,
        write: &'a Write<'a>,
    ) -> Result<Option<Self>, Status> {
        let asking = Asking::begin(operation, write, &operation.api.webhooks.mutating).await?;
        Ok(asking.map(|asking| Self {
            asking,
            waiting: BTreeSet::new(),
            again: BTreeSet::new(),
            changed: false,
            left: Value::Null,
        }))
    }

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
            let recording = &self.asking.operation.sinks.recording;
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

/// Asks all validating webhooks at once.
///
/// # Errors
/// The refusal of the first in their order that refuses or cannot be asked.
pub(in crate::admission) async fn validate(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: Option<&Value>,
) -> Result<(), Status> {
    let source = &operation.api.webhooks.validating;
    let Some(mut asking) = Asking::begin(operation, write, source).await? else { return Ok(()) };
    let hooks = Arc::clone(&asking.hooks);
    let mut asked = Vec::new();
    for hook in hooks.iter() {
        if let Some(version) = asking.version_for(hook, object).await? {
            asked.push((hook, version));
        }
    }
    let asking = &asking;
    let calls = asked.iter().enumerate().map(|(index, (hook, version))| async move {
        let recording = &operation.sinks.recording;
        let annotator = Annotator { recording, hook, round: 0, index };
        let started = Instant::now();
        let shown = object.map(|object| asking.shown(object, version));
        let outcome = asking.ask(&annotator, version, shown.as_ref(), false).await.map(drop);
        asking.conclude(&annotator, started, outcome, "validating")
    });
    join_all(calls).await.into_iter().collect()
}
