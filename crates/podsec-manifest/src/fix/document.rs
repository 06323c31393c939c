//! One document from its text to its mended text.

use podsec_standards::{Check, Pod};
use podsec_yaml::Document;

use super::change::Change;
use super::excerpt::Excerpt;
use super::outcome::{Applied, Left, Options};
use super::plan::plan;
use super::spared::Spared;
use super::splice::{spliced, splices};
use super::style::Style;
use super::tree::Tree;
use super::verify;
use super::why::Why;
use crate::check::{Policies, carried_pods};
use crate::locate::{Step, display};
use crate::object::{ObjectName, objects};
use crate::template::Templates;

/// A document after its fix.
#[derive(Default)]
pub(crate) struct Mended {
    pub(crate) text: String,
    pub(crate) applied: Vec<Applied>,
    pub(crate) left: Vec<Left>,
}

/// A document on its way.
pub(super) struct Mending<'m, P> {
    number: usize,
    templates: &'m Templates,
    policies: &'m P,
    options: Options<'m>,
    spared: &'m Spared,
    /// The changes that failed alone, and why.
    refused: Vec<(Change, String)>,
    changed_since_refusal: bool,
    mended: Mended,
}

impl<'m, P: Policies> Mending<'m, P> {
    /// For the document of this number in its source.
    pub(super) fn new(
        number: usize,
        templates: &'m Templates,
        policies: &'m P,
        options: Options<'m>,
        spared: &'m Spared,
    ) -> Self {
        Self {
            number,
            templates,
            policies,
            options,
            spared,
            refused: Vec::new(),
            changed_since_refusal: false,
            mended: Mended::default(),
        }
    }

    /// Mends the pods of the document.
    pub(super) fn mend(mut self, excerpt: Excerpt<'_, '_>) -> Mended {
        let text = self.settle(excerpt, 0).unwrap_or_else(|| excerpt.text().to_owned());
        Mended { text, ..self.mended }
    }

    /// Changes the document until nothing is left that can be. The text in the end; none when it is as it was.
    ///
    /// One round needs another, since one fix may bring another rule to light, and what stood in the way of a change may
    /// be gone. Each reads its text once: to verify the change, and to go on from there.
    fn settle(&mut self, excerpt: Excerpt<'_, '_>, round: usize) -> Option<String> {
        let document = excerpt.document;
        let survey = survey(document, self.number, self.templates, self.policies, self.options, self.spared);
        loop {
            self.mended.left = survey.left(&self.refused);
            let open = |change: &&Change| !self.refused.iter().any(|(known, _)| known.is(change));
            let changes: Vec<&Change> = survey.changes.iter().filter(open).collect();
            if changes.is_empty() {
                if !self.changed_since_refusal || self.refused.is_empty() {
                    return None;
                }
                self.refused.clear();
                self.changed_since_refusal = false;
                continue;
            }
            if round == MOST_ROUNDS {
                let stopped = changes.iter().map(|change| ((*change).clone(), STOPPED.to_owned()));
                self.refused.extend(stopped);
                self.mended.left = survey.left(&self.refused);
                return None;
            }
            if let Ok(text) = self.attempt(excerpt, &survey, &changes, round) {
                return Some(text);
            }
            if let Some((text, made)) = some_of(excerpt, &changes, &mut self.refused)
                && let Some(Ok(next)) = podsec_yaml::documents(&text).next()
            {
                self.made(&survey, &made);
                let settled = self.settle(Excerpt::all_of(&next), round + 1);
                return Some(settled.unwrap_or(text));
            }
        }
    }

    /// Makes all changes at once, and goes on from there.
    fn attempt(
        &mut self,
        excerpt: Excerpt<'_, '_>,
        survey: &Survey,
        changes: &[&Change],
        round: usize,
    ) -> Result<String, String> {
        let candidate = Candidate::new(excerpt, changes)?;
        let next = candidate.verified(excerpt.document)?;
        self.made(survey, changes);
        let settled = self.settle(Excerpt::all_of(&next), round + 1);
        drop(next);
        Ok(settled.unwrap_or(candidate.text))
    }

    fn made(&mut self, survey: &Survey, changes: &[&Change]) {
        self.mended.applied.extend(changes.iter().map(|change| survey.applied(change)));
        self.changed_since_refusal = true;
    }
}

