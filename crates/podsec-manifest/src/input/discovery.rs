//! What a repository holds: charts, overlays, and the manifests that are neither part of one nor of the other.
//!
//! ```text
//! files found by a search ─► Chart.yaml?            ─► charts      what Helm is to render
//!                            kustomization.yaml? ─► overlays    what Kustomize is to build
//!                            the rest            ─► manifests   read as they are
//! ```
//!
//! Nothing is run here: whoever renders takes the charts and overlays from this list, and judges the resources of an overlay
//! as they are where it cannot be built.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::Input;
use super::chart::{CHART, Chart, Release, is_part};
use super::kustomization::Kustomization;
use super::paths::{absolute, is_kustomization, kustomization_of, without_detours};
use crate::embedded::{Embedded, embedded};
use crate::object::objects;

/// What the files of a search are.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// The charts, by their folders.
    pub charts: Vec<Chart>,
    /// The overlays that no other one uses, by their folders.
    pub overlays: Vec<Overlay>,
    /// What is to be read as it is: everything else, and what somebody named.
    pub manifests: Vec<Input>,
}

/// A kustomization that no other one uses.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// Its folder.
    pub folder: PathBuf,
    /// Its file, and after it those of the folders that it builds on, each before those below it.
    pub kustomizations: Vec<PathBuf>,
    /// The inputs that it makes its objects of. They are no manifests, unless the overlay cannot be built.
    pub resources: Vec<Input>,
}

impl Overlay {
    /// The overlay of a folder, without the inputs that it uses.
    pub fn at(folder: &Path) -> Self {
        let root = kustomization_of(folder).and_then(|path| Kustomization::read(&absolute(&path)));
        let kustomizations = root.map_or_else(Vec::new, |root| Reach::of(&root).files);
        Self { folder: folder.to_owned(), kustomizations, resources: Vec::new() }
    }
}

impl Discovery {
    /// Sorts the inputs of a search. What was named stays a manifest, whatever stands beside it.
    pub fn of(inputs: Vec<Input>) -> Self {
        let mut found = Self::default();
        let rest = found.take_charts(inputs);
        if !found.charts.is_empty() {
            rest.iter().filter_map(self::found).for_each(|path| found.add_releases(path));
        }
        found.manifests = found.take_overlays(rest);
        found
    }

    /// Finds the charts; what is part of none.
    fn take_charts(&mut self, inputs: Vec<Input>) -> Vec<Input> {
        let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
        let mut looked_at: HashSet<&Path> = HashSet::new();
        for path in inputs.iter().filter_map(found) {
            if path.file_name().is_some_and(|name| name == CHART) {
                folders.extend(path.parent().map(Path::to_owned));
            }
            // A search may begin in the templates of a chart.
            for folder in path.ancestors().skip(1).filter(|folder| folder.ends_with("templates")) {
                if let Some(above) = folder.parent().filter(|above| looked_at.insert(above))
                    && above.join(CHART).is_file()
                {
                    folders.insert(above.to_owned());
                }
            }
        }
        if folders.is_empty() {
            return inputs;
        }
        let roots: BTreeSet<&Path> =
            folders.iter().map(PathBuf::as_path).filter(|folder| !is_subchart(folder, &folders)).collect();
        let mut files: BTreeMap<&Path, Vec<PathBuf>> = roots.iter().map(|root| (*root, Vec::new())).collect();
        let mut rest = Vec::new();
        for input in inputs {
            let part = found(&input).and_then(|path| {
                let root = path.ancestors().skip(1).find_map(|folder| roots.get(folder))?;
                is_part(root, path.strip_prefix(root).ok()?).then(|| (*root, path.to_owned()))
            });
            match part {
                Some((root, path)) => files.entry(root).or_default().push(path),
                None => rest.push(input),
            }
        }
        let charts = files.into_iter();
        self.charts =
            charts.map(|(root, files)| Chart::new(root, files.iter().map(PathBuf::as_path))).collect();
        rest
    }

    /// Adds what the objects of a file deploy of the charts.
    fn add_releases(&mut self, file: &Path) {
        let bytes = fs::read(file).unwrap_or_default();
        let mentions = |group: &str| memchr::memmem::find(&bytes, group.as_bytes()).is_some();
        let Some(text) = str::from_utf8(&bytes).ok().filter(|_| GROUPS.iter().any(|group| mentions(group)))
        else {
            return;
        };
        let folder = absolute(file);
        for document in podsec_yaml::documents(text).flatten() {
            for embedded in objects(&document, 0).iter().flat_map(embedded) {
                let Embedded::Local { path, files, values } = embedded else { continue };
                // Where the repository begins is not known: in one of the folders above.
                let above = || folder.ancestors().skip(1);
                let is_it = |chart: &&mut Chart| {
                    let chart = absolute(&chart.folder);
                    above().any(|root| without_detours(&root.join(&path)) == chart)
                };
                let Some(chart) = self.charts.iter_mut().find(is_it) else { continue };
                let below = |name: &String| {
                    let folders = [chart.folder.as_path()].into_iter().chain(above());
                    folders.map(|folder| folder.join(name)).find(|path| path.is_file())
                };
                chart.releases.push(Release {
                    file: file.to_owned(),
                    values: files.iter().filter_map(below).collect(),
                    own_values: values.map(|values| values.to_string()),
                });
            }
        }
    }

