//! The table of protobuf messages, from data/protobuf.txt.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

/// The fields of a message, as in `core.v1.PodSpec`.
pub(crate) fn fields(name: &str) -> Option<&'static [Field]> {
    MESSAGES.get(name).map(Vec::as_slice)
}

/// The JSON fields of a message, those of inlined structs among them, whose empty value Go takes for absence and leaves
/// out when it writes.
pub(crate) fn absent_when_empty(name: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    for field in fields(name).unwrap_or_default() {
        match field.value {
            Type::Message(inlined) if field.name.is_empty() => names.extend(absent_when_empty(inlined)),
            // A struct is written even when it is empty.
            Type::Message(_) if field.shape == FieldShape::Single => {}
            _ if field.empty_is_absent => names.push(field.name),
            _ => {}
        }
    }
    names
}

/// The JSON fields of a message, those of inlined structs among them, in the order of their numbers.
pub(crate) fn field_names(name: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    for field in fields(name).unwrap_or_default() {
        match field.value {
            Type::Message(inlined) if field.name.is_empty() => names.extend(field_names(inlined)),
            _ => names.push(field.name),
        }
    }
    names
}

/// The JSON fields of a message that Go writes even when nothing was ever set, because they are structs and no pointers:
/// times as null, other structs as objects.
pub(crate) fn always_written(name: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    for field in fields(name).unwrap_or_default() {
        let Type::Message(inner) = field.value else { continue };
        match inner {
            _ if field.name.is_empty() => names.extend(always_written(inner)),
            // They decode themselves, and what is absent is written in other ways.
            "api.resource.Quantity"
            | "apis.meta.v1.FieldsV1"
            | "runtime.RawExtension"
            | "util.intstr.IntOrString" => {}
            _ if field.shape == FieldShape::Single && !field.pointer => names.push(field.name),
            _ => {}
        }
    }
    // Its Go type says that it is left out.
    names.retain(|field| (name, *field) != ("apis.meta.v1.ObjectMeta", "creationTimestamp"));
    names
}

/// The JSON fields of a message that are no messages and that Go writes with their zero values when they are absent.
pub(crate) fn written_zeros(name: &str) -> impl Iterator<Item = (&'static str, Value)> {
    let message = name.to_owned();
    let written = fields(name).unwrap_or_default().iter().filter(move |field| {
        let is_pointer = field.pointer && !WRITTEN_POINTERS.contains(&(&*message, field.name));
        !field.name.is_empty() && !is_pointer && !field.omit_zero && !field.empty_is_absent
    });
    written.filter_map(|field| {
        let zero = match (field.shape, field.value) {
            _ if field.pointer => Value::Null,
            (FieldShape::Single, Type::Message(_)) => return None,
            (FieldShape::Single, Type::String) => Value::from(""),
            (FieldShape::Single, Type::Bool) => Value::from(false),
            (FieldShape::Single, Type::Int32 | Type::Int64 | Type::Double) => Value::from(0),
            _ => Value::Null,
        };
        Some((field.name, zero))
    })
}

/// Pointers that Go writes as null, since nothing in the tags of their fields says that they are left out.
const WRITTEN_POINTERS: &[(&str, &str)] = &[
    ("admissionregistration.v1.MutatingWebhook", "sideEffects"),
    ("admissionregistration.v1.ValidatingWebhook", "sideEffects"),
    ("apps.v1.DaemonSetSpec", "selector"),
    ("apps.v1.DeploymentSpec", "selector"),
    ("apps.v1.ReplicaSetSpec", "selector"),
    ("apps.v1.StatefulSetSpec", "selector"),
    ("authentication.v1.TokenRequestSpec", "boundObjectRef"),
    ("authentication.v1.TokenRequestSpec", "expirationSeconds"),
    ("core.v1.AzureFilePersistentVolumeSource", "secretNamespace"),
    ("core.v1.GRPCAction", "service"),
    ("core.v1.ScaleIOPersistentVolumeSource", "secretRef"),
    ("core.v1.ScaleIOVolumeSource", "secretRef"),
    ("core.v1.TypedLocalObjectReference", "apiGroup"),
    ("core.v1.TypedObjectReference", "apiGroup"),
    ("flowcontrol.v1.LimitedPriorityLevelConfiguration", "nominalConcurrencyShares"),
    ("networking.v1.HTTPIngressPath", "pathType"),
    ("networking.v1.IngressClassParametersReference", "scope"),
];

/// One field of a message.
pub(crate) struct Field {
    /// The JSON name; empty when the fields of the sub-message stand in the message itself.
    pub(crate) name: &'static str,
    pub(crate) number: u32,
    pub(crate) shape: FieldShape,
    pub(crate) value: Type,
    /// It is a pointer, and tells absence from zero.
    pub(crate) pointer: bool,
    /// Zero is left out, as it cannot be told from absence.
    pub(crate) omit_zero: bool,
    /// Zero is known to mean absence; else it may be a pointer to zero.
    pub(crate) empty_is_absent: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldShape {
    Single,
    List,
    Map,
    /// Lists by key, as the extra of a user: each value is a message whose field 1 is the list.
    MapOfLists,
}

#[derive(Clone, Copy)]
pub(crate) enum Type {
    String,
    Bytes,
    Bool,
    Int32,
    Int64,
    Double,
    Message(&'static str),
}

static MESSAGES: LazyLock<HashMap<&str, Vec<Field>>> = LazyLock::new(|| {
    let message = |line: &'static str| {
        let mut words = line.split(' ');
        Some((words.next()?, words.map(field).collect::<Option<Vec<Field>>>()?))
    };
    let messages: Option<HashMap<&str, Vec<Field>>> = DATA.lines().map(message).collect();
    messages.expect("the tests parse this constant")
});

/// Reads a field of data/protobuf.txt: `labels=11:{}string?`.
fn field(word: &'static str) -> Option<Field> {
    let (name, rest) = word.rsplit_once('=')?;
    let (number, rest) = rest.split_once(':')?;
    let value = rest.trim_end_matches(['?', '*', '~']);
    let (shape, value) = if let Some(value) = value.strip_prefix("{}[]") {
        (FieldShape::MapOfLists, value)
    } else if let Some(value) = value.strip_prefix("{}") {
        (FieldShape::Map, value)
    } else if let Some(value) = value.strip_prefix("[]") {
        (FieldShape::List, value)
    } else {
        (FieldShape::Single, value)
    };
    let value = match value {
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "bool" => Type::Bool,
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "double" => Type::Double,
        message => Type::Message(message),
    };
    let name = if name == "." { "" } else { name };
    Some(Field {
        name,
        number: number.parse().ok()?,
        shape,
        value,
        pointer: rest.ends_with('*'),
        omit_zero: rest.ends_with(['?', '~']),
        empty_is_absent: rest.ends_with('?'),
    })
}

const DATA: &str = include_str!("../../data/protobuf.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_refers_to_messages_that_are_known() {
        let special = [
            "api.resource.Quantity",
            "apis.meta.v1.FieldsV1",
            "apis.meta.v1.MicroTime",
            "apis.meta.v1.Time",
            "runtime.RawExtension",
            "util.intstr.IntOrString",
        ];
        for (name, fields) in MESSAGES.iter() {
            for field in fields {
                if let Type::Message(inner) = field.value {
                    let known = MESSAGES.contains_key(inner) || special.contains(&inner);
                    assert!(known, "{name}.{}: {inner}", field.name);
                }
            }
        }
    }
}
