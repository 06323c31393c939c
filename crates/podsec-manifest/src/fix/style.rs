//! How a document is written, and new values written the same way.

use podsec_yaml::{CollectionStyle, Document, Kind, Node};
use serde_json::Value;

/// The habits of a document's author.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    /// The end of a line.
    pub(super) line_end: &'static str,
    /// Whether the document is JSON and must stay so.
    pub(super) json: bool,
    /// How many blanks an object is indented below its key.
    pub(super) object_indent: usize,
    /// How many blanks a list's dashes are indented below its key.
    pub(super) list_indent: usize,
    /// Whether a blank follows `:` and `,` in flow collections.
    pub(super) spaced: bool,
}

impl Style {
    pub(super) fn of(text: &str, document: &Document<'_>) -> Self {
        let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
        let crlf =
            text.find('\n').is_some_and(|end| text.get(..end).is_some_and(|line| line.ends_with('\r')));
        let mut indents = Indents::default();
        indents.visit(document.root());
        let json =
            bare.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(bare).is_ok();
        Self {
            line_end: if crlf { "\r\n" } else { "\n" },
            json,
            object_indent: indents.object.unwrap_or(2),
            list_indent: indents.list.unwrap_or(0),
            spaced: !json || text.contains("\": ") || text.contains('\n'),
        }
    }

    /// A field of a block mapping whose keys stand in `column`, counted from 0; the first line is not indented.
    pub(super) fn block_entry(&self, name: &str, value: &Value, column: usize) -> String {
        let key = self.string(name);
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let below = column + self.object_indent;
                let entries = fields.iter().map(|(name, value)| self.block_entry(name, value, below));
                key + ":" + &entries.map(|entry| self.new_line(below) + &entry).collect::<String>()
            }
            Value::Array(items) if !items.is_empty() => {
                let below = column + self.list_indent;
                let items =
                    items.iter().map(|item| self.new_line(below) + "- " + &self.block_item(item, below + 2));
                key + ":" + &items.collect::<String>()
            }
            _ => key + ": " + &self.flow(value),
        }
    }

    /// An item of a block sequence, without the dash; `column` is where it starts.
    pub(super) fn block_item(&self, value: &Value, column: usize) -> String {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let entries = fields.iter().map(|(name, value)| self.block_entry(name, value, column));
                entries.collect::<Vec<_>>().join(&self.new_line(column))
            }
            _ => self.flow(value),
        }
    }

    /// The end of a line and the indentation of the next.
    pub(super) fn new_line(&self, column: usize) -> String {
        self.line_end.to_owned() + &" ".repeat(column)
    }

    /// A value in one line.
    pub(super) fn flow(&self, value: &Value) -> String {
        let comma = if self.spaced { ", " } else { "," };
        match value {
            Value::Object(fields) => {
                let entries: Vec<_> =
                    fields.iter().map(|(name, value)| self.flow_entry(name, value)).collect();
                format!("{{{}}}", entries.join(comma))
            }
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| self.flow(item)).collect();
                format!("[{}]", items.join(comma))
            }
            Value::String(text) => self.string(text),
            other => other.to_string(),
        }
    }

    /// A field of a flow mapping in one line.
    pub(super) fn flow_entry(&self, name: &str, value: &Value) -> String {
        self.string(name) + if self.spaced { ": " } else { ":" } + &self.flow(value)
    }

    /// A field of a JSON object over several lines, its own indented by `indent` and those below by `unit` more.
    pub(super) fn pretty_entry(&self, name: &str, value: &Value, indent: &str, unit: &str) -> String {
        self.string(name) + ": " + &self.pretty(value, indent, unit)
    }

    fn pretty(&self, value: &Value, indent: &str, unit: &str) -> String {
        let below = [indent, unit].concat();
        let (open, members, close) = match value {
            Value::Object(fields) if !fields.is_empty() => {
                let entries = fields.iter().map(|(name, value)| self.pretty_entry(name, value, &below, unit));
                ('{', entries.collect::<Vec<_>>(), '}')
            }
            Value::Array(items) if !items.is_empty() => {
                ('[', items.iter().map(|item| self.pretty(item, &below, unit)).collect(), ']')
            }
            other => return self.flow(other),
        };
        let line = [self.line_end, &below].concat();
        let members = members.join(&[",", &line].concat());
        format!("{open}{line}{members}{}{indent}{close}", self.line_end)
    }

    /// A string, in quotes where it needs them.
    fn string(&self, text: &str) -> String {
        if !self.json && is_plain(text) { text.to_owned() } else { Value::from(text).to_string() }
    }
}

