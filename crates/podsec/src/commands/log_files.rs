//! Logs as they lie on a disk: files and rotated folders in the order in which they were written, compressed or not.

use std::cmp::Reverse;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, stdin};
use std::path::{Path, PathBuf};
use std::time::Duration;

use podsec_analysis::LogReader;
use podsec_analysis::log::LoggedEvent;

use super::subjects::open::decompressed;

/// Every file that is meant, the oldest first.
pub(crate) fn ordered(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut below = Vec::new();
            walk(path, &mut below)?;
            below.sort_by_cached_key(|path| age(path));
            files.extend(below);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// Reads a log to its end, and on for ever when it is followed; `-` is standard input.
pub(crate) fn read(
    path: &Path,
    follow: bool,
    reader: &mut LogReader,
    each: &mut dyn FnMut(&LoggedEvent<'_>),
) -> io::Result<()> {
    if path.as_os_str() == "-" {
        return reader.read(BufReader::with_capacity(BUFFER, decompressed(stdin().lock())?), each);
    }
    let file = File::open(path)?;
    if follow {
        let followed = Followed { path: path.to_owned(), file, place: 0 };
        return reader.read(BufReader::with_capacity(BUFFER, followed), each);
    }
    reader.read(BufReader::with_capacity(BUFFER, decompressed(file)?), each)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// Orders `audit-2026-11-30T….log.gz` before `audit.log`, and `audit.log.2.gz` before `audit.log.1` before `audit.log`.
fn age(path: &Path) -> (PathBuf, String, Reverse<u64>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    match plain.rsplit_once('.').and_then(|(stem, number)| Some((stem, number.parse().ok()?))) {
        Some((stem, number)) => (folder, stem.to_owned(), Reverse(number)),
        None => (folder, plain.to_owned(), Reverse(0)),
    }
}

/// A file that is still written: waits for more at its end, and goes on in its successor when it was rotated.
struct Followed {
    path: PathBuf,
    file: File,
    place: u64,
}

impl Read for Followed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.file.read(buffer)?;
            self.place += read as u64;
            if read > 0 {
                return Ok(read);
            }
            // Rotated: another file is of this name now, or the same one begins anew. What was left of the old one has
            // been read.
            if let Ok(successor) = File::open(&self.path)
                && is_another(&self.file, &successor, self.place)?
            {
                self.file = successor;
                self.place = 0;
                continue;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

#[cfg(unix)]
fn is_another(old: &File, new: &File, place: u64) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (old, new) = (old.metadata()?, new.metadata()?);
    Ok((old.dev(), old.ino()) != (new.dev(), new.ino()) || new.len() < place)
}

#[cfg(not(unix))]
fn is_another(_: &File, new: &File, place: u64) -> io::Result<bool> {
    Ok(new.metadata()?.len() < place)
}

const BUFFER: usize = 256 << 10;
const PAUSE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_come_in_the_order_in_which_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let names =
            ["audit-2026-11-30T01-00-00.000.log.gz", "audit-2026-11-30T02-00-00.000.log", "audit.log"];
        let others = ["kube.log.10.gz", "kube.log.2", "kube.log.1", "kube.log"];
        for name in names.iter().chain(&others).rev() {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = ordered(&[folder.path().to_owned()]).unwrap();
        let found: Vec<String> =
            found.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
        assert_eq!(found, [&names[..], &others[..]].concat());
    }

    #[cfg(unix)]
    #[test]
    fn a_followed_file_is_read_to_its_end_and_then_its_successor() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        fs::write(&path, "old").unwrap();
        let mut followed = Followed { path: path.clone(), file: File::open(&path).unwrap(), place: 0 };
        let mut read = |length| {
            let mut text = vec![0; length];
            followed.read_exact(&mut text).unwrap();
            String::from_utf8(text).unwrap()
        };
        assert_eq!(read(3), "old");
        fs::rename(&path, folder.path().join("audit-1.log")).unwrap();
        fs::write(&path, "new").unwrap();
        assert_eq!(read(3), "new");
        // The same file that begins anew is another one, too.
        fs::write(&path, "x").unwrap();
        assert_eq!(read(1), "x");
    }
}
