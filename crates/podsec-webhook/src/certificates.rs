//! Where the serving certificates come from, and how they are kept up to date.

use std::sync::Arc;
use std::time::Duration;

use rustls::server::ResolvesServerCert;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::files::{FileError, Files, Repeated};
use crate::metrics::Metrics;
use crate::options::Options;
use crate::replacement::replace;
use crate::self_signed::{Keeper, SelfSignedError};
use crate::tls::{CertificateError, Named, ServingCertificate};
use crate::tls_secret::Follower;

/// Every certificate that is served, and what replaces it.
pub(crate) struct Certificates {
    default: Arc<ServingCertificate>,
    source: Source,
    /// For clients that ask for a name.
    named: Vec<(Arc<ServingCertificate>, Files)>,
    resolver: Arc<dyn ResolvesServerCert>,
}

/// Where the certificate comes from that is shown to whoever asks for no other.
enum Source {
    Files(Files),
    Secret(Follower),
    SelfSigned(Keeper),
}

/// Why there is no certificate to begin with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It cannot be served.
    #[error("the serving certificate cannot be used")]
    Certificate(#[from] CertificateError),
    /// It cannot be read.
    #[error("the serving certificate cannot be read")]
    File(#[from] FileError),
    /// It cannot be made, kept or announced.
    #[error(transparent)]
    SelfSigned(#[from] SelfSignedError),
}

impl Certificates {
    /// Reads, makes, or waits for the certificates that flags name.
    pub(crate) async fn open(options: &Options, client: &kube::Client) -> Result<Self, OpenError> {
        let (mut named, mut chosen) = (Vec::new(), Vec::new());
        for pair in &options.sni_certificates {
            let (certificate, files) = read(vec![pair.certificate.clone(), pair.key.clone()])?;
            chosen.push((pair.names.clone(), Arc::clone(&certificate)));
            named.push((certificate, files));
        }
        let (default, source) = if let Some(names) = &options.self_signed {
            let keeper = Keeper::new(client.clone(), names);
            (Arc::new(keeper.first().await?), Source::SelfSigned(keeper))
        } else if let Some(secret) = &options.tls_secret {
            let mut follower = Follower::new(client.clone(), secret);
            (Arc::new(follower.first().await), Source::Secret(follower))
        } else {
            let paths = vec![options.tls_cert_file.clone(), options.tls_private_key_file.clone()];
            let (certificate, files) = read(paths)?;
            (certificate, Source::Files(files))
        };
        let resolver: Arc<dyn ResolvesServerCert> = if chosen.is_empty() {
            Arc::clone(&default) as _
        } else {
            Arc::new(Named::new(Arc::clone(&default), chosen))
        };
        Ok(Self { default, source, named, resolver })
    }

    /// What chooses the certificate of each handshake.
    pub(crate) fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        Arc::clone(&self.resolver)
    }

    /// Replaces the certificates whenever there are others, as long as the tasks go on. Those that cannot be served are
    /// refused, and the old ones stay.
    pub(crate) fn keep(self, tasks: &mut JoinSet<()>, metrics: &Arc<Metrics>, poll_interval: Duration) {
        metrics.set_certificate_expiry(self.default.expiry_seconds());
        let served = {
            let metrics = Arc::clone(metrics);
            move |expiry_seconds| metrics.set_certificate_expiry(expiry_seconds)
        };
        match self.source {
            Source::Files(files) => {
                tasks.spawn(reload(files, self.default, poll_interval, served));
            }
            Source::Secret(follower) => {
                tasks.spawn(follower.follow(self.default, served));
            }
            Source::SelfSigned(keeper) => {
                tasks.spawn(keeper.keep(self.default, Arc::clone(metrics)));
            }
        }
        for (certificate, files) in self.named {
            tasks.spawn(reload(files, certificate, poll_interval, |_| {}));
        }
    }
}

fn read(paths: Vec<std::path::PathBuf>) -> Result<(Arc<ServingCertificate>, Files), OpenError> {
    let files = Files::read(paths)?;
    let certificate = ServingCertificate::from_pem(files.content(0), files.content(1))?;
    Ok((Arc::new(certificate), files))
}

/// Serves another certificate whenever the files hold one, and tells when it expires.
async fn reload(
    mut files: Files,
    certificate: Arc<ServingCertificate>,
    interval: Duration,
    served: impl Fn(u64) + Send,
) {
    let mut unread = Repeated::default();
    loop {
        sleep(interval).await;
        match files.changed() {
            Ok(false) => unread.clear(),
            Ok(true) => replace(&certificate, files.content(0), files.content(1), &served),
            Err(error) => unread.log(&error),
        }
    }
}
