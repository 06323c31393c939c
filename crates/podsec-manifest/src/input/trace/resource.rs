//! Places in the file of a resource or in the patch that set the field, from those in what Kustomize made of them.

use std::fs;

use podsec_standards::Segment;
use podsec_yaml::{Document, Kind, Node, Position, Span};

use super::super::rendered::Layers;
use super::patches::{self, PatchText};
use crate::Source;
use crate::finding::{FileReport, Finding, Place, PodReport};
use crate::locate::{Children, Located, Step, locate, steps};
use crate::object::{Object, ObjectName, objects};

/// The report with its places in the files; none when the object is not found in its file.
///
/// A pod that violations of several files are about stands in the reports of them all, and is counted in the first.
pub(super) fn traced(
    file: &str,
    layers: &Layers,
    source: &Source,
    report: &FileReport,
) -> Option<Vec<(Source, FileReport)>> {
    let base = Source { name: file.to_owned(), text: fs::read_to_string(file).ok()? };
    let rendered: Vec<Document<'_>> = podsec_yaml::documents(&source.text).flatten().collect();
    let held: Vec<Document<'_>> = podsec_yaml::documents(&base.text).flatten().collect();
    let made = objects(rendered.first()?, 0);
    let candidates: Vec<Object<'_, '_>> =
        held.iter().enumerate().flat_map(|(number, document)| objects(document, number)).collect();
    let patches = patches::all(layers);
    let mut reports =
        Reports { of_base: FileReport { name: file.to_owned(), ..report.clone() }, others: Vec::new() };
    reports.of_base.pods.clear();
    for pod in &report.pods {
        let object = made.iter().find(|object| object.name == pod.object)?;
        let origin = original(&object.name, &candidates)?;
        let way = Way { made: object.node, origin, text: &base.text, patches: &patches };
        way.pod(pod, held.get(origin.name.document)?.span(), &mut reports);
    }
    let place = |position: &mut Option<Position>, object: Option<&ObjectName>| {
        let origin = object.and_then(|name| original(name, &candidates)).or(candidates.first());
        *position = origin.map(|origin| origin.node.position());
    };
    let FileReport { problems, refusals, warnings, .. } = &mut reports.of_base;
    for problem in problems.iter_mut().chain(refusals).chain(warnings) {
        place(&mut problem.position, problem.object.as_ref());
    }
    let mut all = vec![(base.clone(), reports.of_base)];
    all.extend(reports.others);
    Some(all)
}

/// The object of a file that another one was made of: of the same kind, and with a name that is a part of the other's.
fn original<'c, 'd, 't>(made: &ObjectName, candidates: &'c [Object<'d, 't>]) -> Option<&'c Object<'d, 't>> {
    let alike = || {
        let group = |name: &ObjectName| name.group().to_owned();
        candidates
            .iter()
            .filter(move |object| object.name.kind == made.kind && group(&object.name) == group(made))
    };
    alike()
        .find(|object| object.name.name == made.name)
        .or_else(|| {
            let part = alike().filter(|object| made.name.contains(&object.name.name));
            part.max_by_key(|object| object.name.name.len())
        })
        .or_else(|| alike().next())
}

/// Reports by their files.
struct Reports {
    of_base: FileReport,
    others: Vec<(Source, FileReport)>,
}

impl Reports {
    /// The pod in the report of a patch's file.
    fn of_patch(&mut self, patch: &PatchText, pod: &PodReport) -> Option<&mut PodReport> {
        let known = self.others.iter().position(|(source, _)| source.name == patch.source.name);
        let index = known.unwrap_or_else(|| {
            let report = FileReport {
                name: patch.source.name.clone(),
                made_by: self.of_base.made_by.clone(),
                ..FileReport::default()
            };
            self.others.push((patch.source.clone(), report));
            self.others.len() - 1
        });
        let (source, report) = self.others.get_mut(index)?;
        let is_it = |known: &PodReport| known.object == pod.object && known.path == pod.path;
        if !report.pods.iter().any(is_it) {
            let document = Span { start: 0, end: source.text.len() };
            let empty = PodReport {
                document,
                findings: Vec::new(),
                advice: Vec::new(),
                silenced: Vec::new(),
                image_users: Vec::new(),
                continued: true,
                ..pod.clone()
            };
            report.pods.push(empty);
        }
        report.pods.iter_mut().find(|known| is_it(known))
    }
}

