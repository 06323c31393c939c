//! Fixes: the smallest edit of a manifest after which its pods keep a policy, with everything else left as it is.
//!
//! ```text
//! Source ─► documents ─► pods ─► plan ─► tree ─► splice ─► verify ─► Fixed
//!                  ▲             rules   what     bytes     read      text, what was
//!                  │             to      it must  of the    again,    done, what is
//!                  └── again ──  changes say      text      compare   left and why
//! ```
//!
//! - `plan` takes each broken rule's fix, which is data of the standards, to changes of fields. Where pod and containers
//!   share a field, the side with the smaller edit gets it. What Kubernetes' validation would refuse is not done.
//! - `tree` lays the changes over the document's nodes: that is what the text must say afterwards.
//! - `splice` walks both trees side by side and replaces the bytes where they differ. Indentation, quoting, line ends,
//!   flow style, JSON and a missing last line break stay as the author has them; comments of removed lines go with them, as
//!   `comments` says. An alias whose anchor becomes something else than the alias shall be is written out.
//! - `verify` reads the result again. Unless it is the intended tree, with every comment that should stay, nothing is done: the changes
//!   are tried by pod and then one by one, and those that cannot be made are told with the reason.
//!
//! This repeats until nothing changes, since one fix may bring another rule to light.
//!
//! Only what the standards mark safe is done, unless [`Options::unsafe_fixes`] is set. Nothing is claimed:
//! [`Fixed::report`] is the verdict on the new text, by the same [`check`](crate::check()) that judged the old one.
//!
//! ```
//! use podsec_manifest::{Source, Templates, fix};
//! use podsec_standards::{Level, Policy, Version};
//!
//! let text = "apiVersion: v1\nkind: Pod\nspec:\n  hostPID: true # to see them all\n  containers: []\n";
//! let source = Source { name: "pod.yaml".to_owned(), text: text.to_owned() };
//! let policy = Policy::new(Level::Baseline, Version::Latest);
//!
//! let options = fix::Options { unsafe_fixes: true, ..fix::Options::default() };
//! let fixed = fix::fix(&source, &Templates::default(), &policy, options);
//! assert_eq!(fixed.text, "apiVersion: v1\nkind: Pod\nspec:\n  containers: []\n");
//! assert!(fixed.report.is_clean() && fixed.left.is_empty());
//! ```

mod block;
mod change;
mod comments;
mod diff;
mod document;
mod excerpt;
mod file;
mod flow;
mod outcome;
mod patch;
mod plan;
mod spared;
mod splice;
mod style;
mod tree;
mod users;
mod verify;
mod why;

use podsec_yaml::Span;

use crate::Source;
use crate::allowance::apply_allowances;
use crate::check::{Kept, Policies, check, check_keeping};
use crate::finding::{FileReport, PodReport, Silence, Silenced};
use crate::images::apply_images;
use crate::template::Templates;

pub use diff::{Hunk, hunks, marked_diff, unified_diff, with_hunks};
pub(crate) use document::Mended;
pub use file::{ReplaceError, replace};
pub use outcome::{Applied, Fixed, Left, Options};
pub use patch::{Patch, PatchTarget, kustomize_component, patches};
use spared::Spared;
pub use why::Why;

/// Mends the pods of a source.
///
/// Documents that cannot be read stay as they are; [`Fixed::report`] names them.
pub fn fix(source: &Source, templates: &Templates, policies: &impl Policies, options: Options<'_>) -> Fixed {
    let allow = |source: &Source, report: &mut FileReport| {
        if let Some(today) = options.today {
            apply_allowances(source, report, today);
        }
        if let Some(images) = options.images {
            apply_images(images, report);
        }
        if let Some(checks) = options.checks {
            leave_out(checks, report);
        }
    };
    let mut documents = Vec::new();
    let mut report = check_keeping(source, templates, policies, &mut |document| documents.push(document));
    allow(source, &mut report);
    let mut fixed = Fixed { text: String::new(), applied: Vec::new(), left: Vec::new(), report };
    if !fixed.report.pods.iter().any(|pod| is_to_be_mended(pod, options)) {
        fixed.text.clone_from(&source.text);
        return fixed;
    }
    let mut copied = 0;
    for (span, mended) in mended_documents(source, &fixed.report, &documents, templates, policies, options) {
        fixed.text.push_str(source.text.get(copied..span.start).unwrap_or(""));
        fixed.text.push_str(&mended.text);
        fixed.applied.extend(mended.applied);
        fixed.left.extend(mended.left);
        copied = span.end;
    }
    fixed.text.push_str(source.text.get(copied..).unwrap_or(""));
    if fixed.text != source.text {
        let now = Source { name: source.name.clone(), text: fixed.text };
        fixed.report = check(&now, templates, policies);
        allow(&now, &mut fixed.report);
        fixed.text = now.text;
    }
    fixed
}

