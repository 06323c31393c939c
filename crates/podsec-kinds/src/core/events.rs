//! Events, as `kubectl get events` and `kubectl describe` ask for them.

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata};
use crate::printing::{self, column, wide};
use crate::strategy::{Column, SelectableField, Strategy};
use crate::{formats, internal, metadata as meta};

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
    validate: validate_new_of_group,
    validate_update: validate_update_of_group,
    allow_create_on_update: true,
    ..BASE
};

const EVENTS: Strategy = Strategy {
    columns: COLUMNS,
    cells: |event, now| cells_of(event, event.at("involvedObject"), event.text("message"), "", now),
    selectable_fields: SELECTABLE_FIELDS,
    // Kubernetes asks of the name of an event in the core group only what a path allows.
    default: |event| {
        if let Some(event) = event.as_object_mut() {
            event.fill("reportingComponent", "");
            event.fill("reportingInstance", "");
        }
    },
    validate: |event| meta::or_of_any(validate(event, &IN_CORE), event),
    validate_update: |event, old| {
        let mut errors = meta::common_update(event, old);
        errors.extend(validate(event, &IN_CORE));
        errors
    },
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
    column("Last Seen", "The time at which the most recent occurrence of this event was recorded."),
    column("Type", "Type of this event (Normal, Warning), new types could be added in the future"),
    column(
        "Reason",
        "This should be a short, machine understandable string that gives the reason for the transition into \
         the object's current status.",
    ),
    column("Object", "The object that this event is about."),
    wide(
        "Subobject",
        "If referring to a piece of an object instead of an entire object, this string should contain a \
         valid JSON/Go field access statement, such as desiredState.manifest.containers[2]. For example, if \
         the object reference is to a container within a pod, this would take on a value like: \
         \"spec.containers{name}\" (where \"name\" refers to the name of the container that triggered the \
         event) or if no container name is specified \"spec.containers[2]\" (container with index 2 in this \
         pod). This syntax is chosen only to have some well-defined way of referencing a part of an object.",
    ),
    wide("Source", "The component reporting this event. Should be a short machine understandable string."),
    column("Message", "A human-readable description of the status of this operation."),
    wide(
        "First Seen",
        "The time at which the event was first recorded. (Time of server receipt is in TypeMeta.)",
    ),
    wide("Count", "The number of times this event has occurred."),
    Column { priority: 1, ..printing::NAME },
];

/// The fields whose names differ between the two groups.
struct Names {
    object: &'static str,
    message: &'static str,
    controller: &'static str,
}

const IN_CORE: Names =
    Names { object: "involvedObject", message: "message", controller: "reportingComponent" };
const IN_GROUP: Names = Names { object: "regarding", message: "note", controller: "reportingController" };

/// What both groups ask. Errors name the fields as the core group does.
fn validate(event: &Value, names: &Names) -> Vec<Error> {
    let mut errors = Vec::new();
    let namespace = metadata(event).text("namespace");
    let of_object = event.at(names.object).text("namespace");
    let has_time = event.has("eventTime");
    let fits = match (has_time, of_object) {
        (false, "") => matches!(namespace, "" | "default"),
        (false, other) => other == namespace,
        (true, "") => matches!(namespace, "default" | "kube-system"),
        (true, _) => true,
    };
    if !fits {
        let path = Path::new("involvedObject").child("namespace");
        errors.push(Error::invalid(path, &of_object.into(), "does not match event.namespace"));
    }
    if has_time {
        let (controller, path) = (event.text(names.controller), Path::new(names.controller));
        if controller.is_empty() {
            errors.push(Error::required(path.clone(), ""));
        }
        errors.extend(formats::invalid(&path, controller, formats::qualified_name(controller)));
        for (field, shown, required, limit) in [
            ("reportingInstance", "reportingInstance", true, 128),
            ("action", "action", true, 128),
            ("reason", "reason", true, 128),
            (names.message, "message", false, 1024),
        ] {
            let text = event.text(field);
            if text.is_empty() && required {
                errors.push(Error::required(Path::new(shown), ""));
            }
            if text.len() > limit {
                let detail = format!("can have at most {limit} characters");
                errors.push(Error::invalid(Path::new(shown), &"".into(), &detail));
            }
        }
    }
    errors.extend(formats::invalid(&Path::new("namespace"), namespace, formats::subdomain(namespace)));
    errors
}

/// What `events.k8s.io` asks besides of a new event.
fn validate_new_of_group(event: &Value) -> Vec<Error> {
    let mut errors = validate(event, &IN_GROUP);
    errors.extend(meta::validate(event, true, NameRule::Dns1123Subdomain));
    errors.extend(validate_series(event));
    if !event.has("eventTime") {
        errors.push(Error::required(Path::new("eventTime"), ""));
    }
    let invalid = |field: &str, detail: &str| Error::invalid(Path::new(field), &"".into(), detail);
    let kind = event.text("type");
    if !matches!(kind, "Normal" | "Warning") {
        errors.push(invalid("type", &format!("has invalid value: {kind}")));
    }
    let source = event.at("deprecatedSource");
    for (shown, is_set) in [
        ("firstTimestamp", event.has("deprecatedFirstTimestamp")),
        ("lastTimestamp", event.has("deprecatedLastTimestamp")),
        ("count", event.number("deprecatedCount") != 0),
        ("source", !source.text("component").is_empty() || !source.text("host").is_empty()),
    ] {
        if is_set {
            errors.push(invalid(shown, "needs to be unset"));
        }
    }
    errors
}

fn validate_series(event: &Value) -> Vec<Error> {
    let Some(series) = event.field("series") else { return Vec::new() };
    let mut errors = Vec::new();
    if series.number("count") < 2 {
        errors.push(Error::invalid(Path::new("series.count"), &"".into(), "should be at least 2"));
    }
    if !series.has("lastObservedTime") {
        errors.push(Error::required(Path::new("series.lastObservedTime"), ""));
    }
    errors
}

/// What `events.k8s.io` asks besides of a change: nothing but the series, metadata apart.
fn validate_update_of_group(event: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::common_update(event, old);
    errors.extend(validate(event, &IN_GROUP));
    errors.extend(meta::own_update(event, old));
    if event.at("series") != old.at("series") {
        errors.extend(validate_series(event));
    }
    for (field, shown, kind) in [
        ("regarding", "involvedObject", "ObjectReference"),
        ("reason", "reason", "string"),
        ("note", "message", "string"),
        ("deprecatedSource", "source", "EventSource"),
        ("deprecatedFirstTimestamp", "firstTimestamp", "metav1.Time"),
        ("deprecatedLastTimestamp", "lastTimestamp", "metav1.Time"),
        ("deprecatedCount", "count", "int32"),
        ("reason", "reason", "string"),
        ("type", "type", "string"),
        ("eventTime", "eventTime", "metav1.Time"),
        ("action", "action", "string"),
        ("related", "related", "*ObjectReference"),
        ("reportingController", "reportingController", "string"),
        ("reportingInstance", "reportingInstance", "string"),
    ] {
        let (now, then) = (internal::json(kind, event.at(field)), internal::json(kind, old.at(field)));
        if now != then {
            errors.push(Error::invalid_json(Path::new(shown), &now, formats::IMMUTABLE));
        }
    }
    errors
}

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
