//! The JSON paths of a CustomResourceDefinition: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`.

use serde_json::Value;

/// A path that leads to one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    /// From the end when negative.
    Index(i64),
    All,
    /// Those elements whose value at the path is, or is not, this one.
    Where {
        path: JsonPath,
        equal: bool,
        value: Value,
    },
}

impl JsonPath {
    /// Reads a path; `None` for one that is none, or that uses more than fields, indices, `[*]` and comparisons.
    pub fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let end = closing_bracket(inside)?;
                steps.push(bracket(inside.get(..end)?.trim())?);
                rest = inside.get(end + 1..)?;
            } else {
                let named = rest.strip_prefix('.').or(steps.is_empty().then_some(rest))?;
                let (name, after) = field(named);
                if name.is_empty() && !(after.starts_with('[') || (after.is_empty() && steps.is_empty())) {
                    return None;
                }
                if name == "*" {
                    steps.push(Step::All);
                } else if !name.is_empty() {
                    steps.push(Step::Field(name));
                }
                rest = after;
            }
        }
        Some(Self(steps))
    }

    /// The first value that the path leads to.
    pub fn first<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        walk(&self.0, value)
    }

    /// The value in its place, made when it is absent; `None` when the path is not made of fields alone.
    pub fn place<'a>(&self, object: &'a mut Value) -> Option<&'a mut Value> {
        let mut value = object;
        for step in &self.0 {
            let Step::Field(name) = step else { return None };
            value = crate::object::as_map(value).entry(name.as_str()).or_insert(Value::Null);
        }
        Some(value)
    }
}

/// A field's name, in which `\` stands before a dot that belongs to it, and what comes after it.
fn field(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => name.extend(characters.next().map(|(_, character)| character)),
            '.' | '[' => return (name, text.get(at..).unwrap_or_default()),
            _ => name.push(character),
        }
    }
    (name, "")
}

/// Where the bracket ends that has just been opened.
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0, None);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) => quote = (open != character).then_some(open),
            (None, '\'' | '"') => quote = Some(character),
            (None, '[') => depth += 1,
            (None, ']') if depth == 0 => return Some(at),
            (None, ']') => depth -= 1,
            _ => {}
        }
    }
    None
}

fn bracket(inside: &str) -> Option<Step> {
    if inside == "*" {
        return Some(Step::All);
    }
    if let Some(name) = unquoted(inside) {
        return Some(Step::Field(name));
    }
    let Some(condition) = inside.strip_prefix("?(") else { return inside.parse().ok().map(Step::Index) };
    let condition = condition.strip_suffix(')')?;
    let (left, right, equal) = match condition.split_once("==") {
        Some((left, right)) => (left, right, true),
        None => condition.split_once("!=").map(|(left, right)| (left, right, false))?,
    };
    let path = JsonPath::parse(left.trim().strip_prefix('@')?)?;
    let right = right.trim();
    let value = match unquoted(right) {
        Some(text) => Value::from(text),
        None => serde_json::from_str(right).ok()?,
    };
    Some(Step::Where { path, equal, value })
}

fn unquoted(text: &str) -> Option<String> {
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('\'').or_else(|| inside('"')).map(str::to_owned)
}

fn walk<'a>(steps: &[Step], value: &'a Value) -> Option<&'a Value> {
    let Some((step, rest)) = steps.split_first() else { return Some(value) };
    match step {
        Step::Field(name) => walk(rest, value.get(name)?),
        Step::Index(index) => {
            let items = value.as_array()?;
            let at = usize::try_from(*index).ok();
            let at = at.or_else(|| items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?))?;
            walk(rest, items.get(at)?)
        }
        Step::All => match value {
            Value::Array(items) => items.iter().find_map(|item| walk(rest, item)),
            Value::Object(fields) => fields.values().find_map(|value| walk(rest, value)),
            _ => None,
        },
        Step::Where { path, equal, value: wanted } => {
            let meant = |item: &&Value| path.first(item).is_some_and(|found| (found == wanted) == *equal);
            value.as_array()?.iter().filter(meant).find_map(|item| walk(rest, item))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_to_its_first_value() {
        let object = json!({
            "metadata": {"labels": {"app.kubernetes.io/name": "web"}},
            "spec": {"list": [{"a": 1}, {"a": 2}], "x": null},
            "status": {"conditions": [
                {"type": "Synced", "status": "False"}, {"type": "Ready", "status": "True"},
            ]},
        });
        for (path, expected) in [
            (".spec.list[1].a", json!(2)),
            (".spec.list[-1].a", json!(2)),
            (".spec.list[*].a", json!(1)),
            ("spec.x", json!(null)),
            (r".metadata.labels.app\.kubernetes\.io/name", json!("web")),
            (".metadata.labels['app.kubernetes.io/name']", json!("web")),
            (r#".status.conditions[?(@.type=="Ready")].status"#, json!("True")),
            (".status.conditions[?(@.type != 'Ready')].status", json!("False")),
        ] {
            assert_eq!(JsonPath::parse(path).unwrap().first(&object), Some(&expected), "{path}");
        }
        for absent in [".spec.none", ".spec.list[7]", ".spec.list[-3]", ".spec.list.a", ".spec.x.y"] {
            assert_eq!(JsonPath::parse(absent).unwrap().first(&object), None, "{absent}");
        }
        for unreadable in [".spec[", ".spec..a", ".spec[x]", ".a[?(@.b)]", ".a]b["] {
            assert!(
                JsonPath::parse(unreadable).is_none_or(|path| path.first(&object).is_none()),
                "{unreadable}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[.\[\]*?()@='"a\\é 0-]{0,12}"#) {
            if let Some(path) = JsonPath::parse(&text) {
                path.first(&json!({"a": [{"a": [1, {"é": 2}]}]}));
                path.place(&mut json!({"a": [1]}));
            }
        }
    }
}
