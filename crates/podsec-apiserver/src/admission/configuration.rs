//! `--admission-control-config-file`: an `AdmissionConfiguration` that holds or points to Pod Security's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use podsec_admission::configuration::Plugin;
use podsec_admission::{Configuration, ConfigurationError};

use crate::options::Options;

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot use the admission configuration {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The file holds something that is refused.
    #[error("cannot use the admission configuration {}", path.display())]
    Refuse {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ConfigurationError,
    },
}

/// The configuration of Pod Security: that of the file, or the default one.
///
/// # Errors
/// When a file cannot be read, or holds something that is refused.
pub(crate) fn load(options: &Options) -> Result<Configuration, Error> {
    let Some(path) = &options.admission_control_config_file else { return Ok(Configuration::default()) };
    let refuse = |path: &Path, source| Error::Refuse { path: path.to_owned(), source };
    match Plugin::from_admission_configuration(&read(path)?).map_err(|error| refuse(path, error))? {
        Plugin::Absent => Ok(Configuration::default()),
        Plugin::Configuration(configuration) => Ok(configuration),
        Plugin::Path(other) => {
            let other = path.parent().unwrap_or(Path::new("")).join(other);
            Configuration::from_yaml(&read(&other)?).map_err(|error| refuse(&other, error))
        }
    }
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}
