//! Numbers as Go reads and writes them.

use std::fmt::Write as _;

/// Reads a plain text that starts with a point. Go's own parser is at work here, so `_` must stand between digits.
pub(crate) fn dotted_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let digit =
        |index: Option<usize>| index.and_then(|index| bytes.get(index)).is_some_and(u8::is_ascii_digit);
    let misplaced = |index: usize| !(digit(index.checked_sub(1)) && digit(index.checked_add(1)));
    if bytes.iter().enumerate().any(|(index, byte)| *byte == b'_' && misplaced(index)) {
        return None;
    }
    decimal_float(&text.replace('_', ""))
}

/// Digits with one of Go's prefixes: `0x`, `0o`, `0b`, or `0` for octal.
pub(crate) fn magnitude(digits: &str) -> Option<u64> {
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, digits.get(2..)?),
        [b'0', b'o' | b'O', _, ..] => (8, digits.get(2..)?),
        [b'0', b'b' | b'B', _, ..] => (2, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, when it fits a double.
pub(crate) fn decimal_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !all_digits(whole) || !all_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.is_empty() || !all_digits(digits) {
            return None;
        }
    }
    text.parse().ok().filter(|float: &f64| float.is_finite())
}

/// Writes a finite float as Go's encoding/json does: shortest form, no fraction for whole numbers, an exponent
/// only below 1e-6 and from 1e21 on.
pub(crate) fn write_float(float: f64, out: &mut String) {
    let magnitude = float.abs();
    // Writing to a String cannot fail.
    let _ = if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let scientific = format!("{float:e}");
        match scientific.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => write!(out, "{mantissa}e+{exponent}"),
            _ => write!(out, "{scientific}"),
        }
    } else {
        write!(out, "{float}")
    };
}

/// Writes a float key as sigs.k8s.io/yaml does: Go's `%g` of the number as a 32-bit float.
pub(crate) fn float_key(float: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "upstream formats keys as 32-bit floats")]
    let float = float as f32;
    if float.is_nan() {
        return ".nan".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{float:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) || float == 0.0 {
        return format!("{float}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}
