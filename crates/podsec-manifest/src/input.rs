//! Files to judge: found below folders as git sees them, read on all cores, answered in order.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use ignore::WalkBuilder;

use crate::Source;
use crate::check::{Policies, check};
use crate::finding::{FileReport, Problem};
use crate::template::Templates;

/// Something named on the command line that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct InputError {
    /// What was named.
    pub path: PathBuf,
    /// The operating system's answer.
    pub source: io::Error,
}

/// The files that `paths` mean: a file is itself, whatever its name; of a folder every `.yaml`, `.yml` and `.json`
/// below it that git does not ignore, sorted; `-` is standard input.
///
/// # Errors
/// For the first path that does not exist, or folder that cannot be listed.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, InputError> {
    let mut files = Vec::new();
    for path in paths {
        if path == Path::new(STANDARD_INPUT) {
            files.push(path.clone());
            continue;
        }
        let metadata = fs::metadata(path).map_err(|source| InputError { path: path.clone(), source })?;
        if !metadata.is_dir() {
            files.push(path.clone());
            continue;
        }
        // Hidden files are read too: `.github` and the like hold manifests. Git's own folder holds none.
        let walk =
            WalkBuilder::new(path).hidden(false).filter_entry(|entry| entry.file_name() != ".git").build();
        let mut below = Vec::new();
        for entry in walk {
            let entry =
                entry.map_err(|error| InputError { path: path.clone(), source: io::Error::other(error) })?;
            if entry.file_type().is_some_and(|kind| kind.is_file()) && is_manifest(entry.path()) {
                below.push(entry.into_path());
            }
        }
        below.sort();
        files.append(&mut below);
    }
    Ok(files)
}

/// Judges files on all cores and hands each one's report to `each`, in the order of `files`.
///
/// A file that cannot be read, or is not UTF-8, is reported as a [`Problem`]. At most a few files per core are in memory
/// at one time.
///
/// # Errors
/// The first that `each` returns.
pub fn check_files<P: Policies + Sync, E: Send>(
    files: &[PathBuf],
    templates: &Templates,
    policies: &P,
    mut each: impl FnMut(&Source, &FileReport) -> Result<(), E>,
) -> Result<(), E> {
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(files.len().max(1));
    let next = AtomicUsize::new(0);
    let window = Window::default();
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(workers);
        for _ in 0..workers {
            let (sender, next, window) = (sender.clone(), &next, &window);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(index) else { break };
                    window.wait_for(index);
                    // Fails when `each` did: then nobody wants the rest.
                    if sender.send((index, judge(file, templates, policies))).is_err() {
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
                each(&source, &report)?;
            }
            Ok(())
        });
        drop(receiver);
        window.move_to(usize::MAX - AHEAD);
        result
    })
}

fn judge(file: &Path, templates: &Templates, policies: &impl Policies) -> (Source, FileReport) {
    let name = if file == Path::new(STANDARD_INPUT) {
        "<stdin>".into()
    } else {
        file.to_string_lossy().into_owned()
    };
    match read(file) {
        Ok(text) => {
            let source = Source { name, text };
            let report = check(&source, templates, policies);
            (source, report)
        }
        Err(message) => {
            let problems = vec![Problem { object: None, position: None, message }];
            let report = FileReport { name: name.clone(), problems, ..FileReport::default() };
            (Source { name, text: String::new() }, report)
        }
    }
}

fn read(file: &Path) -> Result<String, String> {
    let bytes = if file == Path::new(STANDARD_INPUT) {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    let bytes = bytes.map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        format!(
            "is not UTF-8, as every manifest must be; the first wrong byte is {}",
            error.utf8_error().valid_up_to()
        )
    })
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
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

const STANDARD_INPUT: &str = "-";
const AHEAD: usize = 64;

#[cfg(test)]
mod tests {
    use podsec_standards::{Level, Policy, Version};

    use super::*;

    #[test]
    fn folders_are_searched_as_git_sees_them_and_files_are_taken_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path(".git")).unwrap();
        fs::create_dir_all(path("deep")).unwrap();
        for name in ["b.yaml", "a.yml", "deep/c.json", "notes.txt", "ignored.yaml", ".git/x.yaml"] {
            fs::write(path(name), "").unwrap();
        }
        fs::write(path(".gitignore"), "ignored.yaml\n").unwrap();
        let found = files(&[folder.path().to_owned(), path("notes.txt")]).unwrap();
        assert_eq!(found, ["a.yml", "b.yaml", "deep/c.json", "notes.txt"].map(path));
        assert_eq!(files(&[path("absent")]).unwrap_err().path, path("absent"));
    }

    #[test]
    fn reports_come_in_order_and_an_error_ends_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> =
            (0..300).map(|number| folder.path().join(format!("{number}.yaml"))).collect();
        for file in &files {
            fs::write(file, "kind: ConfigMap\n").unwrap();
        }
        let policy = Policy { level: Level::Restricted, version: Version::Latest };
        let mut names = Vec::new();
        let all: Result<(), ()> = check_files(&files, &Templates::default(), &policy, |source, _| {
            names.push(PathBuf::from(&source.name));
            Ok(())
        });
        assert_eq!((all, &names), (Ok(()), &files));

        let mut seen = 0;
        let stopped = check_files(&files, &Templates::default(), &policy, |_, _| {
            seen += 1;
            if seen == 3 { Err("enough") } else { Ok(()) }
        });
        assert_eq!((stopped, seen), (Err("enough"), 3));
    }

    #[test]
    fn a_file_that_is_not_utf_8_is_never_clean() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        fs::write(&file, b"a: \xff").unwrap();
        let policy = Policy { level: Level::Privileged, version: Version::Latest };
        let (_, report) = judge(&file, &Templates::default(), &policy);
        assert!(!report.is_clean());
        assert_eq!(
            report.problems[0].message,
            "is not UTF-8, as every manifest must be; the first wrong byte is 3"
        );
    }
}
