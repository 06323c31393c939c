//! What a report of a source has to tell, one after the other in the order of the source.

use podsec_yaml::Position;

use crate::finding::{FileReport, ImageUser, PartialObject, PodReport, Problem, Told};

/// Something that a report tells.
#[derive(Clone, Copy)]
pub(super) enum Entry<'r> {
    /// What could not be judged.
    Problem(&'r Problem),
    /// What Kubernetes refuses when it decodes strictly.
    Refusal(&'r Problem),
    /// What is worth knowing.
    Warning(&'r Problem),
    /// An object that is no whole one.
    Patch(&'r PartialObject),
    /// A container that the kubelet would not start.
    NotStarted(&'r PodReport, &'r ImageUser),
    /// A violation of a pod.
    Violation(&'r PodReport, Told<'r>),
}

impl<'r> Entry<'r> {
    /// All that a report tells; what has no place comes first.
    pub(super) fn all(report: &'r FileReport) -> Vec<Self> {
        let mut entries: Vec<Self> = Vec::new();
        entries.extend(report.problems.iter().map(Self::Problem));
        entries.extend(report.warnings.iter().map(Self::Warning));
        entries.extend(report.refusals.iter().map(Self::Refusal));
        entries.extend(report.patches.iter().map(Self::Patch));
        let not_started =
            |pod: &'r PodReport| pod.not_started().map(move |container| Self::NotStarted(pod, container));
        entries.extend(report.pods.iter().flat_map(not_started));
        let violations = |pod: &'r PodReport| pod.told().map(move |told| Self::Violation(pod, told));
        entries.extend(report.pods.iter().flat_map(violations));
        entries.sort_by_key(Self::position);
        entries
    }

    /// Where it is.
    pub(super) fn position(&self) -> Option<Position> {
        match self {
            Self::Problem(problem) | Self::Refusal(problem) | Self::Warning(problem) => problem.position,
            Self::Patch(patch) => Some(patch.position),
            Self::NotStarted(_, container) => Some(container.position),
            Self::Violation(_, told) => told.finding.places.first().map(|place| place.position),
        }
    }
}
