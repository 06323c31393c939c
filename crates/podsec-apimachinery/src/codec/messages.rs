//! The table of protobuf messages, from data/protobuf.txt.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The fields of a message, as in `core.v1.PodSpec`.
pub(super) fn fields(name: &str) -> Option<&'static [Field]> {
    MESSAGES.get(name).map(Vec::as_slice)
}

/// One field of a message.
pub(super) struct Field {
    /// The JSON name; empty when the fields of the sub-message stand in the message itself.
    pub(super) name: &'static str,
    pub(super) number: u32,
    pub(super) shape: FieldShape,
    pub(super) value: Type,
    /// Zero is left out, as it cannot be told from absence.
    pub(super) omit_zero: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldShape {
    Single,
    List,
    Map,
    /// Lists by key, as the extra of a user: each value is a message whose field 1 is the list.
    MapOfLists,
}

#[derive(Clone, Copy)]
pub(super) enum Type {
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
    let value = rest.trim_end_matches(['?', '*']);
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
    Some(Field { name, number: number.parse().ok()?, shape, value, omit_zero: rest.ends_with('?') })
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
