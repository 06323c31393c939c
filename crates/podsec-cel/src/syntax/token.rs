//! The words of an expression.

/// A word and where it begins, counted in characters.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// As written.
    pub(super) text: String,
    pub(super) offset: usize,
}

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Ident,
    EscapedIdent,
    Int,
    Uint,
    Float,
    String,
    Bytes,
    /// An operator, bracket or other sign; `in` too.
    Sign,
    End,
}

impl Token {
    /// Whether this is the sign `text`.
    pub(super) fn is(&self, text: &str) -> bool {
        self.kind == TokenKind::Sign && self.text == text
    }

    /// As an error names it.
    pub(super) fn shown(&self) -> &str {
        if self.kind == TokenKind::End { "<EOF>" } else { &self.text }
    }

    /// Whether an expression can begin with this token.
    pub(super) fn begins_expression(&self) -> bool {
        match self.kind {
            TokenKind::End | TokenKind::EscapedIdent => false,
            TokenKind::Sign => {
                ["[", "{", "(", ".", "-", "!", "true", "false", "null"].contains(&self.text.as_str())
            }
            _ => true,
        }
    }
}
