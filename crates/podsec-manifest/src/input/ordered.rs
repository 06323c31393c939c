//! Work on all cores whose results come in order.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Does `work` for every item on all cores and hands the results to `each`, one at a time and in the order of the items.
///
/// There is no thread that waits for the others: whoever finishes the item that is due hands it on, with all that were
/// early. `work` tells beside its result how many bytes that holds, roughly; when the early ones hold too many, who is
/// ahead waits.
///
/// # Errors
/// The first that `each` returns; nothing is handed on after it.
pub fn in_order<'i, I: Sync, T: Send, E: Send>(
    items: &'i [I],
    work: impl Fn(&'i I) -> (T, usize) + Sync,
    each: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(items.len().max(1));
    let next = AtomicUsize::new(0);
    let queue = Queue {
        state: Mutex::new(State { due: 0, early: BTreeMap::new(), held: 0, waiting: 0, each, end: None }),
        moved: Condvar::new(),
    };
    let run = || {
        let _alarm = Alarm(&queue);
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index).filter(|_| queue.has_room(index)) else { break };
            queue.put(index, work(item));
        }
    };
    thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(run);
        }
        run();
    });
    match queue.state.into_inner().unwrap_or_else(PoisonError::into_inner).end {
        Some(End::Error(error)) => Err(error),
        Some(End::Panic) | None => Ok(()),
    }
}

struct Queue<T, E, F> {
    state: Mutex<State<T, E, F>>,
    moved: Condvar,
}

struct State<T, E, F> {
    /// The item to hand on next.
    due: usize,
    /// Results that came before their turn, with the bytes that they hold.
    early: BTreeMap<usize, (T, usize)>,
    held: usize,
    /// How many threads wait for room.
    waiting: usize,
    each: F,
    end: Option<End<E>>,
}

/// Why no more items are wanted.
enum End<E> {
    Error(E),
    Panic,
}

impl<T, E, F: FnMut(T) -> Result<(), E>> Queue<T, E, F> {
    fn lock(&self) -> MutexGuard<'_, State<T, E, F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a further result may be held; says whether it is wanted at all.
    fn has_room(&self, index: usize) -> bool {
        let mut state = self.lock();
        // The item that is due needs no room, and makes some.
        while state.end.is_none() && state.held > MOST_HELD && index != state.due {
            state.waiting += 1;
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        state.end.is_none()
    }

    fn put(&self, index: usize, (result, bytes): (T, usize)) {
        let mut state = self.lock();
        if index != state.due {
            state.held += bytes;
            state.early.insert(index, (result, bytes));
            return;
        }
        let mut due = Some(result);
        while let Some(result) = due.take() {
            if state.end.is_some() {
                break;
            }
            if let Err(error) = (state.each)(result) {
                state.end = Some(End::Error(error));
            }
            state.due += 1;
            let index = state.due;
            if let Some((result, bytes)) = state.early.remove(&index) {
                state.held -= bytes;
                due = Some(result);
            }
        }
        if state.waiting > 0 {
            self.moved.notify_all();
        }
    }
}

/// Lets the other threads go when one panics, whose item would be awaited for ever.
struct Alarm<'q, T, E, F: FnMut(T) -> Result<(), E>>(&'q Queue<T, E, F>);

impl<T, E, F: FnMut(T) -> Result<(), E>> Drop for Alarm<'_, T, E, F> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().end.get_or_insert(End::Panic);
            self.0.moved.notify_all();
        }
    }
}

const MOST_HELD: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_come_in_order_however_long_each_takes_and_however_much_it_holds() {
        for bytes in [0, MOST_HELD, usize::MAX >> 8] {
            let items: Vec<u64> = (0..200).collect();
            let work = |item: &u64| {
                thread::sleep(Duration::from_micros(item.wrapping_mul(7919) % 300));
                (*item, bytes)
            };
            let mut seen = Vec::new();
            let result: Result<(), ()> = in_order(&items, work, |item| {
                seen.push(item);
                Ok(())
            });
            assert_eq!((result, seen), (Ok(()), items));
        }
    }

    #[test]
    fn an_error_ends_the_work() {
        let items: Vec<usize> = (0..1000).collect();
        let mut seen = 0;
        let result = in_order(
            &items,
            |item| (*item, 1 << 20),
            |item| {
                seen += 1;
                if item == 3 { Err("enough") } else { Ok(()) }
            },
        );
        assert_eq!((result, seen), (Err("enough"), 4));
        assert_eq!(in_order(&[], |()| ((), 0), |()| Err("never")), Ok(()));
    }
}
