//! One of several processes runs the controllers: the one that holds a Lease, as client-go's leader election has it.
//!
//! ```text
//! every 2 s: read the Lease ─► decide ─► create or update it ─► leader for 15 s from then on
//! ```
//!
//! kube-controller-manager takes the same Lease, so it may run beside any number of these.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, PostParams};
use tokio::time::{Instant, sleep};

use crate::clients::{Clients, of_informers};
use crate::clock::Clock;

/// A candidate.
pub struct LeaderElection {
    leases: Api<Lease>,
    clock: Clock,
    identity: String,
}

/// What a Lease said when it was last seen to change, and when that was. Clocks of others are not trusted: a leader is
/// taken for gone when its Lease has not changed for as long as it holds.
#[derive(Clone, Debug, PartialEq)]
struct Observed {
    spec: LeaseSpec,
    at: Timestamp,
}

impl LeaderElection {
    /// A candidate of this name, which no other one has.
    pub fn new(clients: &Arc<dyn Clients>, clock: Clock, identity: String) -> Self {
        let leases = Api::namespaced(of_informers(&**clients), NAMESPACE);
        Self { leases, clock, identity }
    }

    /// For ever: calls `start` when this candidate becomes the leader, and drops what it has returned when it is no more.
    pub async fn run<T>(self, start: impl Fn() -> T) {
        let (mut observed, mut running, mut renewed) = (None, None, Instant::now());
        loop {
            if self.acquire_or_renew(&mut observed).await {
                renewed = Instant::now();
                if running.is_none() {
                    tracing::info!(identity = self.identity, "became the leader: controllers run");
                    running = Some(start());
                }
            } else if running.is_some() && renewed.elapsed() >= RENEW_DEADLINE {
                tracing::warn!(identity = self.identity, "is not the leader any more: controllers stop");
                running = None;
            }
            sleep(RETRY_PERIOD).await;
        }
    }

    /// Whether this candidate is the leader now, after it has tried to be.
    async fn acquire_or_renew(&self, observed: &mut Option<Observed>) -> bool {
        let post = PostParams::default();
        let now = self.clock.now();
        match self.leases.get_opt(LEASE).await {
            Ok(None) => {
                let metadata = ObjectMeta { name: Some(LEASE.to_owned()), ..ObjectMeta::default() };
                let lease = Lease { metadata, spec: Some(first(&self.identity, now)) };
                self.leases.create(&post, &lease).await.is_ok()
            }
            Ok(Some(mut lease)) => {
                let spec = lease.spec.clone().unwrap_or_default();
                if observed.as_ref().is_none_or(|observed| observed.spec != spec) {
                    *observed = Some(Observed { spec, at: now });
                }
                let Some(next) = observed.as_ref().and_then(|observed| next(observed, &self.identity, now))
                else {
                    return false;
                };
                lease.spec = Some(next);
                // Somebody else who was faster has changed its resourceVersion.
                self.leases.replace(LEASE, &post, &lease).await.is_ok()
            }
            Err(error) => {
                tracing::debug!(%error, "the Lease of the controllers cannot be read");
                false
            }
        }
    }
}

/// The first Lease of all.
fn first(identity: &str, now: Timestamp) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(LEASE_DURATION.as_secs()).ok(),
        acquire_time: Some(MicroTime(now)),
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(0),
        ..LeaseSpec::default()
    }
}

/// What a candidate writes into the Lease; none while it is held by somebody else.
fn next(observed: &Observed, identity: &str, now: Timestamp) -> Option<LeaseSpec> {
    let spec = &observed.spec;
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    if holder == identity {
        return Some(LeaseSpec { renew_time: Some(MicroTime(now)), ..spec.clone() });
    }
    let seconds = i64::from(spec.lease_duration_seconds.unwrap_or_default());
    if !holder.is_empty() && now.duration_since(observed.at) < SignedDuration::from_secs(seconds) {
        return None;
    }
    let transitions = spec.lease_transitions.unwrap_or_default().saturating_add(1);
    Some(LeaseSpec { lease_transitions: Some(transitions), ..first(identity, now) })
}

const NAMESPACE: &str = "kube-system";
/// The Lease that kube-controller-manager takes.
const LEASE: &str = "kube-controller-manager";
/// kube-controller-manager's `--leader-elect-lease-duration`.
const LEASE_DURATION: Duration = Duration::from_secs(15);
/// Its `--leader-elect-renew-deadline`: controllers stop this long after the last renewal, before others may take over.
const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// Its `--leader-elect-retry-period`.
const RETRY_PERIOD: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn held_by(identity: &str, seen: i64) -> Observed {
        Observed { spec: first(identity, at(0)), at: at(seen) }
    }

    #[test]
    fn the_leader_renews_and_stays_what_it_is() {
        let renewed = next(&held_by("a", 0), "a", at(2)).unwrap();
        assert_eq!(renewed.acquire_time, Some(MicroTime(at(0))));
        assert_eq!(renewed.renew_time, Some(MicroTime(at(2))));
        assert_eq!(renewed.lease_transitions, Some(0));
    }

    #[test]
    fn another_takes_over_when_the_lease_has_not_changed_for_as_long_as_it_holds() {
        // Seen to change at 5, whatever times it names.
        assert_eq!(next(&held_by("a", 5), "b", at(19)), None);
        let taken = next(&held_by("a", 5), "b", at(20)).unwrap();
        assert_eq!(taken.holder_identity.as_deref(), Some("b"));
        assert_eq!((taken.acquire_time, taken.lease_transitions), (Some(MicroTime(at(20))), Some(1)));
    }

    #[test]
    fn a_lease_that_was_given_up_is_free_at_once() {
        assert!(next(&held_by("", 5), "b", at(5)).is_some());
    }
}
