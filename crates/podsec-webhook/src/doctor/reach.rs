//! Whether the webhook answers: dry runs through the API server, whose words tell who decided.

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::coverage::{NEW_NAMESPACE, NEW_POD};
use super::registration::{Hook, NamespaceObject, Registration};

use super::examination::Examination;
use super::finding::{Finding, Topic};
use super::question::PATIENCE;
use crate::cluster::chain;

/// What the dry runs told.
pub(super) struct Reached {
    pub(super) findings: Vec<Finding>,
    /// Whether the API server was seen to get an answer, and so trusts the certificate.
    pub(super) proven: bool,
}

/// What became of a dry run.
enum Outcome {
    /// It was admitted.
    Admitted,
    /// One of our webhooks refused.
    Denied(String),
    /// One of our webhooks did not answer, or not as it should.
    Unanswered(String),
    /// The API server refused by Pod Security of its own.
    BuiltIn,
    /// The user may not create such objects.
    Forbidden(String),
    /// Something else stood in the way.
    Other(String),
}

pub(super) async fn examine(
    examination: &Examination,
    client: &kube::Client,
    registration: &Registration,
    namespaces: &[NamespaceObject],
) -> Reached {
    let mut reached = Reached { findings: Vec::new(), proven: false };
    let asked = |namespace: &&NamespaceObject| {
        registration.asked(NEW_POD).any(|hook| hook.is_asked_in(namespace))
            && examination.namespace.as_ref().is_none_or(|wanted| *wanted == namespace.name)
    };
    let candidates = namespaces.iter().filter(asked);
    let Some(place) = candidates.min_by_key(|namespace| namespace.name != "default") else {
        let which = examination.namespace.as_deref().map_or_else(
            || "there is no namespace in which the webhook is asked about new pods".to_owned(),
            |name| format!("the webhook is not asked about new pods in {name}"),
        );
        reached.findings.push(Finding::warning(
            Topic::Reachable,
            format!("{which}, so that no pod was tried"),
            "name another with --namespace",
        ));
        return reached;
    };
    let hooks: Vec<&Hook> = registration.asked(NEW_POD).filter(|hook| hook.is_asked_in(place)).collect();
    let place = place.name.as_str();
    let outcome = create(client, registration, Tried::Pod { namespace: place, pod: pod(false) }).await;
    let answers = harmless(&mut reached, &hooks, place, outcome);
    if !answers {
        return reached;
    }
    if let Some(enforcing) = enforcing(examination, registration, namespaces) {
        let tried = Tried::Pod { namespace: enforcing, pod: pod(true) };
        let outcome = create(client, registration, tried).await;
        harmful(&mut reached, &format!("a pod with hostPID in {enforcing}"), outcome);
    }
    if registration.asked(NEW_NAMESPACE).next().is_some() {
        let outcome = create(client, registration, Tried::Namespace).await;
        harmful(&mut reached, "a namespace with a wrong label", outcome);
    }
    reached
}

