//! Rust's tokens, as far as paths and items need them: words and punctuation, without comments and literals.

/// A token and nothing of its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Token<'t> {
    Word(&'t str),
    /// `::` is one token, everything else one character.
    PathSeparator,
    Punctuation(char),
}

/// `use crate::a; // b` becomes `use`, `crate`, `::`, `a`, `;`.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = skipped(rest) {
            rest = &rest[length..];
        } else if first == '_' || first.is_alphabetic() {
            let length = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
            tokens.push(Token::Word(&rest[..length]));
            rest = &rest[length..];
        } else if rest.starts_with("::") {
            tokens.push(Token::PathSeparator);
            rest = &rest[2..];
        } else {
            if !first.is_whitespace() && !first.is_numeric() {
                tokens.push(Token::Punctuation(first));
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens
}

/// The length of the comment, literal or lifetime that `rest` begins with.
fn skipped(rest: &str) -> Option<usize> {
    let until =
        |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    if rest.starts_with("//") {
        return Some(until("\n", 0));
    }
    if rest.starts_with("/*") {
        return Some(until("*/", 2));
    }
    let prefix = rest.find(|c| !matches!(c, 'r' | 'b' | 'c')).unwrap_or(rest.len());
    let after = &rest[prefix..];
    if prefix > 0 && prefix <= 2 && rest[..prefix].contains('r') && after.starts_with(['#', '"']) {
        let hashes = after.len() - after.trim_start_matches('#').len();
        if after[hashes..].starts_with('"') {
            return Some(until(&format!("\"{}", "#".repeat(hashes)), prefix + hashes + 1));
        }
    }
    if prefix <= 1 && after.starts_with('"') {
        return Some(prefix + quoted(after, '"'));
    }
    if prefix <= 1 && after.starts_with('\'') {
        let mut characters = after.char_indices().skip(1);
        let (_, second) = characters.next()?;
        let third = characters.next();
        if second == '\\' || third.is_some_and(|(_, third)| third == '\'') {
            return Some(prefix + quoted(after, '\''));
        }
        // A lifetime.
        let length = after[1..].find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(after.len() - 1);
        return Some(prefix + 1 + length);
    }
    None
}

/// The length of a literal between two quotes, escapes and all.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[test]
fn words_in_comments_and_literals_are_no_tokens() {
    let words = |text| {
        tokens(text)
            .into_iter()
            .filter_map(|token| match token {
                Token::Word(word) => Some(word.to_owned()),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(words("a // b\n/* c */ d"), ["a", "d"]);
    assert_eq!(words(r##"a "b \" c" r#"d " e"# b"f" '"' g '\'' h"##), ["a", "g", "h"]);
    assert_eq!(words("<'a>(b: &'a c) 'x'"), ["b", "c"]);
    assert_eq!(words("r#type; brace('{') bar"), ["r", "type", "brace", "bar"]);
    assert_eq!(tokens("a::b:c").len(), 5);
}