    /// Finds the overlays; what none of them uses.
    fn take_overlays(&mut self, inputs: Vec<Input>) -> Vec<Input> {
        let mut known: BTreeMap<PathBuf, (PathBuf, Kustomization)> = BTreeMap::new();
        for path in inputs.iter().filter_map(found).filter(|path| is_kustomization(path)) {
            let file = absolute(path);
            let kustomization = Kustomization::read(&file).filter(|kustomization| !kustomization.is_object);
            if let (Some(folder), Some(kustomization)) = (file.parent(), kustomization) {
                known.insert(folder.to_owned(), (path.to_owned(), kustomization));
            }
        }
        if known.is_empty() {
            return inputs;
        }
        let used: HashSet<&PathBuf> =
            known.values().flat_map(|(_, known)| known.resources.iter().chain(&known.components)).collect();
        let mut roots: Vec<&PathBuf> =
            known.iter().filter(|(folder, _)| !used.contains(folder)).map(|(folder, _)| folder).collect();
        let mut reached: HashSet<PathBuf> = HashSet::new();
        let mut overlays: BTreeMap<PathBuf, (Overlay, HashSet<PathBuf>)> = BTreeMap::new();
        loop {
            for root in std::mem::take(&mut roots) {
                let Some((path, kustomization)) = known.get(root) else { continue };
                let reach = Reach::of(kustomization);
                reached.extend(reach.folders.iter().cloned());
                if !kustomization.is_component {
                    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
                    let overlay = Overlay { folder, kustomizations: reach.files, resources: Vec::new() };
                    overlays.insert(root.clone(), (overlay, reach.used));
                }
            }
            // Kustomizations that use each other have no first one; Kustomize itself is to say so.
            match known.keys().find(|folder| !reached.contains(*folder)) {
                Some(folder) => roots.push(folder),
                None => break,
            }
        }
        let mut rest = Vec::new();
        for input in inputs {
            let Some(path) = found(&input) else {
                rest.push(input);
                continue;
            };
            let file = absolute(path);
            let mut is_used = false;
            for (overlay, used) in overlays.values_mut().filter(|(_, used)| used.contains(&file)) {
                overlay.resources.push(input.clone());
                is_used |= !used.is_empty();
            }
            if !is_used {
                rest.push(input);
            }
        }
        self.overlays = overlays.into_values().map(|(overlay, _)| overlay).collect();
        rest
    }
}

/// What a kustomization and those that it builds on use.
#[derive(Default)]
struct Reach {
    /// The kustomizations, each before those that it uses.
    files: Vec<PathBuf>,
    folders: HashSet<PathBuf>,
    /// Their files, those that they make objects of, and their patches.
    used: HashSet<PathBuf>,
}

impl Reach {
    fn of(root: &Kustomization) -> Self {
        let mut reach = Self::default();
        let mut waiting = vec![root.clone()];
        while let Some(kustomization) = waiting.pop() {
            let Kustomization { path, resources, components, patches, .. } = kustomization;
            let folder = path.parent().map(Path::to_owned).unwrap_or_default();
            if reach.files.len() == MOST_KUSTOMIZATIONS || !reach.folders.insert(folder) {
                continue;
            }
            reach.used.insert(path.clone());
            reach.files.push(path);
            reach.used.extend(patches);
            for resource in resources.into_iter().chain(components) {
                match kustomization_of(&resource) {
                    Some(below) => waiting.extend(Kustomization::read(&below)),
                    None => drop(reach.used.insert(resource)),
                }
            }
        }
        reach
    }
}

/// The path of a file that was found, and not named.
fn found(input: &Input) -> Option<&Path> {
    match input {
        Input::File { path, named: false } => Some(path),
        _ => None,
    }
}

/// Whether a chart is a part of another one: it stands in the folder `charts` of that.
fn is_subchart(folder: &Path, charts: &BTreeSet<PathBuf>) -> bool {
    folder
        .ancestors()
        .skip(1)
        .filter(|above| above.file_name().is_some_and(|name| name == "charts"))
        .any(|above| above.parent().is_some_and(|chart| charts.contains(chart)))
}

/// The groups of objects that deploy charts.
const GROUPS: [&str; 2] = ["argoproj.io/", "helm.toolkit.fluxcd.io/"];

