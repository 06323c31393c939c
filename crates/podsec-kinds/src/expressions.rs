//! Expressions in CEL that stand in policies and webhooks: the one place where they are compiled. The rules of custom
//! resources, whose variables have the types of a schema, are compiled in [`crate::custom::rules`].

use std::collections::BTreeMap;
use std::sync::Arc;

use podsec_apimachinery::field::{Error, Path};
use podsec_cel::{DeviceSizes, Type, device_selector, kubernetes};

/// What an expression is for: it decides which variables there are, and what type the result has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Whether a webhook or policy is asked about a request.
    MatchCondition,
    /// Whether a request is allowed.
    Validation,
    /// What is said about a request that is not allowed.
    Message,
    /// What is written into the audit log.
    AuditAnnotation,
    /// A value that later expressions of the same policy use.
    Variable,
    /// What a server-side apply changes.
    ApplyConfiguration,
    /// What a JSON patch changes.
    JsonPatch,
    /// Which devices are fit.
    DeviceSelector,
}

impl Purpose {
    /// The types of which the result must have one; none for any type.
    fn results(self) -> Vec<Type> {
        match self {
            Self::MatchCondition | Self::Validation | Self::DeviceSelector => vec![Type::Bool],
            Self::Message => vec![Type::String],
            Self::AuditAnnotation => vec![Type::String, Type::Null],
            Self::Variable => Vec::new(),
            Self::ApplyConfiguration => vec![Type::message("Object")],
            Self::JsonPatch => vec![Type::list(Type::message(kubernetes::JSON_PATCH))],
        }
    }
}

/// What an expression may use.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// Whether there are parameters.
    pub(crate) params: bool,
    /// The variables before it, by name, with their types; `None` where there is no `variables` at all.
    pub(crate) variables: Option<Arc<BTreeMap<String, Type>>>,
}

impl Environment {
    /// An environment without parameters and variables.
    pub(crate) fn of(purpose: Purpose) -> Self {
        Self { purpose, params: false, variables: None }
    }

    fn compiler(&self) -> podsec_cel::Environment {
        let environment = match self.purpose {
            Purpose::ApplyConfiguration | Purpose::JsonPatch => {
                kubernetes::mutating_policy(self.params, true)
            }
            Purpose::DeviceSelector => device_selector(),
            purpose => kubernetes::validating_policy(self.params, purpose != Purpose::Message),
        };
        match &self.variables {
            None => environment,
            Some(variables) => environment.with_policy_variables(Arc::clone(variables)),
        }
    }
}

/// What is wrong with an expression that is not empty. `shown` is what the error shows of it.
pub(crate) fn compile(
    expression: &str,
    shown: &str,
    environment: &Environment,
    path: &Path,
) -> Option<Error> {
    result_type(expression, shown, environment, path).err()
}

/// The type of what an expression yields.
///
/// # Errors
/// What [`compile`] finds.
pub(crate) fn result_type(
    expression: &str,
    shown: &str,
    environment: &Environment,
    path: &Path,
) -> Result<Type, Error> {
    let program = environment.compiler().compile(expression).map_err(|error| {
        if error.instantiation {
            return Error::internal(path.clone(), &error.to_string());
        }
        Error::invalid(path.clone(), &shown.into(), &format!("compilation failed: {error}"))
    })?;
    let (actual, wanted) = (program.result_type(), environment.purpose.results());
    if environment.purpose == Purpose::DeviceSelector {
        if !matches!(actual, Type::Bool | Type::Dyn) {
            let why = format!("must evaluate to bool or the unknown type, not {actual}");
            return Err(Error::invalid(path.clone(), &shown.into(), &why));
        }
        if program.estimate(&DeviceSizes).max > DEVICE_SELECTOR_COST {
            return Err(Error::forbidden(path.clone(), "too complex, exceeds cost limit"));
        }
        return Ok(actual);
    }
    if wanted.is_empty() || wanted.contains(&actual) {
        return Ok(actual);
    }
    let why = match wanted.as_slice() {
        [one] => format!("must evaluate to {one} but got {actual}"),
        several => {
            let several: Vec<String> = several.iter().map(Type::to_string).collect();
            format!("must evaluate to one of [{}] but got {actual}", several.join(" "))
        }
    };
    Err(Error::invalid(path.clone(), &shown.into(), &why))
}

/// What a selector of devices may cost at most.
const DEVICE_SELECTOR_COST: u64 = 1_000_000;
