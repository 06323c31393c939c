//! What one input is, before its text is read.

use std::path::PathBuf;

use super::rendered::Rendered;
use crate::Source;

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
    Rendered(Rendered),
    /// What is not judged, and why; it is told, and nothing is wrong with it.
    LeftOut {
        /// What it is called.
        name: String,
        /// Why, and what to do.
        message: String,
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
            Self::Rendered(Rendered { file, .. }) => format!("{file} (rendered)"),
            Self::LeftOut { name, .. } | Self::Unreadable { name, .. } => name.clone(),
        }
    }
}