/// The documents of a source in which the report found something, mended as far as they can be. Those that are `kept`
/// are not read again.
pub(crate) fn mended_documents(
    source: &Source,
    report: &FileReport,
    kept: &[Kept<'_>],
    templates: &Templates,
    policies: &impl Policies,
    options: Options<'_>,
) -> Vec<(Span, Mended)> {
    let spared = Spared::of(report);
    let found = report.pods.iter().filter(|pod| is_to_be_mended(pod, options));
    let mut documents: Vec<(usize, Span)> = found.map(|pod| (pod.object.document, pod.document)).collect();
    documents.dedup();
    let mend = |(number, span): (usize, Span)| {
        let text = source.text.get(span.range())?;
        // JSON objects may share a line with others.
        let begins_line = source.text.get(..span.start)?.ends_with('\n') || span.start == 0;
        let kept = kept.iter().find(|kept| kept.number == number && begins_line);
        let mending = document::Mending::new(number, templates, policies, options, &spared);
        let mended = match kept {
            Some(kept) => mending.mend(excerpt::Excerpt { document: &kept.document, span }),
            None => match podsec_yaml::documents(text).next() {
                Some(Ok(document)) => mending.mend(excerpt::Excerpt::all_of(&document)),
                _ => return None,
            },
        };
        Some((span, mended))
    };
    documents.into_iter().filter_map(mend).collect()
}

/// Whether there is something to mend in a pod: that it is refused for, or not started for when its images are known.
fn is_to_be_mended(pod: &PodReport, options: Options<'_>) -> bool {
    !pod.findings.is_empty() || options.images.is_some() && pod.not_started().next().is_some()
}

/// Silences what other checks find.
fn leave_out(checks: &[&'static str], report: &mut FileReport) {
    for pod in &mut report.pods {
        let (counted, others) = std::mem::take(&mut pod.findings)
            .into_iter()
            .partition(|finding| checks.contains(&finding.check.id));
        pod.findings = counted;
        let silenced = |finding| Silenced { finding, by: Silence::Setting };
        pod.silenced.extend(Vec::into_iter(others).map(silenced));
    }
}

#[cfg(test)]
mod tests {
    use podsec_standards::{Level, Policy, Version};

    use super::*;

    #[test]
    fn a_document_is_mended_in_its_source_as_it_would_be_alone() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/manifests");
        let texts = std::fs::read_dir(folder).unwrap();
        let mut texts: Vec<String> =
            texts.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
        texts.push(texts.join("\n---\n"));
        texts.push("   # indented\n---\n".to_owned() + &texts.join("\n--- # next\n").replace('\n', "\r\n"));
        let pod = r#"{"kind":"Pod","apiVersion":"v1","spec":{"hostPID":true,"containers":[{"name":"a"}]}}"#;
        let lines = pod.replace(',', ",\n    ");
        texts.push([pod, pod, "\n", &lines, " ", pod, &lines].concat());
        let policy = Policy::new(Level::Restricted, Version::Latest);
        let options = Options { unsafe_fixes: true, ..Options::default() };
        let mut count = 0;
        for text in texts {
            let source = Source { name: "a.yaml".to_owned(), text };
            let mut kept = Vec::new();
            let report =
                check_keeping(&source, &Templates::default(), &policy, &mut |document| kept.push(document));
            let mend = |kept: &[Kept<'_>]| {
                let mended =
                    mended_documents(&source, &report, kept, &Templates::default(), &policy, options);
                mended.into_iter().map(|(span, mended)| (span, mended.text)).collect::<Vec<_>>()
            };
            assert_eq!(mend(&kept), mend(&[]));
            count += kept.len();
        }
        assert!(count > 30, "{count}");
    }
}
