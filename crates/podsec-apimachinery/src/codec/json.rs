//! JSON as Go reads it: order and duplicates of keys are kept, numbers stay text, errors use Go's words.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

/// How deep values may nest; deeper ones end with [`SyntaxError::Depth`].
///
/// Go allows 10,000 levels. This stays under the 128 of serde_json, so that what was accepted can be read again, even
/// inside of a list or an audit event.
pub const MAX_DEPTH: usize = 120;

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
    /// The value nests deeper than [`MAX_DEPTH`].
    #[error("exceeded max depth")]
    Depth,
}

/// Reads a whole text as one value.
///
/// # Errors
///
/// The first place where the text is not JSON.
pub fn parse(text: &[u8]) -> Result<Json<'_>, SyntaxError> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    reader.skip_whitespace();
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
pub(crate) fn number(text: &str) -> Result<Number, OutOfRange> {
    if let Ok(whole) = text.parse::<i64>() {
        return Ok(Number::from(whole));
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Ok(Number::from(whole));
    }
    text.parse().ok().and_then(Number::from_f64).ok_or_else(|| OutOfRange(text.to_owned()))
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Result<Json<'a>, SyntaxError> {
        match self.peek().ok_or(SyntaxError::End)? {
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::array),
            b'"' => Ok(Json::String(self.string()?)),
            b't' => self.literal("true", Json::Bool(true)),
            b'f' => self.literal("false", Json::Bool(false)),
            b'n' => self.literal("null", Json::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Json<'a>, SyntaxError>,
    ) -> Result<Json<'a>, SyntaxError> {
        if self.depth == MAX_DEPTH {
            return Err(SyntaxError::Depth);
        }
        self.depth += 1;
        self.at += 1;
        self.skip_whitespace();
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Json<'a>, SyntaxError> {
        let mut members = Vec::new();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.skip_whitespace();
            match self.peek() {
                None => return Err(SyntaxError::End),
                Some(b'"') => {}
                Some(_) => return Err(self.unexpected("looking for beginning of object key string")),
            }
            let name = self.string()?;
            self.skip_whitespace();
            self.expect(b':', "after object key")?;
            self.skip_whitespace();
            let value = self.value()?;
            members.push((name, value));
            self.skip_whitespace();
            if self.take(b'}') {
                return Ok(Json::Object(members));
            }
            self.expect(b',', "after object key:value pair")?;
        }
    }

    fn array(&mut self) -> Result<Json<'a>, SyntaxError> {
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            self.skip_whitespace();
            items.push(self.value()?);
            self.skip_whitespace();
            if self.take(b']') {
                return Ok(Json::Array(items));
            }
            self.expect(b',', "after array element")?;
        }
    }

    fn literal(&mut self, word: &'static str, value: Json<'a>) -> Result<Json<'a>, SyntaxError> {
        for expected in word.bytes() {
            match self.peek() {
                None => return Err(SyntaxError::End),
                Some(found) if found == expected => self.at += 1,
                Some(_) => {
                    let expected = char::from(expected);
                    return Err(self.unexpected(format!("in literal {word} (expecting '{expected}')")));
                }
            }
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Json<'a>, SyntaxError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits("in numeric literal")?;
        }
        if self.take(b'.') {
            self.digits("after decimal point in numeric literal")?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits("in exponent of numeric literal")?;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        Ok(Json::Number(std::str::from_utf8(text).unwrap_or_default()))
    }

    fn digits(&mut self, context: &'static str) -> Result<(), SyntaxError> {
        match self.peek() {
            None => return Err(SyntaxError::End),
            Some(b'0'..=b'9') => {}
            Some(_) => return Err(self.unexpected(context)),
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
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
                    self.at += 1;
                    decoded.push(self.escape()?);
                }
                Some(_) => return Err(self.unexpected("in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, SyntaxError> {
        let character = match self.peek().ok_or(SyntaxError::End)? {
            plain @ (b'"' | b'\\' | b'/') => char::from(plain),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                let unit = self.hexadecimal()?;
                return Ok(self.surrogates(unit));
            }
            _ => return Err(self.unexpected("in string escape code")),
        };
        self.at += 1;
        Ok(character)
    }

    /// The character of a `\u` escape, with the second half of a pair if there is one; a half alone is U+FFFD.
    fn surrogates(&mut self, unit: u16) -> char {
        if let Some(character) = char::from_u32(unit.into()) {
            return character;
        }
        let before = self.at;
        if self.take(b'\\')
            && self.take(b'u')
            && let Ok(second) = self.hexadecimal()
            && let Some(Ok(character)) = char::decode_utf16([unit, second]).next()
        {
            return character;
        }
        self.at = before;
        char::REPLACEMENT_CHARACTER
    }

    fn hexadecimal(&mut self) -> Result<u16, SyntaxError> {
        let mut unit: u16 = 0;
        for _ in 0..4 {
            let byte = self.peek().ok_or(SyntaxError::End)?;
            let Some(digit) = char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok())
            else {
                return Err(self.unexpected("in \\u hexadecimal character escape"));
            };
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
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
        if self.take(expected) {
            return Ok(());
        }
        if self.peek().is_none() { Err(SyntaxError::End) } else { Err(self.unexpected(context)) }
    }

    /// The error for the byte at hand.
    fn unexpected(&self, context: impl Into<Cow<'static, str>>) -> SyntaxError {
        match self.peek() {
            None => SyntaxError::End,
            Some(character) => SyntaxError::Character { character, context: context.into(), offset: self.at },
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
            assert_eq!(parse(text).unwrap_err().to_string(), message, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn keys_keep_their_order_and_their_duplicates() {
        let parsed = parse(br#"{"b":1,"a":[true,null],"b":"x"}"#).unwrap();
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
            assert_eq!(parse(text), Ok(Json::String(expected.into())));
        }
    }

    #[test]
    fn nesting_ends_before_the_stack_does() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(parse(nested(MAX_DEPTH + 1).as_bytes()), Err(SyntaxError::Depth));
        assert_eq!(parse("[{\"a\":".repeat(1_000_000).as_bytes()), Err(SyntaxError::Depth));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(text in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&text);
        }

        #[test]
        fn what_serde_json_writes_is_read_back(text in json_text()) {
            let value: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(parse(text.as_bytes()).unwrap().to_value(), Ok(value));
        }

        #[test]
        fn what_serde_json_refuses_is_refused(text in "[\\[\\]{}\",:0-9a-e.\\\\ -]{0,12}") {
            let valid = serde_json::from_str::<Value>(&text).is_ok();
            // serde_json also refuses numbers out of range and lone surrogates, which this alphabet hardly makes.
            if valid { prop_assert!(parse(text.as_bytes()).is_ok()) }
            if parse(text.as_bytes()).is_err() { prop_assert!(!valid) }
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
