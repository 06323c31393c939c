//! What to judge: files, found below folders as git sees them, and texts that were given or rendered.

mod judge;
mod namespaces;
mod ordered;
mod search;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::Source;

pub use judge::check_inputs;
pub use namespaces::{Namespace, namespaces};
pub use ordered::in_order;
pub use search::{forget_names, search};

/// Something to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file.
    File {
        /// Where it is.
        path: PathBuf,
        /// Whether it was named, and not found by a search. What was found and mentions no `apiVersion` is no manifest,
        /// whatever else it may be.
        named: bool,
    },
    /// A text that is at hand.
    Text(Source),
    /// What Helm or Kustomize made of a file.
    Rendered {
        /// The file.
        file: String,
        /// What they printed.
        text: String,
    },
    /// What could not be read, and why.
    Unreadable {
        /// What it is called.
        name: String,
        /// The operating system's answer.
        message: String,
    },
}

impl Input {
    /// What reports call it.
    pub fn name(&self) -> String {
        match self {
            Self::File { path, .. } => {
                let name = path.to_string_lossy();
                name.strip_prefix("./").unwrap_or(&name).to_owned()
            }
            Self::Text(source) => source.name.clone(),
            // Its lines are not those of the file.
            Self::Rendered { file, .. } => format!("{file} (rendered)"),
            Self::Unreadable { name, .. } => name.clone(),
        }
    }

    /// Everything that standard input holds.
    pub fn standard_input() -> Self {
        let mut bytes = Vec::new();
        let read = io::Read::read_to_end(&mut io::stdin().lock(), &mut bytes).map(|_| bytes);
        let name = "<stdin>".to_owned();
        match text(read) {
            Ok(text) => Self::Text(Source { name, text }),
            Err(message) => Self::Unreadable { name, message },
        }
    }

    /// Its name and text.
    ///
    /// # Errors
    /// Why there is no text.
    pub fn source(&self) -> Result<Source, String> {
        Ok(Source { name: self.name(), text: self.text(Vec::new())? })
    }

    /// Its text, or why there is none. A file is read into `buffer`, whatever that holds.
    fn text(&self, buffer: Vec<u8>) -> Result<String, String> {
        match self {
            Self::File { path, .. } => text(read(path, buffer)),
            Self::Text(Source { text, .. }) | Self::Rendered { text, .. } => Ok(text.clone()),
            Self::Unreadable { message, .. } => Err(message.clone()),
        }
    }
}

/// All bytes of a file, in the memory of `buffer` as far as that goes.
fn read(path: &Path, mut buffer: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    buffer.resize(buffer.capacity().max(LEAST_BUFFER), 0);
    let mut length = 0;
    loop {
        let Some(room) = buffer.get_mut(length..).filter(|room| !room.is_empty()) else {
            buffer.resize(buffer.len() * 2, 0);
            continue;
        };
        match file.read(room) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(length);
    Ok(buffer)
}

fn text(bytes: io::Result<Vec<u8>>) -> Result<String, String> {
    let bytes = bytes.map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        format!("is not UTF-8, as every manifest must be; the first wrong byte is {valid}")
    })
}

/// Holds nearly every manifest.
const LEAST_BUFFER: usize = 64 << 10;
