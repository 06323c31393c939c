//! The flags of `podsec serve` that lead to an etcd cluster, named as kube-apiserver's.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use podsec_apiserver::{EtcdFlags, Storage};

/// The `--etcd-…` flags.
#[derive(Args, Debug)]
#[expect(clippy::struct_field_names, reason = "the names are the flags'")]
pub(crate) struct EtcdArguments {
    /// Keep the objects in this etcd cluster. Any number of servers may use one. Certificate authority, signing key and
    /// token are kept there too, unless --data-dir is given.
    #[arg(long, value_delimiter = ',', value_name = "URLS", conflicts_with = "in_memory")]
    etcd_servers: Vec<String>,
    /// The authorities that have signed etcd's certificates, PEM.
    #[arg(long, value_name = "FILE", requires = "etcd_servers")]
    etcd_cafile: Option<PathBuf>,
    /// The certificate to show to etcd, PEM.
    #[arg(long, value_name = "FILE", requires_all = ["etcd_keyfile", "etcd_servers"])]
    etcd_certfile: Option<PathBuf>,
    /// The key of that certificate, PEM.
    #[arg(long, value_name = "FILE", requires_all = ["etcd_certfile", "etcd_servers"])]
    etcd_keyfile: Option<PathBuf>,
    /// What all keys in etcd start with.
    #[arg(long, default_value = "/registry", value_name = "PREFIX", requires = "etcd_servers")]
    etcd_prefix: String,
    /// How long etcd keeps the past; 0 leaves its compaction to others.
    #[arg(long, default_value = "5m", value_parser = duration, value_name = "DURATION", requires = "etcd_servers")]
    etcd_compaction_interval: Duration,
    /// How long /healthz, /livez and /readyz wait for the store.
    #[arg(long, default_value = "2s", value_parser = duration, value_name = "DURATION")]
    etcd_healthcheck_timeout: Duration,
    /// Write nothing: the default for an etcd that kube-apiserver has written to, as the copy of a cluster.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL",
        requires = "etcd_servers")]
    etcd_read_only: Option<bool>,
}

impl EtcdArguments {
    /// Where the objects are kept.
    pub(crate) fn storage(self, data_dir: Option<PathBuf>, in_memory: bool) -> Storage {
        if in_memory {
            return Storage::Memory;
        }
        if self.etcd_servers.is_empty() {
            return Storage::Directory(data_dir.unwrap_or_else(|| PathBuf::from(DATA_DIRECTORY)));
        }
        Storage::Etcd(EtcdFlags {
            servers: self.etcd_servers,
            ca_file: self.etcd_cafile,
            cert_file: self.etcd_certfile,
            key_file: self.etcd_keyfile,
            prefix: self.etcd_prefix,
            compaction_interval: self.etcd_compaction_interval,
            read_only: self.etcd_read_only,
            credentials: data_dir,
        })
    }

    /// Whether the objects are kept in etcd.
    pub(crate) fn is_used(&self) -> bool {
        !self.etcd_servers.is_empty()
    }

    /// How long the checks of health wait.
    pub(crate) fn healthcheck_timeout(&self) -> Duration {
        self.etcd_healthcheck_timeout
    }
}

/// Where the database is when no flag says so.
const DATA_DIRECTORY: &str = "./podsec-data";

/// A duration in Go's form: `90s`, `1h30m`, `0`.
fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    podsec_go::duration::parse_positive(text)
        .map_err(|_| format!("want a duration, as in 2s or 1h30m, not {text:?}"))
}
