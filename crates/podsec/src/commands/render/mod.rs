//! Charts and overlays, rendered by the user's own programs before they are judged.
//!
//! Helm and Kustomize render what a repository says and run nothing that it holds: templates reach no cluster, and plugins
//! stay off. Each run is bounded in time and in what it may print.

mod arguments;
mod helm;
mod kustomize;
mod program;

use std::collections::HashSet;
use std::convert::Infallible;
use std::path::Path;

use podsec_manifest::Templates;
use podsec_manifest::input::{Discovery, Input, Overlay, in_order, kustomization_of};

use program::Failure;

pub(crate) use arguments::RenderArguments;

impl RenderArguments {
    /// Renders what is named.
    ///
    /// # Errors
    /// When something cannot be rendered.
    pub(crate) fn named(&self) -> anyhow::Result<Vec<Input>> {
        let mut inputs = Vec::new();
        for folder in &self.kustomize {
            let chain = Overlay::at(folder).kustomizations;
            inputs.extend(kustomize::built(folder, chain).map_err(|failure| error(failure, Tool::Kubectl))?);
        }
        for chart in &self.helm {
            inputs.extend(helm::named(chart, self).map_err(|failure| error(failure, Tool::Helm))?);
        }
        Ok(inputs)
    }

    /// What is judged of what was found: manifests as they are, and what charts and overlays make. What cannot be rendered
    /// is told; with `strict` it is an error also where the program is not there that would render it.
    pub(crate) fn found(&self, discovery: Discovery, templates: &Templates, strict: bool) -> Vec<Input> {
        let Discovery { charts, overlays, manifests } = discovery;
        let mut inputs = manifests;
        let mut rendered = Vec::new();
        for chart in &charts {
            let name = chart.folder.join("Chart.yaml");
            if chart.is_library {
                rendered.push(left_out(
                    &name,
                    "a library: charts that use it are judged, and it makes nothing by itself".to_owned(),
                ));
            } else if self.no_render {
                rendered.push(left_out(
                    &name,
                    "a chart, and not judged: --no-render keeps it from being rendered".to_owned(),
                ));
            }
        }
        let mut unbuilt: Vec<&Overlay> = Vec::new();
        let mut built: HashSet<&Input> = HashSet::new();
        if self.no_render {
            unbuilt.extend(&overlays);
        } else {
            let charts = charts.iter().filter(|chart| !chart.is_library).map(Task::Chart);
            let tasks: Vec<Task<'_>> = charts.chain(overlays.iter().map(Task::Overlay)).collect();
            let work = |task| (std::sync::Mutex::new(self.result(task, templates)), 0);
            let mut results = Vec::with_capacity(tasks.len());
            // Collecting cannot fail.
            let _ = in_order::<_, _, Infallible>(&tasks, work, |result| {
                let taken = result.lock().map(|mut result| std::mem::replace(&mut *result, Ok(Vec::new())));
                results.push(taken.unwrap_or_else(|_| Err(Failure::Failed("was stopped".to_owned()))));
                Ok(())
            });
            for (task, result) in tasks.iter().zip(results) {
                match (task, result) {
                    (task, Ok(documents)) => {
                        if let Task::Overlay(overlay) = task {
                            built.extend(&overlay.resources);
                        }
                        rendered.extend(documents);
                    }
                    (task, Err(failure)) => {
                        if let Task::Overlay(overlay) = task {
                            unbuilt.push(overlay);
                        }
                        rendered.push(task.told(failure, strict));
                    }
                }
            }
        }
        // What could not be built is judged as it is, each resource once.
        let mut told: HashSet<&Input> = HashSet::new();
        for resource in unbuilt.iter().flat_map(|overlay| &overlay.resources) {
            if !built.contains(resource) && told.insert(resource) {
                inputs.push(resource.clone());
            }
        }
        inputs.extend(rendered);
        inputs
    }

    fn result(&self, task: &Task<'_>, templates: &Templates) -> Result<Vec<Input>, Failure> {
        match task {
            Task::Chart(chart) => helm::found(chart, self, templates),
            Task::Overlay(overlay) => kustomize::built(&overlay.folder, overlay.kustomizations.clone()),
        }
    }
}

/// Something to render.
enum Task<'t> {
    Chart(&'t podsec_manifest::input::Chart),
    Overlay(&'t Overlay),
}

impl Task<'_> {
    /// What there is to tell when it could not be rendered.
    fn told(&self, failure: Failure, strict: bool) -> Input {
        let (name, tool) = match self {
            Self::Chart(chart) => (chart.folder.join("Chart.yaml"), Tool::Helm),
            Self::Overlay(overlay) => {
                (kustomization_of(&overlay.folder).unwrap_or_else(|| overlay.folder.clone()), Tool::Kubectl)
            }
        };
        match failure {
            Failure::Absent if !strict => left_out(&name, tool.absent(self)),
            Failure::Absent => unreadable(&name, tool.absent(self)),
            Failure::Failed(message) => unreadable(&name, message),
        }
    }
}

/// A program that renders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    Helm,
    Kubectl,
}

impl Tool {
    fn absent(self, task: &Task<'_>) -> String {
        let what = match task {
            Task::Chart(_) => "a chart, and not judged",
            Task::Overlay(_) => {
                "an overlay, and not built: its resources are judged as they are, without its patches"
            }
        };
        format!("{what}: {}", self.missing())
    }

    /// That the program is not there, and how it comes.
    fn missing(self) -> String {
        let name = match self {
            Self::Helm => "helm is",
            Self::Kubectl => "kustomize and kubectl are",
        };
        format!("{name} not on the PATH; `{}` installs it", self.installation())
    }

    /// The command that installs the program on this system, as its authors say it.
    fn installation(self) -> String {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        match (std::env::consts::OS, self) {
            ("macos", Self::Helm) => "brew install helm".to_owned(),
            ("macos", Self::Kubectl) => "brew install kubectl".to_owned(),
            ("windows", Self::Helm) => "winget install Helm.Helm".to_owned(),
            ("windows", Self::Kubectl) => "winget install Kubernetes.kubectl".to_owned(),
            (_, Self::Helm) => {
                "curl -fsSL https://raw.githubusercontent.com/helm/helm/main/scripts/get-helm-4 | bash"
                    .to_owned()
            }
            (_, Self::Kubectl) => format!(
                "curl -fsSLO https://dl.k8s.io/release/v1.37.1/bin/linux/{architecture}/kubectl && sudo install kubectl \
                 /usr/local/bin/"
            ),
        }
    }
}

fn error(failure: Failure, tool: Tool) -> anyhow::Error {
    match failure {
        Failure::Absent => anyhow::anyhow!(tool.missing()),
        Failure::Failed(message) => anyhow::anyhow!(message),
    }
}

fn left_out(path: &Path, message: String) -> Input {
    Input::LeftOut { name: shown(path), message }
}

fn unreadable(path: &Path, message: String) -> Input {
    Input::Unreadable { name: shown(path), message }
}

/// What reports call a path.
fn shown(path: &Path) -> String {
    let name = path.to_string_lossy();
    name.strip_prefix("./").unwrap_or(&name).to_owned()
}
