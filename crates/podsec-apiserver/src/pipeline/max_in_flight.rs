//! Between impersonation and authorization: how many requests run at one time, as kube-apiserver's
//! `WithMaxInFlightLimit`.
//!
//! Those that only read and those that may write have limits of their own. Requests without an end (watches, logs,
//! connections into pods) do not count. Beyond a limit only administrators, the cluster's own components and health
//! checks are answered: they are who could mend things.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::header::{HeaderValue, RETRY_AFTER};

use crate::answer::Answer;
use crate::request::RequestInfo;
use crate::request::user::{MASTERS, User};

/// The requests that are running.
#[derive(Debug)]
pub(crate) struct MaxInFlight {
    read_only: Mutex<Share>,
    mutating: Mutex<Share>,
}

/// The requests of one kind.
#[derive(Debug)]
struct Share {
    /// None for no limit.
    limit: Option<usize>,
    running: usize,
    /// The most that ran at one time since `began`, and in the second before.
    peak: usize,
    last_peak: usize,
    began: Instant,
}

/// A request that is running; none that does not count.
#[derive(Debug)]
pub(super) struct InFlight<'a>(Option<&'a Mutex<Share>>);

impl MaxInFlight {
    /// With these limits; zero means none.
    pub(crate) fn new(read_only: usize, mutating: usize) -> Self {
        Self { read_only: Mutex::new(Share::new(read_only)), mutating: Mutex::new(Share::new(mutating)) }
    }

    /// Counts a request while what this returns is kept.
    ///
    /// # Errors
    /// 429 when too many run already, in kube-apiserver's words.
    pub(super) fn begin(&self, user: &User, info: &RequestInfo) -> Result<InFlight<'_>, Answer> {
        if info.is_long_running() {
            return Ok(InFlight(None));
        }
        let kind = if is_read_only(info) { &self.read_only } else { &self.mutating };
        if locked(kind).begin() {
            Ok(InFlight(Some(kind)))
        } else if is_exempt(user, info) {
            Ok(InFlight(None))
        } else {
            Err(too_many_requests())
        }
    }

    /// The most requests that ran at one time in the last second, by kube-apiserver's name for their kind.
    pub(crate) fn peaks(&self) -> [(&'static str, usize); 2] {
        [("readOnly", locked(&self.read_only).peak()), ("mutating", locked(&self.mutating).peak())]
    }
}

impl Share {
    fn new(limit: usize) -> Self {
        let limit = (limit > 0).then_some(limit);
        Self { limit, running: 0, peak: 0, last_peak: 0, began: Instant::now() }
    }

    fn begin(&mut self) -> bool {
        self.roll();
        if self.limit.is_some_and(|limit| self.running >= limit) {
            return false;
        }
        self.running += 1;
        self.peak = self.peak.max(self.running);
        true
    }

    fn end(&mut self) {
        self.roll();
        self.running -= 1;
    }

    fn peak(&mut self) -> usize {
        self.roll();
        self.peak.max(self.last_peak)
    }

    /// Begins another second, once this one is over.
    fn roll(&mut self) {
        let elapsed = self.began.elapsed();
        if elapsed >= SECOND {
            self.last_peak = if elapsed < 2 * SECOND { self.peak } else { self.running };
            self.peak = self.running;
            self.began = Instant::now();
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(kind) = self.0 {
            locked(kind).end();
        }
    }
}

fn locked(share: &Mutex<Share>) -> MutexGuard<'_, Share> {
    // A poisoned lock still guards whole numbers.
    share.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_read_only(info: &RequestInfo) -> bool {
    matches!(&*info.verb, "get" | "list" | "watch")
}

/// Whom kube-apiserver's flow schemas `exempt`, `probes`, `system-nodes`, `kube-controller-manager`, `kube-scheduler` and
/// `kube-system-service-accounts` keep apart from everybody else.
fn is_exempt(user: &User, info: &RequestInfo) -> bool {
    let is_probe = !info.is_resource && matches!(&*info.path, "/healthz" | "/livez" | "/readyz");
    let is_component = ["system:kube-controller-manager", "system:kube-scheduler", "system:apiserver"]
        .contains(&user.name.as_str());
    is_probe || is_component || SYSTEM_GROUPS.iter().any(|group| user.is_in(group))
}

fn too_many_requests() -> Answer {
    let text = "Too many requests, please try again later.\n";
    let mut answer = Answer::text(StatusCode::TOO_MANY_REQUESTS, text);
    if let Answer::Response(response) = &mut answer {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

const SYSTEM_GROUPS: [&str; 3] = [MASTERS, "system:nodes", "system:serviceaccounts:kube-system"];

/// What is counted is the most in a second.
const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::request::Query;

    fn info(method: &Method, url: &str) -> RequestInfo {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        RequestInfo::resolve(method, path, &Query::parse(query)).unwrap()
    }

    fn jane() -> User {
        User::new("jane", &[])
    }

    #[test]
    fn reads_and_writes_have_limits_of_their_own() {
        let running = MaxInFlight::new(2, 1);
        let (list, create) = (info(&Method::GET, "/api/v1/pods"), info(&Method::POST, "/api/v1/namespaces"));
        let first = running.begin(&jane(), &list).ok().expect("room");
        let _second = running.begin(&jane(), &list).ok().expect("room");
        let _write = running.begin(&jane(), &create).ok().expect("room");
        assert!(running.begin(&jane(), &list).is_err());
        assert!(running.begin(&jane(), &create).is_err());
        assert_eq!(running.peaks(), [("readOnly", 2), ("mutating", 1)]);
        drop(first);
        assert!(running.begin(&jane(), &list).is_ok());
    }

    #[test]
    fn beyond_the_limits_only_the_cluster_itself_is_answered() {
        let running = MaxInFlight::new(1, 1);
        let list = info(&Method::GET, "/api/v1/pods");
        let _first = running.begin(&jane(), &list).ok().expect("room");
        for (user, url, expected) in [
            (jane(), "/api/v1/pods", false),
            (jane(), "/version", false),
            (jane(), "/api/v1/pods?watch=true", true),
            (jane(), "/api/v1/namespaces/a/pods/b/log", true),
            (jane(), "/readyz", true),
            (User::new("admin", &[MASTERS]), "/api/v1/pods", true),
            (User::new("system:node:a", &["system:nodes"]), "/api/v1/pods", true),
            (User::new("system:kube-scheduler", &[]), "/api/v1/pods", true),
        ] {
            let is_answered = running.begin(&user, &info(&Method::GET, url)).is_ok();
            assert_eq!(is_answered, expected, "{} {url}", user.name);
        }
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let Answer::Response(response) = too_many_requests() else { panic!("no response") };
        assert_eq!(
            (response.status().as_u16(), &response.headers()[RETRY_AFTER]),
            (429, &HeaderValue::from(1))
        );
    }

    #[test]
    fn zero_means_no_limit() {
        let running = MaxInFlight::new(0, 0);
        let list = info(&Method::GET, "/api/v1/pods");
        let all: Vec<_> = (0..1000).map(|_| running.begin(&jane(), &list)).collect();
        assert!(all.iter().all(Result::is_ok));
    }
}
