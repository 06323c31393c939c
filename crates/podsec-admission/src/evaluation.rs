//! A pod against the policies of its namespace, mode by mode.

use podsec_apimachinery::Status;
use podsec_apimachinery::field;
use podsec_apimachinery::status::GroupResource;
use podsec_standards::{Evaluation, Pod, Policy};

use crate::admission::Admission;
use crate::labels::{Mode, NamespaceLabels, Policies};
use crate::response::{Decision, Event, Exemption, Response, Violated};

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

/// Judges a pod. Modes that have the same policy are evaluated once.
pub(crate) fn evaluate(
    admission: &Admission,
    policies: &Policies,
    labels: &NamespaceLabels,
    pod: &Pod<'_>,
    enforcement: Enforcement<'_>,
) -> Response {
    if pod.runtime_class_name().is_some_and(|name| admission.configuration.exemptions.has_runtime_class(name))
    {
        return Response::exempt(Exemption::RuntimeClass).counting(Event::Exemption);
    }
    let evaluate = |policy| podsec_standards::evaluate(policy, pod);
    let mut response = Response::allow();

    let enforced = match enforcement {
        Enforcement::Refuse { name } => {
            let enforced = evaluate(policies.enforce);
            let mut decision = Decision::Allow;
            if !enforced.is_allowed() {
                decision = Decision::Deny;
                let pods = GroupResource { group: "", resource: "pods" };
                let why = format!("violates {}", violations(policies.enforce, &enforced));
                response = Response::refuse(Status::forbidden(pods, name, &why));
            }
            response = response.noting_enforce_policy(policies.enforce).counting(Event::Evaluation {
                mode: Mode::Enforce,
                policy: policies.enforce,
                decision,
                violated: Violated::of(&enforced),
            });
            Some(enforced)
        }
        Enforcement::Spare => None,
    };

    let fresh_audit;
    let audited = match &enforced {
        Some(enforced) if policies.audit == policies.enforce => enforced,
        _ => {
            fresh_audit = evaluate(policies.audit);
            &fresh_audit
        }
    };
    if !audited.is_allowed() {
        let violations = format!("would violate {}", violations(policies.audit, audited));
        response = response.noting_audit_violations(violations).counting(Event::Evaluation {
            mode: Mode::Audit,
            policy: policies.audit,
            decision: Decision::Deny,
            violated: Violated::of(audited),
        });
    }

    // Whoever is refused already knows.
    if response.allowed() {
        let fresh_warn;
        let warned = match &enforced {
            Some(enforced) if policies.warn == policies.enforce => enforced,
            _ if policies.warn == policies.audit => audited,
            _ => {
                fresh_warn = evaluate(policies.warn);
                &fresh_warn
            }
        };
        if !warned.is_allowed() {
            let warning = format!("would violate {}", violations(policies.warn, warned));
            response = response.warning(warning).counting(Event::Evaluation {
                mode: Mode::Warn,
                policy: policies.warn,
                decision: Decision::Deny,
                violated: Violated::of(warned),
            });
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

/// `PodSecurity "restricted:latest": ` and all that the pod violates.
fn violations(policy: Policy, evaluation: &Evaluation<'_>) -> String {
    format!("PodSecurity \"{policy}\": {}", evaluation.detail())
}
