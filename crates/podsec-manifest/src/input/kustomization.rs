//! Kustomizations, and the files that they name as patches: parts of objects in files of their own, which mean nothing
//! without the object that they change, so that only what Kustomize makes of both can be judged.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use podsec_yaml::Node;

use super::paths::{absolute, is_kustomization, kustomization_of, without_detours};
use super::subject::Input;

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
        let mut kustomizations = BTreeMap::new();
        let mut folders = BTreeSet::new();
        for input in inputs {
            let Input::File { path, named } = input else { continue };
            if is_kustomization(path) {
                kustomizations.insert(absolute(path), path.clone());
            }
            if *named {
                folders.extend(absolute(path).ancestors().skip(1).take(FOLDERS).map(Path::to_owned));
            }
        }
        for path in folders.iter().filter_map(|folder| kustomization_of(folder)) {
            let shown =
                env::current_dir().ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
            kustomizations.entry(path.clone()).or_insert(shown.unwrap_or(path));
        }
        let mut near = Self::default();
        let mut whole = BTreeSet::new();
        for (path, shown) in kustomizations {
            let Some(kustomization) = Kustomization::read(&path) else { continue };
            near.add(kustomization, &without_detours(&shown), &mut whole);
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

    /// Notes what a kustomization names that is called so.
    fn add(&mut self, kustomization: Kustomization, shown: &Path, resources: &mut BTreeSet<PathBuf>) {
        let Kustomization { patches, resources: named, .. } = kustomization;
        self.patches.extend(patches.into_iter().map(|patch| (patch, shown.to_owned())));
        resources.extend(named);
    }
}

/// What a kustomization says; every path from the root of the file system on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kustomization {
    /// The file itself.
    pub(super) path: PathBuf,
    /// The files and folders that it makes its objects of.
    pub(super) resources: Vec<PathBuf>,
    /// The folders of components that it mixes in.
    pub(super) components: Vec<PathBuf>,
    /// The files that hold its patches.
    pub(super) patches: Vec<PathBuf>,
    /// Whether it is a component, which makes nothing by itself.
    pub(super) is_component: bool,
    /// Whether it is an object of Flux that has the name of such a file.
    pub(super) is_object: bool,
}

impl Kustomization {
    /// Reads a file; none when it cannot be read.
    pub(super) fn read(path: &Path) -> Option<Self> {
        Some(Self::parse(path, &fs::read_to_string(path).ok()?))
    }

    /// What the text of the file at `path` says. What is no YAML says nothing.
    pub(super) fn parse(path: &Path, text: &str) -> Self {
        let folder = path.parent().unwrap_or(Path::new(""));
        let below = |name: &str| without_detours(&folder.join(name));
        let mut found = Self { path: path.to_owned(), ..Self::default() };
        for document in podsec_yaml::documents(text).flatten() {
            let root = document.root();
            let field = |name: &str| root.get(name).and_then(|node| node.as_str());
            found.is_component |= field("kind") == Some("Component");
            found.is_object |= field("apiVersion")
                .is_some_and(|version| version.starts_with("kustomize.toolkit.fluxcd.io/"));
            for list in ["patches", "patchesStrategicMerge", "patchesJson6902"] {
                for item in root.get(list).iter().flat_map(Node::items) {
                    let file = item.as_str().or_else(|| item.get("path")?.as_str());
                    // A patch of several lines stands in the kustomization itself.
                    found.patches.extend(file.filter(|file| !file.contains('\n')).map(below));
                }
            }
            for list in ["resources", "bases", "components"] {
                let items = root.get(list);
                let paths = items.iter().flat_map(Node::items).filter_map(|item| item.as_str().map(below));
                match list {
                    "components" => found.components.extend(paths),
                    _ => found.resources.extend(paths),
                }
            }
        }
        found
    }
}

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
