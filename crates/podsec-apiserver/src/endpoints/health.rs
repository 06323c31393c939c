//! `/healthz`, `/livez` and `/readyz`, each check also under a path of its own.

use std::error::Error as _;
use std::fmt::Write as _;

use hyper::StatusCode;
use tokio::time::timeout;

use crate::answer::Answer;
use crate::apiserver::ApiServer;
use crate::request::Request;

/// Answers `ok`, or lists the checks when one fails or `?verbose` asks for them. `None` for an unknown check.
pub(super) async fn health(
    api: &ApiServer,
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
        // Writing to a String cannot fail.
        let _ = if excluded.contains(&name) {
            writeln!(report, "[+]{name} excluded: ok")
        } else if let Err(why) = check.run(api).await {
            failed = true;
            writeln!(report, "[-]{name} failed: {why}")
        } else {
            writeln!(report, "[+]{name} ok")
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

/// What is looked at.
#[derive(Clone, Copy)]
enum Check {
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
    fn of(endpoint: &str) -> &'static [Self] {
        match endpoint {
            "readyz" => &[Self::Ping, Self::Log, Self::Etcd, Self::Shutdown],
            _ => &[Self::Ping, Self::Etcd],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Log => "log",
            Self::Etcd => "etcd",
            Self::Shutdown => "shutdown",
        }
    }

    async fn run(self, api: &ApiServer) -> Result<(), String> {
        match self {
            Self::Log => api.auditor.as_ref().map_or(Ok(()), podsec_audit::Auditor::check),
            Self::Etcd => match timeout(api.healthcheck_timeout, api.store.check()).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(match error.source() {
                    Some(cause) => format!("{error}: {cause}"),
                    None => error.to_string(),
                }),
                Err(_) => Err(format!("no answer in {:?}", api.healthcheck_timeout)),
            },
            Self::Shutdown if *api.stopping().borrow() => Err("process is shutting down".to_owned()),
            Self::Shutdown | Self::Ping => Ok(()),
        }
    }
}