/// Judges what became of a pod that no level forbids; whether it makes sense to try more.
fn harmless(reached: &mut Reached, hooks: &[&Hook], place: &str, outcome: Outcome) -> bool {
    // Whoever is not asked about this very pod does not stop it.
    let fails = hooks.iter().any(|hook| hook.fails && !hook.selects_objects() && !hook.has_match_conditions);
    let finding = match outcome {
        Outcome::Admitted if fails => {
            reached.proven = true;
            let message = format!(
                "a pod that satisfies restricted was let into {place} (a dry run), which takes an answer of the \
                 webhook"
            );
            Finding::ok(Topic::Reachable, message)
        }
        Outcome::Admitted => Finding::warning(
            Topic::Reachable,
            format!(
                "a pod that satisfies restricted was let into {place} (a dry run), as it would be without the webhook"
            ),
            "failurePolicy Ignore, or a selector, hides whether it answers; see what is refused",
        ),
        Outcome::Unanswered(reason) => {
            let advice = advice_for(&reason);
            reached.findings.push(Finding::problem(Topic::Reachable, reason, advice));
            return false;
        }
        Outcome::Denied(message) => {
            reached.proven = true;
            Finding::problem(
                Topic::Reachable,
                format!("a pod that satisfies restricted was refused in {place}: {message}"),
                "look into the log of the webhook: it answers, and cannot decide",
            )
        }
        Outcome::Forbidden(message) => {
            reached.findings.push(Finding::warning(
                Topic::Reachable,
                format!("no pod could be tried in {place}: {message}"),
                "try as somebody who may create pods there, or elsewhere with --namespace; nothing is stored",
            ));
            return false;
        }
        Outcome::BuiltIn | Outcome::Other(_) => {
            let message = match outcome {
                Outcome::Other(message) => message,
                _ => "the API server's own Pod Security refuses it".to_owned(),
            };
            Finding::warning(
                Topic::Reachable,
                format!(
                    "a pod that satisfies restricted was refused in {place}, and not by this webhook: {message}"
                ),
                "try another namespace with --namespace",
            )
        }
    };
    reached.findings.push(finding);
    true
}

/// Judges what became of something that must be refused.
fn harmful(reached: &mut Reached, what: &str, outcome: Outcome) {
    let finding = match outcome {
        Outcome::Denied(message) => {
            reached.proven = true;
            Finding::ok(Topic::Reachable, format!("{what} was refused: {message}"))
        }
        Outcome::BuiltIn => Finding::ok(
            Topic::Reachable,
            format!("{what} was refused by the API server's own Pod Security, before the webhook was asked"),
        ),
        Outcome::Admitted => Finding::problem(
            Topic::Reachable,
            format!("{what} was let in (a dry run)"),
            "either nobody answers and failurePolicy is Ignore, or the PodSecurityConfiguration exempts you or the \
             namespace",
        ),
        Outcome::Unanswered(reason) => {
            let advice = advice_for(&reason);
            Finding::problem(Topic::Reachable, reason, advice)
        }
        Outcome::Forbidden(message) => Finding::warning(
            Topic::Reachable,
            format!("{what} could not be tried: {message}"),
            "try as somebody who may create it; nothing is stored",
        ),
        Outcome::Other(message) => Finding::warning(
            Topic::Reachable,
            format!("{what} was refused, and not by this webhook: {message}"),
            "whether the webhook would refuse it is unknown",
        ),
    };
    reached.findings.push(finding);
}

/// A namespace whose labels forbid a pod that is not harmless.
fn enforcing<'a>(
    examination: &Examination,
    registration: &Registration,
    namespaces: &'a [NamespaceObject],
) -> Option<&'a str> {
    let enforces = |namespace: &&NamespaceObject| {
        let level = namespace.labels.get("pod-security.kubernetes.io/enforce").map(String::as_str);
        matches!(level, Some("baseline" | "restricted"))
            && registration.asked(NEW_POD).any(|hook| hook.is_asked_in(namespace))
    };
    let wanted = |namespace: &&NamespaceObject| Some(&namespace.name) != examination.namespace.as_ref();
    namespaces.iter().filter(enforces).min_by_key(wanted).map(|namespace| namespace.name.as_str())
}

/// What is created as a dry run.
enum Tried<'a> {
    Pod { namespace: &'a str, pod: Value },
    Namespace,
}

