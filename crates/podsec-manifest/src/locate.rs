//! From a field's path to its place in the text, or to the place where it belongs.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use podsec_standards::Segment;
use podsec_yaml::{CollectionStyle, Entry, Kind, Node, Position, Span};

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

/// The steps of a path as reports write it.
pub(crate) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix('[') {
            let (inside, behind) = behind.split_once(']').unwrap_or((behind, ""));
            steps.push(match inside.parse() {
                Ok(index) => Step::Element(index),
                Err(_) => Step::Member(inside.to_owned()),
            });
            rest = behind;
        } else {
            let bare = rest.strip_prefix('.').unwrap_or(rest);
            let end = bare.find(['.', '[']).unwrap_or(bare.len());
            let (name, behind) = bare.split_at(end);
            if !name.is_empty() {
                steps.push(Step::Member(name.to_owned()));
            }
            rest = if name.is_empty() && behind.len() == rest.len() { "" } else { behind };
        }
    }
    steps
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

/// The children of long collections, so that a path into the middle of one is not walked to from its start each time:
/// a pod may have thousands of containers, each of which breaks several rules.
#[derive(Default)]
pub(crate) struct Children<'d, 't> {
    collections: HashMap<(Span, Option<Span>), Long<'d, 't>>,
}

/// A long collection: its elements, or its members by name.
enum Long<'d, 't> {
    List(Vec<Node<'d, 't>>),
    Object(HashMap<Cow<'d, str>, Entry<'d, 't>>),
}

impl<'d, 't> Children<'d, 't> {
    fn below(&mut self, node: Node<'d, 't>, step: Segment<'_>) -> Option<Node<'d, 't>> {
        if !is_long(node) {
            return match step {
                Segment::Member(name) => node.get(name),
                Segment::Element(index) => node.items().nth(index),
            };
        }
        match (self.of(node), step) {
            (Long::Object(members), Segment::Member(name)) => members.get(name).map(|entry| entry.value),
            (Long::List(items), Segment::Element(index)) => items.get(index).copied(),
            _ => None,
        }
    }

    /// The key of a member.
    fn key(&mut self, object: Node<'d, 't>, name: &str) -> Option<Node<'d, 't>> {
        if !is_long(object) {
            return object.entries().into_iter().find(|entry| entry.name == name).map(|entry| entry.key);
        }
        match self.of(object) {
            Long::Object(members) => members.get(name).map(|entry| entry.key),
            Long::List(_) => None,
        }
    }

    fn of(&mut self, node: Node<'d, 't>) -> &Long<'d, 't> {
        self.collections.entry((node.span(), node.alias())).or_insert_with(|| match node.kind() {
            Kind::Mapping(_) => {
                let members = node.entries().into_iter().map(|entry| (entry.name.clone(), entry));
                Long::Object(members.collect())
            }
            _ => Long::List(node.items().collect()),
        })
    }
}

/// Whether a collection takes long to walk through.
fn is_long(node: Node<'_, '_>) -> bool {
    let span = node.span();
    span.end - span.start > LONG && !matches!(node.kind(), Kind::Scalar(_))
}

/// Most pods are shorter, so that most of the time nothing is kept.
const LONG: usize = 8 << 10;

/// Follows `steps` from `root` as far as they exist.
///
/// A value is shown itself when it stands in one line, unless it is a block of lines; else by its key. What is missing
/// is shown where it belongs: by the key of the object that lacks it, or by the name of the list's element that lacks
/// it. What came through an alias is shown where the alias stands, since that is the place that the reader knows.
pub(crate) fn locate<'d, 't>(
    text: &str,
    root: Node<'d, 't>,
    steps: &[Segment<'_>],
    children: &mut Children<'d, 't>,
) -> Located {
    let mut depth = 0;
    let mut parent = None;
    let mut node = root;
    for step in steps {
        let Some(below) = children.below(node, *step).filter(|below| !below.is_null()) else { break };
        parent = Some((node, *step));
        node = below;
        depth += 1;
    }
    let (span, position) = shown(text, node, parent, depth == steps.len(), children);
    Located { span: first_line(text, span), position, depth }
}

/// What to point at for a node that was reached by a step from its parent.
fn shown<'d, 't>(
    text: &str,
    node: Node<'d, 't>,
    parent: Option<(Node<'d, 't>, Segment<'_>)>,
    complete: bool,
    children: &mut Children<'d, 't>,
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
        Some((object, Segment::Member(name))) => children.key(object, name),
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
        let located = locate(POD, document.root(), &steps, &mut Children::default());
        (POD[located.span.range()].to_owned(), located.position.to_string(), located.depth)
    }

    fn shows(text: &str, position: &str, depth: usize) -> (String, String, usize) {
        (text.to_owned(), position.to_owned(), depth)
    }

    #[test]
    fn a_path_is_read_as_it_is_written() {
        for path in ["", "spec.containers[0].image", "metadata.annotations[a.b/c].x", "a[1][2]"] {
            assert_eq!(display(&steps(path)), path);
        }
        assert_eq!(steps("a..b]").len(), 2);
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

    #[test]
    fn in_a_long_list_or_object_the_same_places_are_found() {
        let labels: Vec<String> = (0..1000).map(|number| format!("l{number}: x")).collect();
        let containers: Vec<String> =
            (0..1000).map(|number| format!("  - {{name: c{number}, tty: yes}}")).collect();
        let (labels, containers) = (labels.join(", "), containers.join("\n"));
        let text = format!("metadata: {{labels: {{{labels}}}}}\nspec:\n  containers:\n{containers}\n");
        let document = podsec_yaml::documents(&text).next().unwrap().unwrap();
        let mut children = Children::default();
        let [spec, list, label] =
            [Segment::Member("spec"), Segment::Member("containers"), Segment::Member("labels")];
        for index in [0, 7, 999, 1000] {
            let tty = [spec, list, Segment::Element(index), Segment::Member("tty")];
            let located = locate(&text, document.root(), &tty, &mut children);
            let (shown, depth) = if index < 1000 { ("yes", 4) } else { ("containers", 2) };
            assert_eq!((&text[located.span.range()], located.depth), (shown, depth));
        }
        let name = [Segment::Member("metadata"), label, Segment::Member("l998")];
        assert_eq!(&text[locate(&text, document.root(), &name, &mut children).span.range()], "x");
    }
}
