//! Regular expressions in Go's syntax, written in the syntax of Rust's `regex`, which differs from it.
//!
//! ```text
//! [[a]     [\[a]        within brackets Go takes `[`, `&` and `~` as they stand
//! \d       [0-9]         Perl's classes are ASCII
//! x{,3}    x\{,3}       braces that are no repetition stand for themselves
//! \Qa+b\E  a\+b
//! a**      refused       and so is what Rust takes besides: `(?x)`, `\u0061`, repetitions over a thousand
//! ```

/// Why Go does not take a pattern, in its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {why}: `{part}`")]
pub struct PatternError {
    why: &'static str,
    part: String,
}

fn refuse<T>(why: &'static str, part: &str) -> Result<T, PatternError> {
    Err(PatternError { why, part: part.to_owned() })
}

/// The most repetitions that a pattern may ask for.
const MOST: u32 = 1000;

/// The pattern in Rust's syntax.
///
/// # Errors
/// For what Go refuses and Rust would take. What both refuse is left to Rust.
///
/// ```
/// assert_eq!(podsec_go::pattern::to_rust(r"^[[a]\d{,3}$").unwrap(), r"^[\[a][0-9]\{,3\}$");
/// assert!(podsec_go::pattern::to_rust("a**").is_err());
/// ```
pub fn to_rust(pattern: &str) -> Result<String, PatternError> {
    let mut plain = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut in_bracket = false;
    // The repetition that ended right here, which no other may follow.
    let mut repeated: Option<&str> = None;
    while let Some(first) = rest.chars().next() {
        let (token, after) = rest.split_at(token_length(rest, in_bracket));
        let mut before = repeated.take();
        rest = after;
        match (in_bracket, first) {
            (false, '[') => {
                let (opening, after) = rest.split_at(opening_length(rest));
                plain.push('[');
                plain.push_str(opening);
                rest = after;
                in_bracket = true;
            }
            (true, ']') => {
                plain.push(']');
                in_bracket = false;
            }
            (false, '\\') if token == r"\Q" => {
                let (quoted, after) = rest.split_once(r"\E").unwrap_or((rest, ""));
                for character in quoted.chars() {
                    if character.is_ascii_punctuation() {
                        plain.push('\\');
                    }
                    plain.push(character);
                }
                rest = after;
            }
            (_, '\\') => {
                check_escape(token, rest, in_bracket)?;
                plain.push_str(token);
                // The name of a class or the number of a character, whose braces are no repetition.
                if matches!(token, r"\p" | r"\P" | r"\x") && rest.starts_with('{') {
                    let end = rest.find('}').map_or(rest.len(), |end| end + 1);
                    plain.push_str(&rest[..end]);
                    rest = &rest[end..];
                }
            }
            (true, '-') if rest.starts_with('\\') && class(rest.get(..2).unwrap_or_default()).is_some() => {
                if !plain.ends_with('[') && !plain.ends_with('^') {
                    return refuse("invalid character class range", rest.get(..2).unwrap_or_default());
                }
                plain.push('-');
            }
            (false, '(') if rest.starts_with('?') => {
                check_flags(rest)?;
                plain.push('(');
            }
            (false, '*' | '+' | '?') => {
                if let Some(before) = before.take() {
                    return refuse("invalid nested repetition operator", &format!("{before}{first}"));
                }
                plain.push(first);
                let lazy = usize::from(rest.starts_with('?'));
                plain.push_str(&rest[..lazy]);
                rest = &rest[lazy..];
                repeated = Some(token);
            }
            (false, '{') => match repetition(rest) {
                Some((length, most)) => {
                    let part = format!("{{{}", &rest[..length]);
                    if most > MOST {
                        return refuse("invalid repeat count", &part);
                    }
                    if let Some(before) = before.take() {
                        return refuse("invalid nested repetition operator", &format!("{before}{part}"));
                    }
                    plain.push_str(&part);
                    rest = &rest[length..];
                    let lazy = usize::from(rest.starts_with('?'));
                    plain.push_str(&rest[..lazy]);
                    rest = &rest[lazy..];
                    repeated = Some("{}");
                }
                None => plain.push_str(r"\{"),
            },
            (false, '}') => plain.push_str(r"\}"),
            _ => plain.push_str(token),
        }
    }
    Ok(translated(&plain))
}

/// The length of `n}`, `n,}` or `n,m}` and the greatest number in it.
fn repetition(rest: &str) -> Option<(usize, u32)> {
    let (inner, _) = rest.split_once('}')?;
    let (least, most) = inner.split_once(',').unwrap_or((inner, inner));
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().unwrap_or(u32::MAX));
    let least = Some(least).filter(|text| !text.is_empty()).and_then(number)?;
    let most = if most.is_empty() { least } else { number(most)? };
    Some((inner.len() + 1, most.max(least)))
}

/// Go knows the flags i, m, s and U, names, and groups without number.
fn check_flags(rest: &str) -> Result<(), PatternError> {
    let inner = &rest[1..];
    if inner.starts_with("P<")
        || inner.starts_with('<') && !inner.starts_with("<=") && !inner.starts_with("<!")
    {
        return Ok(());
    }
    let flags = inner.find([':', ')']).map_or(inner, |end| &inner[..end]);
    if flags.bytes().all(|flag| b"imsU-".contains(&flag)) {
        return Ok(());
    }
    let shown: String = inner.chars().take(1).collect();
    refuse("invalid or unsupported Perl syntax", &format!("(?{shown}"))
}

/// Go knows fewer escapes of letters and digits than Rust.
fn check_escape(token: &str, rest: &str, in_bracket: bool) -> Result<(), PatternError> {
    let Some(escaped) = token.chars().nth(1) else { return Ok(()) };
    let known = match escaped {
        'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'p' | 'P' | 'x' | 'a' | 'f' | 'n' | 'r' | 't' | 'v' => true,
        'b' | 'B' | 'A' | 'z' => !in_bracket,
        '0'..='7' => rest.starts_with(|next: char| next.is_digit(8)) || escaped == '0',
        other => !other.is_ascii_alphanumeric(),
    };
    if known { Ok(()) } else { refuse("invalid escape sequence", token) }
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
    use super::*;

    #[test]
    fn what_go_refuses_is_refused() {
        for pattern in
            ["a**", "a*+", "a{1001}", "(?x)a", "(?=a)", r"\u0061", r"\h", r"\Z", r"[a-\d]", r"(a)\1"]
        {
            assert!(to_rust(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn what_only_go_takes_is_rewritten() {
        for (go, rust) in [
            ("x{", r"x\{"),
            ("x{,3}", r"x\{,3\}"),
            (r"\Qa+b\E", r"a\+b"),
            ("a*?b", "a*?b"),
            ("a{2,3}?", "a{2,3}?"),
            (r"[a&&b]", r"[a\&\&b]"),
        ] {
            assert_eq!(to_rust(go).as_deref(), Ok(rust));
        }
    }
}
