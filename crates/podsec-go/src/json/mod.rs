//! JSON as Go reads it: order and duplicates of keys are kept, numbers stay text, errors use Go's words.

pub mod scan;

use std::borrow::Cow;

use scan::Unexpected;
pub use scan::is_folded;
use serde_json::{Map, Number, Value};

/// How deep values may nest in Go, and so in Kubernetes.
pub const MAX_DEPTH: usize = 10_000;

/// A JSON value that remembers what [`Value`] forgets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as written.
    Number(&'a str),
    /// A string; what is not UTF-8 became U+FFFD, as in Go.
    String(Cow<'a, str>),
    /// A list.
    Array(Vec<Json<'a>>),
    /// The members of an object in the order in which they were written, duplicates included.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Text that is not JSON, in the words of Go's `encoding/json`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxError {
    /// The text ended inside of a value.
    #[error("unexpected end of JSON input")]
    End,
    /// A character stands where it may not.
    #[error("invalid character {} {context}", quoted(*.character))]
    Character {
        /// The offending byte.
        character: u8,
        /// Where it stands, as in `looking for beginning of value`.
        context: Cow<'static, str>,
        /// Its offset in the text, in bytes.
        offset: usize,
    },
    /// The value nests deeper than it may.
    #[error("exceeded max depth")]
    Depth,
}

/// Reads a whole text as one value, which may nest so deep.
///
/// ```
/// use podsec_go::json::{MAX_DEPTH, parse};
///
/// let value = parse(br#"{"a": [1, 2]}"#, MAX_DEPTH)?;
/// assert_eq!(value.get("a").unwrap().type_name(), "array");
/// assert_eq!(parse(b"[1,]", MAX_DEPTH).unwrap_err().to_string(), "invalid character ']' looking for beginning of value");
/// # Ok::<(), podsec_go::json::SyntaxError>(())
/// ```
///
/// # Errors
///
/// The first place where the text is not JSON.
pub fn parse(text: &[u8], max_depth: usize) -> Result<Json<'_>, SyntaxError> {
    let mut reader = Reader { text, at: 0, max_depth };
    let value = reader.value()?;
    reader.skip_whitespace();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.unexpected("after top-level value")),
    }
}

impl<'a> Json<'a> {
    /// The value under a key; of duplicates the last.
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        match self {
            Self::Object(members) => {
                members.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// What Go's decoding errors call it: `object`, `array`, `string`, `number`, `bool`, `null`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// How many lists and objects stand within each other at most; 0 for a scalar. Costs no stack.
    pub fn depth(&self) -> usize {
        let mut deepest = 0;
        let mut open = vec![(self, 0)];
        while let Some((value, above)) = open.pop() {
            let depth = match value {
                Self::Array(items) => {
                    open.extend(items.iter().map(|item| (item, above + 1)));
                    above + 1
                }
                Self::Object(members) => {
                    open.extend(members.iter().map(|(_, member)| (member, above + 1)));
                    above + 1
                }
                _ => above,
            };
            deepest = deepest.max(depth);
        }
        deepest
    }

    /// The value without its order and duplicates: the last one wins.
    ///
    /// # Errors
    ///
    /// When a number is too large for a float, which Go's decoder refuses too.
    pub fn to_value(&self) -> Result<Value, OutOfRange> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Number(text) => Value::Number(number(text)?),
            Self::String(text) => Value::String(text.clone().into_owned()),
            Self::Array(items) => Value::Array(items.iter().map(Json::to_value).collect::<Result<_, _>>()?),
            Self::Object(members) => {
                let member =
                    |(name, value): &(Cow<str>, Json)| Ok((name.clone().into_owned(), value.to_value()?));
                Value::Object(members.iter().map(member).collect::<Result<Map<_, _>, _>>()?)
            }
        })
    }
}

/// A number that is too large for a float.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("json: cannot unmarshal number {0} into Go value of type float64")]
pub struct OutOfRange(String);