/// The way back from an object that was made.
struct Way<'w, 'd, 't> {
    made: Node<'d, 't>,
    origin: &'w Object<'d, 't>,
    /// The text that the origin stands in.
    text: &'w str,
    patches: &'w [PatchText],
}

impl Way<'_, '_, '_> {
    fn pod(&self, pod: &PodReport, document: Span, reports: &mut Reports) {
        let mut of_base = PodReport { document, ..pod.clone() };
        of_base.object.document = self.origin.name.document;
        of_base.object.item = self.origin.name.item;
        of_base.findings.clear();
        let mut is_elsewhere = false;
        for finding in &pod.findings {
            for (patch, finding) in self.parts(finding) {
                let of_patch = patch.and_then(|patch| reports.of_patch(patch, pod));
                is_elsewhere |= of_patch.is_some();
                of_patch.unwrap_or(&mut of_base).findings.push(finding);
            }
        }
        for advice in &mut of_base.advice {
            advice.findings = advice.findings.iter().map(|finding| self.in_base(finding)).collect();
        }
        for user in &mut of_base.image_users {
            let located = self.locate(&user.path);
            (user.span, user.position) = (located.span, located.position);
        }
        let says_nothing = of_base.advice.is_empty() && of_base.image_users.is_empty();
        if is_elsewhere && of_base.findings.is_empty() {
            // Then the first patch is where the pod is counted.
            let in_others = reports.others.iter_mut().flat_map(|(_, report)| &mut report.pods);
            let mut same = in_others.filter(|known| known.object == pod.object && known.path == pod.path);
            if let Some(first) = same.next() {
                first.continued = false;
                of_base.continued = true;
            }
            if says_nothing {
                return;
            }
        }
        reports.of_base.pods.push(of_base);
    }

    fn in_base(&self, finding: &Finding) -> Finding {
        let mut finding = finding.clone();
        for place in &mut finding.places {
            let located = self.locate(&place.path);
            (place.span, place.position) = (located.span, located.position);
        }
        finding.places.sort_by_key(|place| place.position);
        finding
    }

    fn locate(&self, path: &str) -> Located {
        follow(self.text, self.origin.node, self.made, &steps(path))
    }

    /// A finding by the files that its places are in: with those in the object itself first, then by the patches that set
    /// them. All but the first are continued.
    fn parts(&self, finding: &Finding) -> Vec<(Option<&PatchText>, Finding)> {
        let mut parts: Vec<(Option<&PatchText>, Finding)> = Vec::new();
        for place in &finding.places {
            let (patch, (span, position)) = self.place(&place.path);
            let place = Place { span, position, ..place.clone() };
            let name = |patch: Option<&PatchText>| patch.map(|patch| patch.source.name.clone());
            match parts.iter_mut().find(|(known, _)| name(*known) == name(patch)) {
                Some((_, part)) => part.places.push(place),
                None => parts.push((patch, Finding { places: vec![place], ..finding.clone() })),
            }
        }
        parts.sort_by_key(|(patch, _)| patch.is_some());
        for (index, (_, part)) in parts.iter_mut().enumerate() {
            part.places.sort_by_key(|place| place.position);
            part.continued = index > 0;
        }
        parts
    }

    /// Where a field is set: in the patch that is laid over all others, else in the object.
    fn place(&self, path: &str) -> (Option<&PatchText>, (Span, Position)) {
        let located = self.locate(path);
        let steps = steps(path);
        let set = self.patches.iter().find_map(|patch| {
            let (span, position) = patch.sets(&self.origin.name, self.made, &steps, located.depth)?;
            Some((Some(patch), patch.place(span, position)))
        });
        set.unwrap_or((None, (located.span, located.position)))
    }
}

