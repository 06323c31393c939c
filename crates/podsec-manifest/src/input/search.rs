//! Finds manifests: named files, folders as git sees them, globs.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf, is_separator};
use std::sync::mpsc::channel;

use globset::{GlobBuilder, GlobMatcher};
use ignore::{WalkBuilder, WalkState};

use super::Input;
use super::paths::{absolute, is_kustomization};

/// What `paths` mean: a file is itself, whatever its name; of a folder every `.yaml`, `.yml` and `.json` below it that
/// git does not ignore, sorted; `-` is standard input; what does not exist and has `*`, `?`, `[` or `{` in it is a glob.
///
/// A file that is meant twice is taken once. What cannot be read stands in the list as such, so that nothing is taken for
/// judged that was not.
pub fn search(paths: &[PathBuf]) -> Vec<Input> {
    let mut inputs = search_each(paths);
    if paths.len() > 1 {
        let mut seen: HashMap<PathBuf, bool> = HashMap::new();
        for input in &inputs {
            if let Input::File { path, named } = input {
                *seen.entry(absolute(path)).or_default() |= named;
            }
        }
        let mut unreadable: HashSet<Input> = HashSet::new();
        inputs.retain_mut(|input| match input {
            // The first one stays, and counts as named when any is.
            Input::File { path, named } => seen.remove(&absolute(path)).map(|any| *named = any).is_some(),
            Input::Unreadable { .. } => unreadable.insert(input.clone()),
            Input::Text(_) | Input::Rendered(_) | Input::LeftOut { .. } => true,
        });
    }
    inputs
}

/// Takes every file for one that was found, and not named: see [`Input::File`].
pub fn forget_names(inputs: &mut [Input]) {
    for input in inputs {
        if let Input::File { named, .. } = input {
            *named = false;
        }
    }
}

fn search_each(paths: &[PathBuf]) -> Vec<Input> {
    let mut inputs = Vec::new();
    for path in paths {
        if path == Path::new(STANDARD_INPUT) {
            inputs.push(Input::standard_input());
            continue;
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => walk(path, &is_manifest, &mut inputs),
            Ok(_) => inputs.push(Input::File { path: path.clone(), named: true }),
            Err(error) => match glob(path) {
                Some((root, glob)) => {
                    let before = inputs.len();
                    walk(&root, &|path| glob.is_match(path), &mut inputs);
                    if inputs.len() == before {
                        inputs.push(unreadable(path, "matches no file"));
                    }
                }
                None => inputs.push(unreadable(path, &format!("cannot be read: {error}"))),
            },
        }
    }
    inputs
}

fn walk(root: &Path, wanted: &(dyn Fn(&Path) -> bool + Sync), inputs: &mut Vec<Input>) {
    // Hidden files are read too: `.github` and the like hold manifests. Git's own folder holds none.
    let walk = WalkBuilder::new(root)
        .hidden(false)
        .require_git(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build_parallel();
    let (sender, receiver) = channel();
    walk.run(|| {
        let sender = sender.clone();
        Box::new(move |entry| {
            let found = match entry {
                Ok(entry) => {
                    let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
                    (is_file && wanted(entry.path())).then(|| Ok(entry.into_path()))
                }
                Err(error) => Some(Err(format!("cannot be searched: {error}"))),
            };
            // There is room as long as this function lives.
            drop(found.map(|found| sender.send(found)));
            WalkState::Continue
        })
    });
    drop(sender);
    let (mut paths, mut errors) = (Vec::new(), Vec::new());
    for found in receiver {
        match found {
            Ok(path) => paths.push(path),
            Err(message) => errors.push(message),
        }
    }
    // Several threads found them, in no order.
    errors.sort_unstable();
    paths.sort_by_cached_key(|path| by_folders(path));
    inputs.extend(errors.iter().map(|message| unreadable(root, message)));
    inputs.extend(paths.into_iter().map(|path| Input::File { path, named: false }));
}

/// Orders paths as their components are ordered, at the price of comparing bytes.
fn by_folders(path: &Path) -> Vec<u8> {
    let bytes = path.as_os_str().as_encoded_bytes().iter();
    bytes.map(|byte| if is_separator(char::from(*byte)) { 0 } else { *byte }).collect()
}

/// The folder to search and what to look for in it.
fn glob(path: &Path) -> Option<(PathBuf, GlobMatcher)> {
    let is_pattern = |part: &Path| part.to_string_lossy().contains(['*', '?', '[', '{']);
    if !is_pattern(path) {
        return None;
    }
    let matcher = GlobBuilder::new(&path.to_string_lossy()).literal_separator(true).build().ok()?;
    let root: PathBuf = path.iter().take_while(|part| !is_pattern(Path::new(part))).collect();
    if root.as_os_str().is_empty() {
        // Entries below "." start with it, and the pattern does not.
        let matcher =
            GlobBuilder::new(&format!("./{}", path.display())).literal_separator(true).build().ok()?;
        return Some((PathBuf::from("."), matcher.compile_matcher()));
    }
    Some((root, matcher.compile_matcher()))
}

fn unreadable(path: &Path, message: &str) -> Input {
    Input::Unreadable { name: path.to_string_lossy().into_owned(), message: message.to_owned() }
}

fn is_manifest(path: &Path) -> bool {
    is_kustomization(path) || has_known_extension(path)
}

fn has_known_extension(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}

const STANDARD_INPUT: &str = "-";

#[cfg(test)]
mod tests {
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
        let file = |name: &str, named| Input::File { path: path(name), named };
        assert_eq!(
            search(&[folder.path().to_owned(), path("notes.txt")]),
            [
                file("a.yml", false),
                file("b.yaml", false),
                file("deep/c.json", false),
                file("notes.txt", true)
            ]
        );
        assert_eq!(search(&[path("deep"), path("deep/c.json")]), [file("deep/c.json", true)]);
        let detour = path("deep/../deep/c.json");
        assert_eq!(search(&[path("deep/c.json"), detour]), [file("deep/c.json", true)]);
        assert_eq!(search(&[path("absent"), path("absent")]).len(), 1);
        assert_eq!(search(&[path("d*p/*.json")]), [file("deep/c.json", false)]);
        assert_eq!(search(&[path("**/*.{yml,txt}")]), [file("a.yml", false), file("notes.txt", false)]);
    }

    #[test]
    fn paths_are_ordered_by_their_folders() {
        let paths = ["a", "a/b.yaml", "a/b/c", "a-b", "a.yaml", "b/\u{e4}", "b/z"].map(Path::new);
        for one in paths {
            for other in paths {
                assert_eq!(by_folders(one).cmp(&by_folders(other)), one.cmp(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn what_is_not_there_is_not_forgotten() {
        let absent = |name: &str| match search(&[PathBuf::from(name)]).as_slice() {
            [Input::Unreadable { message, .. }] => message.clone(),
            other => panic!("{other:?}"),
        };
        assert!(absent("no/such.yaml").starts_with("cannot be read: "));
        assert_eq!(absent("no-such-*.yaml"), "matches no file");
    }
}
