//! A plan as one HTML file that needs nothing else: a map of the namespaces by level, and behind each what is in its way.

use askama::Template;
use podsec_standards::Level;

use super::table::{about, labelling};
use super::{Blocker, Labelling, NamespacePlan, Plan};

/// A plan as HTML.
///
/// # Errors
/// Never in practice: every part of a plan has a text.
pub fn html(plan: &Plan) -> Result<String, askama::Error> {
    let at =
        |level| plan.namespaces.iter().filter(|namespace| namespace.suggested.enforce.level == level).count();
    let [privileged, baseline, restricted] = Level::ALL.map(at);
    PlanPage { plan, privileged, baseline, restricted }.render()
}

#[derive(Template)]
#[template(path = "plan.html")]
struct PlanPage<'p> {
    plan: &'p Plan,
    privileged: usize,
    baseline: usize,
    restricted: usize,
}

#[derive(Template)]
#[template(path = "plan-blocker.html")]
struct BlockerItem<'p> {
    blocker: &'p Blocker,
    about: String,
}

fn class(namespace: &NamespacePlan) -> &'static str {
    if namespace.labelling == Labelling::Exempt {
        "exempt"
    } else {
        namespace.suggested.enforce.level.as_str()
    }
}

fn labels(namespace: &NamespacePlan) -> &'static str {
    labelling(namespace.labelling)
}

/// An item of a list. What is in it was escaped by its own template.
fn blocker(blocker: &Blocker) -> String {
    BlockerItem { blocker, about: about(blocker) }.render().unwrap_or_default()
}
