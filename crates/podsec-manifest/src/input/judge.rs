//! Judges inputs on all cores and answers in order.

use std::mem;

use super::{Input, in_order, ordered};
use crate::Source;
use crate::check::{Kept, Policies, check_keeping};
use crate::finding::{FileReport, Problem};
use crate::template::Templates;

/// Judges inputs on all cores, has each one's report worked up by `work` on the same core, and hands what came of it to
/// `each`, in the order of the inputs. `work` tells, too, how many bytes its result holds, roughly. If it wants the
/// documents in which something was found, they are `kept` for it.
///
/// What cannot be read, or is not UTF-8, is reported as a [`Problem`].
///
/// # Errors
/// The first that `each` returns.
pub fn check_inputs<T: Send, E: Send>(
    inputs: &[Input],
    templates: &Templates,
    policies: &(impl Policies + Sync),
    kept: bool,
    work: impl Fn(&Source, FileReport, &[Kept<'_>]) -> (T, usize) + Sync,
    mut each: impl FnMut(&T) -> Result<(), E> + Send,
) -> Result<(), E> {
    // Most files are small: several at a time leave little to agree upon.
    let several = (inputs.len() / (ordered::workers(inputs.len()) * LEAST_BATCHES)).clamp(1, MOST_FILES);
    let batches: Vec<&[Input]> = inputs.chunks(several).collect();
    let judge_and_work = |batch: &&[Input]| {
        let (mut results, mut bytes) = (Vec::with_capacity(batch.len()), 0);
        let mut buffer = Vec::new();
        for input in *batch {
            let (source, problem) = read(input, mem::take(&mut buffer));
            let mut documents = Vec::new();
            let report = match problem {
                Some(problem) => {
                    FileReport { name: source.name.clone(), problems: vec![problem], ..FileReport::default() }
                }
                None => judge(input, &source, templates, policies, &mut |document| {
                    if kept {
                        documents.push(document);
                    }
                }),
            };
            let (result, held) = work(&source, report, &documents);
            drop(documents);
            results.push(result);
            bytes += held;
            buffer = source.text.into_bytes();
        }
        (results, bytes)
    };
    in_order(&batches, judge_and_work, |results| results.iter().try_for_each(&mut each))
}

/// The name and the text of an input, which is read into `buffer`, whatever that holds; or why there is no text.
fn read(input: &Input, buffer: Vec<u8>) -> (Source, Option<Problem>) {
    let (text, problem) = match input.text(buffer) {
        Ok(text) => (text, None),
        Err(message) => (String::new(), Some(Problem { object: None, position: None, message })),
    };
    (Source { name: input.name(), text }, problem)
}

fn judge<'s>(
    input: &Input,
    source: &'s Source,
    templates: &Templates,
    policies: &impl Policies,
    keep: &mut impl FnMut(Kept<'s>),
) -> FileReport {
    let mut report = check_keeping(source, templates, policies, keep);
    if let Input::Rendered { file, .. } = input {
        report.rendered_from = Some(file.clone());
    }
    let searched = matches!(input, Input::File { named: false, .. });
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
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("a.yaml");
        fs::write(&path, bytes).unwrap();
        let mut reports = Vec::new();
        let work = |_: &Source, report: FileReport, _: &[Kept<'_>]| (report, 0);
        let each = |report: &FileReport| {
            reports.push(report.clone());
            Ok::<(), ()>(())
        };
        check_inputs(&[Input::File { path, named }], &Templates::default(), &POLICY, false, work, each)
            .unwrap();
        reports.remove(0)
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
