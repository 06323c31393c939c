//! The JSON of a node, as a value and as text.

use std::io::Write as _;
use std::ptr;

use serde_json::{Map, Number, Value};

use crate::document::{Content, Document};
use crate::node::{Entry, Node};
use crate::number;
use crate::scalar::Scalar;
use crate::style::Kind;

impl Node<'_, '_> {
    /// This node as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        value(*self)
    }

    /// Appends this node as compact JSON text, fields in source order.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        write(*self, out);
    }

    /// Whether another node, of this document or another one, has the same JSON; the order of fields aside.
    pub fn is_same_json(&self, other: Node<'_, '_>) -> bool {
        same(*self, other)
    }
}

impl Document<'_> {
    /// [`Node::to_json`] of the root.
    pub fn to_json(&self) -> serde_json::Value {
        self.root().to_json()
    }

    /// [`Node::write_json`] of the root.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        self.root().write_json(out);
    }
}

/// The value that Kubernetes has after it read the node's JSON.
fn value(node: Node<'_, '_>) -> Value {
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

/// Whether two nodes have the same [`value`].
fn same(one: Node<'_, '_>, other: Node<'_, '_>) -> bool {
    let document = |node: Node<'_, '_>| ptr::from_ref(node.document).cast::<()>();
    if one.index == other.index && document(one) == document(other) {
        return true;
    }
    match (one.kind(), other.kind()) {
        (Kind::Scalar(_), Kind::Scalar(_)) => match (one.scalar(), other.scalar()) {
            // One number has several forms here, and one in JSON.
            (Some(one), Some(other)) => one == other || scalar(one) == scalar(other),
            _ => false,
        },
        (Kind::Sequence(_), Kind::Sequence(_)) => {
            let mut others = other.items();
            one.items().all(|item| others.next().is_some_and(|other| same(item, other)))
                && others.next().is_none()
        }
        (Kind::Mapping(_), Kind::Mapping(_)) => same_fields(one, other),
        _ => false,
    }
}

fn same_fields(one: Node<'_, '_>, other: Node<'_, '_>) -> bool {
    let is_plain = |node: Node<'_, '_>| {
        matches!(node.document.node(node.index).content, Content::Mapping { plain: true, .. })
    };
    if is_plain(one) && is_plain(other) {
        let mut others = other.document.pairs(other.index);
        let mut pairs = one.document.pairs(one.index).map(|pair| (pair, others.next()));
        let is_in_order = pairs.all(|((key, value), pair)| {
            pair.is_some_and(|(other_key, other_value)| {
                one.document.key(key) == other.document.key(other_key)
                    && same(one.below(value), other.below(other_value))
            })
        });
        if is_in_order {
            return others.next().is_none();
        }
    }
    let (fields, others) = (sorted_fields(one), sorted_fields(other));
    fields.len() == others.len()
        && fields
            .iter()
            .zip(&others)
            .all(|(one, other)| one.name == other.name && same(one.value, other.value))
}

fn sorted_fields<'d, 't>(node: Node<'d, 't>) -> Vec<Entry<'d, 't>> {
    let mut entries = node.entries();
    entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    entries
}

/// Appends compact JSON text.
fn write(node: Node<'_, '_>, out: &mut Vec<u8>) {
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
