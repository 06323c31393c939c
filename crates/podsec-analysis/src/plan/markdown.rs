//! A plan for a merge request or a wiki.

use std::fmt::{self, Write};

use super::table::{about, count, labelling};
use super::{Blocker, Labelling, Plan};
use crate::text::cell;

/// Writes a plan as Markdown.
///
/// # Errors
/// When nothing can be written.
pub fn markdown(plan: &Plan, out: &mut impl Write) -> fmt::Result {
    writeln!(out, "# Pod Security plan\n")?;
    writeln!(
        out,
        "| namespace | labels | enforced now | can be | workloads | refused now | in the way of the next |"
    )?;
    writeln!(out, "|---|---|---|---|---:|---:|---|")?;
    for namespace in &plan.namespaces {
        let next = namespace.next.last().filter(|_| namespace.labelling != Labelling::Exempt);
        let next = next.map_or_else(
            || "–".to_owned(),
            |step| format!("{}: {}", step.policy.level, count(step.blockers.len(), "workload")),
        );
        writeln!(
            out,
            "| {} | {} | {} | **{}** | {} | {} | {next} |",
            cell(&namespace.name),
            labelling(namespace.labelling),
            namespace.current.enforce,
            namespace.suggested.enforce,
            namespace.subjects,
            namespace.refused_now.len(),
        )?;
    }
    for namespace in plan.namespaces.iter().filter(|namespace| namespace.labelling != Labelling::Exempt) {
        let steps = namespace.next.iter().filter(|step| !step.blockers.is_empty());
        let steps: Vec<_> = steps.collect();
        if steps.is_empty() && namespace.faults.is_empty() && namespace.refused_now.is_empty() {
            continue;
        }
        writeln!(out, "\n## {}\n", cell(&namespace.name))?;
        for fault in &namespace.faults {
            writeln!(out, "- label: {}", cell(&fault.message))?;
        }
        if !namespace.refused_now.is_empty() {
            writeln!(out, "\nRefused by `{}` if it were made again now:\n", namespace.current.enforce)?;
            blockers(&namespace.refused_now, out)?;
        }
        for step in steps {
            writeln!(out, "\nIn the way of `{}`:\n", step.policy)?;
            blockers(&step.blockers, out)?;
        }
    }
    if plan.counts.troubles > 0 {
        writeln!(out, "\n## Not read\n")?;
        for trouble in &plan.troubles {
            writeln!(out, "- {}: {}", cell(&trouble.source), cell(&trouble.message))?;
        }
    }
    Ok(())
}

fn blockers(blockers: &[Blocker], out: &mut impl Write) -> fmt::Result {
    for blocker in blockers {
        writeln!(
            out,
            "- **{}** ({}{})",
            cell(&blocker.subject),
            count(blocker.edits, "field"),
            cell(&about(blocker))
        )?;
        for rule in &blocker.rules {
            let words = rule.origin.words();
            let words = if words.is_empty() { words } else { format!(" – {words}") };
            writeln!(out, "  - {}{}", cell(&rule.rule.saying.sentence), cell(&words))?;
        }
    }
    Ok(())
}
