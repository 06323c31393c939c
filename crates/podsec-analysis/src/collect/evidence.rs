//! What was found of a pod or template: the revisions it breaks, and what each says of it, once for all that say the same.

use std::collections::HashSet;
use std::sync::Arc;

use podsec_standards::{Actual, Edit, Field, Pod, Violation};
use serde::Serialize;

use super::injector::injector_of;
use crate::Breaches;
use crate::breaches::revisions;

/// What was found of the pods of a subject, or of its template.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// How many pods it is of.
    pub count: usize,
    /// Every revision that one of them breaks.
    pub broken: Breaches,
    /// What each of these says, of the first pod that breaks it.
    pub rules: Vec<BrokenRule>,
}

/// A revision of a check and what it says.
#[derive(Clone, Debug)]
pub struct BrokenRule {
    /// The number of the revision in [`revisions`].
    pub number: u8,
    /// What it says.
    pub saying: Arc<Saying>,
}

/// What a check says of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Saying {
    /// Kubernetes' sentence: `hostPort (container "a" uses hostPort 80)`.
    pub sentence: String,
    /// The fields that are to blame.
    pub fields: Vec<FaultyField>,
    /// How many fields an author has to touch: one for a setting that the pod can make for all containers.
    #[serde(skip)]
    pub edits: usize,
}

/// A field that is to blame.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct FaultyField {
    /// Its path in the pod.
    pub path: String,
    /// What it holds, as JSON; `null` when it is not there.
    pub actual: String,
    /// Its container, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Who put that container there, if its name tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub injector: Option<&'static str>,
}

/// Every saying once.
#[derive(Debug, Default)]
pub(super) struct Sayings(HashSet<Arc<Saying>>);

impl Sayings {
    fn one(&mut self, saying: Saying) -> Arc<Saying> {
        if let Some(known) = self.0.get(&saying) {
            return Arc::clone(known);
        }
        let saying = Arc::new(saying);
        self.0.insert(Arc::clone(&saying));
        saying
    }
}

impl Evidence {
    /// Adds a pod, or a template.
    pub(super) fn add(&mut self, pod: &Pod<'_>, sayings: &mut Sayings) {
        self.count += 1;
        let known = self.broken;
        let broken = Breaches::of(pod, |number, violation| {
            // Pods of one owner are alike; what the first says is enough.
            if !known.has(number) {
                self.rules.push(BrokenRule { number, saying: sayings.one(saying(&violation)) });
            }
        });
        self.broken = known.or(broken);
    }

    /// Adds what was found of others.
    pub(super) fn join(&mut self, other: Self) {
        self.count += other.count;
        let known = self.broken;
        self.rules.extend(other.rules.into_iter().filter(|rule| !known.has(rule.number)));
        self.broken = known.or(other.broken);
    }
}

impl BrokenRule {
    /// The id of the check.
    pub fn check(&self) -> &'static str {
        revisions().get(usize::from(self.number)).map_or("", |(check, _)| check.id)
    }

    /// Who is to blame, if all of its fields are of one injector's containers.
    pub fn injector(&self) -> Option<&'static str> {
        let mut injectors = self.saying.fields.iter().map(|field| field.injector);
        let first = injectors.next()??;
        injectors.all(|injector| injector == Some(first)).then_some(first)
    }
}

fn saying(violation: &Violation<'_>) -> Saying {
    let (reason, detail, fields) = violation.parts();
    let sentence = if detail.is_empty() { reason.to_owned() } else { format!("{reason} ({detail})") };
    let for_pod = |field: &Field<'_>| {
        let pattern = field.pattern();
        let mut edits = violation.check.fix.edits.iter();
        field.actual == Actual::Undefined
            && edits.any(|(of, edit)| *of == pattern && matches!(edit, Edit::SetForPod(_)))
    };
    let shared = fields.iter().filter(|field| for_pod(field)).count();
    let edits = fields.len() - shared + usize::from(shared > 0);
    let fields = fields
        .iter()
        .map(|field| FaultyField {
            path: field.path().to_string(),
            actual: if field.actual == Actual::Undefined {
                "null".to_owned()
            } else {
                field.actual.to_string()
            },
            container: field.container().map(str::to_owned),
            injector: field.container().and_then(injector_of),
        })
        .collect();
    Saying { sentence, fields, edits }
}
