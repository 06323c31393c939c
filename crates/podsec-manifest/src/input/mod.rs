//! What to judge: files, found below folders as git sees them, and texts that were given or rendered.

mod judge;
mod kustomization;
mod namespaces;
mod ordered;
mod parts;
mod search;

use std::io;
use std::path::PathBuf;

use crate::Source;
use parts::Parts;

pub use judge::{Judgement, check_inputs};
pub use kustomization::{KUSTOMIZATION_NAMES, Kustomizations, without_detours};
pub use namespaces::{Namespace, namespaces};
pub use ordered::in_order;
pub use search::{forget_names, search};

/// Something to judge.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
        let read = io::Read::read_to_end(&mut io::stdin().lock(), &mut bytes);
        let name = "<stdin>".to_owned();
        let text = match read {
            Ok(_) => parts::text(bytes, 0),
            Err(error) => Err(parts::unreadable(&error)),
        };
        match text {
            Ok(text) => Self::Text(Source { name, text }),
            Err(message) => Self::Unreadable { name, message },
        }
    }

    /// Its name and text.
    ///
    /// # Errors
    /// Why there is no text.
    pub fn source(&self) -> Result<Source, String> {
        let mut text = String::new();
        let mut parts = Parts::of(self);
        while let Some(part) = parts.next(Vec::new()) {
            let part = part?.text;
            if text.is_empty() { text = part } else { text.push_str(&part) }
        }
        Ok(Source { name: self.name(), text })
    }
}
