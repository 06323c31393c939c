//! Texts with names.

/// A text with a name: a file, standard input, or what a renderer such as Helm printed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// What reports call it.
    pub name: String,
    /// What it holds.
    pub text: String,
}
