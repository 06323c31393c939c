//! Sets of completion indexes, as a Job's status writes them: `0,2-5,9`.

use std::fmt;

/// Intervals that neither touch nor overlap, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Intervals(Vec<(i32, i32)>);

impl Intervals {
    /// Reads the text of a status. What is no index is left out, as is what lies beyond the completions.
    pub(super) fn parse(text: &str, completions: i32) -> Self {
        let mut intervals = Self::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (Ok(first), Ok(last)) = (first.parse::<i32>(), last.parse::<i32>()) else { continue };
            let last = last.min(completions.saturating_sub(1));
            if first >= 0 && first <= last {
                intervals.0.push((first, last));
            }
        }
        intervals.normalize();
        intervals
    }

    /// These and more indexes.
    pub(super) fn with(&self, indexes: impl IntoIterator<Item = i32>) -> Self {
        let mut merged = self.clone();
        merged.0.extend(indexes.into_iter().map(|index| (index, index)));
        merged.normalize();
        merged
    }

    /// These and those of another set.
    pub(super) fn merge(&self, other: &Self) -> Self {
        let mut merged = self.clone();
        merged.0.extend(&other.0);
        merged.normalize();
        merged
    }

    /// How many indexes there are.
    pub(super) fn total(&self) -> i32 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    pub(super) fn contains(&self, index: i32) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&index))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of indexes that are in both sets.
    pub(super) fn common(&self, other: &Self) -> i32 {
        let pairs = self.0.iter().flat_map(|a| other.0.iter().map(move |b| (a, b)));
        pairs.map(|(a, b)| (a.1.min(b.1) - a.0.max(b.0) + 1).max(0)).sum()
    }

    /// The first indexes below `completions` that are not in the set.
    pub(super) fn first_missing(&self, count: usize, completions: i32) -> Vec<i32> {
        let mut missing = Vec::new();
        let mut candidate = 0;
        for (first, last) in self.0.iter().copied().chain([(completions, completions)]) {
            while candidate < first.min(completions) && missing.len() < count {
                missing.push(candidate);
                candidate += 1;
            }
            candidate = candidate.max(last.saturating_add(1));
        }
        missing
    }

    fn normalize(&mut self) {
        self.0.sort_unstable();
        let mut merged: Vec<(i32, i32)> = Vec::with_capacity(self.0.len());
        for (first, last) in self.0.drain(..) {
            match merged.last_mut() {
                Some(previous) if first <= previous.1.saturating_add(1) => previous.1 = previous.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        self.0 = merged;
    }
}

impl fmt::Display for Intervals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str(",")?;
            }
            match last - first {
                0 => write!(formatter, "{first}")?,
                1 => write!(formatter, "{first},{last}")?,
                _ => write!(formatter, "{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_read_merged_and_written_as_the_status_has_them() {
        let read = Intervals::parse("0,1,3-5,7,x,9-20", 12);
        assert_eq!(read.to_string(), "0,1,3-5,7,9-11");
        assert_eq!(read.total(), 9);
        assert_eq!(read.with([2, 8]).to_string(), "0-5,7-11");
        assert_eq!(read.first_missing(9, 12), [2, 6, 8]);
        assert_eq!(read.first_missing(2, 12), [2, 6]);
        assert_eq!(Intervals::default().first_missing(2, 5), [0, 1]);
        assert_eq!(read.common(&Intervals::parse("1-4", 12)), 3);
        assert!(read.contains(4) && !read.contains(6));
    }
}
