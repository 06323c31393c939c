//! Paths to a field of a schema: `.spec.replicas`, `.metadata.labels['a.b']` (`ValidFieldPath` of
//! k8s.io/apiextensions-apiserver).

use podsec_apimachinery::field::Path;
use serde_json::Value;

use crate::object::Fields;

/// The names on a path and the schema at its end, or why it is no path of `schema`.
pub(crate) fn resolve<'s>(
    text: &str,
    schema: &'s Value,
    brackets: bool,
) -> Result<(Vec<String>, &'s Value), String> {
    let (mut names, mut schema) = (Vec::new(), schema);
    let mut tokens = tokens(text).into_iter();
    let end = || "unexpected end of JSON path".to_owned();
    while let Some(token) = tokens.next() {
        let name = match token {
            "[" if !brackets => return Err("array notation is not allowed".to_owned()),
            "[" => {
                let quoted = tokens.next().ok_or_else(end)?;
                let inner = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
                let inner = inner.ok_or_else(|| format!("expected single quoted string but got {quoted}"))?;
                unescape(inner)?
            }
            "." => tokens.next().ok_or_else(end)?.to_owned(),
            other => return Err(format!("expected [ or . but got: {other}")),
        };
        schema = inner(schema, &name).ok_or("does not refer to a valid field")?;
        names.push(name);
        if token == "[" {
            match tokens.next().ok_or_else(end)? {
                "]" => {}
                other => return Err(format!("expected ] but got {other}")),
            }
        }
    }
    Ok((names, schema))
}

/// The path as errors show it: `a.b[key]`. `None` for a text that is no path of `schema`.
pub(crate) fn normalized(text: &str, schema: &Value) -> Option<String> {
    let (names, _) = resolve(text, schema, true).ok()?;
    let (mut path, mut schema) = (Path::default(), schema);
    for name in &names {
        path = if has_properties(schema) { path.child(name) } else { path.key(name) };
        schema = inner(schema, name)?;
    }
    Some(path.to_string())
}

fn has_properties(schema: &Value) -> bool {
    schema.at("properties").as_object().is_some_and(|properties| !properties.is_empty())
}

fn inner<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    if has_properties(schema) {
        schema.at("properties").field(name)
    } else {
        schema.field("additionalProperties")
    }
}

/// The text split before and after each `.`, `[` and `]` that is not quoted.
fn tokens(text: &str) -> Vec<&str> {
    let (mut tokens, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let length = if rest.starts_with('\'') {
            let ends = rest.char_indices().skip(1);
            let mut ends = ends.filter(|&(at, letter)| letter == '\'' && !rest[..at].ends_with('\\'));
            ends.next().map_or(rest.len(), |(at, _)| at + 1)
        } else {
            rest.find(['.', '[', ']']).map_or(rest.len(), |at| at.max(1))
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after;
    }
    tokens
}

fn unescape(text: &str) -> Result<String, String> {
    let (mut out, mut letters) = (String::new(), text.chars());
    while let Some(letter) = letters.next() {
        out.push(match letter {
            '\\' => match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(escaped @ ('\\' | '\'' | '"')) => escaped,
                _ => return Err("invalid string literal: invalid syntax".to_owned()),
            },
            other => other,
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_through_properties_and_maps() {
        let schema = json!({"properties": {"a": {"additionalProperties": {"type": "string"}}}});
        let of = |path: &str, brackets| {
            resolve(path, &schema, brackets)
                .map(|(names, found)| (names.len(), found.text("type").to_owned()))
        };
        assert_eq!(of(".a['x.y']", true), Ok((2, "string".to_owned())));
        assert_eq!(of(".a.x", false), Ok((2, "string".to_owned())));
        assert_eq!(of(".a['x']", false), Err("array notation is not allowed".to_owned()));
        assert_eq!(of(".b", true), Err("does not refer to a valid field".to_owned()));
        assert_eq!(of("a", true), Err("expected [ or . but got: a".to_owned()));
        assert_eq!(of(".a[", true), Err("unexpected end of JSON path".to_owned()));
    }
}
