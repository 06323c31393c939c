//! Judges inputs on all cores and answers in order.

use std::mem;

use jiff::civil::Date;

use super::kustomization::Kustomizations;
use super::parts::Parts;
use super::rendered::{Rendered, Trace};
use super::trace::traced;
use super::{Input, ordered};
use crate::Source;
use crate::allowance::{apply_allowances, apply_allowances_of_form};
use crate::check::{Kept, Origin, Policies, check_from};
use crate::finding::{FileReport, Problem, Start};
use crate::template::Templates;
use ordered::{Results, all_in_order};

/// What inputs are judged by.
#[derive(Debug)]
pub struct Judgement<'j, P> {
    /// Where custom kinds carry pods.
    pub templates: &'j Templates,
    /// Which policy is for whom.
    pub policies: &'j P,
    /// Which files are patches.
    pub kustomizations: &'j Kustomizations,
    /// The day by which allowances in the sources hold.
    pub today: Date,
    /// Whether the documents in which something was found are kept for whoever works the reports up.
    pub keeps: bool,
}

/// Judges inputs on all cores, has each one's report worked up by `work` on the same core, and hands what came of it to
/// `each`, in the order of the inputs. `work` tells, too, how many bytes its result holds, roughly.
///
/// A long input has several reports, one for each part of it, so that neither is in memory as a whole:
/// [`FileReport::start`] says where in the input the part begins. What cannot be read, or is not UTF-8, is reported as a
/// [`Problem`].
///
/// # Errors
/// The first that `each` returns.
pub fn check_inputs<T: Send, E: Send>(
    inputs: &[Input],
    judgement: &Judgement<'_, impl Policies + Sync>,
    work: impl Fn(&Source, FileReport, &[Kept<'_>]) -> (T, usize) + Sync,
    mut each: impl FnMut(&T) -> Result<(), E> + Send,
) -> Result<(), E> {
    // Most files are small: several at a time leave little to agree upon.
    let several = (inputs.len() / (ordered::workers(inputs.len()) * LEAST_BATCHES)).clamp(1, MOST_FILES);
    let batches: Vec<&[Input]> = inputs.chunks(several).collect();
    let judge_and_work = |batch: &&[Input], hand_on: &mut Results<'_, Vec<T>>| {
        let (mut results, mut bytes) = (Vec::with_capacity(batch.len()), 0);
        let mut buffer = Vec::new();
        for input in *batch {
            let mut parts = Parts::of(input);
            let mut documents = 0;
            while let Some(part) = parts.next(mem::take(&mut buffer)) {
                let start =
                    Start { lines: part.as_ref().map_or(parts.lines(), |part| part.lines), documents };
                let is_whole = part.as_ref().is_ok_and(|part| part.is_whole);
                let (text, problem) = match part {
                    Ok(part) => (part.text, None),
                    Err(message) => (String::new(), Some(Problem { object: None, position: None, message })),
                };
                let source = Source { name: input.name(), text };
                let mut kept = Vec::new();
                let report = match problem {
                    Some(problem) => FileReport { start, problems: vec![problem], ..FileReport::default() },
                    None => judge(input, &source, start, is_whole, judgement, &mut kept),
                };
                let mut report = FileReport { name: source.name.clone(), ..report };
                documents += report.documents;
                let mut done = |source: &Source, report: FileReport, kept: &[Kept<'_>]| {
                    let (result, held) = work(source, report, kept);
                    results.push(result);
                    bytes += held;
                };
                match input {
                    Input::Rendered(rendered) if is_whole => {
                        drop(kept);
                        for (source, report) in led_back(rendered, source, report, judgement.today) {
                            done(&source, report, &[]);
                        }
                    }
                    _ => {
                        apply_allowances(&source, &mut report, judgement.today);
                        done(&source, report, &kept);
                        drop(kept);
                        buffer = source.text.into_bytes();
                    }
                }
                if bytes > MOST_BYTES && !hand_on(mem::take(&mut results), mem::take(&mut bytes)) {
                    return;
                }
            }
        }
        hand_on(results, bytes);
    };
    all_in_order(&batches, judge_and_work, |results| results.iter().try_for_each(&mut each))
}

fn judge<'s>(
    input: &Input,
    source: &'s Source,
    start: Start,
    is_whole: bool,
    judgement: &Judgement<'_, impl Policies>,
    kept: &mut Vec<Kept<'s>>,
) -> FileReport {
    let Judgement { templates, policies, kustomizations, keeps, .. } = *judgement;
    let origin = Origin {
        file: if let Input::Rendered(rendered) = input { Some(&rendered.file) } else { None },
        start,
        named: !matches!(input, Input::File { named: false, .. }),
        rendered: matches!(input, Input::Rendered(_)),
        patch_of: kustomizations.naming(input),
    };
    let mut report = check_from(source, origin, templates, policies, &mut |document| {
        if keeps {
            kept.push(document);
        }
    });
    match input {
        Input::Rendered(rendered) => report.rendered_from = Some(rendered.file.clone()),
        Input::LeftOut { message, .. } => {
            report.warnings.push(Problem { object: None, position: None, message: message.clone() });
        }
        _ => {}
    }
    let searched = is_whole && !origin.named;
    if searched && !report.problems.is_empty() && !source.text.contains("apiVersion") {
        // Every Kubernetes object says its version; this text is something else.
        report.problems.clear();
        report.warnings.push(Problem {
            object: None,
            position: None,
            message: "left out: it is no manifest, as nothing in it says apiVersion".to_owned(),
        });
    }
    report
}

