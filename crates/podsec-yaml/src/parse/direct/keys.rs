//! Whether a mapping has a key twice.

/// Fingerprints of the keys of all mappings that are open.
#[derive(Default)]
pub(super) struct Keys(Vec<u64>);

impl Keys {
    /// Where the keys of a new mapping start.
    pub(super) fn open(&self) -> usize {
        self.0.len()
    }

    pub(super) fn add(&mut self, key: &str) {
        self.0.push(fingerprint(key.as_bytes()));
    }

    /// Forgets the keys from `first` on. Whether two of them may be equal; those that differ hardly ever seem so.
    pub(super) fn close(&mut self, first: usize) -> bool {
        let keys = self.0.get_mut(first..).unwrap_or_default();
        let equal = if keys.len() <= FEW {
            let mut rest = &*keys;
            let mut equal = false;
            while let [key, after @ ..] = rest {
                equal |= after.contains(key);
                rest = after;
            }
            equal
        } else {
            keys.sort_unstable();
            keys.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
        };
        self.0.truncate(first);
        equal
    }
}

/// Equal for equal keys, and hardly ever for others.
fn fingerprint(key: &[u8]) -> u64 {
    let (words, rest) = key.as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let words = words.iter().chain(std::iter::once(&last));
    words.fold(key.len() as u64, |hash, word| {
        (hash.rotate_left(5) ^ u64::from_le_bytes(*word)).wrapping_mul(0x517c_c1b7_2722_0a95)
    })
}

/// So few keys are compared each with each.
const FEW: usize = 16;
