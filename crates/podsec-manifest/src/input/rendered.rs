//! What Helm or Kustomize made: one document each, with what is needed to lead what is found in it back to its file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::paths::{kustomization_of, relative, without_detours};
use crate::check::carried_pods;
use crate::object::{ObjectName, objects};
use crate::template::Templates;

/// A document that Helm or Kustomize made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rendered {
    /// The file that it was made of, as reports call it.
    pub file: String,
    /// What it was made by: `charts/web with values-prod.yaml`, `overlays/prod`.
    pub made_by: String,
    /// What was printed.
    pub text: String,
    pub(super) trace: Trace,
}

/// How the places of a document are led back to the files that it was made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Trace {
    /// Not at all: its file is not at hand.
    Nowhere,
    /// Its file is a template, filled with values of these files, the last of which count.
    Template(Arc<[PathBuf]>),
    /// Its file holds an object, over which these kustomizations laid patches.
    Resource(Arc<Layers>),
}

/// The kustomizations that made an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Layers {
    /// Each before those that it builds on; all from the root of the file system on.
    pub(super) kustomizations: Vec<PathBuf>,
    shown: Shown,
}

/// How a folder and the files around it are called in reports.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Shown {
    /// The folder as somebody named it.
    folder: PathBuf,
    /// The same from the root of the file system on.
    absolute: PathBuf,
}

impl Rendered {
    /// The documents that `helm template` printed of a chart with these files of values; for the object of a file that
    /// deploys it, if one does.
    pub fn by_helm(text: &str, chart: &Path, values: &[PathBuf], object: Option<&Path>) -> Vec<Self> {
        let mut made_by = name(chart);
        let called = |file: &Path| name(file.strip_prefix(chart).unwrap_or(file));
        let files: Vec<String> = match object {
            Some(object) => vec![called(object)],
            None => values.iter().map(|file| called(file)).collect(),
        };
        if !files.is_empty() {
            made_by = format!("{made_by} with {}", files.join(", "));
        }
        let files: Arc<[PathBuf]> =
            [chart.join("values.yaml")].into_iter().chain(values.iter().cloned()).collect();
        let document = |text: String| {
            let template = template(&text, chart);
            let trace = match &template {
                Some(path) if path.is_file() => Trace::Template(Arc::clone(&files)),
                _ => Trace::Nowhere,
            };
            let file = name(&template.unwrap_or_else(|| chart.to_owned()));
            Self { file, made_by: made_by.clone(), text, trace }
        };
        documents(text).into_iter().map(document).collect()
    }

    /// The documents that Kustomize made of a folder, when it was told to note their origins, with paths from `from` on.
    /// `kustomizations` are the files that it went by: see [`Overlay`](super::Overlay).
    pub fn by_kustomize(text: &str, folder: &Path, from: &Path, kustomizations: Vec<PathBuf>) -> Vec<Self> {
        let absolute = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let layers =
            Arc::new(Layers { kustomizations, shown: Shown { folder: folder.to_owned(), absolute } });
        let root = name(&kustomization_of(folder).unwrap_or_else(|| folder.to_owned()));
        let made_by = name(folder);
        let document = |text: String| {
            let origin = origin(&text).map(|path| layers.name(&without_detours(&from.join(path))));
            let (file, trace) = match origin {
                Some(file) if Path::new(&file).is_file() => (file, Trace::Resource(Arc::clone(&layers))),
                Some(file) => (file, Trace::Nowhere),
                None => (root.clone(), Trace::Nowhere),
            };
            Self { file, made_by: made_by.clone(), text: without_origin(&text), trace }
        };
        documents(text).into_iter().map(document).collect()
    }
}

impl Rendered {
    /// What tells the document from others of the same file: the pods of its objects with their names, else all of it. What
    /// else other values change is no other pod.
    pub fn identity(&self, templates: &Templates) -> String {
        let mut identity = Vec::new();
        for (number, document) in podsec_yaml::documents(&self.text).flatten().enumerate() {
            for object in objects(&document, number) {
                let pods = carried_pods(&object, templates);
                if pods.is_empty() {
                    return self.text.clone();
                }
                let ObjectName { kind, namespace, name, .. } = &object.name;
                identity.extend_from_slice(format!("{kind} {namespace}/{name}\n").as_bytes());
                for pod in &pods {
                    pod.node.write_json(&mut identity);
                }
            }
        }
        String::from_utf8(identity).unwrap_or_else(|_| self.text.clone())
    }
}

