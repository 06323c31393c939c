//! JSON values as Go's `%v` prints them, because Kubernetes' messages show patches that way.

use std::fmt;

use serde_json::Value;

/// Displays a value as `fmt.Sprintf("%v", …)` does after `encoding/json`: `map[a:1 b:[x y]]`, `<nil>`.
#[derive(Clone, Copy, Debug)]
pub struct GoFormat<'a>(pub &'a Value);

impl fmt::Display for GoFormat<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("<nil>"),
            Value::String(text) => f.write_str(text),
            Value::Bool(_) | Value::Number(_) => write!(f, "{}", self.0),
            Value::Array(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    let space = if index == 0 { "" } else { " " };
                    write!(f, "{space}{}", Self(item))?;
                }
                f.write_str("]")
            }
            Value::Object(fields) => {
                f.write_str("map[")?;
                for (index, (key, value)) in fields.iter().enumerate() {
                    let space = if index == 0 { "" } else { " " };
                    write!(f, "{space}{key}:{}", GoFormat(value))?;
                }
                f.write_str("]")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_is_shown_as_go_shows_maps() {
        let patch = json!({"spec": {"bogus": 1, "list": ["a", null, true]}});
        assert_eq!(GoFormat(&patch).to_string(), "map[spec:map[bogus:1 list:[a <nil> true]]]");
    }
}
