//! A map that forgets what was used least recently.

use std::collections::{BTreeMap, HashMap};

/// At most [`ENTRIES`] values.
pub(super) struct Recent<V> {
    values: HashMap<String, (u64, V)>,
    /// The keys by their last use.
    uses: BTreeMap<u64, String>,
    next_use: u64,
}

impl<V> Default for Recent<V> {
    fn default() -> Self {
        Self { values: HashMap::new(), uses: BTreeMap::new(), next_use: 0 }
    }
}

impl<V> Recent<V> {
    /// The value of a key, as a new one when there is none.
    pub(super) fn entry(&mut self, key: &str, new: impl FnOnce() -> V) -> &mut V {
        let number = self.next_use;
        self.next_use += 1;
        if let Some((last, _)) = self.values.get(key) {
            self.uses.remove(last);
        } else if self.values.len() >= ENTRIES
            && let Some((_, oldest)) = self.uses.pop_first()
        {
            self.values.remove(&oldest);
        }
        self.uses.insert(number, key.to_owned());
        let entry = self.values.entry(key.to_owned()).or_insert_with(|| (number, new()));
        entry.0 = number;
        &mut entry.1
    }
}

/// As client-go has it.
const ENTRIES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_is_forgotten() {
        let mut recent = Recent::default();
        for number in 0..ENTRIES {
            recent.entry(&number.to_string(), || number);
        }
        recent.entry("0", || 7);
        recent.entry("new", || 8);
        assert_eq!(*recent.entry("0", || 9), 0);
        assert_eq!(*recent.entry("1", || 9), 9);
        assert_eq!(recent.values.len(), ENTRIES);
    }
}
