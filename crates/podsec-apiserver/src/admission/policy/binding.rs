//! One binding of a policy, read once.

use podsec_apimachinery::meta::Meta;
use serde_json::Value;

use super::match_resources::MatchResources;
use super::params::ParamRef;

/// A binding.
#[derive(Debug)]
pub(super) struct Binding {
    /// Its name.
    pub(super) name: String,
    /// The name of the policy that it binds.
    pub(super) policy: String,
    /// The requests that it binds the policy to; all that the policy is about when absent.
    pub(super) resources: Option<MatchResources>,
    /// The parameters.
    pub(super) params: Option<ParamRef>,
    /// What becomes of a violation: `Deny`, `Warn`, `Audit`.
    pub(super) actions: Vec<String>,
}

impl Binding {
    pub(super) fn read(binding: &Value) -> Self {
        let spec = binding.get("spec").unwrap_or(&Value::Null);
        let object = |field: &str| spec.get(field).filter(|value| value.is_object());
        let actions = spec.get("validationActions").and_then(Value::as_array);
        Self {
            name: Meta::of(binding).name().to_owned(),
            policy: spec.get("policyName").and_then(Value::as_str).unwrap_or_default().to_owned(),
            resources: object("matchResources").map(MatchResources::read),
            params: object("paramRef").map(ParamRef::read),
            actions: actions.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        }
    }
}
