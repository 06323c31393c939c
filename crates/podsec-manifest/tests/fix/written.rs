//! Trees written as YAML and JSON in the ways that authors have.

use serde_json::Value;

/// A way to write a manifest.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Written {
    /// Block style; comments wherever they may stand.
    Commented,
    /// Block style with Windows' line ends and no last one.
    Crlf,
    /// Indented by four, lists too.
    Wide,
    /// YAML's flow style in one line.
    Flow,
    /// JSON in one line without blanks.
    Compact,
    /// JSON over many lines.
    Pretty,
}

impl Written {
    pub(crate) const ALL: [Self; 6] =
        [Self::Commented, Self::Crlf, Self::Wide, Self::Flow, Self::Compact, Self::Pretty];

    pub(crate) fn text(self, value: &Value) -> String {
        let block = |indent, list, comments| {
            let mut writer = Writer { out: String::new(), indent, list, comments, count: 0 };
            writer.value(value, 0, false);
            writer.out
        };
        match self {
            Self::Commented => block(2, 0, true),
            Self::Crlf => block(2, 2, true).replace('\n', "\r\n").trim_end().to_owned(),
            Self::Wide => block(4, 4, false),
            Self::Flow => flow(value) + "\n",
            Self::Compact => value.to_string(),
            Self::Pretty => serde_json::to_string_pretty(value).unwrap() + "\n",
        }
    }
}

struct Writer {
    out: String,
    indent: usize,
    list: usize,
    comments: bool,
    count: usize,
}

impl Writer {
    /// Writes a value behind a key or a dash.
    fn value(&mut self, value: &Value, column: usize, behind_dash: bool) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (index, (name, value)) in fields.iter().enumerate() {
                    if index > 0 || !behind_dash {
                        if self.comments && self.count.is_multiple_of(3) {
                            self.comment(column);
                        }
                        self.out.push_str(&" ".repeat(column));
                    }
                    self.out.push_str(&scalar(&Value::from(name.as_str())));
                    self.out.push(':');
                    match value {
                        Value::Object(fields) if !fields.is_empty() => {
                            self.end_line();
                            self.value(value, column + self.indent, false);
                        }
                        Value::Array(items) if !items.is_empty() => {
                            self.end_line();
                            self.value(value, column + self.list, false);
                        }
                        _ => self.value(value, column, true),
                    }
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    self.out.push_str(&" ".repeat(column));
                    self.out.push('-');
                    if item.is_object() && item.as_object().is_some_and(|fields| !fields.is_empty()) {
                        self.out.push(' ');
                    }
                    self.value(item, column + 2, true);
                }
            }
            other => {
                self.out.push(' ');
                self.out.push_str(&flow(other));
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        self.count += 1;
        if self.comments && self.count.is_multiple_of(2) {
            self.out.extend([" # end ", &self.count.to_string()]);
        }
        self.out.push('\n');
    }

    fn comment(&mut self, column: usize) {
        self.count += 1;
        self.out.push_str(&" ".repeat(column));
        self.out.extend(["# line ", &self.count.to_string(), "\n"]);
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields =
                fields.iter().map(|(name, value)| scalar(&Value::from(name.as_str())) + ": " + &flow(value));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        other => scalar(other),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text)
            if text.len() > 1
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./_-".contains(&byte))
                && podsec_yaml::to_json(text) == Ok(Value::from(text.as_str())) =>
        {
            text.clone()
        }
        other => other.to_string(),
    }
}
