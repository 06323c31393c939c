//! What a scalar means: yaml.v2's rules for plain text and for tags.

use std::borrow::Cow;

use crate::number::{decimal_float, dotted_float, magnitude};
use crate::scalar::Scalar;

impl<'t> Scalar<'t> {
    /// Reads a scalar without a tag, written without quotes.
    pub(crate) fn plain(text: Cow<'t, str>) -> Self {
        match meaning(&text) {
            Some(scalar) => scalar,
            None => Self::String(text),
        }
    }

    /// Reads a scalar with the resolved tag `tag`; quoting does not matter then.
    pub(crate) fn tagged(tag: &str, text: Cow<'t, str>) -> Result<Self, String> {
        let Some(kind) = tag.strip_prefix("tag:yaml.org,2002:") else { return Ok(Self::String(text)) };
        let scalar = match kind {
            "bool" | "int" | "float" | "null" | "timestamp" => Self::plain(text.clone()),
            "binary" => return decode_base64(&text).map(|text| Self::String(Cow::Owned(text))),
            _ => return Ok(Self::String(text)),
        };
        match (kind, scalar) {
            ("float", Self::Int(integer)) => {
                #[expect(clippy::cast_precision_loss, reason = "Go converts in the same way")]
                let float = integer as f64;
                Ok(Self::Float(float))
            }
            ("bool", scalar @ Self::Bool(_))
            | ("int", scalar @ (Self::Int(_) | Self::Uint(_)))
            | ("float", scalar @ Self::Float(_))
            | ("null", scalar @ Self::Null) => Ok(scalar),
            ("timestamp", Self::String(text)) if starts_like_a_date(&text) => Ok(Self::String(text)),
            (_, other) => Err(format!("cannot decode !!{} `{text}` as a !!{kind}", other.tag())),
        }
    }
}

/// Reads a plain text that starts with a digit or a sign, as yaml.v2 does: `_` is ignored, integers may have
/// one of Go's prefixes, floats are decimal. Numbers out of range are no numbers.
fn number(text: &str) -> Option<Scalar<'static>> {
    // A date, an address or a duration is the common case here: cheap to see, and never a number.
    if text.bytes().any(|byte| {
        !(byte.is_ascii_hexdigit() || matches!(byte, b'+' | b'-' | b'.' | b'_' | b'x' | b'X' | b'o' | b'O'))
    }) {
        return None;
    }
    let without_underscores;
    let text = if text.contains('_') {
        without_underscores = text.replace('_', "");
        &without_underscores
    } else {
        text
    };
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    if let Some(magnitude) = magnitude(digits) {
        if negative {
            if let Some(integer) = 0_i64.checked_sub_unsigned(magnitude) {
                return Some(Scalar::Int(integer));
            }
        } else if let Ok(integer) = i64::try_from(magnitude) {
            return Some(Scalar::Int(integer));
        } else if !text.starts_with('+') {
            return Some(Scalar::Uint(magnitude));
        }
    }
    if let Some(float) = decimal_float(text) {
        return Some(Scalar::Float(float));
    }
    // yaml.v2 reads binary once more by hand, and there a sign may follow the prefix.
    let binary = text.strip_prefix("0b").filter(|rest| rest.starts_with(['+', '-']))?;
    i64::from_str_radix(binary, 2).ok().map(Scalar::Int)
}

/// What a plain text means when it is not a string.
fn meaning(text: &str) -> Option<Scalar<'static>> {
    let first = match text.as_bytes().first() {
        None => return Some(Scalar::Null),
        Some(first) => *first,
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'.' if matches!(text, ".nan" | ".NaN" | ".NAN") => Some(Scalar::Float(f64::NAN)),
        b'.' if is_infinity(text) => Some(Scalar::Float(f64::INFINITY)),
        b'.' => dotted_float(text).map(Scalar::Float),
        b'+' if text.get(1..).is_some_and(is_infinity) => Some(Scalar::Float(f64::INFINITY)),
        b'-' if text.get(1..).is_some_and(is_infinity) => Some(Scalar::Float(f64::NEG_INFINITY)),
        b'+' | b'-' | b'0'..=b'9' => number(text),
        _ => None,
    }
}

fn word(text: &str) -> Option<Scalar<'static>> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        _ => return None,
    })
}

fn is_infinity(text: &str) -> bool {
    matches!(text, ".inf" | ".Inf" | ".INF")
}

fn starts_like_a_date(text: &str) -> bool {
    matches!(text.as_bytes(), [a, b, c, d, b'-', ..] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()))
}

/// Standard base64 with padding; line ends are skipped. Bytes that are no UTF-8 become U+FFFD, as in Go's JSON.
fn decode_base64(text: &str) -> Result<String, String> {
    const INVALID: &str = "!!binary value contains invalid base64 data";
    let mut digits = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n'));
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    while let Some(first) = digits.next() {
        let (Some(second), Some(third), Some(fourth)) = (digits.next(), digits.next(), digits.next()) else {
            return Err(INVALID.to_owned());
        };
        let padding = match (third, fourth) {
            (b'=', b'=') => 2,
            (_, b'=') => 1,
            _ => 0,
        };
        let mut group = 0_u32;
        for digit in [first, second, third, fourth].into_iter().take(4 - padding) {
            group = group << 6 | base64_digit(digit).ok_or(INVALID)?;
        }
        group <<= 6 * padding;
        bytes.extend(group.to_be_bytes().into_iter().skip(1).take(3 - padding));
        if padding > 0 && digits.next().is_some() {
            return Err(INVALID.to_owned());
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn base64_digit(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}
