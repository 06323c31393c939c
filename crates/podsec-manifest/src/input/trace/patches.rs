//! The patches of kustomizations, as texts with places.

use std::fs;
use std::path::Path;

use podsec_yaml::{Node, Position, ScalarStyle, Span};

use super::super::paths::without_detours;
use super::super::rendered::Layers;
use crate::Source;
use crate::object::ObjectName;

/// A patch, and where its text stands in a file.
pub(super) struct PatchText {
    /// The file.
    pub(super) source: Source,
    /// The patch itself, which is all of the file or a value in it.
    pub(super) text: String,
    /// Where the value begins, if it is one.
    inside: Option<Inside>,
    target: Option<Target>,
}

/// A value of several lines in a file.
#[derive(Clone, Copy)]
struct Inside {
    /// The line of its first line, from 1.
    line: usize,
    /// How far its lines are indented; none when its lines are not those of the file.
    indent: Option<usize>,
}

/// What a kustomization says a patch is for.
struct Target {
    kind: Option<String>,
    name: Option<String>,
}

/// All patches of the kustomizations; those that are laid over the others come first.
pub(super) fn all(layers: &Layers) -> Vec<PatchText> {
    let mut patches = Vec::new();
    for kustomization in &layers.kustomizations {
        let Ok(text) = fs::read_to_string(kustomization) else { continue };
        let own = Source { name: layers.name(kustomization), text };
        let folder = kustomization.parent().unwrap_or(Path::new(""));
        for document in podsec_yaml::documents(&own.text).flatten() {
            let root = document.root();
            // The last one wins.
            for list in ["patches", "patchesJson6902", "patchesStrategicMerge"] {
                let items: Vec<Node<'_, '_>> = root.get(list).iter().flat_map(Node::items).collect();
                patches.extend(items.into_iter().rev().filter_map(|item| patch(item, folder, &own, layers)));
            }
        }
    }
    patches
}

fn patch(item: Node<'_, '_>, folder: &Path, own: &Source, layers: &Layers) -> Option<PatchText> {
    let text_of = |node: Option<Node<'_, '_>>| node.and_then(|node| node.as_str()).map(str::to_owned);
    let target = item
        .get("target")
        .map(|target| Target { kind: text_of(target.get("kind")), name: text_of(target.get("name")) });
    let value = item.as_str().map(|_| item).or_else(|| item.get("patch")).or_else(|| item.get("path"))?;
    let said = value.as_str()?;
    let is_file = !said.contains('\n') && item.get("patch").is_none();
    if is_file {
        let path = without_detours(&folder.join(said));
        let text = fs::read_to_string(&path).ok()?;
        let source = Source { name: layers.name(&path), text: text.clone() };
        return Some(PatchText { source, text, inside: None, target });
    }
    let position = value.position();
    let inside = match value.kind() {
        podsec_yaml::Kind::Scalar(ScalarStyle::Literal) => {
            let mut below = own.text.lines().skip(position.line);
            let indent = below.find(|line| !line.trim().is_empty()).map_or(0, |line| {
                let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
                (line.len() - line.trim_start().len()).saturating_sub(first.len() - first.trim_start().len())
            });
            Inside { line: position.line + 1, indent: Some(indent) }
        }
        _ => Inside { line: position.line, indent: None },
    };
    Some(PatchText { source: own.clone(), text: said.to_owned(), inside: Some(inside), target })
}

impl PatchText {
    /// Whether the patch may be for an object, of which it names this one.
    pub(super) fn may_be_for(&self, object: &ObjectName, named: Option<&ObjectName>) -> bool {
        match (&self.target, named) {
            (Some(Target { kind, name }), _) => {
                let is_plain =
                    |name: &&String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                kind.as_ref().is_none_or(|kind| *kind == object.kind)
                    && name.as_ref().filter(is_plain).is_none_or(|name| *name == object.name)
            }
            (None, Some(named)) => named.kind == object.kind && named.name == object.name,
            (None, None) => false,
        }
    }

    /// A place of the patch's text in its file.
    pub(super) fn place(&self, span: Span, position: Position) -> (Span, Position) {
        let Some(Inside { line, indent }) = self.inside else { return (span, position) };
        let number = indent.map_or(line, |_| line + position.line - 1);
        let start: usize = self.source.text.split_inclusive('\n').take(number - 1).map(str::len).sum();
        let text = self.source.text.get(start..).unwrap_or("").lines().next().unwrap_or("");
        let first = text.len() - text.trim_start().len();
        let (offset, length) = match indent {
            Some(indent) => (indent + position.column - 1, span.end - span.start),
            None => (first, text.trim().len()),
        };
        let end = (start + offset + length).min(start + text.len());
        let span = Span { start: (start + offset).min(end), end };
        let column = text.get(..span.start - start).map_or(1, |before| before.chars().count() + 1);
        (span, Position { line: number, column })
    }
}
