//! What a scalar means: yaml.v2's rules for plain text and for tags.

use std::borrow::Cow;

use crate::number;

/// A scalar as Kubernetes reads it.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'t> {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true`, `yes`, `on`, `y` and their opposites.
    Bool(bool),
    /// An integer, from any of Go's bases (`0400` and `0o400` are octal).
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    /// Any other number. As a value always finite.
    Float(f64),
    /// Everything else; a timestamp too.
    String(Cow<'t, str>),
}

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

    /// The integer that stands in JSON for this number, if it has that form: a whole float below 1e21 is written without a
    /// point, so that
    /// Kubernetes reads an integer, as in `1.00065e+09`.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Float(value) => {
                let mut text = String::new();
                number::write_float(*value, &mut text);
                text.parse().ok()
            }
            _ => None,
        }
    }

    fn tag(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) => "int",
            Self::Float(_) => "float",
            Self::String(_) => "str",
        }
    }

    /// The text of this scalar as a key of a JSON object, when Kubernetes allows it as a key.
    pub(crate) fn as_key(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::String(text) => Cow::Borrowed(text),
            Self::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Self::Int(value) => Cow::Owned(value.to_string()),
            Self::Float(value) => Cow::Owned(number::float_key(*value)),
            Self::Null | Self::Uint(_) => return None,
        })
    }
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
        b'.' => number::dotted_float(text).map(Scalar::Float),
        b'+' if text.get(1..).is_some_and(is_infinity) => Some(Scalar::Float(f64::INFINITY)),
        b'-' if text.get(1..).is_some_and(is_infinity) => Some(Scalar::Float(f64::NEG_INFINITY)),
        b'+' | b'-' | b'0'..=b'9' => number::number(text),
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
