//! Opens what keeps the objects, and the credentials that go with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use podsec_storage::{Etcd, EtcdOptions, EtcdTls, Memory, OpenError, Redb, Retention, Store};

use crate::credentials::{self, Credentials};
use crate::options::{EtcdFlags, Options, ServiceAccountOptions, Storage};
use crate::stored_values::StoredValues;

/// An open store.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) credentials: Credentials,
    /// Whether nothing may be written.
    pub(crate) is_read_only: bool,
}

/// Why it cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database cannot be opened.
    #[error("cannot open the database")]
    Database(#[source] OpenError),
    /// etcd does not answer, or the flags that lead to it are wrong.
    #[error("cannot use etcd at {servers}")]
    Etcd {
        /// `--etcd-servers`.
        servers: String,
        /// What the client says.
        source: podsec_storage::Error,
    },
    /// A certificate or key for etcd cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// One of the flags for certificates needs another one.
    #[error("{0}")]
    Flags(&'static str),
    /// The credentials that go with the store cannot be used.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
}

/// Opens what the options name.
///
/// # Errors
/// When it cannot be opened, or its credentials cannot be used.
pub(crate) async fn open(options: &Options) -> Result<Opened, Error> {
    let accounts = options.service_accounts.clone();
    let (store, credentials): (Arc<dyn Store>, _) = match &options.storage {
        Storage::Memory => (Arc::new(Memory::default()), Credentials::ephemeral(accounts)?),
        Storage::Directory(path) => {
            // First, because it makes the directory and looks who may read it.
            let credentials = Credentials::in_directory(path, accounts)?;
            (Arc::new(database(path, options.quota_backend_bytes)?), credentials)
        }
        Storage::Etcd(flags) => return etcd(flags, accounts).await,
    };
    Ok(Opened { store, credentials, is_read_only: false })
}

fn database(directory: &Path, quota: usize) -> Result<Redb, Error> {
    let quota = if quota == 0 { usize::MAX } else { quota };
    let path = directory.join("podsec.redb");
    Redb::open_with_quota(&path, Retention::default(), quota).map_err(Error::Database)
}

async fn etcd(flags: &EtcdFlags, accounts: ServiceAccountOptions) -> Result<Opened, Error> {
    let values = StoredValues::default();
    let servers: Vec<_> = flags.servers.iter().map(String::as_str).collect();
    let options = EtcdOptions {
        tls: tls(flags)?,
        prefix: (REGISTRY.to_owned(), prefix(&flags.prefix)),
        decode: Some(values.decode()),
        ..EtcdOptions::new(&servers)
    };
    let etcd = Etcd::connect(&options).await;
    let etcd = etcd.map_err(|source| Error::Etcd { servers: flags.servers.join(","), source })?;
    values.report();
    let is_read_only = flags.read_only.unwrap_or_else(|| values.are_of_a_cluster());
    let etcd = if is_read_only {
        tracing::info!("the objects in etcd are served as they are: --etcd-read-only=false allows writes");
        etcd.read_only()
    } else if flags.compaction_interval.is_zero() {
        etcd
    } else {
        etcd.compacting_every(flags.compaction_interval)
    };
    let credentials = match &flags.credentials {
        Some(directory) => Credentials::in_directory(directory, accounts)?,
        None if is_read_only => Credentials::ephemeral(accounts)?,
        None => Credentials::in_store(&etcd, accounts).await?,
    };
    Ok(Opened { store: Arc::new(etcd), credentials, is_read_only })
}

/// As kube-apiserver takes it: with or without slashes at its ends.
fn prefix(flag: &str) -> String {
    match flag.trim_matches('/') {
        "" => String::new(),
        prefix => format!("/{prefix}"),
    }
}

fn tls(flags: &EtcdFlags) -> Result<Option<EtcdTls>, Error> {
    let read = |path: &PathBuf| fs::read(path).map_err(|source| Error::File { path: path.clone(), source });
    let identity = match (&flags.cert_file, &flags.key_file) {
        (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
        (None, None) => None,
        _ => return Err(Error::Flags("--etcd-certfile and --etcd-keyfile go together")),
    };
    match &flags.ca_file {
        Some(authority) => Ok(Some(EtcdTls { authority: read(authority)?, identity })),
        None if identity.is_some() => Err(Error::Flags("--etcd-certfile needs --etcd-cafile")),
        None => Ok(None),
    }
}

/// What all keys of the registry start with.
const REGISTRY: &str = "/registry";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_has_a_slash_in_front_and_none_behind() {
        for (flag, expected) in [("/registry", "/registry"), ("kubernetes.io/", "/kubernetes.io"), ("/", "")]
        {
            assert_eq!(prefix(flag), expected);
        }
    }
}
