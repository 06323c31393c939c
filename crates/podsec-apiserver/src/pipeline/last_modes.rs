//! What impersonation keeps between requests.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Which way each caller went the last time: it is tried first, and what it says is what the caller is told.
#[derive(Default)]
pub(crate) struct LastModes(Mutex<HashMap<String, usize>>);

impl LastModes {
    pub(super) fn get(&self, caller: &str) -> Option<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(caller).copied()
    }

    pub(super) fn set(&self, caller: &str, mode: usize) {
        let mut modes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if modes.len() >= CALLERS {
            // It only changes which way is tried first.
            modes.clear();
        }
        modes.insert(caller.to_owned(), mode);
    }
}

/// How many callers are remembered.
const CALLERS: usize = 10_000;
