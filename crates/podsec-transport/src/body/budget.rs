//! The memory that bodies may take together, and which of them makes room for another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::error::BodyError;

/// The bytes of request bodies that may be in memory at one time, and how many bodies may be arriving, shared by all
/// requests.
///
/// Memory is taken as bytes arrive, never as they are announced. A body for which there is no room takes that of the
/// one whose client has kept the server waiting for the longest time; so a client that stops in the middle harms
/// nobody. Bodies that are whole keep their memory. When they hold all of it, a new one is refused at once: waiting
/// for room would stall its whole HTTP/2 connection, because the unread bytes hold the connection's flow-control window.
#[derive(Clone, Debug)]
pub struct BodyBudget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bytes: usize,
    bodies: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: usize,
    /// Those that wait for their clients, by when they began to.
    arriving: BTreeMap<u64, Arriving>,
    last: u64,
}

#[derive(Debug)]
struct Arriving {
    bytes: usize,
    evicted: Arc<Notify>,
}

impl BodyBudget {
    /// A budget of `bytes` for any number of bodies that are whole, and for so many at most that are not.
    pub fn new(bytes: usize, bodies: usize) -> Self {
        Self(Arc::new(Shared { bytes, bodies, state: Mutex::default() }))
    }

    /// The bytes that are taken now.
    pub fn held(&self) -> usize {
        self.0.state().held
    }

    pub(super) fn hold(&self) -> Hold {
        Hold { shared: Arc::clone(&self.0), bytes: 0, arriving: None }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the memory of the body that waits for the longest time.
    fn evict(&mut self) -> bool {
        let Some((_, body)) = self.arriving.pop_first() else { return false };
        self.held -= body.bytes;
        body.evicted.notify_one();
        true
    }
}

/// The share of one body; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    shared: Arc<Shared>,
    bytes: usize,
    /// While the client is waited for: the number under which that is known, and who tells of an eviction.
    arriving: Option<(u64, Arc<Notify>)>,
}

impl Hold {
    /// Takes memory for as many bytes in all.
    ///
    /// # Errors
    /// When there is no room, or another body has taken this one's.
    pub(super) fn grow_to(&mut self, bytes: usize) -> Result<(), BodyError> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        self.end_waiting(&mut state)?;
        let more = bytes.saturating_sub(self.bytes);
        while more > shared.bytes.saturating_sub(state.held) {
            if !state.evict() {
                return Err(BodyError::NoRoom);
            }
        }
        state.held += more;
        self.bytes += more;
        Ok(())
    }

    /// Notes that the client is waited for, as the last of all; whoever it is told of knows when the wait is in vain.
    ///
    /// # Errors
    /// When another body has taken this one's memory.
    pub(super) fn wait(&mut self) -> Result<Arc<Notify>, BodyError> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        self.end_waiting(&mut state)?;
        if state.arriving.len() >= shared.bodies && !state.evict() {
            return Err(BodyError::NoRoom);
        }
        state.last += 1;
        let (number, evicted) = (state.last, Arc::<Notify>::default());
        state.arriving.insert(number, Arriving { bytes: self.bytes, evicted: Arc::clone(&evicted) });
        self.arriving = Some((number, Arc::clone(&evicted)));
        Ok(evicted)
    }

    /// Notes that the client is waited for no longer.
    ///
    /// # Errors
    /// When another body has taken this one's memory.
    pub(super) fn end(&mut self) -> Result<(), BodyError> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        self.end_waiting(&mut state)
    }

    fn end_waiting(&mut self, state: &mut State) -> Result<(), BodyError> {
        let Some((number, _)) = self.arriving.take() else { return Ok(()) };
        if state.arriving.remove(&number).is_none() {
            self.bytes = 0;
            return Err(BodyError::NoRoom);
        }
        Ok(())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        // Whoever was evicted has nothing left to give back.
        let _ = self.end_waiting(&mut state);
        state.held -= self.bytes;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whoever_keeps_the_server_waiting_for_the_longest_time_makes_room() {
        let budget = BodyBudget::new(10, 10);
        let (mut first, mut second, mut whole) = (budget.hold(), budget.hold(), budget.hold());
        for hold in [&mut first, &mut second, &mut whole] {
            hold.grow_to(3).expect("room");
        }
        let (first_evicted, second_evicted) = (first.wait().expect("a wait"), second.wait().expect("a wait"));
        let mut third = budget.hold();
        third.grow_to(4).expect("the room of the first");
        assert!(first_evicted.notified().now_or_never().is_some());
        assert!(second_evicted.notified().now_or_never().is_none());
        assert!(matches!(first.grow_to(4), Err(BodyError::NoRoom)));
        second.end().expect("its memory is still its own");
        assert!(matches!(third.grow_to(5), Err(BodyError::NoRoom)), "those that are whole keep theirs");
        drop((first, second, whole, third));
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn one_more_that_waits_than_may_ends_the_oldest_wait() {
        let budget = BodyBudget::new(10, 1);
        let (mut first, mut second) = (budget.hold(), budget.hold());
        let evicted = first.wait().expect("a wait");
        second.wait().expect("a wait");
        assert!(evicted.notified().now_or_never().is_some());
        assert!(first.end().is_err());
        assert!(BodyBudget::new(10, 0).hold().wait().is_err());
    }

    proptest! {
        #[test]
        fn no_more_is_held_than_the_budget_and_all_of_it_comes_back(
            steps in prop::collection::vec((0..6_usize, 0..4_u8, 0..30_usize), 0..60),
        ) {
            let budget = BodyBudget::new(64, 3);
            let mut holds: Vec<Hold> = (0..6).map(|_| budget.hold()).collect();
            for (index, step, bytes) in steps {
                let hold = &mut holds[index];
                match step {
                    0 => drop(hold.grow_to(bytes)),
                    1 => drop(hold.wait()),
                    2 => drop(hold.end()),
                    _ => *hold = budget.hold(),
                }
                prop_assert!(budget.held() <= 64);
            }
            drop(holds);
            prop_assert_eq!(budget.held(), 0);
        }
    }
}
