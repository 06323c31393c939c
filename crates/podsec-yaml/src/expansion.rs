//! What merges, equal keys and aliases amount to, within yaml.v2's bounds.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::document::{Content, Document, NodeData};
use crate::error::Error;
use crate::node::{Entry, Node};
use crate::scalar::Scalar;

impl<'d, 't> Node<'d, 't> {
    /// The fields of an object, merges applied, the last of equal keys only; nothing for anything else.
    pub fn entries(&self) -> Vec<Entry<'d, 't>> {
        match self.data().content {
            Content::Mapping { .. } => entries(*self),
            _ => Vec::new(),
        }
    }

    /// Hands out what [`Node::entries`] lists, mostly without making a list of it.
    pub fn each_entry(&self, mut each: impl FnMut(Entry<'d, 't>)) {
        match self.data().content {
            Content::Mapping { plain: true, .. } => {
                let pairs = self.document.pairs(self.index);
                pairs.for_each(|(key, value)| each(entry(*self, key, value)));
            }
            _ => self.entries().into_iter().for_each(each),
        }
    }

    /// The value of the field `name` of an object, merges applied.
    pub fn get(&self, name: &str) -> Option<Node<'d, 't>> {
        match self.data().content {
            Content::Mapping { plain: true, .. } => {
                let (_, value) =
                    self.document.pairs(self.index).find(|(key, _)| self.document.key(*key) == name)?;
                Some(self.below(value))
            }
            Content::Mapping { .. } => {
                entries(*self).into_iter().find(|entry| entry.name == name).map(|entry| entry.value)
            }
            _ => None,
        }
    }
}

impl Document<'_> {
    /// Every key that is set twice, in source order, as yaml.v2's strict mode finds them.
    pub fn duplicates(&self) -> Vec<Error> {
        duplicates(self)
    }
}

/// The fields of a mapping. As in yaml.v2 the later of equal keys wins, and a `<<` sets its fields where it stands.
fn entries<'d, 't>(mapping: Node<'d, 't>) -> Vec<Entry<'d, 't>> {
    let mut entries = Vec::new();
    if let Content::Mapping { plain: true, .. } = mapping.document.node(mapping.index).content {
        entries.extend(mapping.document.pairs(mapping.index).map(|(key, value)| entry(mapping, key, value)));
        return entries;
    }
    let mut places = HashMap::new();
    collect(mapping, None, &mut |entry| match places.entry(entry.name.clone()) {
        std::collections::hash_map::Entry::Vacant(place) => {
            place.insert(entries.len());
            entries.push(entry);
        }
        std::collections::hash_map::Entry::Occupied(place) => {
            if let Some(earlier) = entries.get_mut(*place.get()) {
                *earlier = entry;
            }
        }
    });
    entries
}

/// Every key that is set again, in source order; what stands behind an alias is looked at once.
fn duplicates(document: &Document<'_>) -> Vec<Error> {
    let mut duplicates = Vec::new();
    for index in 0..document.nodes.len() {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        if !matches!(document.node(index).content, Content::Mapping { plain: false, .. }) {
            continue;
        }
        let mut names = HashSet::new();
        collect(Node { document, index, alias: None }, None, &mut |entry| {
            let place = entry.merged.unwrap_or(entry.key);
            if !names.insert(entry.name.clone()) {
                let position = place.position();
                let message = format!("key {:?} already set in map", entry.name);
                duplicates.push(Error::new(position.line, position.column, place.span().start, message));
            }
        });
    }
    duplicates.sort_by_key(|duplicate| duplicate.offset);
    duplicates
}

/// Hands out the pairs of a mapping in the order in which yaml.v2 sets them.
fn collect<'d, 't>(mapping: Node<'d, 't>, merged: Option<Node<'d, 't>>, set: &mut impl FnMut(Entry<'d, 't>)) {
    let document = mapping.document;
    for (key, value) in document.pairs(mapping.index) {
        if !document.is_merge_key(key) {
            set(Entry { merged, ..entry(mapping, key, value) });
            continue;
        }
        let merged = merged.or(Some(mapping.below(key)));
        let value = mapping.below(value);
        if let Content::Sequence(_) = document.node(value.index).content {
            let mut sources: Vec<_> = document.children(value.index).collect();
            sources.reverse();
            for source in sources {
                collect(value.below(source), merged, set);
            }
        } else {
            collect(value, merged, set);
        }
    }
}

fn entry<'d, 't>(mapping: Node<'d, 't>, key: u32, value: u32) -> Entry<'d, 't> {
    Entry {
        name: mapping.document.key(key),
        key: mapping.below(key),
        value: mapping.below(value),
        merged: None,
    }
}

