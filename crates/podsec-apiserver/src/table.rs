//! How a client sees objects: as they are, as a Table, or as their metadata alone.

use std::fmt::Write as _;

use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_apimachinery::codec::json::parse_tree;
use podsec_apimachinery::meta::{ListMeta, Meta};
use podsec_apimachinery::table::{IncludeObject, MetaVersion, Row, Table};
use podsec_storage::Revision;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::registry::Registry;
use crate::registry::stored_json::StoredJson;
use crate::request::Request;
use crate::request::representation::Transform;
use podsec_kinds::Behaviour;

/// How the objects of one resource are shown to one client.
#[derive(Clone)]
pub(crate) struct View {
    transform: Transform,
    include: IncludeObject,
    behaviour: Behaviour,
}

impl View {
    /// What the client has negotiated.
    ///
    /// # Errors
    /// 400 for a Table with an unknown `includeObject`.
    pub(crate) fn of(request: &Request, registry: &Registry) -> Result<Self, Status> {
        let transform = request.representation.transform;
        let include = IncludeObject::parse(request.query.value("includeObject").unwrap_or_default());
        let include = match (include, transform) {
            (Ok(include), _) => include,
            (Err(error), Transform::Table(_)) => {
                return Err(Status::bad_request(format!("Unable to convert to Table as requested: {error}")));
            }
            (Err(_), _) => IncludeObject::default(),
        };
        Ok(Self { transform, include, behaviour: registry.behaviour().clone() })
    }

    /// One object as the client wants it.
    pub(crate) fn object(&self, object: Value, now: Timestamp) -> Value {
        self.event(object, true, now)
    }

    /// One object of a watch; only the first event of a Table watch carries the columns.
    pub(crate) fn event(&self, object: Value, first: bool, now: Timestamp) -> Value {
        match self.transform {
            Transform::Keep => object,
            Transform::PartialObjectMetadata(version) => partial(&object, version),
            Transform::Table(version) => {
                let resource_version = Meta::of(&object).resource_version().to_owned();
                let metadata = ListMeta { resource_version, ..ListMeta::default() };
                self.table(version, metadata, &[object], first, now)
            }
        }
    }

    /// The beginning of a list, up to its first item; `kind` and `api_version` are those of the list itself. Its
    /// metadata stands there when it is known by then.
    pub(crate) fn list_head(&self, kind: &str, api_version: &str, metadata: Option<&ListMeta>) -> Vec<u8> {
        let mut head = Map::new();
        let (kind, api_version) = match self.transform {
            Transform::Keep => (kind, api_version),
            Transform::Table(version) => {
                head.insert("columnDefinitions".to_owned(), json!(self.behaviour.columns()));
                ("Table", version.api_version())
            }
            Transform::PartialObjectMetadata(version) => ("PartialObjectMetadataList", version.api_version()),
        };
        if let Some(metadata) = metadata {
            head.insert("metadata".to_owned(), json!(metadata));
        }
        let items = if matches!(self.transform, Transform::Table(_)) { "rows" } else { "items" };
        let mut text = format!(r#"{{"kind":{},"apiVersion":{}"#, Value::from(kind), Value::from(api_version));
        for (name, value) in head {
            // Writing to a String cannot fail.
            let _ = write!(text, r#","{name}":{value}"#);
        }
        let _ = write!(text, r#","{items}":["#);
        text.into_bytes()
    }

    /// A whole list, for those that are short.
    ///
    /// # Errors
    /// 500 when an item has no JSON form.
    pub(crate) fn list(
        &self,
        kind: &str,
        api_version: &str,
        metadata: &ListMeta,
        items: Vec<Value>,
        now: Timestamp,
    ) -> Result<Value, Status> {
        let mut text = self.list_head(kind, api_version, Some(metadata));
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            self.write_item(item, now, &mut text)?;
        }
        text.extend_from_slice(b"]}");
        parse_tree(&text).map_err(|error| Status::internal(&error.to_string()))
    }

    /// Whether objects are shown as they are.
    pub(crate) fn is_plain(&self) -> bool {
        self.transform == Transform::Keep
    }

    /// Whether items are made of the stored bytes, if these are in the version of the resource.
    pub(crate) fn takes_bytes(&self) -> bool {
        !matches!(self.transform, Transform::Table(_))
    }

    /// An item of a list, made of stored bytes.
    pub(crate) fn write_item_from(&self, parts: &StoredJson<'_>, revision: Revision, out: &mut Vec<u8>) {
        match self.transform {
            Transform::PartialObjectMetadata(version) => {
                parts.write_partial(version.api_version(), revision, out);
            }
            Transform::Keep | Transform::Table(_) => parts.write_item(revision, out),
        }
    }

    /// An item of a list.
    ///
    /// # Errors
    /// 500 when it has no JSON form.
    pub(crate) fn write_item(&self, object: Value, now: Timestamp, out: &mut Vec<u8>) -> Result<(), Status> {
        let written = match self.transform {
            Transform::Keep => serde_json::to_writer(out, &without_type(object)),
            Transform::PartialObjectMetadata(version) => {
                serde_json::to_writer(out, &partial(&object, version))
            }
            Transform::Table(version) => self.row(&object, now).write_json(version, out),
        };
        written.map_err(|error| Status::internal(&error.to_string()))
    }

    fn table(
        &self,
        version: MetaVersion,
        metadata: ListMeta,
        objects: &[Value],
        with_columns: bool,
        now: Timestamp,
    ) -> Value {
        let table = Table {
            version,
            metadata,
            columns: with_columns.then(|| self.behaviour.columns().into()),
            rows: objects.iter().map(|object| self.row(object, now)).collect(),
        };
        serde_json::to_value(table).unwrap_or_default()
    }

    fn row<'a>(&self, object: &'a Value, now: Timestamp) -> Row<'a> {
        Row { cells: self.behaviour.cells(object, now), object: self.include.of(object) }
    }
}

/// One object as an answer.
///
/// # Errors
/// 422 for an unknown `includeObject`.
pub(crate) fn answer(
    request: &Request,
    registry: &Registry,
    code: u16,
    object: Value,
) -> Result<Answer, Status> {
    let object = View::of(request, registry)?.object(object, request.received);
    Ok(Answer::Object { code, content_type: None, object })
}

fn partial(object: &Value, version: MetaVersion) -> Value {
    let metadata = object.get("metadata").cloned().unwrap_or_else(|| json!({}));
    json!({"kind": "PartialObjectMetadata", "apiVersion": version.api_version(), "metadata": metadata})
}

/// The items of a typed list carry no kind and version of their own.
fn without_type(mut item: Value) -> Value {
    if let Value::Object(fields) = &mut item {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    item
}
