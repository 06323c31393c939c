//! The flags that say what is rendered, and how.

use std::path::PathBuf;

use clap::Args;

/// The flags that say what is rendered, and how.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RenderArguments {
    /// Judge what Kustomize makes of this folder, with the user's own kustomize or kubectl.
    #[arg(long, value_name = "DIR")]
    pub(super) kustomize: Vec<PathBuf>,

    /// Judge what Helm makes of this chart, with the user's own helm.
    #[arg(long, value_name = "CHART")]
    pub(super) helm: Vec<PathBuf>,

    /// Values for every chart, as helm takes them, instead of those that the charts bring.
    #[arg(long, value_name = "FILE")]
    pub(super) values: Vec<PathBuf>,

    /// A value for every chart, as helm takes it: a.b=c.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,

    /// A value for every chart that is a string whatever it looks like.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set_string: Vec<String>,

    /// The version of Kubernetes that charts are told they are for; Helm's own when left out.
    #[arg(long, value_name = "VERSION")]
    pub(super) kube_version: Option<String>,

    /// Do not run helm or kustomize: charts are not judged, and the resources of overlays as they are.
    #[arg(long, conflicts_with_all = ["kustomize", "helm"])]
    pub(super) no_render: bool,
}

impl RenderArguments {
    /// Whether nothing is named that is to be rendered.
    pub(crate) fn is_empty(&self) -> bool {
        self.kustomize.is_empty() && self.helm.is_empty()
    }

    /// Fills in what the flags leave open.
    pub(crate) fn complete(&mut self, render: Option<bool>, kube_version: Option<&String>) {
        self.no_render |= render == Some(false) && self.is_empty();
        self.kube_version = self.kube_version.take().or_else(|| kube_version.cloned());
    }

    pub(super) fn names_values(&self) -> bool {
        !(self.values.is_empty() && self.set.is_empty() && self.set_string.is_empty())
    }
}
