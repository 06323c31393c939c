//! Kustomizations, and the files that they name as patches: parts of objects in files of their own, which mean nothing
//! without the object that they change, so that only what Kustomize makes of both can be judged.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{self, Component, Path, PathBuf};

use podsec_yaml::Node;

use super::Input;

/// The files that kustomizations name as patches.
#[derive(Clone, Debug, Default)]
pub struct Kustomizations {
    /// The patches, and which kustomization names each.
    patches: HashMap<PathBuf, PathBuf>,
}

impl Kustomizations {
    /// Reads the kustomizations among the inputs, and those in the folders of files that were named and a few above
    /// them. One that cannot be read names nothing; whoever judges the inputs reports it.
    pub fn near(inputs: &[Input]) -> Self {
        let mut kustomizations = BTreeSet::new();
        let mut folders = BTreeSet::new();
        for input in inputs {
            let Input::File { path, named } = input else { continue };
            if is_kustomization(path) {
                kustomizations.insert(absolute(path));
            }
            if *named {
                folders.extend(absolute(path).ancestors().skip(1).take(FOLDERS).map(Path::to_owned));
            }
        }
        let beside = |folder: &PathBuf| {
            KUSTOMIZATION_NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file())
        };
        kustomizations.extend(folders.iter().filter_map(beside));
        let mut near = Self::default();
        let mut whole = BTreeSet::new();
        for kustomization in kustomizations {
            let Ok(text) = fs::read_to_string(&kustomization) else { continue };
            near.add(&kustomization, &text, &mut whole);
        }
        // What is a resource of one kustomization is an object, whatever another one says.
        near.patches.retain(|patch, _| !whole.contains(patch));
        near
    }

    /// The kustomization that names a file as a patch.
    pub fn naming(&self, input: &Input) -> Option<&Path> {
        match input {
            Input::File { path, .. } if !self.patches.is_empty() => {
                self.patches.get(&absolute(path)).map(PathBuf::as_path)
            }
            _ => None,
        }
    }

    /// Notes what the text of a kustomization names.
    fn add(&mut self, kustomization: &Path, text: &str, resources: &mut BTreeSet<PathBuf>) {
        let folder = kustomization.parent().unwrap_or(Path::new(""));
        let below = |name: &str| without_detours(&folder.join(name));
        for document in podsec_yaml::documents(text).flatten() {
            let root = document.root();
            for list in ["patches", "patchesStrategicMerge", "patchesJson6902"] {
                for item in root.get(list).iter().flat_map(Node::items) {
                    let file = item.as_str().or_else(|| item.get("path")?.as_str());
                    // A patch of several lines stands in the kustomization itself.
                    if let Some(file) = file.filter(|file| !file.contains('\n')) {
                        self.patches.insert(below(file), kustomization.to_owned());
                    }
                }
            }
            for list in ["resources", "bases"] {
                let items = root.get(list);
                resources
                    .extend(items.iter().flat_map(Node::items).filter_map(|item| item.as_str().map(below)));
            }
        }
    }
}

/// Whether a file says what Kustomize is to make of its folder.
pub(crate) fn is_kustomization(path: &Path) -> bool {
    path.file_name().is_some_and(|name| KUSTOMIZATION_NAMES.iter().any(|known| name == *known))
}

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

/// The names that Kustomize looks for.
pub const KUSTOMIZATION_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// How far above a file that was named a kustomization may stand: a patch of an overlay lies in it or a little below.
const FOLDERS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_patch_that_a_kustomization_beside_or_above_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("overlay/patches")).unwrap();
        fs::create_dir_all(path("common")).unwrap();
        let kustomization = "resources: [whole.yaml, ../common]\npatchesStrategicMerge:\n- patches/a.yaml\n- whole.yaml\n- |\n  \
                             kind: Pod\npatchesJson6902: [{path: patches/b.yaml}]\npatches:\n- path: ../common/c.yaml\n- \
                             patch: |\n    kind: Pod\n";
        fs::write(path("overlay/kustomization.yaml"), kustomization).unwrap();
        let file = |name: &str, named| Input::File { path: path(name), named };
        let found = [file("overlay/kustomization.yaml", false)];
        for kustomizations in
            [Kustomizations::near(&found), Kustomizations::near(&[file("overlay/patches/x.yaml", true)])]
        {
            for name in [
                "overlay/patches/a.yaml",
                "overlay/patches/b.yaml",
                "common/c.yaml",
                "common/../common/c.yaml",
            ] {
                let naming = kustomizations.naming(&file(name, false));
                assert!(naming.is_some_and(|path| path.ends_with("overlay/kustomization.yaml")), "{name}");
            }
            for name in ["overlay/whole.yaml", "overlay/patches/x.yaml", "overlay/kustomization.yaml"] {
                assert_eq!(kustomizations.naming(&file(name, true)), None, "{name}");
            }
        }
        assert_eq!(Kustomizations::near(&[]).naming(&found[0]), None);
    }
}
