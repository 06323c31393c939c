//! What the caller is told beside the answer, as `Warning` headers.

use std::sync::Mutex;

use hyper::HeaderMap;
use hyper::header::{HeaderValue, WARNING};

/// The warnings of one request, in order, each text once.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<Vec<String>>);

impl Warnings {
    /// Adds a warning; an empty one says nothing.
    pub(crate) fn add(&self, text: impl Into<String>) {
        let mut texts = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let text = text.into();
        if !text.is_empty() && !texts.contains(&text) {
            texts.push(text);
        }
    }

    /// Writes one header for each text. Beyond 4,096 characters in all, long texts are cut to 256, as
    /// kube-apiserver does; texts with control characters have no legal form and are left out.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let texts = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let total: usize = texts.iter().map(|text| text.chars().count()).sum();
        let limit = if total > 4096 { 256 } else { usize::MAX };
        let mut written = 0;
        for text in texts.iter() {
            if limit != usize::MAX && written >= 4096 {
                break;
            }
            let cut: String = text.chars().take(limit).collect();
            written += cut.chars().count();
            if let Some(value) = header(&cut) {
                headers.append(WARNING, value);
            }
        }
    }
}

fn header(text: &str) -> Option<HeaderValue> {
    if text.chars().any(char::is_control) {
        return None;
    }
    let mut value = String::from("299 - \"");
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            value.push('\\');
        }
        value.push(character);
    }
    value.push('"');
    HeaderValue::from_bytes(value.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(texts: &[&str]) -> Vec<String> {
        let warnings = Warnings::default();
        for text in texts {
            warnings.add(*text);
        }
        let mut headers = HeaderMap::new();
        warnings.write(&mut headers);
        let text = |value: &HeaderValue| String::from_utf8(value.as_bytes().to_vec()).unwrap();
        headers.get_all(WARNING).iter().map(text).collect()
    }

    #[test]
    fn quotes_and_backslashes_are_escaped_and_repeats_are_dropped() {
        assert_eq!(
            written(&[r#"a "b" \ é"#, "x", "x", "two\nlines"]),
            [r#"299 - "a \"b\" \\ é""#, r#"299 - "x""#]
        );
    }

    #[test]
    fn many_long_texts_are_cut() {
        let long: Vec<String> = (0..20).map(|index| format!("{index:02}{}", "x".repeat(998))).collect();
        let texts: Vec<&str> = long.iter().map(String::as_str).collect();
        let written = written(&texts);
        assert_eq!(written.len(), 16);
        assert!(written.iter().all(|text| text.len() == 256 + r#"299 - """#.len()));
    }
}
