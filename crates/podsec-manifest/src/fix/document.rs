//! One document from its text to its mended text.

use podsec_standards::{Check, Pod};
use podsec_yaml::Document;
use serde_json::Value;

use super::plan::{Change, Why, plan};
use super::splice::{spliced, splices};
use super::style::Style;
use super::{Applied, Left, Options, Spared, tree, verify};
use crate::check::{Policies, carried_pods};
use crate::locate::{Step, display};
use crate::object::{ObjectName, objects};
use crate::template::Templates;

/// A document after its fix.
pub(super) struct Mended {
    pub(super) text: String,
    pub(super) applied: Vec<Applied>,
    pub(super) left: Vec<Left>,
}

/// Mends the pods of the one document in `text`, the document of this number in its source.
pub(super) fn mend(
    text: &str,
    number: usize,
    templates: &Templates,
    policies: &impl Policies,
    options: Options,
    spared: &Spared,
) -> Mended {
    let mut mended = Mended { text: text.to_owned(), applied: Vec::new(), left: Vec::new() };
    let mut refused: Vec<(Change, String)> = Vec::new();
    let mut changed_since_refusal = false;
    for round in 0..=MOST_ROUNDS {
        let Some(Ok(document)) = podsec_yaml::documents(&mended.text).next() else { break };
        let survey = survey(&document, number, templates, policies, options, spared);
        let open = |change: &&Change| !refused.iter().any(|(known, _)| known.is(change));
        let changes: Vec<&Change> = survey.changes.iter().filter(open).collect();
        if round == MOST_ROUNDS {
            let stopped = changes.iter().map(|change| ((*change).clone(), STOPPED.to_owned()));
            refused.extend(stopped.collect::<Vec<_>>());
            mended.left = survey.left(&refused);
            break;
        }
        mended.left = survey.left(&refused);
        if changes.is_empty() {
            if !changed_since_refusal || refused.is_empty() {
                break;
            }
            // What stood in the way may be gone.
            refused.clear();
            changed_since_refusal = false;
            continue;
        }
        let root = document.root().to_json();
        if let Some((text, made)) = advance(&document, &root, &changes, &mut refused) {
            mended.applied.extend(made.into_iter().map(|change| survey.applied(change)));
            mended.text = text;
            changed_since_refusal = true;
        }
    }
    mended
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
    options: Options,
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
            if podsec_standards::evaluate(policy, &pod).is_allowed() {
                continue;
            }
            let base: Vec<Step> = object.steps.iter().chain(&carried.steps).cloned().collect();
            let value = carried.node.to_json();
            let plan = plan(policy, &pod, &value, &base, number, options.unsafe_fixes);
            let in_object = display(&carried.steps);
            let is_spared = |check: &Check| spared.has(&object.name, &in_object, check);
            survey.changes.extend(plan.changes.into_iter().filter(|change| !is_spared(change.check)));
            let left = plan.left.into_iter().filter(|(_, check, _)| !is_spared(check));
            survey.left.extend(left.map(|(steps, check, why)| (number, steps, check, why)));
        }
    }
    survey
}

impl Survey {
    fn applied(&self, change: &Change) -> Applied {
        let (object, path) = self.place(change.pod, &change.steps);
        Applied { object, path, action: change.action.to_string(), check: change.check, safe: change.safe }
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

/// Makes all changes; or if that fails those of the pods that can be mended, or else single ones. What fails alone is
/// refused.
fn advance<'c>(
    document: &Document<'_>,
    root: &Value,
    changes: &[&'c Change],
    refused: &mut Vec<(Change, String)>,
) -> Option<(String, Vec<&'c Change>)> {
    if let Ok(text) = attempt(document, root, changes) {
        return Some((text, changes.to_vec()));
    }
    let by_pod: Vec<_> = changes.chunk_by(|one, next| one.pod == next.pod).collect();
    together(document, root, &by_pod, |_, _| {}).or_else(|| {
        let single: Vec<_> = changes.chunks(1).collect();
        together(document, root, &single, |part, reason| {
            refused.extend(part.iter().map(|change| ((*change).clone(), reason.clone())));
        })
    })
}

/// Makes those parts of the changes that can be made alone: all of them at once, or else the first.
fn together<'c>(
    document: &Document<'_>,
    root: &Value,
    parts: &[&[&'c Change]],
    mut failed: impl FnMut(&[&Change], String),
) -> Option<(String, Vec<&'c Change>)> {
    let mut first = None;
    let mut all = Vec::new();
    for part in parts {
        match attempt(document, root, part) {
            Ok(text) => {
                first.get_or_insert_with(|| (text, part.to_vec()));
                all.extend_from_slice(part);
            }
            Err(reason) => failed(part, reason),
        }
    }
    match attempt(document, root, &all) {
        Ok(text) => Some((text, all)),
        Err(_) => first,
    }
}

/// The text of the document after these changes, read again and compared.
fn attempt(document: &Document<'_>, root: &Value, changes: &[&Change]) -> Result<String, String> {
    let mut intended = root.clone();
    tree::apply(&mut intended, changes);
    if intended == *root {
        return Err("the field cannot be changed".to_owned());
    }
    let text = spliced(document.text(), splices(document.text(), document, &intended))
        .ok_or("two changes meet in the same text")?;
    let json = Style::of(document.text(), document).json;
    match verify::refusal(document, &text, &intended, json) {
        None => Ok(text),
        Some(reason) => Err(reason),
    }
}

/// Far more than ever needed: a fix brings at most a few rules to light, and changes that are made one by one come from
/// odd texts.
const MOST_ROUNDS: usize = 200;
const STOPPED: &str = "the changes of this document could only be made one by one; fix again for the rest";