/// A number: a whole one when it is written as one and fits, else a float.
///
/// # Errors
/// When it is too large for a float.
pub fn number(text: &str) -> Result<Number, OutOfRange> {
    if let Ok(whole) = text.parse::<i64>() {
        return Ok(Number::from(whole));
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Ok(Number::from(whole));
    }
    text.parse().ok().and_then(Number::from_f64).ok_or_else(|| OutOfRange(text.to_owned()))
}

/// A value that is not complete yet.
enum Open<'a> {
    Array(Vec<Json<'a>>),
    /// With the name of the member whose value comes next.
    Object(Vec<(Cow<'a, str>, Json<'a>)>, Cow<'a, str>),
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    max_depth: usize,
}

impl<'a> Reader<'a> {
    /// Reads a value. How deep it nests costs no stack: what is open is kept in a list.
    fn value(&mut self) -> Result<Json<'a>, SyntaxError> {
        let mut open: Vec<Open<'a>> = Vec::new();
        loop {
            let Some(mut value) = self.begin(&mut open)? else { continue };
            loop {
                self.skip_whitespace();
                match open.last_mut() {
                    None => return Ok(value),
                    Some(Open::Array(items)) => {
                        items.push(value);
                        if !self.take(b']') {
                            self.expect(b',', "after array element")?;
                            break;
                        }
                    }
                    Some(Open::Object(members, name)) => {
                        members.push((std::mem::take(name), value));
                        if !self.take(b'}') {
                            self.expect(b',', "after object key:value pair")?;
                            *name = self.name()?;
                            break;
                        }
                    }
                }
                value = match open.pop() {
                    Some(Open::Array(items)) => Json::Array(items),
                    Some(Open::Object(members, _)) => Json::Object(members),
                    None => unreachable!("the last one was looked at"),
                };
            }
        }
    }

    /// Reads a value up to the first one within it: a whole one, or none when it is open now.
    fn begin(&mut self, open: &mut Vec<Open<'a>>) -> Result<Option<Json<'a>>, SyntaxError> {
        self.skip_whitespace();
        let value = match self.peek().ok_or(SyntaxError::End)? {
            byte @ (b'{' | b'[') => {
                if open.len() == self.max_depth {
                    return Err(SyntaxError::Depth);
                }
                self.at += 1;
                self.skip_whitespace();
                if byte == b'[' && !self.take(b']') {
                    open.push(Open::Array(Vec::new()));
                    return Ok(None);
                }
                if byte == b'{' && !self.take(b'}') {
                    let name = self.name()?;
                    open.push(Open::Object(Vec::new(), name));
                    return Ok(None);
                }
                if byte == b'[' { Json::Array(Vec::new()) } else { Json::Object(Vec::new()) }
            }
            b'"' => Json::String(self.string()?),
            b't' => self.literal("true", Json::Bool(true))?,
            b'f' => self.literal("false", Json::Bool(false))?,
            b'n' => self.literal("null", Json::Null)?,
            b'-' | b'0'..=b'9' => {
                let start = self.at;
                self.at = self.token(scan::number(self.text, start))?;
                let text = self.text.get(start..self.at).unwrap_or_default();
                Json::Number(std::str::from_utf8(text).unwrap_or_default())
            }
            _ => return Err(self.unexpected("looking for beginning of value")),
        };
        Ok(Some(value))
    }

    /// The name of a member and the colon behind it.
    fn name(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        self.skip_whitespace();
        match self.peek() {
            None => return Err(SyntaxError::End),
            Some(b'"') => {}
            Some(_) => return Err(self.unexpected("looking for beginning of object key string")),
        }
        let name = self.string()?;
        self.skip_whitespace();
        self.expect(b':', "after object key")?;
        Ok(name)
    }

    fn literal(&mut self, word: &'static str, value: Json<'a>) -> Result<Json<'a>, SyntaxError> {
        self.at = self.token(scan::literal(self.text, self.at, word))?;
        Ok(value)
    }

    /// A string, from its opening quote on. Borrowed unless it has escapes or is not UTF-8.
    fn string(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        self.at += 1;
        let mut decoded = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain =
                rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len());
            let chunk = String::from_utf8_lossy(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                None => return Err(SyntaxError::End),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(if decoded.is_empty() { chunk } else { Cow::Owned(decoded + &chunk) });
                }
                Some(b'\\') => {
                    decoded.push_str(&chunk);
                    let (character, end) = self.token(scan::escape(self.text, self.at))?;
                    decoded.push(character);
                    self.at = end;
                }
                Some(_) => return Err(self.unexpected("in string literal")),
            }
        }
    }

    fn skip_whitespace(&mut self) {
        self.at = scan::whitespace(self.text, self.at);
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, expected: u8) -> bool {
        let found = self.peek() == Some(expected);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, expected: u8, context: &'static str) -> Result<(), SyntaxError> {
        if self.take(expected) { Ok(()) } else { Err(self.unexpected(context)) }
    }

    /// The error for the byte at hand.
    fn unexpected(&self, context: &'static str) -> SyntaxError {
        self.error(Unexpected::new(self.at, context))
    }

    fn token<T>(&self, scanned: Result<T, Unexpected>) -> Result<T, SyntaxError> {
        scanned.map_err(|unexpected| self.error(unexpected))
    }

    fn error(&self, Unexpected { offset, context }: Unexpected) -> SyntaxError {
        match self.text.get(offset) {
            None => SyntaxError::End,
            Some(&character) => SyntaxError::Character { character, context, offset },
        }
    }
}