/// What the pods of a document need.
struct Survey {
    objects: Vec<(ObjectName, usize)>,
    changes: Vec<Change>,
    left: Vec<(usize, Vec<Step>, &'static Check, Why)>,
}

fn survey(
    document: &Document<'_>,
    number: usize,
    templates: &Templates,
    policies: &impl Policies,
    options: Options<'_>,
    spared: &Spared,
) -> Survey {
    let mut survey = Survey { objects: Vec::new(), changes: Vec::new(), left: Vec::new() };
    let mut json = Vec::new();
    for object in objects(document, number) {
        for carried in carried_pods(&object, templates) {
            json.clear();
            carried.node.write_json(&mut json);
            // What cannot be decoded is reported by the check of the mended text.
            let Ok(pod) = Pod::from_json(&json) else { continue };
            let Some(policy) = policies.policy(&object.name, &pod) else { continue };
            let number = survey.objects.len();
            survey.objects.push((object.name.clone(), object.steps.len()));
            let evaluation = podsec_standards::evaluate(policy, &pod);
            if evaluation.is_allowed() && options.images.is_none() {
                continue;
            }
            let base: Vec<Step> = object.steps.iter().chain(&carried.steps).cloned().collect();
            // What is spared stays as it is, also for what the plan takes as given.
            let mut violations = evaluation.violations;
            violations.retain(|violation| !spared.has(&object.name, &carried.path, violation.check));
            let plan = plan(&violations, &pod, carried.node, &base, number, options);
            survey.changes.extend(plan.changes);
            let left = plan.left.into_iter();
            survey.left.extend(left.map(|(steps, check, why)| (number, steps, check, why)));
        }
    }
    survey
}

impl Survey {
    fn applied(&self, change: &Change) -> Applied {
        let (object, path) = self.place(change.pod, &change.steps);
        Applied { object, path, action: change.told(), check: change.check, safety: change.safety }
    }

    fn left(&self, refused: &[(Change, String)]) -> Vec<Left> {
        let planned = self.left.iter().map(|(pod, steps, check, why)| {
            let (object, path) = self.place(*pod, steps);
            Left { object, path, check, why: why.clone() }
        });
        let refused = refused
            .iter()
            .filter(|(change, _)| self.changes.iter().any(|wanted| wanted.is(change)))
            .map(|(change, why)| {
                let (object, path) = self.place(change.pod, &change.steps);
                Left { object, path, check: change.check, why: Why::Refused(why.clone()) }
            });
        planned.chain(refused).collect()
    }

    /// The object, and the path in it, of a field of the document.
    fn place(&self, pod: usize, steps: &[Step]) -> (ObjectName, String) {
        let (name, depth) = self.objects.get(pod).cloned().unwrap_or_default();
        (name, display(steps.get(depth..).unwrap_or_default()))
    }
}

/// Makes the changes of those pods that can be mended, or else single ones. What fails alone is refused.
fn some_of<'c>(
    excerpt: Excerpt<'_, '_>,
    changes: &[&'c Change],
    refused: &mut Vec<(Change, String)>,
) -> Option<(String, Vec<&'c Change>)> {
    let by_pod: Vec<_> = changes.chunk_by(|one, next| one.pod == next.pod).collect();
    together(excerpt, &by_pod, |_, _| {}).or_else(|| {
        let single: Vec<_> = changes.chunks(1).collect();
        together(excerpt, &single, |part, reason| {
            refused.extend(part.iter().map(|change| ((*change).clone(), reason.clone())));
        })
    })
}

/// Makes those parts of the changes that can be made alone: all of them at once, or else the first.
fn together<'c>(
    excerpt: Excerpt<'_, '_>,
    parts: &[&[&'c Change]],
    mut failed: impl FnMut(&[&Change], String),
) -> Option<(String, Vec<&'c Change>)> {
    let attempt = |changes: &[&Change]| {
        let candidate = Candidate::new(excerpt, changes)?;
        candidate.verified(excerpt.document).map(drop)?;
        Ok(candidate.text)
    };
    let mut first = None;
    let mut all = Vec::new();
    for part in parts {
        match attempt(part) {
            Ok(text) => {
                first.get_or_insert_with(|| (text, part.to_vec()));
                all.extend_from_slice(part);
            }
            Err(reason) => failed(part, reason),
        }
    }
    match attempt(&all) {
        Ok(text) => Some((text, all)),
        Err(_) => first,
    }
}

/// The text of a document after changes, and what it must say.
struct Candidate<'d, 't> {
    text: String,
    intended: Tree<'d, 't>,
    /// The comments that go.
    forgotten: Vec<String>,
    json: bool,
}

impl<'d, 't> Candidate<'d, 't> {
    fn new(excerpt: Excerpt<'d, 't>, changes: &[&Change]) -> Result<Self, String> {
        let document = excerpt.document;
        let mut intended = Tree::Kept(document.root());
        intended.apply(0, changes);
        if intended.is(document.root()) {
            return Err("the field cannot be changed".to_owned());
        }
        if document.has_anchors() {
            // What an alias stands for may change wherever the alias itself is.
            intended.open_all();
        }
        let style = Style::of(excerpt.text(), document);
        let (splices, forgotten) = splices(excerpt, style, &intended);
        let text = spliced(excerpt, splices).ok_or("two changes meet in the same text")?;
        Ok(Self { text, intended, forgotten, json: style.json })
    }

    /// The text read again, if it says what it must.
    fn verified(&self, before: &Document<'_>) -> Result<Document<'_>, String> {
        verify::read(before, &self.text, &self.intended, &self.forgotten, self.json)
    }
}

/// Far more than ever needed: a fix brings at most a few rules to light, and changes that are made one by one come from
/// odd texts.
const MOST_ROUNDS: usize = 200;
const STOPPED: &str = "the changes of this document could only be made one by one; fix again for the rest";
