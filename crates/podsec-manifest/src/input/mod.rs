//! What to judge: files, found below folders as git sees them, and texts that were given or rendered.

mod judge;
mod namespaces;
mod ordered;
mod search;

use std::fs;
use std::io;
use std::path::PathBuf;

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
        Ok(Source { name: self.name(), text: self.text()?.into_owned() })
    }

    /// Its text, or why there is none.
    fn text(&self) -> Result<std::borrow::Cow<'_, str>, String> {
        match self {
            Self::File { path, .. } => text(fs::read(path)).map(Into::into),
            Self::Text(Source { text, .. }) | Self::Rendered { text, .. } => Ok(text.as_str().into()),
            Self::Unreadable { message, .. } => Err(message.clone()),
        }
    }
}

fn text(bytes: io::Result<Vec<u8>>) -> Result<String, String> {
    let bytes = bytes.map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        format!("is not UTF-8, as every manifest must be; the first wrong byte is {valid}")
    })
}
