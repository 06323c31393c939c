//! The tokens of JSON, each from where it begins to where it ends.
//!
//! All readers of JSON take their tokens here, so that they agree on what is JSON.

use std::borrow::Cow;

/// Text that is not JSON: where, and what Go says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexpected {
    /// The offset in bytes of what may not stand there; the length of the text if that ends too early.
    pub offset: usize,
    /// Where it stands, as in `looking for beginning of value`.
    pub context: Cow<'static, str>,
}

impl Unexpected {
    pub(super) fn new(offset: usize, context: impl Into<Cow<'static, str>>) -> Self {
        Self { offset, context: context.into() }
    }
}

/// The first offset at or behind `at` that is no white space.
#[inline]
pub fn whitespace(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\n' | b'\t' | b'\r')) {
        at += 1;
    }
    at
}

/// The end of the number that begins at `at`.
///
/// # Errors
/// When there is none. What follows is not looked at: of `01` the `0` is a number.
#[inline]
pub fn number(text: &[u8], mut at: usize) -> Result<usize, Unexpected> {
    at += usize::from(text.get(at) == Some(&b'-'));
    at = match text.get(at) {
        Some(b'0') => at + 1,
        _ => digits(text, at, "in numeric literal")?,
    };
    if text.get(at) == Some(&b'.') {
        at = digits(text, at + 1, "after decimal point in numeric literal")?;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(text.get(at), Some(b'+' | b'-')));
        at = digits(text, at, "in exponent of numeric literal")?;
    }
    Ok(at)
}

#[inline]
fn digits(text: &[u8], mut at: usize, context: &'static str) -> Result<usize, Unexpected> {
    if !text.get(at).is_some_and(u8::is_ascii_digit) {
        return Err(Unexpected::new(at, context));
    }
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    Ok(at)
}

/// The end of the word `true`, `false` or `null` that begins at `at`.
///
/// # Errors
/// When another word, or none, stands there.
#[inline]
pub fn literal(text: &[u8], at: usize, word: &'static str) -> Result<usize, Unexpected> {
    let rest = text.get(at..).unwrap_or_default();
    if rest.starts_with(word.as_bytes()) {
        return Ok(at + word.len());
    }
    let same = word.bytes().zip(rest).take_while(|(expected, found)| expected == *found).count();
    let expected = word.as_bytes().get(same).copied().map_or(' ', char::from);
    Err(Unexpected::new(at + same, format!("in literal {word} (expecting '{expected}')")))
}

/// The character that the escape at `at`, where its backslash is, stands for, and its end. As in Go, half of a surrogate
/// pair stands for U+FFFD.
///
/// `\ud83d\ude00` stands for U+1F600, and `\ud83d` alone for U+FFFD.
///
/// # Errors
/// When JSON has no such escape.
pub fn escape(text: &[u8], at: usize) -> Result<(char, usize), Unexpected> {
    let character = match text.get(at + 1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\x08',
        Some(b'f') => '\x0c',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode_escape(text, at),
        _ => return Err(Unexpected::new(at + 1, "in string escape code")),
    };
    Ok((character, at + 2))
}

fn unicode_escape(text: &[u8], at: usize) -> Result<(char, usize), Unexpected> {
    let unit = code_unit(text, at + 2)?;
    let end = at + 6;
    if (0xd800..0xdc00).contains(&unit)
        && text.get(end..end + 2) == Some(b"\\u")
        && let Ok(low @ 0xdc00..0xe000) = code_unit(text, end + 2)
    {
        let pair = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        return Ok((char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER), end + 6));
    }
    Ok((char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), end))
}

/// The value of four hexadecimal digits.
fn code_unit(text: &[u8], at: usize) -> Result<u32, Unexpected> {
    (at..at + 4).try_fold(0, |unit, at| {
        let digit = text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        digit
            .map(|digit| unit << 4 | digit)
            .ok_or_else(|| Unexpected::new(at, "in \\u hexadecimal character escape"))
    })
}

/// Whether Go takes `name` for the lower-case `folded` where it does not mind the case, as it does when it looks for the
/// `kind` and `apiVersion` of an object. Two letters beyond ASCII have a lower case in it.
pub fn is_folded(name: &str, folded: &str) -> bool {
    let fold = |character| match character {
        'ſ' => 's',
        '\u{212a}' => 'k',
        _ => character.to_ascii_lowercase(),
    };
    name.chars().map(fold).eq(folded.chars())
}
