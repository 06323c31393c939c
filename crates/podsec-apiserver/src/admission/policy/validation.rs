//! `ValidatingAdmissionPolicy`: every policy is asked, and what their bindings make of it decides.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_apimachinery::schema::catalog::Resource;
use podsec_audit::json;
use podsec_cel::Value;
use serde::Serialize;
use serde_json::Value as Json;
use tokio::time::Instant;

use super::binding::Binding;
use super::definition::Policy;
use super::invocation::{self, Invocation};
use super::refusal;
use super::request::Asked;
use super::source::Source;
use super::verdict::{Denial, Verdict, judge};
use crate::admission::attributes::{Action, Attributes};
use crate::admission::matching::FailurePolicy;
use crate::admission::plugin::Plugin;
use crate::authorization::Authorizer;
use crate::processors::Processors;
use crate::registry::Resources;

/// The plugin.
pub(in crate::admission) struct ValidatingAdmissionPolicy {
    pub(in crate::admission) source: Source,
    pub(in crate::admission) resources: Resources,
    pub(in crate::admission) authorizer: Arc<Authorizer>,
    pub(in crate::admission) processors: Arc<Processors>,
}

#[async_trait]
impl Plugin for ValidatingAdmissionPolicy {
    fn handles(&self, _: Action) -> bool {
        true
    }

    /// Holds a request against every policy: the refusal is that of the first that denies it, 500 when the store fails, 504
    /// at the deadline.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Json) -> Result<(), Status> {
        if is_exempt(attributes.resource()) {
            return Ok(());
        }
        let hooks = self.source.hooks().await?;
        if hooks.is_empty() {
            return Ok(());
        }
        let object = Some(object).filter(|object| !object.is_null());
        let asked = Asked::begin(attributes, &self.resources, &self.authorizer).await;
        let invocations = invocation::collect(&asked, &hooks, object).await?;
        if invocations.is_empty() {
            return Ok(());
        }
        let answer = || answer(&asked, object, &invocations);
        self.processors.run(attributes.request.deadline, answer)??.map_or(Ok(()), Err)
    }
}

/// Whether no policy is asked about a resource: nobody may be kept from repairing what keeps everybody from everything,
/// nor from asking about rights.
pub(super) fn is_exempt(resource: &Resource) -> bool {
    let exempt: &[&str] = match resource.group.as_str() {
        "admissionregistration.k8s.io" => &[
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
        ],
        "authentication.k8s.io" => &["selfsubjectreviews", "tokenreviews"],
        "authorization.k8s.io" => &[
            "localsubjectaccessreviews",
            "selfsubjectaccessreviews",
            "selfsubjectrulesreviews",
            "subjectaccessreviews",
        ],
        _ => &[],
    };
    exempt.contains(&resource.resource.as_str())
}

/// 504 when the client does not wait any longer.
///
/// # Errors
/// That.
pub(super) fn check_deadline(deadline: Option<Instant>) -> Result<(), Status> {
    if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
        let message = "Timeout: request did not complete within the allotted timeout";
        return Err(Status::failure(504, "Timeout", message));
    }
    Ok(())
}

/// Asks all policies, tells the client and the audit log, and returns the first refusal.
fn answer(
    asked: &Asked<'_>,
    object: Option<&Json>,
    invocations: &[Invocation],
) -> Result<Option<Status>, Status> {
    let mut refused: Option<Status> = None;
    let mut values: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    let mut notes = Notes::default();
    for Invocation { policy, binding, inputs } in invocations {
        let name = binding.as_ref().map(|binding| binding.name.as_str());
        let mut refuse = |denial: &Denial| {
            refused.get_or_insert_with(|| refusal::by_validation(asked, object, policy, name, denial));
        };
        let (inputs, binding) = match (inputs, binding) {
            (Ok(inputs), Some(binding)) => (inputs, binding),
            (Err(_), _) if policy.failure_policy == FailurePolicy::Ignore => continue,
            (Err(why), _) => {
                refuse(&Denial { message: why.clone(), reason: String::new() });
                continue;
            }
            (Ok(_), None) => continue,
        };
        let version = &inputs.version;
        let namespace = asked.namespace_object()?;
        let values = values
            .entry(format!("{}/{}", version.group, version.version))
            .or_insert_with(|| asked.variables(object, version));
        for param in &inputs.params {
            check_deadline(asked.attributes.request.deadline)?;
            let mut values = values.clone();
            values.insert("params".to_owned(), param.clone());
            let verdict = judge(policy, values, namespace.clone());
            for denial in decide(asked, policy, binding, &verdict) {
                refuse(denial);
            }
            for message in &verdict.failed_annotations {
                refuse(&Denial { message: message.clone(), reason: String::new() });
            }
            notes.add(policy, verdict.annotations);
        }
    }
    notes.write(asked);
    Ok(refused)
}

/// Does what the binding says about denials, and returns those that refuse the request.
fn decide<'v>(
    asked: &Asked<'_>,
    policy: &Policy,
    binding: &Arc<Binding>,
    verdict: &'v Verdict,
) -> Vec<&'v Denial> {
    let mut refusing = Vec::new();
    let sinks = asked.attributes.sinks;
    for (index, denial) in &verdict.denials {
        for action in &binding.actions {
            match action.as_str() {
                "Warn" => sinks.warnings.add(format!(
                    "Validation failed for ValidatingAdmissionPolicy '{}' with binding '{}': {}",
                    policy.name, binding.name, denial.message
                )),
                "Audit" => {
                    let failure = ValidationFailure {
                        message: &denial.message,
                        policy: &policy.name,
                        binding: &binding.name,
                        expression_index: *index,
                        validation_actions: &binding.actions,
                    };
                    let value = json::to_vec(&[failure]).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                    sinks.recording.annotate(VALIDATION_FAILURE, &value.unwrap_or_default());
                }
                // What nobody knows refuses.
                _ => refusing.push(denial),
            }
        }
    }
    refusing
}

/// A denial as the audit log has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ValidationFailure<'a> {
    message: &'a str,
    policy: &'a str,
    binding: &'a str,
    expression_index: usize,
    validation_actions: &'a [String],
}

const VALIDATION_FAILURE: &str = "validation.policy.admission.k8s.io/validation_failure";

/// The audit annotations of policies: different values of one key, as of different parameters, stand in one list.
#[derive(Default)]
struct Notes(BTreeMap<String, Vec<String>>);

impl Notes {
    fn add(&mut self, policy: &Policy, annotations: Vec<(String, String)>) {
        for (key, value) in annotations {
            let values = self.0.entry(format!("{}/{key}", policy.name)).or_default();
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }

    fn write(self, asked: &Asked<'_>) {
        for (key, values) in self.0 {
            asked.attributes.sinks.recording.annotate(&key, &values.join(", "));
        }
    }
}
