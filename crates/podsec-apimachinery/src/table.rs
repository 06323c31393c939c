//! `meta.k8s.io/v1` Table: the document behind `kubectl get`, and the ages in its cells.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::ser::SerializeStruct;
use serde_json::Value;

use crate::field;
use crate::meta::ListMeta;

/// A Table. Serialises in Kubernetes' field order.
#[derive(Clone, Debug)]
pub struct Table<'a> {
    /// The version of `meta.k8s.io` the client asked for.
    pub version: MetaVersion,
    /// The list's metadata.
    pub metadata: ListMeta,
    /// The columns; `None` in all events of a watch but the first.
    pub columns: Option<Cow<'a, [Column]>>,
    /// One row for each object.
    pub rows: Vec<Row<'a>>,
}

/// The definition of a column (`metav1.TableColumnDefinition`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// The header, in title case.
    pub name: Cow<'static, str>,
    /// The OpenAPI type of the cells.
    #[serde(rename = "type")]
    pub column_type: Cow<'static, str>,
    /// The OpenAPI format; `name` marks the column that holds the object's name.
    pub format: Cow<'static, str>,
    /// What the column says.
    pub description: Cow<'static, str>,
    /// 0 is always shown, 1 only by `-o wide`.
    pub priority: i32,
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// One cell for each column.
    pub cells: Vec<Value>,
    /// The object as far as it is included.
    pub object: RowObject<'a>,
}

/// What a row holds of its object.
#[derive(Clone, Copy, Debug)]
pub enum RowObject<'a> {
    /// Nothing.
    None,
    /// The metadata of this object, as `PartialObjectMetadata`.
    Metadata(&'a Value),
    /// The object, with its kind.
    Object(&'a Value),
}

/// `includeObject` of a request for a Table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IncludeObject {
    /// The rows are cells only.
    None,
    /// The rows carry metadata: what kubectl needs for `-A`, `--show-labels` and watches.
    #[default]
    Metadata,
    /// The rows carry whole objects: what kubectl needs to sort.
    Object,
}

/// A version of `meta.k8s.io`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetaVersion {
    /// What clients ask for today.
    #[default]
    V1,
    /// What kubectl offers as its second choice.
    V1beta1,
}

impl MetaVersion {
    /// The `apiVersion` of documents in this version.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::V1 => "meta.k8s.io/v1",
            Self::V1beta1 => "meta.k8s.io/v1beta1",
        }
    }
}

impl IncludeObject {
    /// Reads the query parameter; absent is empty.
    ///
    /// # Errors
    /// The field error kube-apiserver answers 422 with.
    pub fn parse(text: &str) -> Result<Self, field::Error> {
        match text {
            "" | "Metadata" => Ok(Self::Metadata),
            "None" => Ok(Self::None),
            "Object" => Ok(Self::Object),
            other => Err(field::Error::invalid(
                field::Path::new("includeObject"),
                &Value::from(other),
                "must be 'Metadata', 'Object', 'None', or empty",
            )),
        }
    }

    /// What a row holds of `object`.
    pub fn of(self, object: &Value) -> RowObject<'_> {
        match self {
            Self::None => RowObject::None,
            Self::Metadata => RowObject::Metadata(object),
            Self::Object => RowObject::Object(object),
        }
    }
}

/// How long ago `since` was, as kubectl shows ages; `<unknown>` when it was never.
pub fn age(since: Option<Timestamp>, now: Timestamp) -> String {
    since.map_or_else(|| "<unknown>".to_owned(), |since| human_duration(now.duration_since(since)))
}

/// A duration with the precision people want at its size: `75s`, `3m5s`, `42m`, `3h12m`, `30h`, `3d4h`, `400d`,
/// `3y10d`; up to two seconds in the future is `0s`, more is `<invalid>`.
pub fn human_duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let (days, years) = (hours / 24, hours / 24 / 365);
    let two = |major: i64, major_unit: &str, minor: i64, minor_unit: &str| {
        if minor == 0 {
            format!("{major}{major_unit}")
        } else {
            format!("{major}{major_unit}{minor}{minor_unit}")
        }
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        _ if seconds < 120 => format!("{seconds}s"),
        _ if minutes < 10 => two(minutes, "m", seconds % 60, "s"),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => two(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if days < 8 => two(days, "d", hours % 24, "h"),
        _ if years < 2 => format!("{days}d"),
        _ if years < 8 => two(years, "y", days % 365, "d"),
        _ => format!("{years}y"),
    }
}

impl Serialize for Table<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows: Vec<WireRow<'_>> =
            self.rows.iter().map(|row| WireRow { row, version: self.version }).collect();
        let mut table = serializer.serialize_struct("Table", 5)?;
        table.serialize_field("kind", "Table")?;
        table.serialize_field("apiVersion", self.version.api_version())?;
        table.serialize_field("metadata", &self.metadata)?;
        table.serialize_field("columnDefinitions", &self.columns)?;
        table.serialize_field("rows", &rows)?;
        table.end()
    }
}