/// The reports of the files that a rendered document was made of. A comment of a template is still in what Helm makes of
/// it, and Kustomize drops those of resources and patches.
fn led_back(
    rendered: &Rendered,
    source: Source,
    mut report: FileReport,
    today: Date,
) -> Vec<(Source, FileReport)> {
    report.rendered_from = None;
    apply_allowances_of_form(&source, &mut report, today);
    let mut reports = traced(rendered, source, report);
    for (source, report) in reports.iter_mut().filter(|_| matches!(rendered.trace, Trace::Resource(_))) {
        if report.rendered_from.is_none() {
            apply_allowances_of_form(source, report, today);
        }
    }
    reports
}

/// So many bytes of results are handed on before a long input is over.
const MOST_BYTES: usize = 1 << 20;

/// So many files are judged one after the other by one core, if there are enough for all cores.
const MOST_FILES: usize = 8;
const LEAST_BATCHES: usize = 16;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use podsec_standards::{Level, Policy, Version};

    use super::*;

    const POLICY: Policy = Policy::new(Level::Privileged, Version::Latest);

    fn judged(bytes: &[u8], named: bool) -> FileReport {
        judged_parts(bytes, named).remove(0)
    }

    fn judged_parts(bytes: &[u8], named: bool) -> Vec<FileReport> {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("a.yaml");
        fs::write(&path, bytes).unwrap();
        let mut reports = Vec::new();
        let work = |_: &Source, report: FileReport, _: &[Kept<'_>]| (report, 0);
        let each = |report: &FileReport| {
            reports.push(report.clone());
            Ok::<(), ()>(())
        };
        let judgement = Judgement {
            templates: &Templates::default(),
            policies: &POLICY,
            kustomizations: &Kustomizations::default(),
            today: Date::constant(2026, 1, 1),
            keeps: false,
        };
        check_inputs(&[Input::File { path, named }], &judgement, work, each).unwrap();
        reports
    }

    #[test]
    fn a_long_file_is_judged_in_parts_as_it_would_be_as_a_whole() {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: x}\n---\n";
        let text = pod.repeat(40_000) + "kind: [\n";
        let source = Source { name: "a.yaml".to_owned(), text };
        let whole = crate::check(&source, &Templates::default(), &POLICY);
        let reports = judged_parts(source.text.as_bytes(), true);
        assert!(reports.len() > 1);
        let problems: Vec<&Problem> = reports.iter().flat_map(|report| &report.problems).collect();
        assert_eq!(problems, whole.problems.iter().collect::<Vec<_>>());
        assert_eq!(reports.iter().map(|report| report.documents).sum::<usize>(), whole.documents);
        let starts: Vec<usize> = reports.iter().map(|report| report.start.documents).collect();
        assert!(starts[0] == 0 && starts.is_sorted(), "{starts:?}");
    }

    #[test]
    fn a_file_that_is_not_utf_8_is_never_clean() {
        let report = judged(b"a: \xff", false);
        assert!(!report.is_clean());
        assert_eq!(
            report.problems[0].message,
            "is not UTF-8, as every manifest must be; the first wrong byte is 3"
        );
    }

    #[test]
    fn a_broken_file_is_left_out_only_when_it_was_searched_for_and_cannot_be_a_manifest() {
        let broken = b"// settings\n{\"a\": [}";
        assert!(judged(broken, false).is_clean());
        assert_eq!(judged(broken, false).warnings.len(), 1);
        assert!(!judged(broken, true).is_clean());
        assert!(!judged(b"apiVersion: v1\nkind: [", false).is_clean());
    }
}
