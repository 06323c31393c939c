//! The layers of an image, of which one file is wanted: `/etc/passwd`.

use std::io::{self, Read};

use anyhow::{Context, bail};
use aws_lc_rs::digest::{self, SHA256};
use flate2::read::MultiGzDecoder;

use super::blobs::{Blobs, GZIP, written};
use super::tar::Entries;

/// A layer.
pub(super) struct Layer {
    /// The file that it is.
    pub(super) name: String,
    /// What its bytes add up to, where that is known.
    pub(super) digest: Option<String>,
}

/// `/etc/passwd` as a container of the image sees it: of the uppermost layer that has it; none when no layer has it, or one
/// deletes it.
pub(super) fn passwd(blobs: &Blobs, layers: &[Layer]) -> anyhow::Result<Option<Vec<u8>>> {
    for layer in layers.iter().rev() {
        let found = look(blobs, layer).with_context(|| format!("cannot read the layer {}", layer.name))?;
        match found {
            Found::File(bytes) => return Ok(Some(bytes)),
            Found::Deleted => return Ok(None),
            Found::Nothing => {}
        }
    }
    Ok(None)
}

enum Found {
    File(Vec<u8>),
    Deleted,
    Nothing,
}

fn look(blobs: &Blobs, layer: &Layer) -> anyhow::Result<Found> {
    let Some(file) = blobs.open(&layer.name)? else { bail!("it is missing") };
    let mut packed = Packed { file, sum: digest::Context::new(&SHA256), read: 0 };
    let mut magic = Vec::new();
    packed.by_ref().take(4).read_to_end(&mut magic)?;
    if magic == ZSTD {
        bail!(
            "it is compressed with zstd, which podsec does not read; name the user by its number in the image"
        );
    }
    let is_gzip = magic.starts_with(&GZIP);
    let whole = io::Cursor::new(magic).chain(packed.by_ref());
    let unpacked: Box<dyn Read + '_> =
        if is_gzip { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
    let mut entries = Entries::new(Bounded { reader: unpacked, left: MOST_LAYER });
    let mut found = Found::Nothing;
    while let Some(entry) = entries.next()? {
        match entry.name.as_str() {
            PASSWD if entry.is_file => found = Found::File(entries.read(entry.size)?),
            // A link, whose end may stand in any layer.
            PASSWD => bail!("its /etc/passwd is no file"),
            "etc/.wh.passwd" | "etc/.wh..wh..opq" | ".wh.etc" if matches!(found, Found::Nothing) => {
                found = Found::Deleted;
            }
            _ => {}
        }
    }
    drop(entries);
    // What comes behind the archive belongs to the layer too.
    io::copy(&mut packed, &mut io::sink())?;
    if let Some(digest) = &layer.digest {
        let real = written(packed.sum.finish().as_ref());
        if real != *digest {
            bail!("it does not have the digest that its manifest says: it has {real}");
        }
    }
    Ok(found)
}

/// The bytes of a layer as they are stored, added up on the way.
struct Packed {
    file: Box<dyn Read>,
    sum: digest::Context,
    read: u64,
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.sum.update(buffer.get(..read).unwrap_or_default());
        self.read += read as u64;
        if self.read > MOST_LAYER { Err(too_large()) } else { Ok(read) }
    }
}

/// A reader that fails, and does not end, when too much comes.
struct Bounded<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(too_large)?;
        Ok(read)
    }
}

fn too_large() -> io::Error {
    let message = format!("it is larger than {} GB", MOST_LAYER >> 30);
    io::Error::new(io::ErrorKind::InvalidData, message)
}

const PASSWD: &str = "etc/passwd";
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// So much of a layer is read, packed and unpacked.
const MOST_LAYER: u64 = 4 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_an_error_and_no_end() {
        let mut bounded = Bounded { reader: io::repeat(0), left: 1000 };
        let error = io::copy(&mut bounded, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("larger than 4 GB"));
    }
}
