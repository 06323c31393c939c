//! The files of an image: in a folder, or in an archive that may be compressed.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use aws_lc_rs::digest;
use flate2::read::MultiGzDecoder;

use super::tar::{Entries, Entry, MOST_HELD};

/// The files of an image, by their names.
pub(super) enum Blobs {
    Folder(PathBuf),
    Archive { path: PathBuf, compressed: bool, entries: Vec<Entry> },
}

impl Blobs {
    pub(super) fn folder(path: &Path) -> Self {
        Self::Folder(path.to_owned())
    }

    /// Reads what an archive holds.
    pub(super) fn archive(path: &Path) -> anyhow::Result<Self> {
        let mut magic = Vec::new();
        File::open(path)?.take(2).read_to_end(&mut magic)?;
        let compressed = magic == GZIP;
        let mut entries = Entries::new(opened(path, compressed)?);
        let mut found = Vec::new();
        while let Some(entry) = entries.next()? {
            if found.len() == MOST_ENTRIES {
                bail!("the archive has more than {MOST_ENTRIES} entries");
            }
            if entry.is_file {
                found.push(entry);
            }
        }
        Ok(Self::Archive { path: path.to_owned(), compressed, entries: found })
    }

    /// All bytes of a file that is small, if it is there.
    pub(super) fn small(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let Some(reader) = self.open(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        reader.take(MOST_HELD + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {name}"))?;
        if bytes.len() as u64 > MOST_HELD {
            bail!("{name} is larger than {} MB", MOST_HELD >> 20);
        }
        Ok(Some(bytes))
    }

    /// All bytes of the small file that has a digest.
    ///
    /// # Errors
    /// When it is not there, or has another one.
    pub(super) fn digested(&self, digest: &str) -> anyhow::Result<Vec<u8>> {
        let name = blob(digest)?;
        let Some(bytes) = self.small(&name)? else { bail!("{name} is missing") };
        let real = sum(&bytes);
        if real != digest {
            bail!("{name} does not have the digest that is its name: it has {real}");
        }
        Ok(bytes)
    }

    /// A file, if it is there.
    pub(super) fn open(&self, name: &str) -> io::Result<Option<Box<dyn Read>>> {
        match self {
            Self::Folder(folder) => match File::open(folder.join(name)) {
                Ok(file) if file.metadata()?.is_file() => Ok(Some(Box::new(file))),
                Ok(_) => Ok(None),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
            Self::Archive { path, compressed, entries } => {
                let Some(entry) = entries.iter().rfind(|entry| entry.name == name) else { return Ok(None) };
                if *compressed {
                    let mut reader = opened(path, true)?;
                    io::copy(&mut reader.by_ref().take(entry.offset), &mut io::sink())?;
                    return Ok(Some(Box::new(reader.take(entry.size))));
                }
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(entry.offset))?;
                Ok(Some(Box::new(BufReader::new(file).take(entry.size))))
            }
        }
    }
}

/// The name of the file that has a digest.
pub(super) fn blob(digest: &str) -> anyhow::Result<String> {
    let sum = digest.strip_prefix("sha256:").filter(|sum| {
        sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    });
    match sum {
        Some(sum) => Ok(format!("blobs/sha256/{sum}")),
        None => bail!("{digest:?} is no digest that can be checked: sha256: and 64 digits"),
    }
}

/// `sha256:` and the sum of some bytes.
pub(super) fn sum(bytes: &[u8]) -> String {
    written(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// A sum as digests are written.
pub(super) fn written(sum: &[u8]) -> String {
    sum.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

fn opened(path: &Path, compressed: bool) -> io::Result<Box<dyn Read>> {
    let file = BufReader::new(File::open(path)?);
    if !compressed {
        return Ok(Box::new(file));
    }
    // A small file can be a large archive.
    Ok(Box::new(MultiGzDecoder::new(file).take(MOST_UNPACKED)))
}

pub(super) const GZIP: [u8; 2] = [0x1f, 0x8b];
const MOST_ENTRIES: usize = 100_000;

/// Archives of many images are that large; a longer one is read as if it ended there, which is an error.
pub(super) const MOST_UNPACKED: u64 = 16 << 30;

/// Far more than any project has.
pub(super) const MOST_IMAGES: usize = 10_000;