/// Whether a string may stand without quotes wherever a value may: simple characters that Kubernetes reads as a string.
fn is_plain(text: &str) -> bool {
    let simple = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.bytes().all(simple)
        && !OTHER_MEANINGS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// What begins as a word and yet is no string, in some spelling.
const OTHER_MEANINGS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// The indentations that are used first.
#[derive(Default)]
struct Indents {
    object: Option<usize>,
    list: Option<usize>,
}

impl Indents {
    fn visit(&mut self, node: Node<'_, '_>) {
        if self.object.is_some() && self.list.is_some() || node.alias().is_some() {
            return;
        }
        if node.kind() != Kind::Mapping(CollectionStyle::Block) {
            node.items().for_each(|item| self.visit(item));
            return;
        }
        for entry in node.entries() {
            let (key, value) = (entry.key.position(), entry.value.position());
            if entry.merged.is_none() && entry.value.alias().is_none() && value.line > key.line {
                let indent = value.column.checked_sub(key.column);
                match entry.value.kind() {
                    Kind::Mapping(CollectionStyle::Block) => self.object = self.object.or(indent),
                    Kind::Sequence(CollectionStyle::Block) => self.list = self.list.or(indent),
                    _ => {}
                }
            }
            self.visit(entry.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn style(text: &str) -> Style {
        let document = podsec_yaml::documents(text).next().unwrap().unwrap();
        Style::of(text, &document)
    }

    #[test]
    fn the_authors_habits_are_seen() {
        let found = style("a:\r\n    b:\r\n      - c\r\n");
        let expected =
            Style { line_end: "\r\n", json: false, object_indent: 4, list_indent: 2, spaced: true };
        assert_eq!(found, expected);
        assert!(style("{\"a\": 1}").json && !style("{a: 1}").json && !style("{\"a\":1}").spaced);
    }

    #[test]
    fn new_values_are_written_as_the_others() {
        let value = json!({"capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true, "x": "yes", "y": {}});
        assert_eq!(
            style("a:\n   b:\n     - c\n").block_entry("securityContext", &value, 2),
            "securityContext:\n     capabilities:\n        drop:\n          - ALL\n     runAsNonRoot: true\n     x: \"yes\"\n     \"y\": {}"
        );
        assert_eq!(
            style("{a: 1}").flow(&value),
            "{capabilities: {drop: [ALL]}, runAsNonRoot: true, x: \"yes\", \"y\": {}}"
        );
        assert_eq!(
            style("{\"a\":1}").flow(&json!({"a": ["b", 1], "c": null})),
            "{\"a\":[\"b\",1],\"c\":null}"
        );
        assert_eq!(
            style("{\"a\": 1}").pretty_entry("a", &json!({"b": ["c"], "d": {}}), "\t", "\t"),
            "\"a\": {\n\t\t\"b\": [\n\t\t\t\"c\"\n\t\t],\n\t\t\"d\": {}\n\t}"
        );
    }

    proptest! {
        #[test]
        fn what_needs_no_quotes_is_read_as_a_string(
            text in "[A-Za-z/][A-Za-z0-9_./-]{0,6}|(?i:y|n|yes|no|on|off|true|false|null|nan|inf)|[ -~]{0,5}"
        ) {
            let read = podsec_yaml::to_json(&text).is_ok_and(|value| value == text.as_str());
            prop_assert!(read || !is_plain(&text), "{text:?}");
        }
    }
}
