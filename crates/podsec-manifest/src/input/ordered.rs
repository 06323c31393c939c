//! Work on all cores whose results come in order.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Does `work` for every item on all cores and hands the results to `each`, one at a time and in the order of the items.
/// `work` tells beside its result how many bytes that holds, roughly.
///
/// # Errors
/// The first that `each` returns; nothing is handed on after it.
pub fn in_order<'i, I: Sync, T: Send, E: Send>(
    items: &'i [I],
    work: impl Fn(&'i I) -> (T, usize) + Sync,
    each: impl FnMut(&T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let work = |item, results: &mut Results<'_, T>| {
        let (result, bytes) = work(item);
        results(result, bytes);
    };
    all_in_order(items, work, each)
}

/// Takes a result and how many bytes it holds, roughly; says whether more are wanted.
pub(super) type Results<'r, T> = dyn FnMut(T, usize) -> bool + 'r;

/// [`in_order`] of work that has any number of results, which come one by one.
///
/// There is no thread that waits for the others: whoever has a result of the item that is due hands it on, with all that
/// follow and are there meanwhile. When those that came before their turn hold too many bytes, who is ahead waits.
pub(super) fn all_in_order<'i, I: Sync, T: Send, E: Send>(
    items: &'i [I],
    work: impl Fn(&'i I, &mut Results<'_, T>) + Sync,
    each: impl FnMut(&T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let workers = workers(items.len());
    let next = AtomicUsize::new(0);
    let queue = Queue {
        state: Mutex::new(State {
            due: 0,
            early: BTreeMap::new(),
            held: 0,
            waiting: 0,
            handing_on: false,
            spent: (0..workers).map(|_| Vec::new()).collect(),
            end: None,
        }),
        each: Mutex::new(each),
        moved: Condvar::new(),
    };
    let run = |worker| {
        let _alarm = Alarm(&queue);
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index).filter(|_| queue.has_room(index)) else { break };
            work(item, &mut |result, bytes| {
                let is_wanted = queue.has_room(index);
                if is_wanted {
                    queue.put(index, worker, Some(Finished { result, bytes, worker }));
                }
                is_wanted
            });
            queue.put(index, worker, None);
        }
    };
    thread::scope(|scope| {
        let run = &run;
        for worker in 1..workers {
            scope.spawn(move || run(worker));
        }
        run(0);
    });
    match queue.state.into_inner().unwrap_or_else(PoisonError::into_inner).end {
        Some(End::Error(error)) => Err(error),
        Some(End::Panic) | None => Ok(()),
    }
}

/// How many threads share the work on so many items.
pub(super) fn workers(items: usize) -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get).min(items.max(1))
}

struct Queue<T, E, F> {
    state: Mutex<State<T, E>>,
    /// Only whoever hands on calls it, so that nobody waits for this lock, nor holds the other one meanwhile.
    each: Mutex<F>,
    moved: Condvar,
}

struct State<T, E> {
    /// The item to hand on next.
    due: usize,
    /// Results that came before their turn, by item.
    early: BTreeMap<usize, Early<T>>,
    /// How many bytes they hold.
    held: usize,
    /// How many threads wait for room.
    waiting: usize,
    /// Whether a thread hands results on, and will see all that become early until it is done.
    handing_on: bool,
    /// Results that were handed on, by the worker that made them. Memory is given back quickest by the thread that
    /// took it, and without keeping another one from taking some.
    spent: Vec<Vec<T>>,
    end: Option<End<E>>,
}

/// The results of an item that wait for their turn, and whether there will be no more.
struct Early<T> {
    results: VecDeque<Finished<T>>,
    is_done: bool,
}

struct Finished<T> {
    result: T,
    bytes: usize,
    worker: usize,
}

/// Why no more items are wanted.
enum End<E> {
    Error(E),
    Panic,
}

impl<T, E, F> Queue<T, E, F> {
    fn lock(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait for room, if there are any.
    fn notify(&self, state: &State<T, E>) {
        if state.waiting > 0 {
            self.moved.notify_all();
        }
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
}

impl<T, E, F: FnMut(&T) -> Result<(), E>> Queue<T, E, F> {
    /// Takes a result of an item, or that it has no more.
    fn put(&self, index: usize, worker: usize, finished: Option<Finished<T>>) {
        let mut state = self.lock();
        state.held += finished.as_ref().map_or(0, |finished| finished.bytes);
        let early =
            state.early.entry(index).or_insert_with(|| Early { results: VecDeque::new(), is_done: false });
        early.is_done |= finished.is_none();
        early.results.extend(finished);
        // Dropped at the very end, when nobody waits for it.
        let mut spent = state.spent.get_mut(worker).map(mem::take).unwrap_or_default();
        if state.handing_on {
            drop(state);
            return;
        }
        state.handing_on = true;
        while state.end.is_none()
            && let due = state.due
            && let Some(early) = state.early.get_mut(&due)
        {
            let Some(Finished { result, bytes, worker: of }) = early.results.pop_front() else {
                if !early.is_done {
                    break;
                }
                state.early.remove(&due);
                state.due += 1;
                self.notify(&state);
                continue;
            };
            drop(state);
            let handed_on = (self.each.lock().unwrap_or_else(PoisonError::into_inner))(&result);
            state = self.lock();
            state.held -= bytes;
            if let Err(error) = handed_on {
                state.end.get_or_insert(End::Error(error));
            }
            match state.spent.get_mut(of).filter(|_| of != worker) {
                Some(others) => others.push(result),
                None => spent.push(result),
            }
            self.notify(&state);
        }
        state.handing_on = false;
        drop(state);
        drop(spent);
    }
}

/// Lets the other threads go when one panics, whose item would be awaited for ever.
struct Alarm<'q, T, E, F>(&'q Queue<T, E, F>);

impl<T, E, F> Drop for Alarm<'_, T, E, F> {
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
                seen.push(*item);
                Ok(())
            });
            assert_eq!((result, seen), (Ok(()), items));
        }
    }

    #[test]
    fn many_results_of_one_item_come_before_those_of_the_next() {
        for bytes in [1, MOST_HELD] {
            let items: Vec<usize> = (0..40).collect();
            let work = |item: &usize, results: &mut Results<'_, (usize, usize)>| {
                for number in 0..item % 7 {
                    thread::sleep(Duration::from_micros(item.wrapping_mul(7919) as u64 % 200));
                    assert!(results((*item, number), bytes));
                }
            };
            let mut seen = Vec::new();
            let result: Result<(), ()> = all_in_order(&items, work, |result| {
                seen.push(*result);
                Ok(())
            });
            let all = items.iter().flat_map(|item| (0..item % 7).map(|number| (*item, number)));
            assert_eq!((result, seen), (Ok(()), all.collect()));
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
                if *item == 3 { Err("enough") } else { Ok(()) }
            },
        );
        assert_eq!((result, seen), (Err("enough"), 4));
        assert_eq!(in_order(&[], |()| ((), 0), |()| Err("never")), Ok(()));
    }
}
