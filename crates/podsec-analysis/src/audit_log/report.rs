//! The counted decisions, for people and programs.

use std::fmt::{self, Write};

use askama::Template;
use serde_json::{Value, json};

use super::{AuditKey, AuditRow, AuditSummary};
use crate::log::LogCounts;
use crate::text::{aligned, cell};

const HEAD: [&str; 9] =
    ["NAMESPACE", "WORKLOAD", "USER", "MODE", "POLICY", "COUNT", "FIRST", "LAST", "CHECKS"];

/// Writes the decisions as a table, the most frequent first.
///
/// # Errors
/// When nothing can be written.
pub fn audit_table(summary: &AuditSummary, log: &LogCounts, out: &mut impl Write) -> fmt::Result {
    aligned(&HEAD, &rows(summary), out)?;
    writeln!(out, "\n{}", notes(summary, log))
}

/// Writes the decisions as Markdown.
///
/// # Errors
/// When nothing can be written.
pub fn audit_markdown(summary: &AuditSummary, log: &LogCounts, out: &mut impl Write) -> fmt::Result {
    writeln!(out, "| {} |\n|{}", HEAD.join(" | ").to_lowercase(), "---|".repeat(HEAD.len()))?;
    for row in rows(summary) {
        writeln!(out, "| {} |", row.iter().map(|text| cell(text)).collect::<Vec<_>>().join(" | "))?;
    }
    writeln!(out, "\n{}", notes(summary, log))
}

/// The decisions as JSON.
pub fn audit_json(summary: &AuditSummary, log: &LogCounts) -> Value {
    let rows = sorted(summary).into_iter().map(|(key, row)| json!({"by": key, "seen": row}));
    json!({
        "version": 1,
        "rows": rows.collect::<Vec<_>>(),
        "decisions": summary.decisions,
        "exempt": summary.exempt,
        "errors": summary.errors,
        "hours": summary.hours,
        "log": log,
    })
}

/// The decisions as one HTML file, with a line of time.
///
/// # Errors
/// Never in practice: every part has a text.
pub fn audit_html(summary: &AuditSummary, log: &LogCounts) -> Result<String, askama::Error> {
    let most = summary.hours.values().copied().max().unwrap_or(1).max(1);
    let bars = summary.hours.iter().map(|(hour, count)| HourBar {
        hour,
        count: *count,
        height: (count * 100 / most).max(2),
    });
    AuditPage { rows: rows(summary), bars: bars.collect(), notes: notes(summary, log) }.render()
}

#[derive(Template)]
#[template(path = "audit-log.html")]
struct AuditPage<'s> {
    rows: Vec<[String; 9]>,
    bars: Vec<HourBar<'s>>,
    notes: String,
}

struct HourBar<'s> {
    hour: &'s str,
    count: usize,
    height: usize,
}

fn sorted(summary: &AuditSummary) -> Vec<(&AuditKey, &AuditRow)> {
    let mut rows: Vec<(&AuditKey, &AuditRow)> = summary.rows.iter().collect();
    rows.sort_by(|(a_key, a), (b_key, b)| b.count.cmp(&a.count).then_with(|| a_key.cmp(b_key)));
    rows
}

fn rows(summary: &AuditSummary) -> Vec<[String; 9]> {
    let row = |(key, row): (&AuditKey, &AuditRow)| {
        let shown = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        [
            shown(&key.namespace),
            shown(&key.workload),
            shown(&key.user),
            shown(&key.mode),
            shown(&key.policy),
            row.count.to_string(),
            row.first.clone(),
            row.last.clone(),
            row.checks.iter().cloned().collect::<Vec<_>>().join(","),
        ]
    };
    sorted(summary).into_iter().map(row).collect()
}

fn notes(summary: &AuditSummary, log: &LogCounts) -> String {
    let mut text = format!(
        "{} decisions in {} events; {} requests were exempt, {} could not be judged.",
        summary.decisions, log.events, summary.exempt, summary.errors
    );
    for (number, what) in [
        (log.cut, "are cut off in the log and not known"),
        (log.too_long, "are longer than 32 MiB and not known"),
        (log.other, "lines hold no event"),
        (summary.folded, "are told together as others"),
    ] {
        if number > 0 {
            let _ = write!(text, " {number} {what}.");
        }
    }
    text
}
