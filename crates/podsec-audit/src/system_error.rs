//! The errors of the operating system in Go's words.

use std::io;

/// A system's error in Go's words: lower case, without its number.
pub(crate) fn system_error(error: &io::Error) -> String {
    let words = error.to_string();
    let words = words.split(" (os error").next().unwrap_or_default();
    let mut characters = words.chars();
    characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default()
}
