//! Judges inputs on all cores and answers in order.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use super::Input;
use crate::Source;
use crate::check::{Policies, check};
use crate::finding::{FileReport, Problem};
use crate::template::Templates;

/// Judges inputs on all cores and hands each one's report to `each`, in their order.
///
/// What cannot be read, or is not UTF-8, is reported as a [`Problem`]. At most a few dozen are in memory at one time.
///
/// # Errors
/// The first that `each` returns.
pub fn check_inputs<P: Policies + Sync, E: Send>(
    inputs: &[Input],
    templates: &Templates,
    policies: &P,
    mut each: impl FnMut(&Source, FileReport) -> Result<(), E>,
) -> Result<(), E> {
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(inputs.len().max(1));
    let next = AtomicUsize::new(0);
    let window = Window::default();
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(workers);
        scope.spawn(crate::types::prepare);
        for _ in 0..workers {
            let (sender, next, window) = (sender.clone(), &next, &window);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(input) = inputs.get(index) else { break };
                    window.wait_for(index);
                    // Fails when `each` did: then nobody wants the rest.
                    if sender.send((index, judge(input, templates, policies))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut expected = 0;
        let result = receiver.iter().try_for_each(|(index, judged)| {
            early.insert(index, judged);
            while let Some((source, report)) = early.remove(&expected) {
                expected += 1;
                window.move_to(expected);
                each(&source, report)?;
            }
            Ok(())
        });
        drop(receiver);
        window.move_to(usize::MAX - AHEAD);
        result
    })
}

fn judge(input: &Input, templates: &Templates, policies: &impl Policies) -> (Source, FileReport) {
    let name = input.name();
    let text = match input.text() {
        Ok(text) => text.into_owned(),
        Err(message) => {
            let problems = vec![Problem { object: None, position: None, message }];
            let report = FileReport { name: name.clone(), problems, ..FileReport::default() };
            return (Source { name, text: String::new() }, report);
        }
    };
    let source = Source { name, text };
    let mut report = check(&source, templates, policies);
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
    (source, report)
}

/// Keeps workers from running far ahead of the file that is due.
#[derive(Default)]
struct Window {
    due: Mutex<usize>,
    moved: Condvar,
}

impl Window {
    fn wait_for(&self, index: usize) {
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.moved.wait_while(due, |due| index >= *due + AHEAD));
    }

    fn move_to(&self, index: usize) {
        *self.due.lock().unwrap_or_else(PoisonError::into_inner) = index;
        self.moved.notify_all();
    }
}

const AHEAD: usize = 64;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use podsec_standards::{Level, Policy, Version};

    use super::*;

    const POLICY: Policy = Policy::new(Level::Privileged, Version::Latest);

    #[test]
    fn reports_come_in_order_and_an_error_ends_the_work() {
        let text = |number: usize| Source { name: number.to_string(), text: "kind: ConfigMap\n".to_owned() };
        let inputs: Vec<Input> = (0..300).map(|number| Input::Text(text(number))).collect();
        let mut names = Vec::new();
        let all: Result<(), ()> = check_inputs(&inputs, &Templates::default(), &POLICY, |_, report| {
            names.push(report.name);
            Ok(())
        });
        assert_eq!(all, Ok(()));
        assert_eq!(names, (0..300).map(|number| number.to_string()).collect::<Vec<_>>());

        let mut seen = 0;
        let stopped = check_inputs(&inputs, &Templates::default(), &POLICY, |_, _| {
            seen += 1;
            if seen == 3 { Err("enough") } else { Ok(()) }
        });
        assert_eq!((stopped, seen), (Err("enough"), 3));
    }

    fn judged(bytes: &[u8], named: bool) -> FileReport {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("a.yaml");
        fs::write(&path, bytes).unwrap();
        judge(&Input::File { path, named }, &Templates::default(), &POLICY).1
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
