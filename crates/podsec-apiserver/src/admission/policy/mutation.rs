//! `MutatingAdmissionPolicy`: one policy after the other changes the object, some again when it has changed since.

use std::collections::BTreeSet;
use std::sync::Arc;

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::{Meta, MetaMut};
use podsec_apimachinery::schema::catalog::Resource;
use podsec_cel::Value;
use podsec_kinds::same;
use serde_json::Value as Json;

use super::definition::{self, Policy};
use super::invocation::{self, Invocation};
use super::refusal::{self, Failure};
use super::request::Asked;
use super::source::{Hook, Source};
use super::unmade::Unmade;
use super::validation::{check_deadline, is_exempt};
use super::{apply_configuration, conditions, json_patch};
use crate::admission::attributes::{Action, Attributes};
use crate::admission::matching::FailurePolicy;
use crate::authorization::Authorizer;
use crate::processors::Processors;
use crate::registry::Resources;

/// The plugin.
pub(in crate::admission) struct MutatingAdmissionPolicy {
    pub(in crate::admission) source: Source,
    pub(in crate::admission) resources: Resources,
    pub(in crate::admission) authorizer: Arc<Authorizer>,
    pub(in crate::admission) processors: Arc<Processors>,
}

/// The mutating policies of one request.
pub(in crate::admission) struct Mutation<'a> {
    asked: Asked<'a>,
    processors: &'a Processors,
    hooks: Arc<[Hook]>,
    /// Who has been asked and wants to be asked again if the object changes.
    waiting: BTreeSet<Key>,
    /// Who is asked again.
    again: BTreeSet<Key>,
    changed: bool,
    /// The object as the last round has left it.
    left: Json,
}

/// Policy, binding, and name and namespace of the parameter.
type Key = (String, String, String);

impl MutatingAdmissionPolicy {
    /// Finds the policies of a request; `None` when there are none.
    ///
    /// # Errors
    /// 500 when the store fails.
    pub(in crate::admission) async fn begin<'a>(
        &'a self,
        attributes: &'a Attributes<'a>,
    ) -> Result<Option<Mutation<'a>>, Status> {
        if is_exempt(attributes.resource()) || attributes.action == Action::Delete {
            return Ok(None);
        }
        let hooks = self.source.hooks().await?;
        if hooks.is_empty() {
            return Ok(None);
        }
        Ok(Some(Mutation {
            asked: Asked::begin(attributes, &self.resources, &self.authorizer).await,
            processors: &self.processors,
            hooks,
            waiting: BTreeSet::new(),
            again: BTreeSet::new(),
            changed: false,
            left: Json::Null,
        }))
    }
}

impl Mutation<'_> {
    /// Asks each of them, and lets it change the object. Whether one has: then everything before it may want to look
    /// again.
    ///
    /// # Errors
    /// The refusal of those that fail, 500 when the store fails, 504 at the deadline.
    pub(in crate::admission) async fn first_round(&mut self, object: &mut Json) -> Result<bool, Status> {
        self.round(false, object).await?;
        Ok(self.changed)
    }

    /// Asks those again that wish it and have been asked before a change.
    ///
    /// # Errors
    /// As [`Mutation::first_round`].
    pub(in crate::admission) async fn second_round(&mut self, object: &mut Json) -> Result<(), Status> {
        if !same(&self.left, object) {
            self.again.append(&mut self.waiting);
        }
        self.round(true, object).await
    }

    async fn round(&mut self, again: bool, object: &mut Json) -> Result<(), Status> {
        let invocations = invocation::collect(&self.asked, &self.hooks, Some(object)).await?;
        if !invocations.is_empty() {
            let (processors, deadline) = (self.processors, self.asked.attributes.request.deadline);
            processors.run(deadline, || self.run(again, object, &invocations))??;
        }
        self.left = object.clone();
        Ok(())
    }

    fn run(&mut self, again: bool, object: &mut Json, invocations: &[Invocation]) -> Result<(), Status> {
        let mut failures = Vec::new();
        let mut applied = false;
        for Invocation { policy, binding, inputs } in invocations {
            let binding = binding.as_ref().map(|binding| binding.name.as_str());
            let mut fails = |why: &str, is_invalid: bool| {
                if policy.failure_policy == FailurePolicy::Fail {
                    failures.push(Failure::of(policy, binding, why, is_invalid));
                }
            };
            let inputs = match inputs {
                Ok(inputs) => inputs,
                Err(why) => {
                    fails(why, false);
                    continue;
                }
            };
            for param in &inputs.params {
                check_deadline(self.asked.attributes.request.deadline)?;
                let mut values = self.asked.variables(Some(object), &inputs.version);
                values.insert("params".to_owned(), param.clone());
                match conditions::hold(&policy.conditions, policy.failure_policy, &values) {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(why) => {
                        fails(&why, true);
                        continue;
                    }
                }
                let key = key(policy, binding, param);
                if again && !self.again.contains(&key) {
                    continue;
                }
                let before = object.clone();
                for mutation in &policy.mutations {
                    match self.mutate(policy, mutation, &inputs.version, param, object) {
                        Ok(()) => applied = true,
                        Err(Unmade::Failed(why)) => fails(&why, true),
                        Err(Unmade::Status(status)) => return Err(status),
                    }
                }
                if !same(&before, object) {
                    self.again.append(&mut self.waiting);
                    self.changed = true;
                }
                if policy.reinvokes {
                    self.waiting.insert(key);
                }
            }
        }
        if applied {
            self.again.append(&mut self.waiting);
            self.changed = true;
        }
        refusal::by_mutation(&self.asked, object, failures).map_or(Ok(()), Err)
    }

    fn mutate(
        &self,
        policy: &Policy,
        mutation: &definition::Mutation,
        version: &Arc<Resource>,
        param: &Value,
        object: &mut Json,
    ) -> Result<(), Unmade> {
        let mut values = self.asked.variables(Some(object), version);
        values.insert("params".to_owned(), param.clone());
        let namespace = self.asked.namespace_object().map_err(Unmade::Status)?;
        values.insert("namespaceObject".to_owned(), namespace);
        let shown = self.asked.shown(object, version);
        let kind = self.asked.kind_in(version);
        let owners = Meta::of(&shown).field("managedFields").cloned();
        let custom = self.asked.resources.served().custom(version).cloned();
        let mut changed = match mutation {
            definition::Mutation::ApplyConfiguration(expression) => {
                apply_configuration::patched(policy, expression, &values, &shown, &kind, custom.as_deref())?
            }
            definition::Mutation::JsonPatch(expression) => json_patch::patched(
                policy,
                expression,
                &values,
                &shown,
                &kind,
                self.asked.attributes.request.deadline,
            )?,
        };
        // Who owns which field is the server's affair: what a policy sets belongs to nobody.
        MetaMut::of(&mut changed).set("managedFields", owners);
        self.asked.take(changed, version, object);
        Ok(())
    }
}

fn key(policy: &Policy, binding: Option<&str>, param: &Value) -> Key {
    let text = |field: &str| {
        let metadata = field_of(param, "metadata");
        match metadata.and_then(|metadata| field_of(metadata, field)) {
            Some(Value::String(text)) => text.to_string(),
            _ => String::new(),
        }
    };
    let param = format!("{}/{}", text("namespace"), text("name"));
    (policy.name.clone(), binding.unwrap_or_default().to_owned(), param)
}

fn field_of<'v>(value: &'v Value, field: &str) -> Option<&'v Value> {
    match value {
        Value::Map(map) => map.get(&podsec_cel::value::Key::String(field.into())),
        _ => None,
    }
}
