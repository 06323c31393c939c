//! From text to a syntax tree: tokens, grammar, macros, and the errors with their place.
//!
//! ```text
//! source ─► lexer (tokens) ─► parser (grammar) ─► macros ─► ast::Expr
//! ```

pub(crate) mod ast;
mod lexer;
mod literal;
mod macros;
mod nodes;
mod parser;
mod source;
mod token;

pub(crate) use nodes::Dialect;
pub(crate) use parser::{Parsed, parse};
pub(crate) use source::{Errors, Source};
