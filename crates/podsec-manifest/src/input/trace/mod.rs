//! Leads what was found in what Helm or Kustomize made back to the files that it was made of.
//!
//! ```text
//! document ─► check ─► report ─┬─ template:  lines that are alike, and the value behind ─► the template's lines
//!                              └─ resource:  the patch that set the field, or the object ─► lines of either
//! ```

mod lines;
mod patches;
mod resource;
mod template;
mod values;

use super::rendered::{Rendered, Trace};
use crate::Source;
use crate::finding::FileReport;

/// The report of a rendered document as reports of the files that it was made of, each with its text. What cannot be led
/// back keeps its places in the document, and says so in its name.
pub(super) fn traced(
    rendered: &Rendered,
    source: Source,
    mut report: FileReport,
) -> Vec<(Source, FileReport)> {
    report.made_by = Some(rendered.made_by.clone());
    let is_empty = report.pods.is_empty() && report.problems.is_empty() && report.refusals.is_empty();
    let led_back = match &rendered.trace {
        _ if is_empty => None,
        Trace::Nowhere => None,
        Trace::Template(values) => template::traced(&rendered.file, values, &source, &report),
        Trace::Resource(layers) => resource::traced(&rendered.file, layers, &source, &report),
    };
    led_back.unwrap_or_else(|| {
        report.rendered_from = Some(rendered.file.clone());
        vec![(source, report)]
    })
}
