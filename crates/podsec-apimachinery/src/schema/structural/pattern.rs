//! `pattern`: regular expressions as Go reads them, which Rust's differ from within brackets.

use regex::Regex;

/// A pattern and what was made of it.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// As it stands in the schema, for messages.
    pub(super) text: String,
    regex: Regex,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, on one line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let regex = Regex::new(&translated(text))
            .map_err(|error| error.to_string().split_whitespace().collect::<Vec<_>>().join(" "))?;
        Ok(Self { text: text.to_owned(), regex })
    }

    /// Whether a part of the text matches.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// The pattern in Rust's syntax. For Go `\d`, `\w` and `\s` are ASCII, and within brackets `[`, `&`, `~` and a dash
/// behind a class stand for themselves.
fn translated(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len());
    let mut rest = pattern;
    // Within brackets: whether nothing has been written there yet, or what was last is a class.
    let mut bracket: Option<Last> = None;
    while let Some(character) = rest.chars().next() {
        let (token, after) = rest.split_at(token_length(rest, bracket.is_some()));
        rest = after;
        bracket = match (bracket, character) {
            (None, '[') => {
                translated.push('[');
                let (opening, after) = rest.split_at(opening_length(rest));
                rest = after;
                translated.push_str(&opening.replace(']', r"\]"));
                Some(Last::Character)
            }
            (None, _) => {
                translated.push_str(class(token).unwrap_or(token));
                None
            }
            (Some(_), ']') => {
                translated.push(']');
                None
            }
            (Some(_), '\\') if class(token).is_some() => {
                translated.push_str(class(token).unwrap_or(token));
                Some(Last::Class)
            }
            (Some(_), '[') if token.len() > 1 => {
                translated.push_str(token);
                Some(Last::Class)
            }
            (Some(Last::Class), '-') => {
                translated.push_str(r"\-");
                Some(Last::Character)
            }
            // A range up to the dash.
            (Some(Last::Character), '-') if rest.starts_with('-') => {
                translated.push_str(r"-\-");
                rest = rest.get(1..).unwrap_or_default();
                Some(Last::Character)
            }
            (Some(_), '[' | '&' | '~') => {
                translated.push('\\');
                translated.push(character);
                Some(Last::Character)
            }
            (Some(_), _) => {
                translated.push_str(token);
                Some(Last::Character)
            }
        };
    }
    translated
}

/// What stands last within brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// A character, which a dash may make the start of a range.
    Character,
    /// A class, behind which a dash is a dash.
    Class,
}

/// The `^` and the `]` that may open a bracket.
fn opening_length(text: &str) -> usize {
    let negated = usize::from(text.starts_with('^'));
    negated + usize::from(text.get(negated..).is_some_and(|text| text.starts_with(']')))
}

/// The bytes of the first character, escape or, within brackets, class such as `[:alpha:]`.
fn token_length(text: &str, in_bracket: bool) -> usize {
    let mut characters = text.chars();
    let first = characters.next().map_or(0, char::len_utf8);
    match text.get(..first) {
        Some("\\") => first + characters.next().map_or(0, char::len_utf8),
        Some("[") if in_bracket && text.starts_with("[:") => text.find(":]").map_or(first, |end| end + 2),
        _ => first,
    }
}

/// One of Perl's classes without other scripts' characters.
fn class(escape: &str) -> Option<&'static str> {
    Some(match escape {
        r"\d" => "[0-9]",
        r"\D" => "[^0-9]",
        r"\s" => r"[\t\n\f\r ]",
        r"\S" => r"[^\t\n\f\r ]",
        r"\w" => "[0-9A-Za-z_]",
        r"\W" => "[^0-9A-Za-z_]",
        _ => return None,
    })
}

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
            let pattern = Pattern::parse(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
            assert!(pattern.is_match(matching), "{} {matching}", pattern.text);
            assert!(!pattern.is_match(other), "{} {other}", pattern.text);
        }
    }

    proptest! {
        #[test]
        fn no_pattern_makes_it_panic(text in r"[\[\]\\^:aé&~dw()*-]{0,10}") {
            if let Ok(pattern) = Pattern::parse(&text) {
                pattern.is_match("a-é[");
            }
        }
    }
}
