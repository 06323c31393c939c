//! Paths, and the file that makes a folder one for Kustomize.

use std::path::{self, Component, Path, PathBuf};

/// The same path without `.`, and without `..` where something stands before it.
pub fn without_detours(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(straight.components().next_back(), Some(Component::Normal(_))) =>
            {
                straight.pop();
            }
            _ => straight.push(part),
        }
    }
    straight
}

/// The same path from the root of the file system on.
pub(super) fn absolute(path: &Path) -> PathBuf {
    // The working directory is unknown only when it is gone; then nothing can be named from it.
    without_detours(&path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// A path that leads from `folder` to `path`, both from the root of the file system on.
pub fn relative(path: &Path, folder: &Path) -> PathBuf {
    let shared = path.components().zip(folder.components()).take_while(|(one, other)| one == other).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(path.components().skip(shared)).collect()
}

/// The kustomization of a folder, if there is one.
pub fn kustomization_of(folder: &Path) -> Option<PathBuf> {
    KUSTOMIZATION_NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// Whether a file says what Kustomize is to make of its folder.
pub(crate) fn is_kustomization(path: &Path) -> bool {
    path.file_name().is_some_and(|name| KUSTOMIZATION_NAMES.iter().any(|known| name == *known))
}

/// The names that Kustomize looks for.
pub const KUSTOMIZATION_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_leads_from_one_folder_to_the_other() {
        for (path, folder, leads) in [
            ("/a/b/c", "/a/b", "c"),
            ("/a/c", "/a/b/d", "../../c"),
            ("/a", "/a", ""),
            ("/x/y", "/a", "../x/y"),
        ] {
            assert_eq!(relative(Path::new(path), Path::new(folder)), Path::new(leads), "{path} {folder}");
        }
    }
}
