//! The connections that are open, and which of them makes room for another.
//!
//! ```text
//! limits: 3 unauthenticated, 2 of one address          open, idle for
//!
//! a: 9 s   a: 4 s   b: 7 s      c connects             a: 9 s makes room: 3 are open already
//! a: 9 s   a: 4 s   b: 7 s      a connects             a: 9 s makes room: a has two already
//! a: 9 s   a: 4 s (authenticated)   a connects         nobody has to
//! ```

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::limits::Limits;
use crate::metrics::{Closed, ConnectionMetrics};
use crate::usage::Usage;

/// All open connections.
#[derive(Debug)]
pub(crate) struct Connections {
    limits: Limits,
    metrics: ConnectionMetrics,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    authenticated: usize,
    unauthenticated: HashMap<u64, Stranger>,
}

/// A connection of a client that has not authenticated.
#[derive(Debug)]
struct Stranger {
    network: IpAddr,
    usage: Arc<Usage>,
    evicted: Arc<Notify>,
}

/// The place of one connection among all; free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    connections: Arc<Connections>,
    number: u64,
    usage: Arc<Usage>,
    evicted: Arc<Notify>,
    /// Whether it is counted among those that have authenticated.
    is_kept: Mutex<bool>,
}

impl Connections {
    pub(crate) fn new(limits: Limits, metrics: ConnectionMetrics) -> Arc<Self> {
        Arc::new(Self { limits, metrics, state: Mutex::default() })
    }

    /// A slot for a connection from `address`. None when there are no slots for strangers at all.
    pub(crate) fn open(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        let network = network(address);
        let mut state = self.state();
        let from_there =
            state.unauthenticated.values().filter(|stranger| stranger.network == network).count();
        if from_there >= self.limits.unauthenticated_per_address
            && !self.evict(&mut state, Closed::EvictedForAddress, |stranger| stranger.network == network)
            || state.unauthenticated.len() >= self.limits.unauthenticated
                && !self.evict(&mut state, Closed::Evicted, |_| true)
        {
            self.metrics.count(Closed::Refused);
            return None;
        }
        state.last += 1;
        let number = state.last;
        let (usage, evicted) = (Arc::<Usage>::default(), Arc::<Notify>::default());
        let stranger = Stranger { network, usage: Arc::clone(&usage), evicted: Arc::clone(&evicted) };
        state.unauthenticated.insert(number, stranger);
        self.show(&state);
        Some(Slot { connections: Arc::clone(self), number, usage, evicted, is_kept: Mutex::new(false) })
    }

    /// Closes one connection, if any may be: the process has no more sockets.
    pub(crate) fn make_room(&self) {
        self.evict(&mut self.state(), Closed::Evicted, |_| true);
    }

    fn evict(&self, state: &mut State, reason: Closed, may_go: impl Fn(&Stranger) -> bool) -> bool {
        let candidates = state.unauthenticated.iter().filter(|(_, stranger)| may_go(stranger));
        let least = candidates.min_by_key(|(_, stranger)| stranger.usage.worth()).map(|(number, _)| *number);
        let Some(stranger) = least.and_then(|number| state.unauthenticated.remove(&number)) else {
            return false;
        };
        stranger.evicted.notify_one();
        self.metrics.count(reason);
        self.show(state);
        true
    }

