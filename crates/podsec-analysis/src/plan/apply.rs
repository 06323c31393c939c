//! A plan as steps to take in a cluster: what warns and notes first, what refuses last.

use super::{Labelling, Plan, commands};

/// Labels of one namespace that are set together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelStep {
    /// The namespace.
    pub namespace: String,
    /// Whether these labels refuse something.
    pub enforces: bool,
    /// What changes.
    pub changes: Vec<Change>,
}

/// A label that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The label.
    pub label: String,
    /// What it is now.
    pub from: Option<String>,
    /// What it is to be; none when it goes.
    pub to: Option<String>,
}

/// The steps that bring a cluster to the plan: all namespaces' warn and audit labels, then all that enforce.
pub fn steps(plan: &Plan) -> Vec<LabelStep> {
    let mut found = Vec::new();
    for enforces in [false, true] {
        let known = plan
            .namespaces
            .iter()
            .filter(|namespace| !matches!(namespace.labelling, Labelling::Unknown | Labelling::Exempt));
        for namespace in known {
            let changes: Vec<Change> = commands::changed(namespace)
                .into_iter()
                .filter(|(label, _)| commands::is_enforce(label) == enforces)
                .map(|(label, to)| {
                    let now = namespace.labels.iter().find(|(key, _)| *key == label);
                    Change { from: now.map(|(_, value)| value.clone()), label, to }
                })
                .collect();
            if !changes.is_empty() {
                found.push(LabelStep { namespace: namespace.name.clone(), enforces, changes });
            }
        }
    }
    found
}
