//! The entries of a tar archive, one after the other: as POSIX describes it, with the long names of GNU and of pax.

use std::io::{self, Read};

/// An entry of an archive, and where its bytes begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its path, without `./` in front.
    pub(super) name: String,
    pub(super) is_file: bool,
    pub(super) size: u64,
    /// How many bytes of the archive come before its own.
    pub(super) offset: u64,
}

/// Reads an archive from its start.
pub(super) struct Entries<R> {
    reader: R,
    offset: u64,
    /// What is left of the entry before, with what fills it up.
    left: u64,
    long_name: Option<String>,
}

impl<R: Read> Entries<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, offset: 0, left: 0, long_name: None }
    }

    /// The next entry; none at the end.
    ///
    /// # Errors
    /// When the archive ends too early, or is none.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        loop {
            self.skip()?;
            let mut header = [0_u8; BLOCK];
            if !self.fill(&mut header)? {
                return Ok(None);
            }
            if header.iter().all(|byte| *byte == 0) {
                return Ok(None);
            }
            let field = |from: usize, length: usize| header.get(from..from + length).unwrap_or_default();
            let sum = number(field(148, 8)).ok_or_else(|| invalid("it is no tar archive"))?;
            let outside = |index: usize| !(148..156).contains(&index);
            let bytes = header.iter().enumerate();
            let real: u64 =
                bytes.map(|(index, byte)| if outside(index) { u64::from(*byte) } else { 32 }).sum();
            if sum != real {
                return Err(invalid("a header of the archive is corrupt"));
            }
            let size = number(field(124, 12)).ok_or_else(|| invalid("a size in the archive is no number"))?;
            let kind = header.get(156).copied().unwrap_or_default();
            self.left = size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64);
            match kind {
                b'L' | b'x' => {
                    let bytes = self.read(size)?;
                    self.long_name = if kind == b'L' { Some(text(&bytes)) } else { pax_path(&bytes) };
                    continue;
                }
                b'K' | b'g' => continue,
                _ => {}
            }
            let short = match (field(257, 5), text(field(345, 155))) {
                (b"ustar", prefix) if !prefix.is_empty() => format!("{prefix}/{}", text(field(0, 100))),
                _ => text(field(0, 100)),
            };
            let name = self.long_name.take().unwrap_or(short);
            let name = name.trim_start_matches("./").trim_start_matches('/').to_owned();
            let is_file = matches!(kind, b'0' | 0);
            return Ok(Some(Entry { name, is_file, size, offset: self.offset }));
        }
    }

    /// All bytes of the entry that came last; they are few.
    ///
    /// # Errors
    /// When there are more than [`MOST_HELD`].
    pub(super) fn read(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > MOST_HELD {
            return Err(invalid("an entry of the archive that has to be read is larger than 8 MB"));
        }
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        if !bytes.is_empty() && !self.fill(&mut bytes)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= size;
        Ok(bytes)
    }

    fn skip(&mut self) -> io::Result<()> {
        let left = std::mem::take(&mut self.left);
        let skipped = io::copy(&mut self.reader.by_ref().take(left), &mut io::sink())?;
        self.offset += skipped;
        if skipped < left { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Fills the buffer; false when nothing at all is left.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.reader.read(rest) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.offset += filled as u64;
        Ok(true)
    }
}

/// A number in octal digits, or in binary when its first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    if field.first().is_some_and(|first| first & 0x80 != 0) {
        let (high, low) = field.split_at_checked(field.len().checked_sub(8)?)?;
        let is_small = high.iter().skip(1).all(|byte| *byte == 0) && high.first() == Some(&0x80);
        return is_small.then(|| low.try_into().map(u64::from_be_bytes).ok())?;
    }
    let digits = text(field);
    let digits = digits.trim_matches([' ', '\0']);
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// The text before the first zero.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

/// The path in the records `LENGTH KEY=VALUE` of a pax header.
fn pax_path(records: &[u8]) -> Option<String> {
    String::from_utf8_lossy(records).lines().find_map(|record| {
        let (_, field) = record.split_once(' ')?;
        field.strip_prefix("path=").map(str::to_owned)
    })
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

const BLOCK: usize = 512;

/// So much of an entry is held at most.
pub(super) const MOST_HELD: u64 = 8 << 20;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An archive of these files.
    pub(in crate::images) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = Vec::new();
        for (name, bytes) in files {
            if name.len() > 100 {
                entry(&mut archive, "././@LongLink", b'L', name.as_bytes());
            }
            entry(&mut archive, &name[..name.len().min(100)], b'0', bytes);
        }
        archive.extend([0; 2 * BLOCK]);
        archive
    }

    fn entry(archive: &mut Vec<u8>, name: &str, kind: u8, bytes: &[u8]) {
        let mut header = [0_u8; BLOCK];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[148..156].copy_from_slice(b"        ");
        header[156] = kind;
        header[257..262].copy_from_slice(b"ustar");
        let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend(header);
        archive.extend(bytes);
        archive.resize(archive.len().div_ceil(BLOCK) * BLOCK, 0);
    }

    fn names(archive: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut entries = Entries::new(archive);
        let mut found = Vec::new();
        while let Some(entry) = entries.next()? {
            found.push((entry.name, entries.read(entry.size)?));
        }
        Ok(found)
    }

    #[test]
    fn the_files_of_an_archive_are_read_with_their_names() {
        let long = "a/".repeat(60) + "b";
        let files: [(&str, &[u8]); 3] = [("./x", b"1"), (&long, b""), ("etc/passwd", &[7; 600])];
        let found = names(&archive(&files)).unwrap();
        let expected: Vec<(String, Vec<u8>)> = files
            .iter()
            .map(|(name, bytes)| (name.trim_start_matches("./").to_owned(), bytes.to_vec()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_archive_or_ends_too_early_is_an_error() {
        assert!(names(&[7; 1024]).is_err());
        let whole = archive(&[("x", &[1; 2000])]);
        assert!(names(&whole[..1000]).is_err());
        let mut corrupt = whole.clone();
        corrupt[0] = b'y';
        assert!(names(&corrupt).unwrap_err().to_string().contains("corrupt"));
        assert_eq!(names(&[]).unwrap(), []);
    }
}
