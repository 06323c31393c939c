//! The JSON of a node, as a value and as text.

use std::io::Write as _;

use serde_json::{Map, Number, Value};

use crate::document::Content;
use crate::node::Node;
use crate::{Scalar, number};

/// The value that Kubernetes has after it read the node's JSON.
pub(crate) fn value(node: Node<'_, '_>) -> Value {
    match &node.document.node(node.index).content {
        Content::Scalar { value, .. } => scalar(value),
        Content::Sequence(_) => node.items().map(value).collect(),
        Content::Mapping { plain: true, .. } => {
            let pairs = node.document.pairs(node.index);
            let fields =
                pairs.map(|(key, child)| (node.document.key(key).into_owned(), value(node.below(child))));
            Value::Object(fields.collect())
        }
        Content::Mapping { .. } => {
            let fields =
                node.entries().into_iter().map(|entry| (entry.name.into_owned(), value(entry.value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Content::Alias(_) => value(node.below(node.index)),
    }
}

fn scalar(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(*value),
        Scalar::Int(value) => Value::from(*value),
        Scalar::Uint(value) => Value::from(*value),
        Scalar::String(text) => Value::from(text.as_ref()),
        Scalar::Float(value) => {
            // Kubernetes reads the JSON text again, and there 1.0 stands as 1.
            let mut text = String::new();
            number::write_float(*value, &mut text);
            let whole =
                text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
            whole.ok().or_else(|| Number::from_f64(*value)).map_or(Value::Null, Value::Number)
        }
    }
}

/// Appends compact JSON text.
pub(crate) fn write(node: Node<'_, '_>, out: &mut Vec<u8>) {
    match &node.document.node(node.index).content {
        Content::Scalar { value, .. } => write_scalar(value, out),
        Content::Sequence(_) => {
            out.push(b'[');
            for (index, item) in node.items().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Content::Mapping { plain: true, .. } => {
            out.push(b'{');
            for (index, (key, child)) in node.document.pairs(node.index).enumerate() {
                write_field(index, &node.document.key(key), node.below(child), out);
            }
            out.push(b'}');
        }
        Content::Mapping { .. } => {
            out.push(b'{');
            for (index, entry) in node.entries().into_iter().enumerate() {
                write_field(index, &entry.name, entry.value, out);
            }
            out.push(b'}');
        }
        Content::Alias(_) => write(node.below(node.index), out),
    }
}

fn write_field(index: usize, name: &str, value: Node<'_, '_>, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
    write_string(name, out);
    out.push(b':');
    write(value, out);
}

fn write_scalar(scalar: &Scalar<'_>, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = match scalar {
        Scalar::Null => out.write_all(b"null"),
        Scalar::Bool(true) => out.write_all(b"true"),
        Scalar::Bool(false) => out.write_all(b"false"),
        Scalar::Int(value) => write!(out, "{value}"),
        Scalar::Uint(value) => write!(out, "{value}"),
        Scalar::Float(value) => {
            let mut text = String::new();
            number::write_float(*value, &mut text);
            out.write_all(text.as_bytes())
        }
        Scalar::String(text) => return write_string(text, out),
    };
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    // A string always has a JSON form, and writing to a Vec cannot fail.
    let _ = serde_json::to_writer(out, text);
}
