//! Which files belong to a Helm chart, and with which values it is meant to be rendered.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// A Helm chart that stands for itself: no part of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// The folder that holds its `Chart.yaml`.
    pub folder: PathBuf,
    /// The files of values that the chart brings beside its defaults: it is rendered once with none of them, and once with
    /// each. They are those in its folder that are called `values-….yaml`, `values.….yaml` or `….values.yaml`, and
    /// `ci/*-values.yaml`, where the tools that test charts look for them.
    pub values: Vec<PathBuf>,
    /// What objects of GitOps controllers deploy of it.
    pub releases: Vec<Release>,
    /// Whether it is a library, which only other charts can use.
    pub is_library: bool,
}

/// What an object of Argo CD or Flux deploys of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The file that the object stands in.
    pub file: PathBuf,
    /// The files of values that it names.
    pub values: Vec<PathBuf>,
    /// The values in itself, as JSON.
    pub own_values: Option<String>,
}

impl Chart {
    /// The chart of a folder, of which these files are known.
    pub(super) fn new<'f>(folder: &Path, files: impl Iterator<Item = &'f Path>) -> Self {
        let values: BTreeSet<PathBuf> = files
            .filter(|file| file.strip_prefix(folder).is_ok_and(is_more_values))
            .map(Path::to_owned)
            .collect();
        let text = fs::read_to_string(folder.join(CHART)).unwrap_or_default();
        let says_library = |document: podsec_yaml::Document<'_>| {
            document.root().get("type").and_then(|node| node.as_str()) == Some("library")
        };
        let is_library = podsec_yaml::document(&text).is_ok_and(says_library);
        Self {
            folder: folder.to_owned(),
            values: values.into_iter().collect(),
            releases: Vec::new(),
            is_library,
        }
    }
}

/// Whether a file in a chart's folder, at this path below it, is a part of the chart, and no manifest.
///
/// What is neither in a folder that Helm gives a meaning to, nor called as values are, may be an example that people
/// apply: it is a manifest unless it holds what only a template does.
pub(super) fn is_part(folder: &Path, below: &Path) -> bool {
    let mut parts = below.components();
    let (Some(Component::Normal(first)), rest) = (parts.next(), parts.next()) else { return false };
    if rest.is_some() && PARTS.iter().any(|part| first == *part) {
        return true;
    }
    if rest.is_none() && (first == CHART || is_values(below)) {
        return true;
    }
    fs::read(folder.join(below)).is_ok_and(|bytes| memchr::memmem::find(&bytes, b"{{").is_some())
}

/// Whether a file is called as a file of values is.
fn is_values(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(stem) = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")) else { return false };
    stem == VALUES
        || stem.strip_prefix(VALUES).is_some_and(|rest| rest.starts_with(['-', '.', '_']))
        || stem.strip_suffix(VALUES).is_some_and(|rest| rest.ends_with(['-', '.', '_']))
}

/// Whether a file below a chart's folder holds values beside its defaults.
fn is_more_values(below: &Path) -> bool {
    let is_default = below.file_stem().is_some_and(|stem| stem == VALUES);
    let parent = below.parent().unwrap_or(Path::new(""));
    let is_seen = parent == Path::new("") || parent == Path::new("ci");
    is_seen && !is_default && is_values(below)
}

/// The file that makes a folder a chart.
pub(super) const CHART: &str = "Chart.yaml";
const VALUES: &str = "values";

/// The folders of a chart that Helm gives a meaning to; `ci` is that of the tools that test charts.
const PARTS: [&str; 5] = ["templates", "charts", "crds", "files", "ci"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_known_by_their_names() {
        for name in ["values-prod.yaml", "values.dev.yml", "small-values.yaml", "ci/small-values.yaml"] {
            assert!(is_more_values(Path::new(name)), "{name}");
        }
        for name in
            ["values.yaml", "deploy.yaml", "templates/x-values.yaml", "valuesets.yaml", "values-a.json"]
        {
            assert!(!is_more_values(Path::new(name)), "{name}");
        }
    }
}
