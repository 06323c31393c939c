//! What the text of a literal stands for.

use super::ast::Literal;
use super::token::{Token, TokenKind};

/// The value of a literal; `sign` is the minus in front of a number, or empty.
///
/// # Errors
/// The words of Kubernetes' compiler.
pub(super) fn value(token: &Token, sign: &str) -> Result<Literal, &'static str> {
    match token.kind {
        TokenKind::Int => integer(&token.text, sign).map(Literal::Int).ok_or("invalid int literal"),
        TokenKind::Uint => {
            let text = token.text.trim_end_matches(['u', 'U']);
            let parsed = match text.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16),
                None => text.parse(),
            };
            parsed.map(Literal::Uint).map_err(|_| "invalid uint literal")
        }
        TokenKind::Float => format!("{sign}{}", token.text)
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
            .map(Literal::Double)
            .ok_or("invalid double literal"),
        TokenKind::Bytes => unquote(token.text.get(1..).unwrap_or_default(), true).map(Literal::Bytes),
        _ => unquote(&token.text, false).and_then(|bytes| {
            String::from_utf8(bytes).map(Literal::String).map_err(|_| "unable to unescape string")
        }),
    }
}

fn integer(text: &str, sign: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(&format!("{sign}{digits}"), 16).ok(),
        None => format!("{sign}{text}").parse().ok(),
    }
}

/// The bytes of a string (in UTF-8) or bytes literal, quotes and prefix included in `text`.
///
/// `"a\x41"` is `aA`; of bytes `b"\xff"` is the byte 255, of a string `"\xff"` the character U+00FF.
///
/// # Errors
/// What cel-go says of an escape that cannot be.
fn unquote(text: &str, bytes: bool) -> Result<Vec<u8>, &'static str> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let body = text.trim_start_matches(['r', 'R']);
    let raw = body.len() < text.len();
    let quotes =
        if body.len() >= 6 && (body.starts_with("\"\"\"") || body.starts_with("'''")) { 3 } else { 1 };
    let body = body.get(quotes..body.len().saturating_sub(quotes)).unwrap_or_default();
    if raw || !body.contains('\\') {
        return Ok(body.as_bytes().to_vec());
    }
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body.chars();
    while let Some(character) = rest.next() {
        if character == '\\' {
            escape(&mut rest, bytes, &mut out)?;
        } else {
            push(&mut out, character);
        }
    }
    Ok(out)
}

fn escape(rest: &mut std::str::Chars<'_>, bytes: bool, out: &mut Vec<u8>) -> Result<(), &'static str> {
    let sign = rest.next().ok_or("unable to unescape string, found '\\' as last character")?;
    let simple = match sign {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' | '\'' | '"' | '`' | '?' => u8::try_from(sign).map_err(|_| WRONG)?,
        'x' | 'X' => return number(rest, 2, 16, bytes, out),
        'u' if !bytes => return number(rest, 4, 16, false, out),
        'U' if !bytes => return number(rest, 8, 16, false, out),
        '0'..='3' => {
            let mut digits = String::from(sign);
            digits.extend(rest.by_ref().take(2));
            return character(&digits, 3, 8, bytes, out).map_err(|wrong| {
                if wrong == WRONG { "unable to unescape octal sequence in string" } else { wrong }
            });
        }
        _ => return Err(WRONG),
    };
    out.push(simple);
    Ok(())
}

fn number(
    rest: &mut std::str::Chars<'_>,
    count: usize,
    radix: u32,
    bytes: bool,
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    let digits: String = rest.by_ref().take(count).collect();
    character(&digits, count, radix, bytes, out)
}

fn character(
    digits: &str,
    count: usize,
    radix: u32,
    bytes: bool,
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    if digits.len() != count || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(WRONG);
    }
    let value = u32::from_str_radix(digits, radix).map_err(|_| WRONG)?;
    if bytes {
        out.push(u8::try_from(value).map_err(|_| WRONG)?);
    } else {
        push(out, char::from_u32(value).ok_or("invalid unicode code point")?);
    }
    Ok(())
}

fn push(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

const WRONG: &str = "unable to unescape string";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_characters_in_strings_and_for_bytes_in_bytes() {
        assert_eq!(unquote(r#""a\x41\u00e9\n""#, false), Ok("aA\u{e9}\n".as_bytes().to_vec()));
        assert_eq!(unquote(r#""\xff""#, true), Ok(vec![255]));
        assert_eq!(unquote(r#"r"\n""#, false), Ok(b"\\n".to_vec()));
        assert_eq!(unquote("'''it's'''", false), Ok(b"it's".to_vec()));
        assert_eq!(unquote(r#""\ud800""#, false), Err("invalid unicode code point"));
        assert_eq!(unquote(r#""\u00ff""#, true), Err(WRONG));
    }
}