impl PatchText {
    /// Where the patch sets a field of an object, as it is in what was made; or of a missing one more of the way to it than
    /// `depth` steps, which are in the object itself.
    fn sets(
        &self,
        of: &ObjectName,
        made: Node<'_, '_>,
        path: &[Step],
        depth: usize,
    ) -> Option<(Span, Position)> {
        let is_same = |node: Node<'_, '_>| {
            let there = path.iter().try_fold(made, |node, step| child(node, step));
            there.is_some_and(|there| there.is_same_json(node))
        };
        for (number, document) in podsec_yaml::documents(&self.text).flatten().enumerate() {
            let root = document.root();
            if matches!(root.kind(), Kind::Sequence(_)) {
                if !self.may_be_for(of, None) {
                    continue;
                }
                let found = root.items().filter_map(|operation| {
                    let rest = below(operation.get("path")?.as_str()?, path)?;
                    let value = operation.get("value")?;
                    let node = rest.iter().try_fold(value, |node, step| child(node, step))?;
                    is_same(node).then(|| shown(&self.text, node))
                });
                if let Some(found) = found.last() {
                    return Some(found);
                }
                continue;
            }
            for object in objects(&document, number) {
                if !self.may_be_for(of, Some(&object.name)) {
                    continue;
                }
                let located = follow(&self.text, object.node, made, path);
                let complete = path.iter().try_fold((object.node, made), |(node, made), step| {
                    let below = child(made, step)?;
                    Some((counterpart(node, below, step)?, below))
                });
                let sets = match complete {
                    Some((node, made)) => node.is_same_json(made),
                    None => located.depth > depth,
                };
                if sets {
                    return Some((located.span, located.position));
                }
            }
        }
        None
    }
}

/// Follows steps of what was made in the object that it was made of, as far as they lead: elements that have names by
/// those.
fn follow(text: &str, from: Node<'_, '_>, made: Node<'_, '_>, path: &[Step]) -> Located {
    let mut translated: Vec<Step> = Vec::with_capacity(path.len());
    let (mut node, mut there) = (Some(from), Some(made));
    for step in path {
        there = there.and_then(|there| child(there, step));
        let same = match (node, there, step) {
            (Some(node), Some(there), Step::Element(index)) => position(node, there, *index),
            _ => None,
        };
        let step = match step {
            // Where there is no such element there is nothing below it.
            Step::Element(_) => Step::Element(same.unwrap_or(usize::MAX)),
            Step::Member(name) => Step::Member(name.clone()),
        };
        node = node.and_then(|node| child(node, &step));
        translated.push(step);
    }
    let segments: Vec<Segment<'_>> = translated.iter().map(Step::segment).collect();
    locate(text, from, &segments, &mut Children::default())
}

fn child<'d, 't>(node: Node<'d, 't>, step: &Step) -> Option<Node<'d, 't>> {
    match step {
        Step::Member(name) => node.get(name),
        Step::Element(index) => node.items().nth(*index),
    }
}

/// What a step leads to, if it leads to the element `made` elsewhere.
fn counterpart<'d, 't>(node: Node<'d, 't>, made: Node<'_, '_>, step: &Step) -> Option<Node<'d, 't>> {
    match step {
        Step::Member(name) => node.get(name),
        Step::Element(index) => node.items().nth(position(node, made, *index)?),
    }
}

/// The place in a list of the element that has the name of another one, or its place where it has none.
fn position(list: Node<'_, '_>, element: Node<'_, '_>, index: usize) -> Option<usize> {
    let name = |node: Node<'_, '_>| node.get("name").and_then(|name| name.as_str()).map(str::to_owned);
    match name(element) {
        Some(known) => list.items().position(|item| name(item).as_deref() == Some(&known)),
        None => list.items().nth(index).map(|_| index),
    }
}

/// What is left of a path below that of an operation; none when it does not lead there.
fn below<'p>(pointer: &str, path: &'p [Step]) -> Option<&'p [Step]> {
    let mut rest = path;
    for token in pointer.strip_prefix('/')?.split('/') {
        let (step, below) = rest.split_first()?;
        let token = token.replace("~1", "/").replace("~0", "~");
        let fits = match step {
            Step::Member(name) => *name == token,
            Step::Element(index) => token == "-" || token.parse() == Ok(*index),
        };
        if !fits {
            return None;
        }
        rest = below;
    }
    Some(rest)
}

/// The first line of a node.
fn shown(text: &str, node: Node<'_, '_>) -> (Span, Position) {
    let span = node.span();
    let length = text.get(span.range()).unwrap_or("").lines().next().unwrap_or("").trim_end().len();
    (Span { start: span.start, end: span.start + length }, node.position())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locate::display;

    #[test]
    fn the_path_of_an_operation_leads_to_what_is_below_it() {
        let path = steps("spec.template.spec.containers[1].securityContext.privileged");
        let left = |pointer: &str| below(pointer, &path).map(display);
        assert_eq!(left("/spec/template/spec/containers/1"), Some("securityContext.privileged".to_owned()));
        assert_eq!(left("/spec/template/spec/containers/-/securityContext"), Some("privileged".to_owned()));
        assert_eq!(left("/spec/template/spec/containers/0"), None);
    }
}
