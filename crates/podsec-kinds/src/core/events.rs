//! Events, as `kubectl get events` and `kubectl describe` ask for them.

use jiff::Timestamp;
use serde_json::Value;

use crate::generic::BASE;
use crate::object::{Fields, metadata};
use crate::printing::{self, column, wide};
use crate::strategy::{Column, ColumnType, SelectableField, Strategy};

/// Events of the core group.
pub(crate) static STRATEGY: Strategy = Strategy { resource: "events", ..EVENTS };

/// The same events as `events.k8s.io` shows them.
pub(crate) static OF_GROUP: Strategy = Strategy {
    group: "events.k8s.io",
    resource: "events",
    columns: COLUMNS,
    cells: |event, now| cells_of(event, event.at("regarding"), event.text("note"), "deprecated", now),
    selectable_fields: &[
        SelectableField {
            label: "regarding.kind",
            value: |event, _| event.at("regarding").text("kind").to_owned(),
        },
        SelectableField {
            label: "regarding.name",
            value: |event, _| event.at("regarding").text("name").to_owned(),
        },
        SelectableField {
            label: "regarding.namespace",
            value: |event, _| event.at("regarding").text("namespace").to_owned(),
        },
        SelectableField {
            label: "regarding.uid",
            value: |event, _| event.at("regarding").text("uid").to_owned(),
        },
        SelectableField::path("reason"),
        SelectableField::path("type"),
        SelectableField::path("reportingController"),
    ],
    allow_create_on_update: true,
    ..BASE
};

const EVENTS: Strategy = Strategy {
    columns: COLUMNS,
    cells: |event, now| cells_of(event, event.at("involvedObject"), event.text("message"), "", now),
    selectable_fields: SELECTABLE_FIELDS,
    allow_create_on_update: true,
    ..BASE
};

const SELECTABLE_FIELDS: &[SelectableField] = &[
    SelectableField::path("involvedObject.kind"),
    SelectableField::path("involvedObject.namespace"),
    SelectableField::path("involvedObject.name"),
    SelectableField::path("involvedObject.uid"),
    SelectableField::path("involvedObject.apiVersion"),
    SelectableField::path("involvedObject.resourceVersion"),
    SelectableField::path("involvedObject.fieldPath"),
    SelectableField::path("reason"),
    SelectableField::path("reportingComponent"),
    SelectableField { label: "source", value: |event, _| component(event, "source").to_owned() },
    SelectableField::path("type"),
];

const COLUMNS: &[Column] = &[
    column("Last Seen", "How long ago it last happened."),
    column("Type", "Normal or Warning."),
    column("Reason", "What happened, in one word."),
    column("Object", "What it happened to."),
    wide("Subobject", "The part of the object."),
    wide("Source", "Who saw it."),
    column("Message", "What happened."),
    wide("First Seen", "How long ago it first happened."),
    wide("Count", "How often it happened."),
    Column {
        name: "Name",
        column_type: ColumnType::Name,
        description: "Unique within its namespace.",
        priority: 1,
    },
];

/// The component that saw it, by the newer name if the older is empty.
fn component<'a>(event: &'a Value, source: &str) -> &'a str {
    match event.at(source).text("component") {
        "" => match event.text("reportingComponent") {
            "" => event.text("reportingController"),
            component => component,
        },
        component => component,
    }
}

/// The cells of an event of either group: in the newer one the older fields have a prefix.
fn cells_of(event: &Value, object: &Value, message: &str, prefix: &str, now: Timestamp) -> Vec<Value> {
    let old = |name: &str| match prefix {
        "" => name.to_owned(),
        prefix => {
            let (first, rest) = name.split_at(1);
            format!("{prefix}{}{rest}", first.to_ascii_uppercase())
        }
    };
    let since = |time: &str| printing::since(time, now);
    let event_time = event.text("eventTime");
    let first = match event.text(&old("firstTimestamp")) {
        "" => since(event_time),
        time => since(time),
    };
    let series = event.field("series");
    let last = match (series, event.text(&old("lastTimestamp"))) {
        (Some(series), _) => since(series.text("lastObservedTime")),
        (None, "") => first.clone(),
        (None, time) => since(time),
    };
    let count = match (series, event.number(&old("count"))) {
        (Some(series), _) => series.number("count"),
        (None, 0) => 1,
        (None, count) => count,
    };
    let kind = object.text("kind").to_lowercase();
    let target = match object.text("name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    let source = old("source");
    let host = match event.at(&source).text("host") {
        "" => event.text("reportingInstance"),
        host => host,
    };
    let component = component(event, &source);
    let from = if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") };
    vec![
        last.into(),
        event.text("type").into(),
        event.text("reason").into(),
        target.into(),
        object.text("fieldPath").into(),
        from.into(),
        message.trim().into(),
        first.into(),
        count.into(),
        metadata(event).text("name").into(),
    ]
}