impl Drop for Json<'_> {
    /// Takes the value apart level by level, so that how deep it nests costs no stack.
    fn drop(&mut self) {
        let mut inner = Vec::new();
        self.take_inner(&mut inner);
        while let Some(mut value) = inner.pop() {
            value.take_inner(&mut inner);
        }
    }
}

impl Json<'_> {
    fn take_inner(&mut self, inner: &mut Vec<Self>) {
        match self {
            Self::Array(items) => inner.append(items),
            Self::Object(members) => inner.extend(members.drain(..).map(|(_, value)| value)),
            _ => {}
        }
    }
}

/// A byte as Go's scanner quotes it: as the Latin-1 character of that number, between single quotes.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'\\' => r"'\\'".to_owned(),
        b'\n' => r"'\n'".to_owned(),
        b'\r' => r"'\r'".to_owned(),
        b'\t' => r"'\t'".to_owned(),
        7 => r"'\a'".to_owned(),
        8 => r"'\b'".to_owned(),
        11 => r"'\v'".to_owned(),
        12 => r"'\f'".to_owned(),
        0..=0x1f | 0x7f => format!("'\\x{byte:02x}'"),
        0x80..=0xa0 | 0xad => format!("'\\u{byte:04x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn errors_are_worded_as_go_words_them() {
        let cases: [(&[u8], &str); 24] = [
            (b"", "unexpected end of JSON input"),
            (b"{bad json", "invalid character 'b' looking for beginning of object key string"),
            (b"x", "invalid character 'x' looking for beginning of value"),
            (b"{\"a\"", "unexpected end of JSON input"),
            (b"{\"a\" 1}", "invalid character '1' after object key"),
            (b"{\"a\":1 \"b\":2}", "invalid character '\"' after object key:value pair"),
            (b"{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            (b"[1,]", "invalid character ']' looking for beginning of value"),
            (b"[1 2]", "invalid character '2' after array element"),
            (b"[1}", "invalid character '}' after array element"),
            (b"{} {}", "invalid character '{' after top-level value"),
            (b"trux", "invalid character 'x' in literal true (expecting 'e')"),
            (b"nul", "unexpected end of JSON input"),
            (b"01", "invalid character '1' after top-level value"),
            (b"-x", "invalid character 'x' in numeric literal"),
            (b"1.x", "invalid character 'x' after decimal point in numeric literal"),
            (b"1e+x", "invalid character 'x' in exponent of numeric literal"),
            (b"\"a\nb\"", "invalid character '\\n' in string literal"),
            (b"\"\\x\"", "invalid character 'x' in string escape code"),
            (b"\"\\u00g0\"", "invalid character 'g' in \\u hexadecimal character escape"),
            (b"'a'", "invalid character '\\'' looking for beginning of value"),
            (b"\xef\xbb\xbf{}", "invalid character '\u{ef}' looking for beginning of value"),
            (b"\x00", "invalid character '\\x00' looking for beginning of value"),
            (b"---", "invalid character '-' in numeric literal"),
        ];
        for (text, message) in cases {
            assert_eq!(
                parse(text, MAX_DEPTH).unwrap_err().to_string(),
                message,
                "{}",
                String::from_utf8_lossy(text)
            );
        }
    }

    #[test]
    fn keys_keep_their_order_and_their_duplicates() {
        let parsed = parse(br#"{"b":1,"a":[true,null],"b":"x"}"#, MAX_DEPTH).unwrap();
        let Json::Object(members) = &parsed else { panic!("{parsed:?}") };
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["b", "a", "b"]);
        assert_eq!(parsed.get("b"), Some(&Json::String("x".into())));
        assert_eq!(parsed.to_value(), Ok(serde_json::json!({"a": [true, null], "b": "x"})));
    }

    #[test]
    fn strings_are_repaired_as_go_repairs_them() {
        for (text, expected) in [
            (b"\"\\u0041\\n\\\"\"".as_slice(), "A\n\""),
            (b"\"\\ud83d\\ude00\"", "\u{1f600}"),
            (b"\"\\ud800x\"", "\u{fffd}x"),
            (b"\"\\ud800\\u0041\"", "\u{fffd}A"),
            (b"\"a\xffb\"", "a\u{fffd}b"),
        ] {
            assert_eq!(parse(text, MAX_DEPTH), Ok(Json::String(expected.into())));
        }
    }

    #[test]
    fn nesting_costs_no_stack() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert_eq!(parse(nested(3).as_bytes(), 2), Err(SyntaxError::Depth));
        assert!(parse(nested(2).as_bytes(), 2).is_ok());
        assert_eq!(parse(nested(MAX_DEPTH + 1).as_bytes(), MAX_DEPTH), Err(SyntaxError::Depth));
        assert_eq!(parse("[{\"a\":".repeat(1_000_000).as_bytes(), MAX_DEPTH), Err(SyntaxError::Depth));
        let members = "{\"a\":".repeat(1_000_000) + "1" + &"}".repeat(1_000_000);
        for text in [nested(1_000_000), members] {
            assert!(parse(text.as_bytes(), usize::MAX).is_ok());
        }
    }

    #[test]
    fn names_are_folded_as_go_folds_them() {
        for name in ["kind", "Kind", "KIND", "\u{212a}ind"] {
            assert!(is_folded(name, "kind"), "{name}");
        }
        assert!(is_folded("APIVer\u{17f}ion", "apiversion"));
        assert!(!is_folded("kınd", "kind") && !is_folded("kinds", "kind"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(text in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&text, MAX_DEPTH);
        }

        #[test]
        fn what_serde_json_writes_is_read_back(text in json_text()) {
            let value: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(parse(text.as_bytes(), MAX_DEPTH).unwrap().to_value(), Ok(value));
        }

        #[test]
        fn what_serde_json_refuses_is_refused(text in "[\\[\\]{}\",:0-9a-e.\\\\ -]{0,12}") {
            let valid = serde_json::from_str::<Value>(&text).is_ok();
            // serde_json also refuses numbers out of range and lone surrogates, which this alphabet hardly makes.
            if valid { prop_assert!(parse(text.as_bytes(), MAX_DEPTH).is_ok()) }
            if parse(text.as_bytes(), MAX_DEPTH).is_err() { prop_assert!(!valid) }
        }
    }

    fn json_text() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        let value = leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(".*", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        });
        value.prop_map(|value| value.to_string())
    }
}
