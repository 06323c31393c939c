//! `AdmissionConfiguration` of `apiserver.config.k8s.io`: the file of kube-apiserver that holds the configuration of
//! each admission plugin, or says in which file it is.

use super::ConfigurationError;
use super::object::Object;
use super::pod_security::{Configuration, expect_json};

/// What an `AdmissionConfiguration` says about the plugin `PodSecurity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plugin {
    /// Nothing: the default configuration holds.
    Absent,
    /// The configuration itself.
    Configuration(Configuration),
    /// The file that holds the configuration. A relative path starts where the `AdmissionConfiguration` is.
    Path(String),
}

impl Plugin {
    /// Reads an `AdmissionConfiguration` of v1 or v1alpha1 from YAML or JSON. As kube-apiserver this ignores what it
    /// does not know, reads the first plugin of that name only, and prefers a configuration to a path.
    ///
    /// # Errors
    /// When the text is no YAML, is another kind of object, has fields of the wrong type, or holds a configuration
    /// that is refused.
    pub fn from_admission_configuration(text: &str) -> Result<Self, ConfigurationError> {
        expect_json(text)?;
        let document = podsec_yaml::to_json(text)?;
        let document = Object::root(&document)?;
        document.expect_kind("AdmissionConfiguration", &VERSIONS)?;
        for plugin in document.objects("plugins")? {
            let path = plugin.text("path")?.filter(|path| !path.is_empty());
            if plugin.text("name")?.as_deref() != Some("PodSecurity") {
                continue;
            }
            return match (plugin.value("configuration"), path) {
                (Some(configuration), _) => Configuration::from_value(configuration).map(Self::Configuration),
                (None, Some(path)) => Ok(Self::Path(path)),
                (None, None) => Ok(Self::Absent),
            };
        }
        Ok(Self::Absent)
    }
}

const VERSIONS: [&str; 2] = ["apiserver.config.k8s.io/v1", "apiserver.k8s.io/v1alpha1"];
