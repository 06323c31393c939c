//! `pattern`: regular expressions as Go reads them, which Rust's differ from within brackets.

use std::collections::HashMap;
use std::sync::Arc;

use podsec_go::pattern;
use regex::{Regex, RegexBuilder};

/// The compiled patterns of one definition: each text once, and all within [`MAX_BYTES`].
///
/// ```text
/// ^a+$              under 4 KB                          counts as   4 KB
/// ^[^a]{1,900}$     over 4, 16, 64 and 256 KB, under 1 MB           1 MB
/// ```
#[derive(Debug)]
pub struct Patterns {
    compiled: HashMap<String, Pattern>,
    left: usize,
}

impl Default for Patterns {
    fn default() -> Self {
        Self { compiled: HashMap::new(), left: MAX_BYTES }
    }
}

impl Patterns {
    /// Compiles a pattern, or finds it among those that were.
    ///
    /// # Errors
    /// When it is none, or there is no room for it.
    pub(super) fn compile(&mut self, text: &str) -> Result<Pattern, Refusal> {
        if let Some(pattern) = self.compiled.get(text) {
            return Ok(pattern.clone());
        }
        let translated = pattern::to_rust(text).map_err(|error| Refusal::Syntax(error.to_string()))?;
        // How much a pattern takes is known from the bound within which it compiles.
        for bound in BOUNDS.into_iter().take_while(|bound| *bound <= self.left) {
            match RegexBuilder::new(&translated).size_limit(bound).dfa_size_limit(CACHE).build() {
                Ok(regex) => {
                    self.left -= bound;
                    let pattern = Pattern { text: text.to_owned(), regex: Arc::new(regex) };
                    self.compiled.insert(text.to_owned(), pattern.clone());
                    return Ok(pattern);
                }
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(error) => {
                    let words = error.to_string();
                    return Err(Refusal::Syntax(words.split_whitespace().collect::<Vec<_>>().join(" ")));
                }
            }
        }
        // What is tried next would be refused too, and trying takes time.
        self.left = 0;
        Err(Refusal::TooLarge)
    }
}

/// Why a pattern is not compiled.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// It is no regular expression; what is wrong with it, on one line.
    #[error("{0}")]
    Syntax(String),
    /// The patterns of the definition are too many or too large.
    #[error(
        "the patterns of one definition may take {MAX_BYTES} bytes when they are compiled; repeat less, \
         or use maxLength instead of a repetition with a high bound"
    )]
    TooLarge,
}

/// A pattern and what was made of it.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// As it stands in the schema, for messages.
    pub(super) text: String,
    regex: Arc<Regex>,
}

impl Pattern {
    /// Whether a part of the text matches.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// Compiles one pattern in Go's syntax, within the bound of all patterns of a definition.
///
/// # Errors
/// What is wrong with it, on one line.
pub fn compile(text: &str) -> Result<Regex, String> {
    let translated = pattern::to_rust(text).map_err(|error| error.to_string())?;
    let built = RegexBuilder::new(&translated).size_limit(MAX_BYTES).dfa_size_limit(CACHE).build();
    built.map_err(|error| error.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
}

/// How many bytes the compiled patterns of one definition may take.
const MAX_BYTES: usize = 16 << 20;
/// The bounds within which a pattern is tried to be compiled, in bytes.
const BOUNDS: [usize; 5] = [4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];
/// What a pattern may keep of its work from one text to the next, in bytes.
const CACHE: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_means_what_it_means_to_go() {
        for (pattern, matching, other) in [
            (r"^[\w-_.:/]+$", "a-b_c", "a b"),
            (r"^\d+$", "12", "١"),
            (r"^[[a]+$", "[a", "b"),
            (r"^[]a]+$", "]a", "b"),
            (r"^[^]a]+$", "b", "]"),
            (r"^[a&&b]+$", "a&b", "c"),
            (r"^[[:alpha:]-9]+$", "a-9", "5"),
            (r"^[a-c\]]+$", "ab]", "d"),
            (r"^[+--]+$", "+,-", "a"),
            (r"sftp:\/\/([\w-_./]+|\[[\w-_.:/]+\]):\d+", "sftp://a-b:22", "sftp://a-b"),
        ] {
            let pattern =
                Patterns::default().compile(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
            assert!(pattern.is_match(matching), "{} {matching}", pattern.text);
            assert!(!pattern.is_match(other), "{} {other}", pattern.text);
        }
    }

    #[test]
    fn the_patterns_of_a_definition_are_bounded_together() {
        let mut patterns = Patterns::default();
        let heavy = |most: usize| format!("^[^a]{{1,{most}}}$");
        let compiled = (0..1000).take_while(|index| patterns.compile(&heavy(900 - index % 500)).is_ok());
        assert!((8..=64).contains(&compiled.count()));
        assert!(matches!(patterns.compile("^a$"), Err(Refusal::TooLarge)), "nothing more is tried");
        // The same text takes its room once.
        let mut patterns = Patterns::default();
        assert!((0..1000).all(|_| patterns.compile(&heavy(900)).is_ok()));
    }

    proptest! {
        #[test]
        fn no_pattern_makes_it_panic(text in r"[\[\]\\^:aé&~dw()*-]{0,10}") {
            if let Ok(pattern) = Patterns::default().compile(&text) {
                pattern.is_match("a-é[");
            }
        }
    }
}
