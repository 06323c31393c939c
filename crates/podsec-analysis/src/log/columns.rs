//! Events in the columns of a table: CSV of Log Analytics and CloudWatch Insights, rows of AKS' own table.

use serde_json::{Map, Value};

/// The names of a table's columns.
#[derive(Debug)]
pub(super) struct Columns(Vec<String>);

impl Columns {
    /// The columns, if a line is the first of a table that may hold events.
    pub(super) fn of_header(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?.trim_start_matches('\u{feff}').trim_end();
        let names: Vec<String> = fields(line)?.into_iter().map(|name| plain(&name)).collect();
        let is_known = |name: &String| KNOWN.contains(&name.as_str());
        names.iter().any(is_known).then_some(Self(names))
    }

    /// A row, as an object of its columns.
    pub(super) fn row(&self, line: &[u8]) -> Option<Value> {
        let line = std::str::from_utf8(line).ok()?.trim_end_matches(['\r', '\n']);
        let fields = fields(line)?;
        if fields.len() != self.0.len() {
            return None;
        }
        Some(Value::Object(self.0.iter().cloned().zip(fields.into_iter().map(Value::from)).collect()))
    }
}

/// A row of AKS' own table, as an event.
pub(super) fn event_of_columns(row: &Value) -> Option<Value> {
    let row = row.as_object()?;
    let mut event = Map::new();
    event.insert("kind".to_owned(), "Event".into());
    event.insert("apiVersion".to_owned(), "audit.k8s.io/v1".into());
    for (column, member) in MEMBERS {
        let value = match row.get(*column) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) if text.is_empty() => continue,
            // Columns of type dynamic are objects, or JSON in a string.
            Some(Value::String(text)) if text.starts_with(['{', '[']) => {
                serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()))
            }
            Some(value) => value.clone(),
        };
        event.insert((*member).to_owned(), value);
    }
    Some(Value::Object(event))
}

/// Tables that are exported add the zone to a name: `TimeGenerated [UTC]`.
fn plain(name: &str) -> String {
    name.split(" [").next().unwrap_or(name).trim().to_owned()
}

/// The fields of a line of CSV, as RFC 4180 has it; none when a quote is not closed.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = line;
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            if let Some((field, after)) = rest.split_once(',') {
                found.push(field.to_owned());
                rest = after;
                continue;
            }
            found.push(rest.to_owned());
            return Some(found);
        };
        let mut field = String::new();
        let mut after = quoted;
        loop {
            let (text, behind) = after.split_once('"')?;
            field.push_str(text);
            if let Some(behind) = behind.strip_prefix('"') {
                field.push('"');
                after = behind;
            } else {
                after = behind;
                break;
            }
        }
        found.push(field);
        match after.strip_prefix(',') {
            Some(behind) => rest = behind,
            None if after.is_empty() => return Some(found),
            None => return None,
        }
    }
}

/// Columns that hold events, or say that a row is one.
const KNOWN: &[&str] = &["log_s", "properties_s", "@message", "message", "log", "AuditId", "line", "Line"];

const MEMBERS: &[(&str, &str)] = &[
    ("Level", "level"),
    ("AuditId", "auditID"),
    ("Stage", "stage"),
    ("RequestUri", "requestURI"),
    ("Verb", "verb"),
    ("User", "user"),
    ("ImpersonatedUser", "impersonatedUser"),
    ("ObjectRef", "objectRef"),
    ("ResponseStatus", "responseStatus"),
    ("RequestObject", "requestObject"),
    ("ResponseObject", "responseObject"),
    ("RequestReceivedTime", "requestReceivedTimestamp"),
    ("Annotations", "annotations"),
];
