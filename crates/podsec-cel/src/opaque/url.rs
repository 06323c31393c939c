//! URLs as Go parses them.

use std::fmt::{self, Display, Formatter};

use podsec_go::quote::quoted;

/// The parts of a URL that functions show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    text: String,
    pub(crate) scheme: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) query: String,
}

impl Display for Url {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The host without brackets, and the port.
pub(crate) fn split_port(host: &str) -> (&str, &str) {
    let end = host.rfind(']').map_or(0, |at| at + 1);
    let (name, port) = match host.get(end..).and_then(|rest| rest.rfind(':')) {
        Some(colon) => (&host[..end + colon], &host[end + colon + 1..]),
        None => (host, ""),
    };
    (name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name), port)
}

/// Parses an absolute URL or path, as Go's `url.ParseRequestURI`.
///
/// # Errors
/// Go's words.
pub(crate) fn parse(text: &str) -> Result<Url, String> {
    let wrong = |why: String| format!("parse {}: {why}", quoted(text));
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err(wrong("net/url: invalid control character in URL".to_owned()));
    }
    if text.is_empty() {
        return Err(wrong("empty url".to_owned()));
    }
    if text == "*" {
        let empty = String::new;
        return Ok(Url {
            text: text.into(),
            scheme: empty(),
            host: empty(),
            path: text.into(),
            query: empty(),
        });
    }
    let (scheme, rest) = split_scheme(text).map_err(wrong)?;
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let _ = fragment;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            // Opaque, as in mailto:someone.
            return Ok(Url {
                text: text.into(),
                scheme,
                host: String::new(),
                path: String::new(),
                query: query.into(),
            });
        }
        return Err(wrong("invalid URI for request".to_owned()));
    }
    let (host, path) = match rest.strip_prefix("//") {
        Some(authority) if !scheme.is_empty() || !rest.starts_with("///") => {
            let end = authority.find('/').unwrap_or(authority.len());
            let (authority, path) = authority.split_at(end);
            (parse_authority(authority).map_err(wrong)?, path)
        }
        _ => (String::new(), rest),
    };
    check_escapes(path).map_err(wrong)?;
    Ok(Url { text: text.into(), scheme, host, path: escape_path(path), query: query.into() })
}

fn split_scheme(text: &str) -> Result<(String, &str), String> {
    for (at, sign) in text.char_indices() {
        match sign {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((text[..at].to_ascii_lowercase(), &text[at + 1..])),
            _ => break,
        }
    }
    Ok((String::new(), text))
}

fn parse_authority(authority: &str) -> Result<String, String> {
    let host = match authority.rfind('@') {
        Some(at) => {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
            if !authority[..at].bytes().all(legal) {
                return Err("net/url: invalid userinfo".to_owned());
            }
            &authority[at + 1..]
        }
        None => authority,
    };
    let port = match host.strip_prefix('[') {
        Some(literal) => {
            let Some((_, port)) = literal.rsplit_once(']') else {
                return Err("missing ']' in host".to_owned());
            };
            port
        }
        None => host.rfind(':').map_or("", |at| &host[at..]),
    };
    let valid = port.is_empty()
        || port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
    if !valid {
        return Err(format!("invalid port {} after host", quoted(port)));
    }
    let legal =
        |byte: u8| byte.is_ascii_alphanumeric() || byte >= 0x80 || b"-._~!$&'()*+,;=:[]<>\"%".contains(&byte);
    if let Some(sign) = host.chars().find(|sign| !u8::try_from(*sign).map_or(true, legal)) {
        return Err(format!("invalid character {} in host name", quoted(&sign.to_string())));
    }
    check_host_escapes(host)?;
    Ok(percent_encoding::percent_decode_str(host).decode_utf8_lossy().into_owned())
}

/// Only bytes beyond ASCII may be escaped in a host, and a percent sign in a zone.
fn check_host_escapes(host: &str) -> Result<(), String> {
    check_escapes(host)?;
    for (at, _) in host.match_indices('%') {
        let escape = host.get(at..at + 3).unwrap_or_default();
        let ascii = escape.get(1..2).is_some_and(|digit| digit < "8");
        if ascii && escape != "%25" {
            return Err(format!("invalid URL escape {}", quoted(escape)));
        }
    }
    Ok(())
}

/// Whether each percent sign begins an escape.
///
/// # Errors
/// Go's words.
pub(crate) fn check_escapes(text: &str) -> Result<(), String> {
    for (at, _) in text.match_indices('%') {
        let digits = text.as_bytes().get(at + 1..at + 3).unwrap_or_default();
        if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
            let escape: String = text[at..].chars().take(3).collect();
            return Err(format!("invalid URL escape {}", quoted(&escape)));
        }
    }
    Ok(())
}

/// The path as Go's `EscapedPath` shows it: as written where that is a valid encoding, else encoded anew.
fn escape_path(path: &str) -> String {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"!$&'()*+,;=:@[]-_.~/%".contains(&byte);
    if path.bytes().all(legal) {
        return path.to_owned();
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"$&+,/:;=@-_.~".contains(&byte);
    let mut escaped = String::new();
    for byte in percent_encoding::percent_decode_str(path) {
        if plain(byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(percent_encoding::percent_encode_byte(byte));
        }
    }
    escaped
}
