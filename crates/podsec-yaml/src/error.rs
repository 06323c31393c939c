//! Why a text could not be read, and where.

/// A text that Kubernetes would refuse, with the place of the fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
#[non_exhaustive]
pub struct Error {
    /// The line in the whole text, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The byte offset in the whole text.
    pub offset: usize,
    /// What is wrong, without the place.
    pub message: String,
}

impl Error {
    pub(crate) fn new(line: usize, column: usize, offset: usize, message: impl Into<String>) -> Self {
        Self { line, column, offset, message: message.into() }
    }
}
