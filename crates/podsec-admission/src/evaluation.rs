//! A pod against the policies of its namespace, mode by mode.

use podsec_apimachinery::Status;
use podsec_apimachinery::field;
use podsec_apimachinery::status::GroupResource;
use podsec_standards::{Pod, Policy};

use crate::response::{Decision, Event, Exemption, Response, Violated};
use podsec_policy::configuration::Configuration;
use podsec_policy::labels::{Mode, NamespaceLabels, Policies};

/// What the enforced policy means for a request.
#[derive(Clone, Copy)]
pub(crate) enum Enforcement<'a> {
    /// The request is refused when the pod violates it.
    Refuse {
        /// The pod's name.
        name: &'a str,
    },
    /// It means nothing: the request makes no pod yet.
    Spare,
}

/// Judges a pod. Modes that have the same policy are judged once.
pub(crate) fn evaluate(
    configuration: &Configuration,
    policies: &Policies,
    labels: &NamespaceLabels,
    pod: &Pod<'_>,
    enforcement: Enforcement<'_>,
) -> Response {
    if pod.runtime_class_name().is_some_and(|name| configuration.exemptions.has_runtime_class(name)) {
        return Response::exempt(Exemption::RuntimeClass).counting(Event::Exemption);
    }
    let mut response = Response::allow();

    let enforced = match enforcement {
        Enforcement::Refuse { name } => {
            let enforced = Verdict::of(policies.enforce, pod);
            if let Some(violations) = &enforced.violations {
                let pods = GroupResource { group: "", resource: "pods" };
                response =
                    Response::refuse(Status::forbidden(pods, name, format_args!("violates {violations}")));
            }
            response =
                response.noting_enforce_policy(policies.enforce).counting(enforced.event(Mode::Enforce));
            Some(enforced)
        }
        Enforcement::Spare => None,
    };

    let fresh_audit;
    let audited = match &enforced {
        Some(enforced) if enforced.policy == policies.audit => enforced,
        _ => {
            fresh_audit = Verdict::of(policies.audit, pod);
            &fresh_audit
        }
    };
    if let Some(violations) = &audited.violations {
        response = response
            .noting_audit_violations(format!("would violate {violations}"))
            .counting(audited.event(Mode::Audit));
    }

    // Whoever is refused already knows.
    if response.allowed() {
        let fresh_warn;
        let warned = match &enforced {
            Some(enforced) if enforced.policy == policies.warn => enforced,
            _ if audited.policy == policies.warn => audited,
            _ => {
                fresh_warn = Verdict::of(policies.warn, pod);
                &fresh_warn
            }
        };
        if let Some(violations) = &warned.violations {
            response =
                response.warning(format!("would violate {violations}")).counting(warned.event(Mode::Warn));
        }
    }

    if !labels.are_valid() {
        let errors = field::aggregate(&labels.errors());
        response = response
            .noting_error(format!("Failed to parse policy: {errors}"))
            .counting(Event::Error { fatal: false });
    }
    response
}

/// What a policy says of the pod, composed once for all modes that have this policy.
struct Verdict {
    policy: Policy,
    violated: Violated,
    /// `PodSecurity "restricted:latest": ` and all that the pod violates; none if that is nothing.
    violations: Option<String>,
}

impl Verdict {
    fn of(policy: Policy, pod: &Pod<'_>) -> Self {
        let evaluation = podsec_standards::evaluate(policy, pod);
        let violations =
            (!evaluation.is_allowed()).then(|| format!("PodSecurity \"{policy}\": {}", evaluation.detail()));
        Self { policy, violated: Violated::of(&evaluation), violations }
    }

    fn event(&self, mode: Mode) -> Event {
        let decision = if self.violations.is_some() { Decision::Deny } else { Decision::Allow };
        Event::Evaluation { mode, policy: self.policy, decision, violated: self.violated }
    }
}