/// Far more than any overlay builds on.
const MOST_KUSTOMIZATIONS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::search;

    /// What is found in a folder with these files, each path below it.
    struct Found {
        charts: Vec<(String, Vec<String>)>,
        overlays: Vec<(String, Vec<String>)>,
        manifests: Vec<String>,
    }

    fn found_in(files: &[(&str, &str)], start: &str) -> Found {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let below =
            |path: &Path| path.strip_prefix(folder.path()).unwrap_or(path).to_string_lossy().into_owned();
        let names = |inputs: &[Input]| {
            inputs
                .iter()
                .map(|input| match input {
                    Input::File { path, .. } => below(path),
                    other => other.name(),
                })
                .collect()
        };
        let Discovery { charts, overlays, manifests } = Discovery::of(search(&[folder.path().join(start)]));
        Found {
            charts: charts
                .iter()
                .map(|chart| (below(&chart.folder), chart.values.iter().map(|path| below(path)).collect()))
                .collect(),
            overlays: overlays
                .iter()
                .map(|overlay| (below(&overlay.folder), names(&overlay.resources)))
                .collect(),
            manifests: names(&manifests),
        }
    }

    #[test]
    fn a_chart_takes_its_parts_and_leaves_examples() {
        let files = [
            ("web/Chart.yaml", "name: web\n"),
            ("web/values.yaml", ""),
            ("web/values-prod.yaml", ""),
            ("web/ci/small-values.yaml", ""),
            ("web/templates/a.yaml", "a: {{ .Values.b }}\n"),
            ("web/charts/db/Chart.yaml", "name: db\n"),
            ("web/charts/db/templates/b.yaml", ""),
            ("web/examples/pod.yaml", "kind: Pod\n"),
            ("web/more/x.yaml", "a: {{ .Values.b }}\n"),
            ("templates/other.yaml", "kind: Pod\n"),
        ];
        let found = found_in(&files, "");
        let values = ["web/ci/small-values.yaml", "web/values-prod.yaml"].map(str::to_owned).to_vec();
        assert_eq!(found.charts, [("web".to_owned(), values)]);
        assert_eq!(found.manifests, ["templates/other.yaml", "web/examples/pod.yaml"]);
        let found = found_in(&files, "web/templates");
        assert_eq!((found.charts.len(), found.manifests.len()), (1, 0));
    }

    #[test]
    fn what_argo_cd_and_flux_deploy_of_a_chart_is_a_release_of_it() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("charts/web/Chart.yaml", "name: web\n"),
            ("charts/web/prod.yaml", ""),
            (
                "apps/web.yaml",
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: {source: {path: charts/web, helm: {valueFiles: [prod.yaml], valuesObject: {a: 1}}}}\n",
            ),
            (
                "apps/other.yaml",
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: {source: {path: charts/other}}\n",
            ),
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = Discovery::of(search(&[folder.path().to_owned()]));
        let release = Release {
            file: folder.path().join("apps/web.yaml"),
            values: vec![folder.path().join("charts/web/prod.yaml")],
            own_values: Some("{\"a\":1}".to_owned()),
        };
        assert_eq!(found.charts[0].releases, [release]);
    }

    #[test]
    fn overlays_are_those_that_no_other_one_uses_and_nothing_they_use_is_a_manifest() {
        let files = [
            ("base/kustomization.yaml", "resources: [a.yaml]\n"),
            ("base/a.yaml", ""),
            ("comp/kustomization.yaml", "kind: Component\npatches: [{path: p.yaml}]\n"),
            ("comp/p.yaml", ""),
            ("dev/kustomization.yaml", "resources: [../base]\n"),
            (
                "prod/kustomization.yaml",
                "bases: [../base]\ncomponents: [../comp]\npatchesStrategicMerge: [q.yaml]\n",
            ),
            ("prod/q.yaml", ""),
            ("prod/alone.yaml", ""),
            ("flux/kustomization.yaml", "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"),
        ];
        let found = found_in(&files, "");
        let dev = ["base/a.yaml", "base/kustomization.yaml", "dev/kustomization.yaml"];
        let prod = [
            "base/a.yaml",
            "base/kustomization.yaml",
            "comp/kustomization.yaml",
            "comp/p.yaml",
            "prod/kustomization.yaml",
            "prod/q.yaml",
        ];
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(found.overlays, [("dev".to_owned(), list(&dev)), ("prod".to_owned(), list(&prod))]);
        assert_eq!(found.manifests, ["flux/kustomization.yaml", "prod/alone.yaml"]);
    }

    #[test]
    fn kustomizations_that_use_each_other_are_found_all_the_same() {
        let found = found_in(
            &[
                ("a/kustomization.yaml", "resources: [../b]\n"),
                ("b/kustomization.yaml", "resources: [../a, x.yaml]\n"),
                ("b/x.yaml", ""),
            ],
            "",
        );
        assert_eq!((found.overlays.len(), found.manifests.len()), (1, 0));
    }
}
