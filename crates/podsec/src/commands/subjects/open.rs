//! A file as it was written, compressed or not.

use std::io::{self, Chain, Cursor, Read};

use flate2::read::MultiGzDecoder;

/// A text, decompressed when it is compressed with gzip.
pub(crate) enum Opened<R> {
    /// As it is.
    Plain(Chain<Cursor<Vec<u8>>, R>),
    /// Compressed; several compressed parts may follow each other.
    Gzip(Box<MultiGzDecoder<Chain<Cursor<Vec<u8>>, R>>>),
}

/// Looks at the first bytes to find out whether a text is compressed.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn decompressed<R: Read>(mut reader: R) -> io::Result<Opened<R>> {
    let mut start = Vec::new();
    reader.by_ref().take(GZIP.len() as u64).read_to_end(&mut start)?;
    let is_gzip = start == GZIP;
    let whole = Cursor::new(start).chain(reader);
    Ok(if is_gzip { Opened::Gzip(Box::new(MultiGzDecoder::new(whole))) } else { Opened::Plain(whole) })
}

impl<R: Read> Read for Opened<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Gzip(reader) => reader.read(buffer),
        }
    }
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
