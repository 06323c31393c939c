//! The configuration file: read at the start, and again when it changes.

use std::path::PathBuf;

use podsec_admission::{Admission, Configuration, ConfigurationError, Policies};

use crate::cluster::Namespaces;
use crate::files::{FileError, Files};

/// The file that configures the webhook, and what it last said.
#[derive(Debug)]
pub(crate) struct ConfigurationFile {
    file: Files,
    current: Configuration,
}

/// Why a configuration is not decided by.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is no configuration.
    #[error("{} is no valid configuration", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ConfigurationError,
    },
    /// The file is not UTF-8.
    #[error("{} is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
    /// The file has become empty. At the start that means the default configuration, which restricts nothing;
    /// later it means an accident.
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
}

impl ConfigurationFile {
    /// Reads the configuration for the first time.
    pub(crate) fn read(path: PathBuf) -> Result<Self, ReadError> {
        let file = Files::read(vec![path])?;
        let current = parse(&file)?;
        Ok(Self { file, current })
    }

    pub(crate) fn admission(&self) -> Admission {
        Admission::new(self.current.clone())
    }

    /// The admission that is to decide from now on, if the file says something else than before. Logs what that
    /// changes for the namespaces that are known.
    pub(crate) fn changed(&mut self, namespaces: &Namespaces) -> Result<Option<Admission>, ReadError> {
        if !self.file.changed()? {
            return Ok(None);
        }
        if self.file.content(0).is_empty() {
            return Err(ReadError::Empty(self.file.paths().iter().collect()));
        }
        let next = parse(&self.file)?;
        if next == self.current {
            return Ok(None);
        }
        log_changes(&self.current, &next, namespaces);
        self.current = next;
        Ok(Some(self.admission()))
    }
}

fn parse(file: &Files) -> Result<Configuration, ReadError> {
    let path = || file.paths().iter().collect();
    let text = std::str::from_utf8(file.content(0)).map_err(|_| ReadError::NotUtf8(path()))?;
    Configuration::from_yaml(text).map_err(|source| ReadError::Invalid { path: path(), source })
}

fn log_changes(current: &Configuration, next: &Configuration, namespaces: &Namespaces) {
    let mut changes = 0;
    let mut known = namespaces.snapshot();
    known.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    for (name, labels) in &known {
        let before = effect(current, name, &labels.policies(&current.defaults));
        let after = effect(next, name, &labels.policies(&next.defaults));
        if before == after {
            continue;
        }
        changes += 1;
        if changes <= LOGGED {
            tracing::info!(namespace = &**name, before, after, "the new configuration changes a namespace");
        }
    }
    tracing::info!(
        namespaces = known.len(),
        changed = changes,
        logged = changes.min(LOGGED),
        "the new configuration is decided by"
    );
}

/// What a configuration means for a namespace, in words.
fn effect(configuration: &Configuration, name: &str, policies: &Policies) -> String {
    if configuration.exemptions.has_namespace(name) {
        return "exempt".to_owned();
    }
    let Policies { enforce, audit, warn } = policies;
    format!("enforce={enforce} audit={audit} warn={warn}")
}

/// How many changed namespaces are logged, each on a line.
const LOGGED: usize = 50;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const BASELINE: &str = "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\ndefaults: {enforce: baseline}\n";

    #[test]
    fn a_bad_file_is_refused_with_its_reason_and_a_good_one_after_it_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        fs::write(&path, BASELINE).unwrap();
        let mut file = ConfigurationFile::read(path.clone()).unwrap();
        let namespaces = Namespaces::default();
        let mut after_writing = |text: &str| {
            fs::write(&path, text).unwrap();
            let first = file.changed(&namespaces);
            assert!(matches!(first, Ok(None)), "believed at first sight: {first:?}");
            file.changed(&namespaces)
        };
        let refused = after_writing(&BASELINE.replace("baseline", "basic")).unwrap_err();
        let reason = crate::cluster::chain(&refused);
        assert!(
            reason.contains("is no valid configuration: configuration error: enforce: must be one of"),
            "{reason}"
        );
        let refused = after_writing("").unwrap_err();
        assert!(matches!(refused, ReadError::Empty(_)), "{refused:?}");
        assert!(after_writing(&BASELINE.replace("baseline", "restricted")).unwrap().is_some());
        assert!(
            after_writing(&BASELINE.replace("baseline", "'restricted'")).unwrap().is_none(),
            "the same in other words"
        );
    }

    #[test]
    fn the_effect_on_a_namespace_is_said_in_labels() {
        let configuration =
            Configuration::from_yaml(&format!("{BASELINE}exemptions: {{namespaces: [kube-system]}}\n"))
                .unwrap();
        let effect = |name| effect(&configuration, name, &configuration.defaults);
        assert_eq!(effect("kube-system"), "exempt");
        assert_eq!(effect("team"), "enforce=baseline:latest audit=privileged:latest warn=privileged:latest");
    }
}