impl Layers {
    /// What reports call a file.
    pub(super) fn name(&self, absolute: &Path) -> String {
        name(&self.shown.folder.join(relative(absolute, &self.shown.absolute)))
    }
}

/// What reports call a path.
fn name(path: &Path) -> String {
    let straight = without_detours(path);
    let straight = if straight.as_os_str().is_empty() { PathBuf::from(".") } else { straight };
    straight.to_string_lossy().into_owned()
}

/// The documents of what was printed.
fn documents(text: &str) -> Vec<String> {
    let mut documents: Vec<String> = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
        }
    }
    documents.retain(|document| !document.trim().is_empty());
    documents
}

/// The file of `# Source: chart/templates/web.yaml`, as Helm writes it.
fn template(document: &str, chart: &Path) -> Option<PathBuf> {
    let source = document.lines().find_map(|line| line.strip_prefix(SOURCE))?;
    Some(chart.join(source.split_once('/').map_or(source, |(_, path)| path).trim()))
}

/// The path that Kustomize notes; none for what comes from elsewhere, or of no file.
fn origin(document: &str) -> Option<String> {
    let object = podsec_yaml::to_json(document).ok()?;
    let origin = object.get("metadata")?.get("annotations")?.get(ORIGIN)?.as_str()?;
    let origin = podsec_yaml::to_json(origin).ok()?;
    if origin.get("repo").is_some() { None } else { origin.get("path")?.as_str().map(str::to_owned) }
}

/// A document without the note of its origin, as Kustomize would have made it unasked.
fn without_origin(document: &str) -> String {
    let key = format!("    {ORIGIN}: |");
    let lines: Vec<&str> = document.split_inclusive('\n').collect();
    let Some(note) = lines.iter().position(|line| line.trim_end() == key) else {
        return document.to_owned();
    };
    let is_deep = |line: &&&str, depth: usize| line.len() - line.trim_start_matches(' ').len() > depth;
    let end = note + 1 + lines.iter().skip(note + 1).take_while(|line| is_deep(line, 4)).count();
    let is_alone = lines.get(note.wrapping_sub(1)).is_some_and(|line| line.trim_end() == "  annotations:")
        && !lines.get(end).is_some_and(|line| is_deep(&line, 2));
    let start = if is_alone { note - 1 } else { note };
    let kept = lines.iter().take(start).chain(lines.iter().skip(end));
    kept.copied().collect()
}

const SOURCE: &str = "# Source: ";
const ORIGIN: &str = "config.kubernetes.io/origin";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_document_of_helm_is_named_by_its_template() {
        let text = "---\n# Source: chart/templates/a.yaml\nkind: A\n---\n# Source: chart/charts/b/templates/b.yaml\nkind: B\n";
        let made =
            Rendered::by_helm(text, Path::new("./app"), &[PathBuf::from("./app/ci/x-values.yaml")], None);
        let files: Vec<&str> = made.iter().map(|made| made.file.as_str()).collect();
        assert_eq!(files, ["app/templates/a.yaml", "app/charts/b/templates/b.yaml"]);
        assert_eq!(made[0].made_by, "app with ci/x-values.yaml");
    }

    #[test]
    fn each_document_of_kustomize_is_named_by_its_origin_and_reads_as_it_would_without_it() {
        let note = "    config.kubernetes.io/origin: |\n      path: ../base/a.yaml\n";
        let text = format!(
            "kind: A\nmetadata:\n  annotations:\n{note}  name: a\n---\nkind: B\nmetadata:\n  annotations:\n    a: b\n{note}    x: y\n---\nkind: C\n"
        );
        // A folder that is not there is what it is called.
        let folder = Path::new("/x/overlays/prod");
        let made = Rendered::by_kustomize(&text, folder, folder, Vec::new());
        let texts: Vec<(&str, &str)> =
            made.iter().map(|made| (made.file.as_str(), made.text.as_str())).collect();
        assert_eq!(
            texts,
            [
                ("/x/overlays/base/a.yaml", "kind: A\nmetadata:\n  name: a\n"),
                ("/x/overlays/base/a.yaml", "kind: B\nmetadata:\n  annotations:\n    a: b\n    x: y\n"),
                ("/x/overlays/prod", "kind: C\n")
            ]
        );
    }
}