async fn create(client: &kube::Client, registration: &Registration, tried: Tried<'_>) -> Outcome {
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let answer = match tried {
        Tried::Pod { namespace, pod } => {
            let api = Api::<Pod>::namespaced(client.clone(), namespace);
            let Ok(pod) = serde_json::from_value(pod) else { return Outcome::Other("no pod".to_owned()) };
            timeout(PATIENCE, api.create(&dry_run, &pod)).await.map(|answer| answer.map(drop))
        }
        Tried::Namespace => {
            let api = Api::<Namespace>::all(client.clone());
            let namespace = json!({"metadata": {
                "name": "podsec-doctor",
                "labels": {"pod-security.kubernetes.io/enforce": "no-level"},
            }});
            let Ok(namespace) = serde_json::from_value(namespace) else {
                return Outcome::Other("no namespace".to_owned());
            };
            timeout(PATIENCE, api.create(&dry_run, &namespace)).await.map(|answer| answer.map(drop))
        }
    };
    match answer {
        Ok(Ok(())) => Outcome::Admitted,
        Ok(Err(kube::Error::Api(status))) => outcome(registration, &status.message, status.code),
        Ok(Err(error)) => Outcome::Other(chain(&error)),
        Err(_) => Outcome::Other(format!("no answer within {} seconds", PATIENCE.as_secs())),
    }
}

/// Who refused, which the API server's words tell.
fn outcome(registration: &Registration, message: &str, code: u16) -> Outcome {
    let about = |words: &str| {
        registration.hooks.iter().any(|hook| message.contains(&format!("{words} \"{}\"", hook.name)))
    };
    let message = message.to_owned();
    if about("failed calling webhook") {
        Outcome::Unanswered(message)
    } else if about("admission webhook") {
        Outcome::Denied(message)
    } else if message.contains("violates PodSecurity \"") || message.contains("[pod-security.kubernetes.io/")
    {
        Outcome::BuiltIn
    } else if code == 403 && message.contains(" cannot create resource ") {
        Outcome::Forbidden(message)
    } else {
        Outcome::Other(message)
    }
}

/// What to do when the API server gets no answer, by what it says of it.
fn advice_for(reason: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    if says(&["x509", "certificate"]) {
        "the API server does not believe the certificate: see what is found about trust"
    } else if says(&["no endpoints available"]) {
        "no replica is ready: look at the pods behind the Service and their logs"
    } else if says(&["not found"]) {
        "there is no such Service: install it again, or correct clientConfig.service"
    } else if says(&["connection refused"]) {
        "nobody listens there: compare the port of the Service with --secure-port"
    } else if says(&["deadline exceeded", "timeout", "Timeout"]) {
        "nothing answers in time: a firewall or NetworkPolicy between the API server and the pods (on managed clouds \
         the port of the pods has to be opened for the control plane), or a webhook that is overloaded"
    } else if says(&["no such host"]) {
        "the name cannot be resolved from the API server: name the Service instead"
    } else {
        "look into the log of the webhook; at debug level it says what it was asked"
    }
}

/// A pod that satisfies every level, or all but for one field.
fn pod(host_pid: bool) -> Value {
    let mut pod = json!({
        "metadata": {"name": "podsec-doctor", "labels": {"app.kubernetes.io/name": "podsec-doctor"}},
        "spec": {
            "automountServiceAccountToken": false,
            "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{
                "name": "doctor",
                "image": "registry.k8s.io/pause:3.10",
                // For namespaces with quotas.
                "resources": {
                    "requests": {"cpu": "1m", "memory": "1Mi"},
                    "limits": {"cpu": "1m", "memory": "1Mi"},
                },
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            }],
        },
    });
    if host_pid {
        pod["spec"]["hostPID"] = true.into();
    }
    pod
}

#[cfg(test)]
mod tests {
    use podsec_standards::{Level, Pod, Policy, Version, evaluate};

    use super::*;

    #[test]
    fn one_pod_satisfies_every_level_and_the_other_none_that_restricts() {
        for (host_pid, level, is_allowed) in [
            (false, Level::Restricted, true),
            (true, Level::Baseline, false),
            (true, Level::Restricted, false),
        ] {
            let json = pod(host_pid).to_string();
            let pod = Pod::from_json(json.as_bytes()).unwrap();
            assert_eq!(evaluate(Policy::new(level, Version::Latest), &pod).is_allowed(), is_allowed);
        }
    }
}
