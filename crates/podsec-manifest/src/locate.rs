//! From a field's path to its place in the text, or to the place where it belongs.

use std::fmt::Write as _;

use podsec_standards::Segment;
use podsec_yaml::{CollectionStyle, Kind, Node, Position, Span};

/// One step into an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// To the member of this name.
    Member(String),
    /// To the element at this place, from 0.
    Element(usize),
}

impl Step {
    pub(crate) fn segment(&self) -> Segment<'_> {
        match self {
            Self::Member(name) => Segment::Member(name),
            Self::Element(index) => Segment::Element(*index),
        }
    }
}

/// Steps as Kubernetes writes a path: `spec.containers[0].image`.
pub(crate) fn display(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        push(&mut path, step.segment());
    }
    path
}

/// Goes one step further than a path does.
pub(crate) fn push(path: &mut String, segment: Segment<'_>) {
    match segment {
        Segment::Member(name) if name.contains('.') => {
            path.push('[');
            path.push_str(name);
            path.push(']');
        }
        Segment::Member(name) => {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
        }
        Segment::Element(index) => {
            // Writing to a string cannot fail.
            let _ = write!(path, "[{index}]");
        }
    }
}

/// Where the steps lead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Located {
    /// The bytes to point at, all in one line.
    pub(crate) span: Span,
    /// Where they start.
    pub(crate) position: Position,
    /// How many of the steps exist.
    pub(crate) depth: usize,
}

/// Follows `steps` from `root` as far as they exist.
///
/// A value is shown itself when it stands in one line, unless it is a block of lines; else by its key. What is missing
/// is shown where it belongs: by the key of the object that lacks it, or by the name of the list's element that lacks
/// it. What came through an alias is shown where the alias stands, since that is the place that the reader knows.
pub(crate) fn locate(text: &str, root: Node<'_, '_>, steps: &[Segment<'_>]) -> Located {
    let mut depth = 0;
    let mut parent = None;
    let mut node = root;
    for step in steps {
        let below = match step {
            Segment::Member(name) => node.get(name),
            Segment::Element(index) => node.items().nth(*index),
        };
        let Some(below) = below.filter(|below| !below.is_null()) else { break };
        parent = Some((node, *step));
        node = below;
        depth += 1;
    }
    let (span, position) = shown(text, node, parent, depth == steps.len());
    Located { span: first_line(text, span), position, depth }
}

/// What to point at for a node that was reached by a step from its parent.
fn shown<'d>(
    text: &str,
    node: Node<'d, '_>,
    parent: Option<(Node<'d, '_>, Segment<'_>)>,
    complete: bool,
) -> (Span, Position) {
    if let (Some(span), Some(position)) = (node.alias(), node.alias_position()) {
        return (span, position);
    }
    let is_block =
        matches!(node.kind(), Kind::Sequence(CollectionStyle::Block) | Kind::Mapping(CollectionStyle::Block));
    let value = text.get(node.span().range()).unwrap_or("");
    if complete && !is_block && !value.contains('\n') {
        return (node.span(), node.position());
    }
    let key = match parent {
        Some((object, Segment::Member(name))) => {
            object.entries().into_iter().find(|entry| entry.name == name).map(|entry| entry.key)
        }
        _ => node.get("name").filter(|name| !name.is_null()),
    };
    let shown = key.unwrap_or(node);
    (shown.span(), shown.position())
}

fn first_line(text: &str, span: Span) -> Span {
    let shown = text.get(span.range()).unwrap_or("");
    let line = shown.split('\n').next().unwrap_or("").trim_end();
    Span { start: span.start, end: span.start + line.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "\
spec:
  securityContext:
    runAsUser: 0
  containers:
  - image: b
    name: a
    securityContext:
      capabilities:
        add:
        - NET_ADMIN
        - SYS_ADMIN
  - image: c
  - &d
    name: d
  - *d
";

    fn at(path: &[&'static str]) -> (String, String, usize) {
        let document = podsec_yaml::documents(POD).next().unwrap().unwrap();
        let step = |step: &&'static str| match step.parse() {
            Ok(index) => Segment::Element(index),
            Err(_) => Segment::Member(step),
        };
        let steps: Vec<Segment<'_>> = path.iter().map(step).collect();
        let located = locate(POD, document.root(), &steps);
        (POD[located.span.range()].to_owned(), located.position.to_string(), located.depth)
    }

    fn shows(text: &str, position: &str, depth: usize) -> (String, String, usize) {
        (text.to_owned(), position.to_owned(), depth)
    }

    #[test]
    fn a_value_in_one_line_is_shown_itself_and_a_longer_one_by_its_key() {
        assert_eq!(at(&["spec", "securityContext", "runAsUser"]), shows("0", "3:16", 3));
        assert_eq!(
            at(&["spec", "containers", "0", "securityContext", "capabilities", "add"]),
            shows("add", "9:9", 6)
        );
        assert_eq!(
            at(&["spec", "containers", "0", "securityContext", "capabilities", "add", "1"]),
            shows("SYS_ADMIN", "11:11", 7)
        );
    }

    #[test]
    fn a_missing_field_is_shown_where_it_belongs() {
        assert_eq!(at(&["spec", "securityContext", "runAsNonRoot"]), shows("securityContext", "2:3", 2));
        assert_eq!(at(&["spec", "containers", "0", "ports"]), shows("a", "6:11", 3));
        assert_eq!(
            at(&["spec", "containers", "1", "securityContext", "privileged"]),
            shows("image: c", "12:5", 3)
        );
        assert_eq!(at(&["metadata"]), shows("spec:", "1:1", 0));
    }

    #[test]
    fn what_came_through_an_alias_is_shown_where_the_alias_stands() {
        assert_eq!(at(&["spec", "containers", "3", "image"]), shows("*d", "15:5", 3));
    }
}
