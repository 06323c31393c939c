//! `additionalPrinterColumns`: the cells of a custom object in a Table.

use jiff::Timestamp;
use podsec_apimachinery::table;
use serde_json::Value;

use super::JsonPath;

/// One column.
#[derive(Clone, Debug)]
pub(super) struct PrinterColumn {
    definition: table::Column,
    path: Option<JsonPath>,
}

impl PrinterColumn {
    /// The columns of a version; without any of its own it has the age.
    pub(super) fn of_version(version: &Value) -> Vec<Self> {
        let columns = version.get("additionalPrinterColumns").and_then(Value::as_array);
        match columns.filter(|columns| !columns.is_empty()) {
            Some(columns) => columns.iter().map(Self::read).collect(),
            None => vec![Self::age()],
        }
    }

    fn read(column: &Value) -> Self {
        let text = |field: &str| column.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let description = match text("description") {
            description if description.is_empty() => {
                format!("Custom resource definition column (in JSONPath format): {}", text("jsonPath"))
            }
            description => description,
        };
        let priority = column.get("priority").and_then(Value::as_i64).unwrap_or_default();
        let definition = table::Column {
            name: text("name").into(),
            column_type: text("type").into(),
            format: text("format").into(),
            description: description.into(),
            priority: i32::try_from(priority).unwrap_or(i32::MAX),
        };
        Self { definition, path: JsonPath::parse(&text("jsonPath")) }
    }

    fn age() -> Self {
        let definition = table::Column {
            name: "Age".into(),
            column_type: "date".into(),
            format: "".into(),
            description: crate::printing::CREATED.into(),
            priority: 0,
        };
        Self { definition, path: JsonPath::parse(".metadata.creationTimestamp") }
    }

    /// The column as the Table has it.
    pub(super) fn definition(&self) -> table::Column {
        self.definition.clone()
    }

    /// Its cell for one object; null when there is nothing, or something of another type.
    pub(super) fn cell(&self, object: &Value, now: Timestamp) -> Value {
        let found = self.path.as_ref().and_then(|path| path.first(object));
        let Some(value) = found.filter(|value| !value.is_null()) else { return Value::Null };
        match (&*self.definition.column_type, value) {
            ("string", Value::String(_)) | ("boolean", Value::Bool(_)) | ("number", Value::Number(_)) => {
                value.clone()
            }
            ("string", other) => other.to_string().into(),
            #[expect(clippy::cast_possible_truncation, reason = "Kubernetes cuts fractions off here")]
            ("integer", Value::Number(number)) => number
                .as_i64()
                .or_else(|| number.as_f64().map(|float| float as i64))
                .map_or(Value::Null, Value::from),
            ("date", Value::String(time)) => match time.parse() {
                Ok(time) => table::age(Some(time), now).into(),
                Err(_) => "<invalid>".into(),
            },
            _ => Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cell_is_of_the_type_of_its_column() {
        let object =
            json!({"spec": {"n": 2, "f": 2.5, "s": "x", "b": true, "l": ["a"], "t": "2026-01-01T00:00:00Z"}});
        let now = "2026-01-01T00:00:30Z".parse().unwrap();
        for (kind, field, expected) in [
            ("string", "s", json!("x")),
            ("string", "n", json!("2")),
            ("string", "l", json!(r#"["a"]"#)),
            ("integer", "n", json!(2)),
            ("integer", "f", json!(2)),
            ("integer", "s", json!(null)),
            ("number", "f", json!(2.5)),
            ("boolean", "b", json!(true)),
            ("date", "t", json!("30s")),
            ("date", "s", json!("<invalid>")),
            ("date", "none", json!(null)),
        ] {
            let column = json!({"name": "C", "type": kind, "jsonPath": format!(".spec.{field}")});
            assert_eq!(PrinterColumn::read(&column).cell(&object, now), expected, "{kind} {field}");
        }
    }
}
