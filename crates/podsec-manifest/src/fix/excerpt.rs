//! A document in its source.

use podsec_yaml::{Document, Span};

/// A document, and the bytes of its text that belong to it, read or not. They begin a line.
#[derive(Clone, Copy)]
pub(super) struct Excerpt<'d, 't> {
    pub(super) document: &'d Document<'t>,
    pub(super) span: Span,
}

impl<'d, 't> Excerpt<'d, 't> {
    /// A document to which all of its text belongs.
    pub(super) fn all_of(document: &'d Document<'t>) -> Self {
        Self { document, span: Span { start: 0, end: document.text().len() } }
    }

    pub(super) fn text(self) -> &'t str {
        self.document.text().get(self.span.range()).unwrap_or("")
    }
}
