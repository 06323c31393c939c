//! Why JSON could not be read as a pod, and where.

use core::fmt::Write as _;

use super::decode::Decode;
use super::reader::{Fault, Problem, Reader, Step};

/// The bytes cannot be read as a pod.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are not UTF-8, as JSON must be.
    #[error("invalid UTF-8 after {valid_up_to} bytes")]
    Encoding {
        /// How many bytes are good.
        valid_up_to: usize,
    },
    /// The text is not one JSON value.
    #[error("{problem} at line {line} column {column}")]
    Syntax {
        /// What is wrong.
        problem: &'static str,
        /// The line, from 1.
        line: usize,
        /// The byte of the line, from 1.
        column: usize,
    },
    /// A field holds what it cannot hold.
    #[error("{}{}expected {expected}, found {found}", path, if path.is_empty() { "" } else { ": " })]
    Type {
        /// Which field: `spec.containers[0].securityContext.runAsUser`; empty for the whole.
        path: String,
        /// What it may hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
}

/// Decodes bytes that hold one JSON value.
pub(crate) fn decode<'de, T: Decode<'de> + Default>(json: &'de [u8]) -> Result<T, DecodeError> {
    let mut value = T::default();
    read(json, |reader| value.decode(reader))?;
    Ok(value)
}

/// Has bytes that hold one JSON value taken by `take`.
pub(crate) fn read<'de>(
    json: &'de [u8],
    take: impl FnOnce(&mut Reader<'de>) -> super::reader::Result<()>,
) -> Result<(), DecodeError> {
    let Ok(text) = simdutf8::basic::from_utf8(json) else {
        let valid_up_to =
            simdutf8::compat::from_utf8(json).map_or_else(|error| error.valid_up_to(), str::len);
        return Err(DecodeError::Encoding { valid_up_to });
    };
    let mut reader = Reader::new(text);
    take(&mut reader).and_then(|()| reader.end()).map_err(|failure| explain(text, *failure.0))
}

#[cold]
fn explain(text: &str, fault: Fault) -> DecodeError {
    match fault.problem {
        Problem::Syntax(problem) => {
            let before = text.get(..fault.at).unwrap_or(text);
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
            DecodeError::Syntax { problem, line, column: 1 + before.len() - line_start }
        }
        Problem::Type { expected, found } => DecodeError::Type { path: path(fault.path), expected, found },
    }
}

fn path(steps: Vec<Step>) -> String {
    let mut path = String::new();
    for step in steps.into_iter().rev() {
        let written = match step {
            Step::Member(name) if path.is_empty() => path.write_str(&name),
            Step::Member(name) => write!(path, ".{name}"),
            Step::Element(index) => write!(path, "[{index}]"),
        };
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    path
}
