//! What was met, for people and programs; and what could not be known, always.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::{Met, MetKey, Replay};
use crate::log::LogCounts;
use crate::text::{aligned, cell};

/// Writes what was met as a table.
///
/// # Errors
/// When nothing can be written.
pub fn replay_table(replay: &Replay, log: &LogCounts, out: &mut impl Write) -> fmt::Result {
    let head = ["NAMESPACE", "WORKLOAD", "USER", "WOULD BE", "CHECK", "COUNT", "FIRST", "LAST"];
    aligned(&head, &rows(replay), out)?;
    writeln!(out)?;
    for line in notes(replay, log) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Writes what was met as Markdown.
///
/// # Errors
/// When nothing can be written.
pub fn replay_markdown(replay: &Replay, log: &LogCounts, out: &mut impl Write) -> fmt::Result {
    writeln!(out, "| namespace | workload | user | would be | check | count | first | last |")?;
    writeln!(out, "|---|---|---|---|---|---:|---|---|")?;
    for row in rows(replay) {
        writeln!(out, "| {} |", row.iter().map(|text| cell(text)).collect::<Vec<_>>().join(" | "))?;
    }
    writeln!(out)?;
    for line in notes(replay, log) {
        writeln!(out, "- {}", cell(&line))?;
    }
    Ok(())
}

/// What was met, as JSON.
pub fn replay_json(replay: &Replay, log: &LogCounts) -> Value {
    let met = replay.met.iter().map(|(key, met)| {
        json!({
            "namespace": key.namespace,
            "workload": key.workload,
            "user": key.user,
            "check": key.check,
            "wouldBe": would_be(key),
            "count": met.count,
            "first": met.first,
            "last": met.last,
            "sentence": met.sentence,
        })
    });
    json!({"version": 1, "met": met.collect::<Vec<_>>(), "requests": replay.counts, "log": log})
}

fn rows(replay: &Replay) -> Vec<[String; 8]> {
    let row = |(key, met): (&MetKey, &Met)| {
        [
            key.namespace.clone(),
            key.workload.clone(),
            key.user.clone(),
            would_be(key).to_owned(),
            key.check.to_owned(),
            met.count.to_string(),
            met.first.clone(),
            met.last.clone(),
        ]
    };
    replay.met.iter().map(row).collect()
}

fn would_be(key: &MetKey) -> &'static str {
    if key.refused { "refused" } else { "warned about" }
}

/// What the numbers are worth.
fn notes(replay: &Replay, log: &LogCounts) -> Vec<String> {
    let counts = &replay.counts;
    let workloads: BTreeSet<(&str, &str)> =
        replay.met.keys().map(|key| (key.namespace.as_str(), key.workload.as_str())).collect();
    let mut lines = vec![format!(
        "{} events, {} requests that make pods or workloads: {} judged, {} would be refused, {} warned about, of {} \
         workloads.",
        log.events,
        counts.requests,
        counts.judged,
        counts.refused,
        counts.warned,
        workloads.len()
    )];
    let unknown = [
        (
            counts.without_body,
            "without a body: recorded at the level Metadata, a patch without its answer, or left out for its size",
        ),
        (
            counts.namespace_unknown,
            "in a namespace whose labels at that time nothing tells: --namespaces, or --level for all",
        ),
        (counts.unreadable, "with a body that is none of their kind"),
        (log.cut, "cut off in the log"),
        (log.too_long, "longer than 32 MiB"),
    ];
    for (number, what) in unknown.into_iter().filter(|(number, _)| *number > 0) {
        lines.push(format!("Not known: {number} {what}."));
    }
    let left_out = [
        (counts.exempt, "exempt"),
        (counts.failed, "that failed for another reason"),
        (counts.dry_runs, "dry runs"),
        (
            counts.insignificant,
            "updates of pods that Kubernetes did not judge, since they change nothing that counts",
        ),
        (log.other, "lines that hold no event"),
    ];
    for (number, what) in left_out.into_iter().filter(|(number, _)| *number > 0) {
        lines.push(format!("Left out: {number} {what}."));
    }
    if counts.folded > 0 {
        lines.push(format!(
            "{} are told together as others, as there are too many workloads and users.",
            counts.folded
        ));
    }
    lines
}
