//! Manifests as Kustomize and Helm render them, by the user's own programs.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, bail};
use clap::Args;
use podsec_manifest::input::{Input, KUSTOMIZATION_NAMES, without_detours};

/// The flags that name what to render.
#[derive(Clone, Debug, Args)]
pub(crate) struct RenderArguments {
    /// Judge what Kustomize makes of this folder, with the user's own kustomize or kubectl.
    #[arg(long, value_name = "DIR")]
    kustomize: Vec<PathBuf>,

    /// Judge what Helm makes of this chart, with the user's own helm.
    #[arg(long, value_name = "CHART")]
    helm: Vec<PathBuf>,

    /// Values for --helm.
    #[arg(long, value_name = "FILE", requires = "helm")]
    values: Vec<PathBuf>,
}

impl RenderArguments {
    pub(crate) fn is_empty(&self) -> bool {
        self.kustomize.is_empty() && self.helm.is_empty()
    }

    /// Renders everything. Each document is named by its source where the renderer says it, else by what was rendered.
    pub(crate) fn inputs(&self) -> anyhow::Result<Vec<Input>> {
        let mut inputs = Vec::new();
        for folder in &self.kustomize {
            let text = kustomize(folder)?;
            inputs.extend(rendered(&text, &kustomization(folder), |document| origin(document, folder)));
        }
        for chart in &self.helm {
            let mut helm = Command::new("helm");
            helm.arg("template").arg(chart);
            for file in &self.values {
                helm.arg("--values").arg(file);
            }
            let text = printed(helm.output().context("cannot run helm")?, "helm template")?;
            inputs.extend(rendered(&text, chart, |document| template(document, chart)));
        }
        Ok(inputs)
    }
}

fn kustomize(folder: &Path) -> anyhow::Result<String> {
    match Command::new("kustomize").arg("build").arg(folder).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        output => return printed(output.context("cannot run kustomize")?, "kustomize build"),
    }
    let output = Command::new("kubectl").arg("kustomize").arg(folder).output();
    printed(output.context("cannot run kustomize, nor kubectl")?, "kubectl kustomize")
}

fn printed(output: Output, program: &str) -> anyhow::Result<String> {
    if !output.status.success() {
        bail!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{program} printed what is not UTF-8"))
}

/// The documents of a rendered text, each with the file that it was made of, else with `root`.
fn rendered(text: &str, root: &Path, file: impl Fn(&str) -> Option<PathBuf>) -> Vec<Input> {
    let mut documents: Vec<String> = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
        }
    }
    documents.retain(|document| !document.trim().is_empty());
    let input = |text: String| {
        let file = file(&text).unwrap_or_else(|| root.to_owned());
        Input::Rendered { file: without_detours(&file).to_string_lossy().into_owned(), text }
    };
    documents.into_iter().map(input).collect()
}

/// The file of a folder that tells Kustomize what to make; the folder itself when there is none.
fn kustomization(folder: &Path) -> PathBuf {
    let found = KUSTOMIZATION_NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| folder.to_owned())
}

/// `# Source: chart/templates/web.yaml`, as Helm writes it, below the chart's folder.
fn template(document: &str, chart: &Path) -> Option<PathBuf> {
    let source = document.lines().find_map(|line| line.strip_prefix("# Source: "))?;
    Some(chart.join(source.split_once('/').map_or(source, |(_, path)| path).trim()))
}

/// The annotation that Kustomize writes when `buildMetadata: [originAnnotations]` is set.
fn origin(document: &str, folder: &Path) -> Option<PathBuf> {
    let object = podsec_yaml::to_json(document).ok()?;
    let origin = object["metadata"]["annotations"]["config.kubernetes.io/origin"].as_str()?;
    let origin = podsec_yaml::to_json(origin).ok()?;
    // What comes from elsewhere stands in no file of the user.
    if origin["repo"].is_string() { None } else { Some(folder.join(origin["path"].as_str()?)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(inputs: Vec<Input>) -> Vec<String> {
        let file = |input| match input {
            Input::Rendered { file, .. } => file,
            other => panic!("{other:?}"),
        };
        inputs.into_iter().map(file).collect()
    }

    #[test]
    fn each_document_is_named_by_the_template_that_helm_says() {
        let text = "---\n# Source: chart/templates/a.yaml\nkind: A\n---\n# Source: chart/charts/b/templates/b.yaml\nkind: B\n";
        let chart = Path::new("app");
        assert_eq!(
            files(rendered(text, chart, |document| template(document, chart))),
            ["app/templates/a.yaml", "app/charts/b/templates/b.yaml"]
        );
    }

    #[test]
    fn each_document_is_named_by_the_origin_that_kustomize_says() {
        let text = "kind: A\nmetadata:\n  annotations:\n    config.kubernetes.io/origin: |\n      path: ../base/a.yaml\n---\nkind: B\n";
        let folder = Path::new("./overlays/prod");
        assert_eq!(
            files(rendered(text, folder, |document| origin(document, folder))),
            ["overlays/base/a.yaml", "overlays/prod"]
        );
    }

    #[test]
    fn a_path_leads_no_further_up_than_it_did() {
        let straight = |path: &str| without_detours(Path::new(path)).to_string_lossy().into_owned();
        assert_eq!(straight("a/./b/../c"), "a/c");
        assert_eq!(straight("../../a/../b"), "../../b");
        assert_eq!(straight("/a/../../b"), "/../b");
    }
}
