//! How to reach a cluster, and what in it is the store's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use crate::Retention;

/// What it takes to keep a store in an etcd cluster.
#[derive(Clone, Debug)]
pub struct EtcdOptions {
    /// Where the members listen, such as `https://127.0.0.1:2379`.
    pub endpoints: Vec<String>,
    /// Certificates; none for members that speak plain HTTP.
    pub tls: Option<EtcdTls>,
    /// What the store's keys start with here and there: `("/registry", "/registry")` for kube-apiserver's default
    /// `--etcd-prefix`. Other keys of the cluster are neither read nor written. Two empty strings take all of it.
    pub prefix: (String, String),
    /// How much of the past is kept here, for watches that resume; what is older is read from the cluster.
    pub retention: Retention,
    /// Reads the values that others write; none takes them as they are.
    pub decode: Option<Decode>,
    /// How long changes that the cluster has may take to come by themselves; then a read writes a key of its own, behind
    /// which there is nothing that it has not heard of.
    pub barrier_after: Duration,
}

/// Turns a value that somebody else wrote into one as this store's callers write them, or leaves the key out (`None`).
#[derive(Clone)]
pub struct Decode(Arc<DecodeValue>);

type DecodeValue = dyn Fn(&str, &Bytes) -> Option<Bytes> + Send + Sync;

impl Decode {
    /// Calls `decode` with each key and its value.
    pub fn new(decode: impl Fn(&str, &Bytes) -> Option<Bytes> + Send + Sync + 'static) -> Self {
        Self(Arc::new(decode))
    }

    /// What the callers of the store read; none for a key that is left out.
    pub fn value(&self, key: &str, value: &Bytes) -> Option<Bytes> {
        (self.0)(key, value)
    }
}

impl fmt::Debug for Decode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decode")
    }
}

/// What it takes to trust a cluster, and to be trusted by it. All in PEM.
#[derive(Clone)]
pub struct EtcdTls {
    /// The certificates of the authority that signed etcd's.
    pub authority: Vec<u8>,
    /// The certificate to show to etcd, and its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl fmt::Debug for EtcdTls {
    // Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdTls").field("has_identity", &self.identity.is_some()).finish_non_exhaustive()
    }
}

impl From<&EtcdTls> for ClientTlsConfig {
    fn from(tls: &EtcdTls) -> Self {
        let config = Self::new().ca_certificate(Certificate::from_pem(&tls.authority));
        match &tls.identity {
            Some((certificate, key)) => config.identity(Identity::from_pem(certificate, key)),
            None => config,
        }
    }
}

impl EtcdOptions {
    /// All keys of the cluster at `endpoints`, as they are.
    pub fn new(endpoints: &[&str]) -> Self {
        Self {
            endpoints: endpoints.iter().map(|&endpoint| endpoint.to_owned()).collect(),
            tls: None,
            prefix: (String::new(), String::new()),
            retention: Retention::default(),
            decode: None,
            barrier_after: Duration::from_millis(100),
        }
    }
}
