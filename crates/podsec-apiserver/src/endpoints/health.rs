//! `/healthz`, `/livez` and `/readyz`, each check also under a path of its own.

use std::fmt::Write as _;

use hyper::StatusCode;

use crate::apiserver::ApiServer;
use crate::pipeline::{Answer, Context};

/// Answers `ok`, or lists the checks when one fails or `?verbose` asks for them. `None` for an unknown check.
pub(super) fn health(api: &ApiServer, context: &Context, endpoint: &str, check: &[&str]) -> Option<Answer> {
    let stopping = *api.stopping().borrow();
    let mut checks = vec![("ping", true), ("log", true), ("etcd", true)];
    if endpoint == "readyz" {
        checks.push(("shutdown", !stopping));
    }
    match check {
        [] => {}
        [name] => checks.retain(|(check, _)| check == name),
        _ => return None,
    }
    if checks.is_empty() {
        return None;
    }
    let excluded: Vec<&str> = context.query.values("exclude").collect();
    let (mut report, mut failed) = (String::new(), Vec::new());
    for (name, healthy) in checks {
        let _ = if excluded.contains(&name) {
            writeln!(report, "[+]{name} excluded: ok")
        } else if healthy {
            writeln!(report, "[+]{name} ok")
        } else {
            failed.push(name);
            writeln!(report, "[-]{name} failed: reason withheld")
        };
    }
    if !failed.is_empty() {
        let _ = writeln!(report, "{endpoint} check failed");
        return Some(Answer::text(StatusCode::INTERNAL_SERVER_ERROR, &report));
    }
    if context.query.values("verbose").next().is_none() || !check.is_empty() {
        return Some(Answer::text(StatusCode::OK, "ok"));
    }
    let _ = writeln!(report, "{endpoint} check passed");
    Some(Answer::text(StatusCode::OK, &report))
}
