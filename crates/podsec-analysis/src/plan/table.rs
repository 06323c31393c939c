//! A plan for a terminal: a row for each namespace, and below what is wrong and what is in the way.

use std::fmt::{self, Write};

use podsec_standards::Level;

use super::{Blocker, Labelling, NamespacePlan, Plan};
use crate::text::aligned;

/// Writes a plan. Of what is in the way the first few are told, or all.
///
/// # Errors
/// When nothing can be written.
pub fn table(plan: &Plan, all: bool, out: &mut impl Write) -> fmt::Result {
    let head = [
        "NAMESPACE",
        "LABELS",
        "ENFORCED NOW",
        "CAN BE",
        "WORKLOADS",
        "REFUSED NOW",
        "IN THE WAY OF THE NEXT",
    ];
    let rows: Vec<[String; 7]> = plan.namespaces.iter().map(row).collect();
    aligned(&head, &rows, out)?;
    for namespace in &plan.namespaces {
        details(namespace, all, out)?;
    }
    summary(plan, out)
}

fn row(namespace: &NamespacePlan) -> [String; 7] {
    let next = match namespace.next.last() {
        _ if namespace.labelling == Labelling::Exempt => "exempt".to_owned(),
        Some(step) => {
            let near = step.blockers.iter().filter(|blocker| blocker.edits == 1).count();
            let near = if near > 0 { format!(", {near} one field away") } else { String::new() };
            format!("{}: {}{near}", step.policy.level, count(step.blockers.len(), "workload"))
        }
        None => "-".to_owned(),
    };
    [
        namespace.name.clone(),
        labelling(namespace.labelling).to_owned(),
        namespace.current.enforce.to_string(),
        namespace.suggested.enforce.to_string(),
        namespace.subjects.to_string(),
        namespace.refused_now.len().to_string(),
        next,
    ]
}

pub(super) fn labelling(labelling: Labelling) -> &'static str {
    match labelling {
        Labelling::Unknown => "unknown",
        Labelling::Unlabelled => "none",
        Labelling::Labelled => "yes",
        Labelling::Mislabelled => "wrong",
        Labelling::Exempt => "exempt",
    }
}

fn details(namespace: &NamespacePlan, all: bool, out: &mut dyn Write) -> fmt::Result {
    let exempt = namespace.labelling == Labelling::Exempt;
    let blocked = namespace.next.iter().any(|step| !step.blockers.is_empty()) && !exempt;
    if namespace.faults.is_empty()
        && !blocked
        && namespace.unseen.is_empty()
        && namespace.refused_now.is_empty()
    {
        return Ok(());
    }
    writeln!(out, "\n{}", namespace.name)?;
    for fault in &namespace.faults {
        writeln!(out, "  label: {}", fault.message)?;
    }
    if !namespace.refused_now.is_empty() {
        writeln!(out, "  refused by {} if it were made again now:", namespace.current.enforce)?;
        blockers(&namespace.refused_now, all, out)?;
    }
    for step in namespace.next.iter().filter(|step| !step.blockers.is_empty() && !exempt) {
        writeln!(out, "  in the way of {}:", step.policy)?;
        blockers(&step.blockers, all, out)?;
    }
    for unseen in &namespace.unseen {
        writeln!(
            out,
            "  unseen: {} reaches {} of the node through the claim {}, which Pod Security does not look at",
            unseen.subject, unseen.path, unseen.claim
        )?;
    }
    Ok(())
}

fn blockers(blockers: &[Blocker], all: bool, out: &mut dyn Write) -> fmt::Result {
    let shown = if all { blockers.len() } else { MOST_SHOWN };
    for blocker in blockers.iter().take(shown) {
        let fields =
            if blocker.edits == 1 { "one field away".to_owned() } else { count(blocker.edits, "field") };
        writeln!(out, "    {}  ({fields}){}", blocker.subject, about(blocker))?;
        for rule in &blocker.rules {
            let words = rule.origin.words();
            let words = if words.is_empty() { words } else { format!(" [{words}]") };
            writeln!(out, "      {}{words}", rule.rule.saying.sentence)?;
        }
    }
    if blockers.len() > shown {
        writeln!(out, "    and {} more; --all tells them", blockers.len() - shown)?;
    }
    Ok(())
}

/// What else there is to say of a subject.
pub(super) fn about(blocker: &Blocker) -> String {
    let mut parts = Vec::new();
    if blocker.mirror {
        parts.push("a mirror pod: its file is on its node".to_owned());
    } else if blocker.pods == 0 {
        parts.push("no pod now".to_owned());
    }
    parts.extend(blocker.managed_by.as_ref().map(|owner| format!("made by {owner}")));
    parts.extend(blocker.source.as_ref().map(|source| format!("from {source}")));
    if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) }
}

fn summary(plan: &Plan, out: &mut dyn Write) -> fmt::Result {
    let at = |level| {
        let namespaces =
            plan.namespaces.iter().filter(|namespace| namespace.suggested.enforce.level == level);
        namespaces.count()
    };
    let [privileged, baseline, restricted] = Level::ALL.map(at);
    let counts = &plan.counts;
    writeln!(
        out,
        "\n{}: {restricted} can be restricted, {baseline} baseline, {privileged} privileged. Read {}: {}, {} that are \
         over, {}, {}; {} there twice.",
        count(plan.namespaces.len(), "namespace"),
        count(counts.objects, "object"),
        count(counts.pods, "pod"),
        counts.finished_pods,
        count(counts.mirror_pods, "mirror pod"),
        count(counts.templates, "template"),
        counts.repeated,
    )?;
    if counts.troubles > 0 {
        writeln!(out, "{} could not be read, and may be in the way of any level:", counts.troubles)?;
        for trouble in plan.troubles.iter().take(MOST_SHOWN) {
            writeln!(out, "  {}: {}", trouble.source, trouble.message)?;
        }
        if counts.troubles > MOST_SHOWN {
            writeln!(out, "  and {} more", counts.troubles - MOST_SHOWN)?;
        }
    }
    Ok(())
}

/// `1 pod`, `2 pods`
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

const MOST_SHOWN: usize = 5;