    fn show(&self, state: &State) {
        self.metrics.set_open(state.authenticated, state.unauthenticated.len());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    pub(crate) fn usage(&self) -> &Arc<Usage> {
        &self.usage
    }

    pub(crate) fn metrics(&self) -> &ConnectionMetrics {
        &self.connections.metrics
    }

    /// Returns when another connection needs this slot.
    pub(crate) fn evicted(&self) -> impl Future<Output = ()> + use<> {
        let evicted = Arc::clone(&self.evicted);
        async move { evicted.notified().await }
    }

    /// Counts the connection among those that have authenticated, if there is room; else it may still be evicted.
    pub(crate) fn set_authenticated(&self) {
        if self.usage.is_authenticated() {
            return;
        }
        let mut is_kept = self.is_kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.connections.state();
        if !*is_kept
            && state.authenticated < self.connections.limits.connections
            && state.unauthenticated.remove(&self.number).is_some()
        {
            *is_kept = true;
            state.authenticated += 1;
            self.usage.set_authenticated();
            self.connections.show(&state);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let is_kept = *self.is_kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.connections.state();
        if is_kept {
            state.authenticated -= 1;
        } else {
            state.unauthenticated.remove(&self.number);
        }
        self.connections.show(&state);
    }
}

/// What counts as one address: whoever has one of IPv6 has 64 bits more of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn connections(connections: usize, unauthenticated: usize, per_address: usize) -> Arc<Connections> {
        let limits = Limits {
            connections,
            unauthenticated,
            unauthenticated_per_address: per_address,
            ..Limits::default()
        };
        Connections::new(limits, ConnectionMetrics::default())
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn is_evicted(slot: &Slot) -> bool {
        slot.evicted().now_or_never().is_some()
    }

    #[test]
    fn the_connection_that_is_idle_for_the_longest_time_makes_room() {
        let connections = connections(1, 2, 2);
        let first = connections.open(address(1)).expect("a slot");
        let second = connections.open(address(2)).expect("a slot");
        // The first asks again, and is answered.
        drop(first.usage().begin());
        let third = connections.open(address(3)).expect("a slot");
        assert_eq!([&first, &second, &third].map(is_evicted), [false, true, false]);
        assert_eq!(connections.metrics.closed(Closed::Evicted), 1);
    }

    #[test]
    fn idle_connections_go_before_busy_ones_and_busy_ones_before_none() {
        let connections = connections(1, 2, 2);
        let busy = connections.open(address(1)).expect("a slot");
        let asked = busy.usage().begin();
        let idle = connections.open(address(2)).expect("a slot");
        let third = connections.open(address(3)).expect("a slot");
        assert_eq!([&busy, &idle].map(is_evicted), [false, true]);
        let also_asked = third.usage().begin();
        let _fourth = connections.open(address(4)).expect("a slot");
        assert_eq!([&busy, &third].map(is_evicted), [true, false]);
        drop((asked, also_asked));
    }

    #[test]
    fn an_address_that_has_its_share_makes_room_itself() {
        let connections = connections(1, 3, 2);
        let other = connections.open(address(1)).expect("a slot");
        let greedy: Vec<_> = (0..5).map(|_| connections.open(address(2)).expect("a slot")).collect();
        assert!(!is_evicted(&other));
        assert_eq!(greedy.iter().filter(|slot| !is_evicted(slot)).count(), 2);
        let mut network = [0x2001, 0xdb8, 0, 0, 0, 0, 0, 0];
        let neighbours: Vec<_> = (0..3)
            .map(|last| {
                network[7] = last;
                connections.open(IpAddr::from(network)).expect("a slot")
            })
            .collect();
        assert!(is_evicted(&neighbours[0]), "one network of IPv6 counts as one address");
    }

    #[test]
    fn whoever_has_authenticated_is_never_evicted_while_there_is_room_for_it() {
        let connections = connections(1, 1, 1);
        let administrator = connections.open(address(1)).expect("a slot");
        administrator.set_authenticated();
        let stranger = connections.open(address(1)).expect("a slot");
        stranger.set_authenticated();
        assert!(!stranger.usage().is_authenticated(), "there is one slot for those who have");
        let _other = connections.open(address(1)).expect("a slot");
        assert_eq!([&administrator, &stranger].map(is_evicted), [false, true]);
        drop(administrator);
        assert_eq!(connections.state().authenticated, 0);
    }

    #[test]
    fn every_slot_is_free_again_in_the_end() {
        let connections = connections(2, 2, 2);
        let slots: Vec<_> = (0..6).filter_map(|last| connections.open(address(last))).collect();
        slots[5].set_authenticated();
        drop(slots);
        let state = connections.state();
        assert_eq!((state.authenticated, state.unauthenticated.len()), (0, 0));
    }
}
