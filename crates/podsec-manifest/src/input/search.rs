//! Finds manifests: named files, folders as git sees them, globs.

use std::fs;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use ignore::WalkBuilder;

use super::Input;

/// What `paths` mean: a file is itself, whatever its name; of a folder every `.yaml`, `.yml` and `.json` below it that
/// git does not ignore, sorted; `-` is standard input; what does not exist and has `*`, `?`, `[` or `{` in it is a glob.
///
/// What cannot be read stands in the list as such, so that nothing is taken for judged that was not.
pub fn search(paths: &[PathBuf]) -> Vec<Input> {
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

fn walk(root: &Path, wanted: &dyn Fn(&Path) -> bool, inputs: &mut Vec<Input>) {
    // Hidden files are read too: `.github` and the like hold manifests. Git's own folder holds none.
    let walk = WalkBuilder::new(root)
        .hidden(false)
        .require_git(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    let mut found = Vec::new();
    for entry in walk {
        match entry {
            Ok(entry) => {
                let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
                if is_file && wanted(entry.path()) {
                    found.push(entry.into_path());
                }
            }
            Err(error) => inputs.push(unreadable(root, &format!("cannot be searched: {error}"))),
        }
    }
    found.sort();
    inputs.extend(found.into_iter().map(|path| Input::File { path, named: false }));
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
        assert_eq!(search(&[path("d*p/*.json")]), [file("deep/c.json", false)]);
        assert_eq!(search(&[path("**/*.{yml,txt}")]), [file("a.yml", false), file("notes.txt", false)]);
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
