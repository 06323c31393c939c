//! The rules of probes and lifecycle hooks.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use super::surroundings::Surroundings;
use crate::formats;
use crate::object::Fields;

/// The three probes of a container.
pub(super) fn validate(container: &Value, surroundings: &Surroundings<'_>, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.field(name) else { continue };
        let path = path.child(name);
        errors.extend(handler(probe, PROBE_HANDLERS, surroundings.grace_period, &path));
        for field in
            ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
        {
            errors.extend(formats::nonnegative(&path.child(field), probe.number(field)));
        }
        let grace_path = path.child("terminationGracePeriodSeconds");
        if let Some(period) = probe.integer("terminationGracePeriodSeconds") {
            if period <= 0 {
                errors.push(Error::invalid(grace_path.clone(), &period.into(), "must be greater than 0"));
            }
            if name == "readinessProbe" {
                let detail = "must not be set for readinessProbes";
                errors.push(Error::invalid(grace_path, &period.into(), detail));
            }
        }
        let successes = probe.number("successThreshold");
        if name != "readinessProbe" && successes != 1 {
            errors.push(Error::invalid(path.child("successThreshold"), &successes.into(), "must be 1"));
        }
    }
    errors
}

/// The hooks of a container.
pub(super) fn validate_lifecycle(
    container: &Value,
    surroundings: &Surroundings<'_>,
    path: &Path,
) -> Vec<Error> {
    let lifecycle = container.at("lifecycle");
    let path = path.child("lifecycle");
    ["postStart", "preStop"]
        .iter()
        .filter_map(|name| Some((name, lifecycle.field(name)?)))
        .flat_map(|(name, hook)| handler(hook, HOOK_HANDLERS, surroundings.grace_period, &path.child(name)))
        .collect()
}

const PROBE_HANDLERS: &[&str] = &["exec", "httpGet", "tcpSocket", "grpc"];
const HOOK_HANDLERS: &[&str] = &["exec", "httpGet", "tcpSocket", "sleep"];

fn handler(owner: &Value, kinds: &[&str], grace_period: Option<i64>, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut found = false;
    for kind in kinds {
        let Some(action) = owner.field(kind) else { continue };
        let path = path.child(kind);
        if std::mem::replace(&mut found, true) {
            errors.push(Error::forbidden(path, "may not specify more than 1 handler type"));
            continue;
        }
        match *kind {
            "exec" if action.list("command").is_empty() => {
                errors.push(Error::required(path.child("command"), ""));
            }
            "httpGet" => errors.extend(http_get(action, &path)),
            "tcpSocket" => errors.extend(formats::port(action.at("port"), &path.child("port"))),
            "grpc" => errors.extend(formats::port(&action.number("port").into(), &path.child("port"))),
            "sleep" => errors.extend(sleep(action.number("seconds"), grace_period, &path)),
            _ => {}
        }
    }
    if !found {
        errors.push(Error::required(path.clone(), "must specify a handler type"));
    }
    errors
}

fn http_get(action: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if action.text("path").is_empty() {
        errors.push(Error::required(path.child("path"), ""));
    }
    errors.extend(formats::port(action.at("port"), &path.child("port")));
    let scheme = action.text("scheme");
    if !matches!(scheme, "HTTP" | "HTTPS") {
        errors.push(formats::unsupported(&path.child("scheme"), scheme, &["HTTP", "HTTPS"]));
    }
    for header in action.list("httpHeaders") {
        let name = header.text("name");
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.is_empty() || !name.bytes().all(legal) {
            errors.push(Error::invalid(path.child("httpHeaders"), &name.into(), HTTP_HEADER));
        }
    }
    errors
}

fn sleep(seconds: i64, grace_period: Option<i64>, path: &Path) -> Option<Error> {
    let period = grace_period?;
    (seconds < 0 || seconds > period).then(|| {
        let detail = format!("must be non-negative and less than terminationGracePeriodSeconds ({period})");
        Error::invalid(path.clone(), &seconds.into(), &detail)
    })
}

const HTTP_HEADER: &str = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";
