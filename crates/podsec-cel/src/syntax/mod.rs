//! From text to a syntax tree: tokens, grammar, macros, and the errors with their place.
//!
//! ```text
//! source ─► lexer (tokens) ─► parser (grammar) ─► macros ─► ast::Expr
//! ```

pub(crate) mod ast;
mod lexer;
mod literal;
mod macros;
mod parser;
mod source;
mod token;

pub(crate) use parser::{Dialect, Parsed, parse};
pub(crate) use source::{Errors, Source};
