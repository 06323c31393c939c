//! The bytes of one change in the log.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::{Event, Revision};

/// One change as the file holds it, under its revision.
///
/// ```text
///  0    1                9               17           21
/// ┌────┬────────────────┬───────────────┬────────────┬─────┬───────┐
/// │kind│create revision │ time          │ key length │ key │ value │   integers little-endian
/// └────┴────────────────┴───────────────┴────────────┴─────┴───────┘
/// ```
/// Kind is 1 for a put and 2 for a deletion, which has no value. Time is in milliseconds of Unix time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) create_revision: Revision,
    pub(super) time: SystemTime,
    pub(super) key: &'a str,
    /// `None` is a deletion.
    pub(super) value: Option<&'a [u8]>,
}

impl<'a> Record<'a> {
    /// The record of a change made at `time`.
    pub(super) fn new(event: &'a Event, time: SystemTime) -> Self {
        let (entry, value) = match event {
            Event::Create(entry) | Event::Modify { entry, .. } => (entry, Some(&*entry.value)),
            Event::Delete { previous, .. } => (previous, None),
        };
        Self { create_revision: entry.create_revision, time, key: &entry.key, value }
    }

    /// The record's bytes; `None` for a key of over 4 GiB.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let value = self.value.unwrap_or_default();
        let time = self.time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut bytes = Vec::with_capacity(HEADER + self.key.len() + value.len());
        bytes.push(if self.value.is_some() { PUT } else { DELETE });
        bytes.extend(self.create_revision.0.to_le_bytes());
        bytes.extend(u64::try_from(time.as_millis()).unwrap_or(u64::MAX).to_le_bytes());
        bytes.extend(u32::try_from(self.key.len()).ok()?.to_le_bytes());
        bytes.extend(self.key.as_bytes());
        bytes.extend(value);
        Some(bytes)
    }

    /// Reads what [`Record::encode`] wrote; `None` for anything else.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        let (create_revision, rest) = rest.split_first_chunk()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (key_length, rest) = rest.split_first_chunk()?;
        let (key, value) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*key_length)).ok()?)?;
        let time = Duration::from_millis(u64::from_le_bytes(*time));
        Some(Self {
            create_revision: Revision(u64::from_le_bytes(*create_revision)),
            time: SystemTime::UNIX_EPOCH.checked_add(time)?,
            key: str::from_utf8(key).ok().filter(|key| !key.is_empty())?,
            value: match kind {
                PUT => Some(value),
                DELETE if value.is_empty() => None,
                _ => return None,
            },
        })
    }

    /// The value in memory of its own.
    pub(super) fn value(&self) -> Option<Bytes> {
        self.value.map(Bytes::copy_from_slice)
    }
}

const PUT: u8 = 1;
const DELETE: u8 = 2;
const HEADER: usize = 1 + 8 + 8 + 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of docs/storage.md.
    #[test]
    fn the_documented_bytes_are_those_of_the_record() {
        let record = Record {
            create_revision: Revision(7),
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(0x019b_8a2e_d400),
            key: "/pods/a",
            value: Some(b"hi"),
        };
        let page = include_str!("../../../../docs/storage.md");
        let line = page.lines().find(|line| line.starts_with("01 | 07 ")).unwrap();
        let bytes = line.split([' ', '|']).filter(|digits| !digits.is_empty());
        let bytes: Vec<u8> = bytes.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect();
        assert_eq!(record.encode(), Some(bytes));
    }

    proptest! {
        #[test]
        fn a_record_reads_as_it_was_written(
            create_revision: u64,
            millis in 0..1_u64 << 50,
            key in ".{1,40}",
            value: Option<Vec<u8>>,
        ) {
            let record = Record {
                create_revision: Revision(create_revision),
                time: SystemTime::UNIX_EPOCH + Duration::from_millis(millis),
                key: &key,
                value: value.as_deref(),
            };
            let bytes = record.encode().unwrap();
            prop_assert_eq!(Record::decode(&bytes), Some(record));
        }

        #[test]
        fn bytes_that_are_no_record_are_refused(bytes: Vec<u8>) {
            if let Some(record) = Record::decode(&bytes) {
                prop_assert_eq!(record.encode(), Some(bytes.clone()));
            }
        }
    }
}
