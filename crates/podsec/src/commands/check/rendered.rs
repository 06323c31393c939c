//! Manifests as Kustomize and Helm render them, by the user's own programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, bail};
use clap::Args;
use podsec_manifest::Source;
use podsec_manifest::input::Input;

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

    /// Renders everything. Lines count in what was rendered; the names are those of the sources where the renderer says
    /// them.
    pub(crate) fn inputs(&self) -> anyhow::Result<Vec<Input>> {
        let mut inputs = Vec::new();
        for folder in &self.kustomize {
            let text = kustomize(folder)?;
            inputs.extend(sources(&text, folder, origin).map(Input::Text));
        }
        for chart in &self.helm {
            let mut helm = Command::new("helm");
            helm.arg("template").arg(chart);
            for file in &self.values {
                helm.arg("--values").arg(file);
            }
            let text = printed(helm.output().context("cannot run helm")?, "helm template")?;
            inputs.extend(sources(&text, chart, template).map(Input::Text));
        }
        Ok(inputs)
    }
}

fn kustomize(folder: &Path) -> anyhow::Result<String> {
    if let Ok(output) = Command::new("kustomize").arg("build").arg(folder).output() {
        return printed(output, "kustomize build");
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

/// The documents of a rendered text, each under the name of its source.
fn sources(text: &str, root: &Path, name: fn(&str) -> Option<String>) -> impl Iterator<Item = Source> {
    let mut documents: Vec<String> = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
        }
    }
    documents.into_iter().filter(|document| !document.trim().is_empty()).map(move |text| {
        let path = name(&text).map_or_else(|| root.to_owned(), |name| root.join(name));
        Source { name: path.to_string_lossy().into_owned(), text }
    })
}

/// `# Source: chart/templates/web.yaml`, as Helm writes it, without the chart's name.
fn template(document: &str) -> Option<String> {
    let source = document.lines().find_map(|line| line.strip_prefix("# Source: "))?;
    Some(source.split_once('/').map_or(source, |(_, path)| path).trim().to_owned())
}

/// The annotation that Kustomize writes when `buildMetadata: [originAnnotations]` is set.
fn origin(document: &str) -> Option<String> {
    let object = podsec_yaml::to_json(document).ok()?;
    let origin = object["metadata"]["annotations"]["config.kubernetes.io/origin"].as_str()?;
    let origin = podsec_yaml::to_json(origin).ok()?;
    // What comes from elsewhere stands in no file of the user.
    if origin["repo"].is_string() { None } else { Some(origin["path"].as_str()?.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str, name: fn(&str) -> Option<String>) -> Vec<(String, String)> {
        sources(text, Path::new("app"), name).map(|source| (source.name, source.text)).collect()
    }

    #[test]
    fn each_document_is_named_by_the_template_that_helm_says() {
        let text = "---\n# Source: chart/templates/a.yaml\nkind: A\n---\n# Source: chart/charts/b/templates/b.yaml\nkind: B\n";
        let names: Vec<String> = named(text, template).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["app/templates/a.yaml", "app/charts/b/templates/b.yaml"]);
    }

    #[test]
    fn each_document_is_named_by_the_origin_that_kustomize_says() {
        let text = "kind: A\nmetadata:\n  annotations:\n    config.kubernetes.io/origin: |\n      path: ../base/a.yaml\n---\nkind: B\n";
        let names: Vec<String> = named(text, origin).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["app/../base/a.yaml", "app"]);
    }
}
