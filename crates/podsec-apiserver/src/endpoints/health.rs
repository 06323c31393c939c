//! `/healthz`, `/livez` and `/readyz`, each check also under a path of its own.

use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use hyper::StatusCode;
use podsec_audit::Auditor;
use podsec_storage::Store;
use tokio::time::timeout;

use crate::answer::Answer;
use crate::metrics::Health;
use crate::request::Request;

/// Answers `ok`, or lists the checks when one fails or `?verbose` asks for them. `None` for an unknown check.
pub(super) async fn health(
    of: Examined<'_>,
    request: &Request,
    endpoint: &str,
    check: &[&str],
) -> Option<Answer> {
    let checks = match check {
        [] => Check::of(endpoint).to_vec(),
        [name] => vec![*Check::of(endpoint).iter().find(|check| check.name() == *name)?],
        _ => return None,
    };
    let excluded: Vec<&str> = request.query.values("exclude").collect();
    let (mut report, mut failed) = (String::new(), false);
    for check in checks {
        let name = check.name();
        let result = if excluded.contains(&name) { None } else { Some(check.run(of).await) };
        if let Some(result) = &result {
            of.metrics.note(endpoint, name, result.is_ok());
        }
        // Writing to a String cannot fail.
        let _ = match result {
            None => writeln!(report, "[+]{name} excluded: ok"),
            Some(Ok(())) => writeln!(report, "[+]{name} ok"),
            Some(Err(why)) => {
                failed = true;
                writeln!(report, "[-]{name} failed: {why}")
            }
        };
    }
    if failed {
        let _ = writeln!(report, "{endpoint} check failed");
        return Some(Answer::text(StatusCode::INTERNAL_SERVER_ERROR, &report));
    }
    if request.query.values("verbose").next().is_none() || !check.is_empty() {
        return Some(Answer::text(StatusCode::OK, "ok"));
    }
    let _ = writeln!(report, "{endpoint} check passed");
    Some(Answer::text(StatusCode::OK, &report))
}

/// The parts of the server that are looked at.
#[derive(Clone, Copy)]
pub(super) struct Examined<'a> {
    pub(super) auditor: Option<&'a Auditor>,
    pub(super) store: &'a dyn Store,
    /// How long the store may take to answer.
    pub(super) store_timeout: Duration,
    pub(super) is_stopping: bool,
    /// Where it is counted what was found.
    pub(super) metrics: &'a Health,
}

/// What is looked at.
#[derive(Clone, Copy)]
pub(super) enum Check {
    /// That a request is answered at all; whoever reads the answer knows.
    Ping,
    /// The audit log takes events.
    Log,
    /// The store takes writes, under the name of Kubernetes' store.
    Etcd,
    /// The server is not about to stop.
    Shutdown,
}

impl Check {
    /// Those of an endpoint, in the order of the report.
    pub(super) fn of(endpoint: &str) -> &'static [Self] {
        match endpoint {
            "readyz" => &[Self::Ping, Self::Log, Self::Etcd, Self::Shutdown],
            _ => &[Self::Ping, Self::Etcd],
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Log => "log",
            Self::Etcd => "etcd",
            Self::Shutdown => "shutdown",
        }
    }

    async fn run(self, of: Examined<'_>) -> Result<(), String> {
        match self {
            Self::Log => of.auditor.map_or(Ok(()), Auditor::check),
            Self::Etcd => match timeout(of.store_timeout, of.store.check()).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(match error.source() {
                    Some(cause) => format!("{error}: {cause}"),
                    None => error.to_string(),
                }),
                Err(_) => Err(format!("no answer in {:?}", of.store_timeout)),
            },
            Self::Shutdown if of.is_stopping => Err("process is shutting down".to_owned()),
            Self::Shutdown | Self::Ping => Ok(()),
        }
    }
}
