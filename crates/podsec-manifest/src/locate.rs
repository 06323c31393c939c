//! From a field's path to its place in the text, or to the place where it belongs.

use podsec_yaml::{Node, Position, Span};

/// One step into an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// To the member of this name.
    Member(String),
    /// To the element at this place, from 0.
    Element(usize),
}

/// Where the steps lead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Located<'d, 't> {
    /// The bytes to point at: the value, or where it is missing the key of the object that lacks it.
    pub(crate) span: Span,
    /// Where they start.
    pub(crate) position: Position,
    /// The deepest node on the way that exists.
    pub(crate) node: Node<'d, 't>,
    /// How many of the steps exist.
    pub(crate) depth: usize,
}

/// Follows `steps` from `root` as far as they exist.
///
/// A value that came through an alias is shown where the alias stands, since that is the place that the reader knows.
pub(crate) fn locate<'d, 't>(root: Node<'d, 't>, steps: &[Step]) -> Located<'d, 't> {
    let mut located = Located { span: root.span(), position: root.position(), node: root, depth: 0 };
    for step in steps {
        let below = match step {
            Step::Member(name) => member(located.node, name),
            Step::Element(index) => {
                located.node.items().nth(*index).map(|item| (item, item.span(), item.position()))
            }
        };
        let Some((node, span, position)) = below.filter(|(node, ..)| !node.is_null()) else { break };
        located = Located { span, position, node, depth: located.depth + 1 };
    }
    if located.depth == steps.len() {
        let (span, position) = shown(located.node);
        return Located { span, position, ..located };
    }
    located
}

/// A member and the bytes of its key, which stand for it when something below is missing.
fn member<'d, 't>(object: Node<'d, 't>, name: &str) -> Option<(Node<'d, 't>, Span, Position)> {
    let value = object.get(name)?;
    if let (Some(span), Some(position)) = (value.alias(), value.alias_position()) {
        return Some((value, span, position));
    }
    let entry = object.entries().into_iter().find(|entry| entry.name == name)?;
    Some((value, entry.key.span(), entry.key.position()))
}

/// What to point at in a value: all of a scalar, the start of anything longer.
fn shown(node: Node<'_, '_>) -> (Span, Position) {
    if let (Some(span), Some(position)) = (node.alias(), node.alias_position()) {
        return (span, position);
    }
    (node.span(), node.position())
}