impl Row<'_> {
    /// Appends the row as JSON, as it stands in a Table of this version: long Tables are written row by row.
    ///
    /// # Errors
    /// When an object has no JSON form.
    pub fn write_json(&self, version: MetaVersion, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(out, &WireRow { row: self, version })
    }
}

struct WireRow<'a> {
    row: &'a Row<'a>,
    version: MetaVersion,
}

impl Serialize for WireRow<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct PartialObjectMetadata<'a> {
            kind: &'static str,
            api_version: &'static str,
            metadata: &'a Value,
        }

        let mut row = serializer.serialize_struct("TableRow", 2)?;
        row.serialize_field("cells", &self.row.cells)?;
        match self.row.object {
            RowObject::None => row.serialize_field("object", &Value::Null)?,
            RowObject::Object(object) => row.serialize_field("object", object)?,
            RowObject::Metadata(object) => {
                let empty = Value::Object(serde_json::Map::new());
                let partial = PartialObjectMetadata {
                    kind: "PartialObjectMetadata",
                    api_version: self.version.api_version(),
                    metadata: object.get("metadata").unwrap_or(&empty),
                };
                row.serialize_field("object", &partial)?;
            }
        }
        row.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ages_are_as_precise_as_they_are_short() {
        const MINUTE: i64 = 60;
        const HOUR: i64 = 60 * MINUTE;
        const DAY: i64 = 24 * HOUR;
        const YEAR: i64 = 365 * DAY;
        let cases = [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (75, "75s"),
            (119, "119s"),
            (120, "2m"),
            (3 * MINUTE + 5, "3m5s"),
            (10 * MINUTE - 1, "9m59s"),
            (10 * MINUTE, "10m"),
            (42 * MINUTE + 30, "42m"),
            (3 * HOUR - 1, "179m"),
            (3 * HOUR, "3h"),
            (3 * HOUR + 12 * MINUTE, "3h12m"),
            (8 * HOUR - 1, "7h59m"),
            (30 * HOUR, "30h"),
            (2 * DAY, "2d"),
            (3 * DAY + 4 * HOUR, "3d4h"),
            (8 * DAY, "8d"),
            (400 * DAY, "400d"),
            (2 * YEAR - 1, "729d"),
            (2 * YEAR, "2y"),
            (3 * YEAR + 10 * DAY, "3y10d"),
            (8 * YEAR - 1, "7y364d"),
            (8 * YEAR + 100 * DAY, "8y"),
        ];
        for (seconds, text) in cases {
            assert_eq!(human_duration(SignedDuration::from_secs(seconds)), text, "{seconds}");
        }
        let now = "2026-11-21T20:08:48Z".parse().unwrap();
        assert_eq!(age("2026-11-21T20:08:03Z".parse().ok(), now), "45s");
        assert_eq!(age(None, now), "<unknown>");
    }

    #[test]
    fn a_table_is_written_as_kubernetes_writes_it() {
        let pod = json!({"metadata": {"name": "s1", "namespace": "misc"}, "kind": "Pod"});
        let column = |name: &'static str, format: &'static str| Column {
            name: name.into(),
            column_type: "string".into(),
            format: format.into(),
            description: "...".into(),
            priority: 0,
        };
        let mut table = Table {
            version: MetaVersion::V1,
            metadata: ListMeta {
                resource_version: "1297".to_owned(),
                continue_token: "abc".to_owned(),
                remaining_item_count: Some(1),
            },
            columns: Some(vec![column("Name", "name")].into()),
            rows: vec![Row { cells: vec![json!("s1")], object: IncludeObject::default().of(&pod) }],
        };
        assert_eq!(
            serde_json::to_string(&table).unwrap(),
            r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"1297","continue":"abc","remainingItemCount":1},"columnDefinitions":[{"name":"Name","type":"string","format":"name","description":"...","priority":0}],"rows":[{"cells":["s1"],"object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"s1","namespace":"misc"}}}]}"#
        );
        table.columns = None;
        table.metadata = ListMeta { resource_version: "1241".to_owned(), ..ListMeta::default() };
        table.rows = vec![
            Row { cells: vec![json!(1)], object: RowObject::None },
            Row { cells: vec![json!(2)], object: RowObject::Object(&pod) },
        ];
        assert_eq!(
            serde_json::to_string(&table).unwrap(),
            r#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"1241"},"columnDefinitions":null,"rows":[{"cells":[1],"object":null},{"cells":[2],"object":{"kind":"Pod","metadata":{"name":"s1","namespace":"misc"}}}]}"#
        );
    }

    #[test]
    fn an_unknown_include_object_is_refused() {
        assert_eq!(IncludeObject::parse(""), Ok(IncludeObject::Metadata));
        assert_eq!(
            IncludeObject::parse("All").unwrap_err().to_string(),
            r#"includeObject: Invalid value: "All": must be 'Metadata', 'Object', 'None', or empty"#
        );
    }
}
