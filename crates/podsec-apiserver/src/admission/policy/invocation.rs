//! Which policies are asked about a request, with which parameters.

use std::sync::Arc;

use podsec_apimachinery::Status;
use podsec_apimachinery::schema::catalog::Resource;
use podsec_cel::Value;
use serde_json::Value as Json;

use super::binding::Binding;
use super::definition::Policy;
use super::match_resources::MatchResources;
use super::params::Failure;
use super::request::Asked;
use super::source::Hook;

/// A policy that is asked by one of its bindings.
pub(super) struct Invocation {
    pub(super) policy: Arc<Policy>,
    /// Absent when the policy itself cannot be asked.
    pub(super) binding: Option<Arc<Binding>>,
    /// How, or why it cannot be asked.
    pub(super) inputs: Result<Inputs, String>,
}

/// How a policy is asked.
pub(super) struct Inputs {
    /// The version in which it sees the request.
    pub(super) version: Arc<Resource>,
    /// The parameters, one after the other; null where the policy is asked without any.
    pub(super) params: Vec<Value>,
}

impl Invocation {
    /// One that cannot be asked.
    fn failed(policy: &Arc<Policy>, binding: Option<&Arc<Binding>>, why: &str) -> Self {
        let what = if binding.is_none() { "policy" } else { "binding" };
        Self {
            policy: Arc::clone(policy),
            binding: binding.map(Arc::clone),
            inputs: Err(format!("failed to configure {what}: {why}")),
        }
    }
}

/// Finds those that are asked, in the order of the policies and their bindings.
///
/// # Errors
/// 500 when the store fails.
pub(super) async fn collect(
    asked: &Asked<'_>,
    hooks: &[Hook],
    object: Option<&Json>,
) -> Result<Vec<Invocation>, Status> {
    let labels = asked.labels(object);
    let object = object.map(|object| asked.seen(object));
    let old = asked.attributes.old.map(|old| asked.seen(old));
    let subject = asked.subject();
    let resources = asked.resources;
    let served = resources.served();
    let version_for = |matched: &MatchResources| {
        matched.version_for(&subject, asked.attributes.name, &labels, object.as_deref(), old.as_deref())
    };
    let mut found = Vec::new();
    for Hook { policy, bindings } in hooks {
        let matched = match &policy.constraints {
            Some(constraints) => version_for(constraints),
            None => Err("policy contained no match constraints, a required field".to_owned()),
        };
        let version = match matched {
            Ok(Some(version)) => version,
            Ok(None) => continue,
            Err(why) => {
                found.push(Invocation::failed(policy, None, &why));
                continue;
            }
        };
        let kind = policy.param_kind.as_ref().map(|kind| kind.resource(&served.catalog)).transpose();
        let kind = match kind {
            Ok(kind) => kind.map(|resource| resources.registry(resource)),
            Err(why) => {
                found.push(Invocation::failed(policy, None, &why));
                continue;
            }
        };
        for binding in bindings {
            match binding.resources.as_ref().map_or(Ok(Some(Arc::clone(&version))), version_for) {
                Ok(Some(_)) => {}
                Ok(None) => continue,
                Err(why) => {
                    found.push(Invocation::failed(policy, Some(binding), &why));
                    continue;
                }
            }
            let params = match (&kind, &binding.params) {
                (Some(registry), Some(reference)) => {
                    let params = reference.find(registry, asked.namespace).await;
                    params.map(|params| params.iter().map(Value::from_json).collect())
                }
                _ => Ok(vec![Value::Null]),
            };
            match params {
                Ok(params) => found.push(Invocation {
                    policy: Arc::clone(policy),
                    binding: Some(Arc::clone(binding)),
                    inputs: Ok(Inputs { version: Arc::clone(&version), params }),
                }),
                Err(Failure::Configuration(why)) => {
                    found.push(Invocation::failed(policy, Some(binding), &why));
                }
                Err(Failure::Store(status)) => return Err(status),
            }
        }
    }
    Ok(found)
}
