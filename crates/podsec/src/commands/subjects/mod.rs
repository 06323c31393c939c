//! What `plan` and `upgrade-check` look at: dumps, folders, standard input, a live cluster.

mod live;
pub(crate) mod open;

use std::fs;
use std::io::{BufReader, IsTerminal, Write as _, stderr, stdin};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use podsec_analysis::{Collector, Inventory};
use podsec_manifest::Template;
use podsec_manifest::input::{Input, search};
use podsec_policy::Configuration;

use super::check::settings::Settings;
pub(crate) use live::Cluster;

/// The flags that say what to look at.
#[derive(Clone, Debug, Args)]
pub(crate) struct SubjectArguments {
    /// Files, folders (searched for .yaml, .yml and .json), globs, or - for standard input: what kubectl get -o yaml or
    /// -o json prints, manifests, folders of must-gather and of Velero's backups, compressed with gzip or not.
    pub(crate) paths: Vec<PathBuf>,

    /// Look at the cluster of the kubeconfig, as kubectl would; read-only.
    #[arg(long)]
    pub(crate) live: bool,

    /// The kubeconfig, instead of $KUBECONFIG or the one in the home folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig, instead of its current one.
    #[arg(long)]
    pub(crate) context: Option<String>,

    /// With --live: no more than so many requests a second.
    #[arg(long, value_name = "NUMBER", default_value = "20")]
    pub(crate) qps: u32,

    /// With --live: read what Helm keeps of its releases, too, which stands in Secrets.
    #[arg(long, requires = "live")]
    pub(crate) helm_releases: bool,

    /// Look into a custom kind, too: GROUP/KIND=PATH, as in argoproj.io/Rollout=spec.template.
    #[arg(long, value_name = "GROUP/KIND=PATH")]
    pub(crate) template: Vec<Template>,

    /// The cluster's PodSecurityConfiguration: defaults for namespaces without labels, and exemptions.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The podsec.toml to use, instead of the nearest one above the working directory.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

impl SubjectArguments {
    /// Everything that was named, folded to its owners; and the cluster, when it is live.
    pub(crate) fn collect(&self) -> anyhow::Result<(Inventory, Option<Cluster>)> {
        let settings = Settings::find(self.settings.as_deref())?;
        let templates = settings.templates(&self.template).context("cannot use podsec.toml")?;
        let kinds: Vec<(String, String)> =
            templates.kinds().map(|(group, kind)| (group.to_owned(), kind.to_owned())).collect();
        let mut collector = Collector::new(templates);
        let mut progress = ObjectProgress::new();
        if self.paths.is_empty() && !self.live {
            bail!("there is nothing to look at: name dumps or folders, - for standard input, or --live");
        }
        let (streams, paths): (Vec<&PathBuf>, Vec<&PathBuf>) =
            self.paths.iter().partition(|path| path.as_os_str() == "-");
        if !streams.is_empty() {
            let reader = open::decompressed(stdin().lock()).context("cannot read standard input")?;
            collector.feed("<stdin>", progress.counting(reader));
        }
        let paths: Vec<PathBuf> = paths.into_iter().cloned().collect();
        for input in search(&paths) {
            match &input {
                Input::File { path, .. } if is_repeated_by_velero(path) => {}
                Input::File { path, .. } => match fs::File::open(path).and_then(open::decompressed) {
                    Ok(reader) => collector.feed(&input.name(), progress.counting(reader)),
                    Err(error) => collector.trouble(&input.name(), format!("cannot be read: {error}")),
                },
                Input::LeftOut { name, message } | Input::Unreadable { name, message } => {
                    collector.trouble(name, message.clone());
                }
                Input::Text(source) => collector.feed(&source.name, source.text.as_bytes()),
                Input::Rendered(rendered) => collector.feed(&input.name(), rendered.text.as_bytes()),
            }
        }
        let cluster = if self.live {
            let cluster = Cluster::connect(self)?;
            cluster.collect(&kinds, self.helm_releases, &mut collector, &mut progress)?;
            Some(cluster)
        } else {
            None
        };
        progress.clear();
        Ok((collector.finish(), cluster))
    }

    pub(crate) fn configuration(&self) -> anyhow::Result<Configuration> {
        let Some(path) = &self.config else { return Ok(Configuration::default()) };
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Configuration::from_yaml(&text).with_context(|| format!("cannot use {}", path.display()))
    }
}

/// Velero writes each object once for each version that the API server knows.
fn is_repeated_by_velero(path: &Path) -> bool {
    path.components().any(|part| {
        let name = part.as_os_str().to_string_lossy();
        name.strip_suffix("-preferredversion").is_some_and(|version| version.starts_with('v'))
    })
}

/// A line on the terminal with what was read so far.
pub(crate) struct ObjectProgress {
    begun: Instant,
    drawn: Instant,
    bytes: u64,
    shown: bool,
    wanted: bool,
}

impl ObjectProgress {
    fn new() -> Self {
        let now = Instant::now();
        Self { begun: now, drawn: now, bytes: 0, shown: false, wanted: stderr().is_terminal() }
    }

    fn counting<R: std::io::Read>(&mut self, inner: R) -> BufReader<Counting<'_, R>> {
        BufReader::with_capacity(256 << 10, Counting { inner, progress: self })
    }

    pub(crate) fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        let now = Instant::now();
        if self.wanted
            && now - self.begun > Duration::from_secs(1)
            && now - self.drawn > Duration::from_millis(200)
        {
            self.drawn = now;
            self.shown = true;
            // A terminal that is gone has nobody who looks at it.
            let _ = write!(stderr(), "\r{} MB read", self.bytes / 1_000_000);
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

/// Counts what is read.
struct Counting<'p, R> {
    inner: R,
    progress: &'p mut ObjectProgress,
}

impl<R: std::io::Read> std::io::Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.progress.add(read);
        Ok(read)
    }
}
