//! How a client sees objects: as they are, as a Table, or as their metadata alone.

use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::{ListMeta, Meta};
use podsec_apimachinery::table::{IncludeObject, MetaVersion, Row, Table};
use serde_json::{Value, json};

use crate::negotiation::Transform;
use crate::query::Query;
use crate::verbs::options::invalid;
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
    /// 422 for an unknown `includeObject`.
    pub(crate) fn new(transform: Transform, query: &Query, behaviour: Behaviour) -> Result<Self, Status> {
        let include = IncludeObject::parse(query.value("includeObject").unwrap_or_default());
        let include = include.map_err(|error| invalid("TableOptions", &[error]))?;
        Ok(Self { transform, include, behaviour })
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

    /// A list as the client wants it; `kind` and `api_version` are those of the list itself.
    pub(crate) fn list(
        &self,
        kind: &str,
        api_version: &str,
        metadata: ListMeta,
        items: Vec<Value>,
        now: Timestamp,
    ) -> Value {
        match self.transform {
            Transform::Keep => {
                let items: Vec<Value> = items.into_iter().map(without_type).collect();
                json!({"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items})
            }
            Transform::Table(version) => self.table(version, metadata, &items, true, now),
            Transform::PartialObjectMetadata(version) => {
                let items: Vec<Value> = items.iter().map(|object| partial(object, version)).collect();
                let (kind, version) = ("PartialObjectMetadataList", version.api_version());
                json!({"kind": kind, "apiVersion": version, "metadata": metadata, "items": items})
            }
        }
    }

    fn table(
        &self,
        version: MetaVersion,
        metadata: ListMeta,
        objects: &[Value],
        with_columns: bool,
        now: Timestamp,
    ) -> Value {
        let row = |object| Row { cells: self.behaviour.cells(object, now), object: self.include.of(object) };
        let table = Table {
            version,
            metadata,
            columns: with_columns.then(|| self.behaviour.columns().into()),
            rows: objects.iter().map(row).collect(),
        };
        serde_json::to_value(table).unwrap_or_default()
    }
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