/// Refuses a `<<` whose value is no mapping or list of mappings.
pub(crate) fn check_merges(nodes: &[NodeData<'_>], mapping: u32) -> Result<(), Error> {
    let kind = |index: u32| nodes.get(index as usize).map(|node| &node.content);
    let is_mapping = |index: u32| match kind(index) {
        Some(Content::Mapping { .. }) => true,
        Some(Content::Alias(target)) => matches!(kind(*target), Some(Content::Mapping { .. })),
        _ => false,
    };
    let mut children = children(nodes, mapping);
    while let (Some(key), Some(value)) = (children.next(), children.next()) {
        let merge = matches!(kind(key), Some(Content::Scalar { merge: true, .. }));
        let mergeable = match kind(value) {
            Some(Content::Sequence(_)) => self::children(nodes, value).all(is_mapping),
            _ => is_mapping(value),
        };
        if merge
            && !mergeable
            && let Some(node) = nodes.get(value as usize)
        {
            let message = "map merge requires map or sequence of maps as the value";
            return Err(Error::new(node.line as usize, node.column as usize, node.start as usize, message));
        }
    }
    Ok(())
}

/// Whether a mapping sets a key twice.
pub(crate) fn has_equal_keys(nodes: &[NodeData<'_>], mapping: u32) -> bool {
    fn name<'n>(nodes: &'n [NodeData<'_>], key: u32) -> Cow<'n, str> {
        match nodes.get(key as usize).map(|node| &node.content) {
            Some(Content::Scalar { value, .. }) => value.as_key().unwrap_or_default(),
            Some(Content::Alias(target)) => name(nodes, *target),
            _ => Cow::Borrowed(""),
        }
    }
    let keys = || children(nodes, mapping).step_by(2);
    let count = keys().count();
    if count <= 12 {
        return keys().enumerate().any(|(index, key)| {
            let key = name(nodes, key);
            keys().take(index).any(|earlier| name(nodes, earlier) == key)
        });
    }
    let mut names = HashSet::with_capacity(count);
    !keys().all(|key| names.insert(name(nodes, key)))
}

fn children<'n>(nodes: &'n [NodeData<'_>], parent: u32) -> impl Iterator<Item = u32> + use<'n> {
    let next = |index: u32| nodes.get(index as usize).map_or(0, |node| node.next);
    let end = next(parent);
    let first = Some(parent + 1).filter(|first| *first < end);
    std::iter::successors(first, move |child| Some(next(*child)).filter(|next| *next < end))
}

/// Refuses documents whose aliases amount to too much: yaml.v2's share of aliased nodes, and bounds on depth and on
/// the bytes that aliases repeat. Nothing is expanded for it: the nodes are walked, and their lengths added up.
///
/// ```text
/// a: &a [xxxx, *b]     "xxxx" counts once where it stands,
/// c: [*a, *a]          and twice as repeated: 2 * (4 + 1) bytes
/// ```
pub(crate) fn check(document: &Document<'_>) -> Result<(), Error> {
    // The document itself is the first step in upstream's count.
    let mut count = Count { document, steps: 1, aliased: 0, repeated: 0 };
    count.visit(0, 0, None)
}

struct Count<'d, 't> {
    document: &'d Document<'t>,
    steps: u64,
    aliased: u64,
    /// The bytes of scalars that stand behind aliases, each with its separator.
    repeated: usize,
}

impl Count<'_, '_> {
    /// `alias` is the outermost alias that leads here.
    fn visit(&mut self, index: u32, depth: usize, alias: Option<u32>) -> Result<(), Error> {
        self.steps += 1;
        self.aliased += u64::from(alias.is_some());
        let too_much =
            self.aliased > 100 && self.steps > 1000 && self.aliased_share() > allowed_share(self.steps);
        if too_much {
            return Err(self.error(index, "document contains excessive aliasing"));
        }
        if depth > MAX_DEPTH {
            return Err(self.error(index, "aliases nest too deeply"));
        }
        let document = self.document;
        match &document.node(index).content {
            Content::Alias(target) => self.visit(*target, depth + 1, alias.or(Some(index))),
            Content::Scalar { value, .. } => match alias {
                Some(alias) => self.repeat(alias, value),
                None => Ok(()),
            },
            Content::Sequence(_) | Content::Mapping { .. } => document
                .children(index)
                .filter(|child| !document.is_merge_key(*child))
                .try_for_each(|child| self.visit(child, depth + 1, alias)),
        }
    }

    fn repeat(&mut self, alias: u32, scalar: &Scalar<'_>) -> Result<(), Error> {
        let length = match scalar {
            Scalar::String(text) => text.len(),
            Scalar::Null | Scalar::Bool(_) | Scalar::Int(_) | Scalar::Uint(_) | Scalar::Float(_) => SHORT,
        };
        self.repeated += length + 1;
        if self.repeated > MAX_REPEATED_BYTES {
            let message = format!(
                "aliases repeat more than {MAX_REPEATED_BYTES} bytes up to this one; write less behind its anchor"
            );
            return Err(self.error(alias, &message));
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "a share, and the counts stay far below 2^52")]
    fn aliased_share(&self) -> f64 {
        self.aliased as f64 / self.steps as f64
    }

    fn error(&self, index: u32, message: &str) -> Error {
        let node = self.document.node(index);
        let position = node.position();
        Error::new(position.line, position.column, node.span().start, message)
    }
}

/// The share of nodes that may come from aliases: nearly all of a small document, a tenth of a very large one.
fn allowed_share(steps: u64) -> f64 {
    const SMALL: u64 = 400_000;
    const LARGE: u64 = 4_000_000;
    #[expect(clippy::cast_precision_loss, reason = "a share, and the counts stay far below 2^52")]
    match steps {
        ..=SMALL => 0.99,
        LARGE.. => 0.10,
        _ => 0.99 - 0.89 * ((steps - SMALL) as f64 / (LARGE - SMALL) as f64),
    }
}

/// How many bytes of scalars the aliases of one document may repeat: more than any body or object may have, and
/// little beside what a machine has.
const MAX_REPEATED_BYTES: usize = 8 << 20;
/// What a scalar that is no string counts for.
const SHORT: usize = 8;
/// Deeper than any text nests without aliases (255 block and 255 flow collections), shallow enough to recurse.
const MAX_DEPTH: usize = 600;
