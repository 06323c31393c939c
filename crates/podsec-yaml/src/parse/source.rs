//! Who would read a text.

/// Who would read the text; they differ in small things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A document of a file or stream: kubectl ends its last line when the author did not.
    Manifest,
    /// One of several JSON objects, known to be JSON.
    Json,
    /// A request body: a block scalar cut off by the end of the text has no final line break.
    Body,
}
