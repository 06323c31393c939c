//! The configuration of Pod Security admission, read from YAML or JSON.

use podsec_standards::json;
use serde_json::Value;

use super::error::ConfigurationError;
use super::exemptions::Exemptions;
use crate::labels::Policies;

/// How Pod Security admission is configured. The default restricts nothing and exempts nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The policies that hold where a namespace has no label.
    pub defaults: Policies,
    /// Whom no policy binds.
    pub exemptions: Exemptions,
}

impl Configuration {
    /// Reads a `PodSecurityConfiguration` of v1, v1beta1 or v1alpha1 from YAML or JSON. An empty text means the
    /// default configuration.
    ///
    /// # Errors
    /// When the text is no YAML, begins as JSON and is none, repeats a key, is another kind of object, has unknown
    /// fields, fields of the wrong type or values that Kubernetes refuses.
    pub fn from_yaml(text: &str) -> Result<Self, ConfigurationError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        expect_json(text)?;
        let document = podsec_yaml::to_json_strict(text)?;
        Self::from_value(&document)
    }

    /// Reads a `PodSecurityConfiguration` that was found inside another document, as an
    /// `AdmissionConfiguration` holds it.
    ///
    /// # Errors
    /// As [`Configuration::from_yaml`], except that there is no text to be wrong.
    pub fn from_value(document: &Value) -> Result<Self, ConfigurationError> {
        let (defaults, exemptions) = super::decode::decode(document)?;
        Ok(Self { defaults, exemptions })
    }
}

/// Kubernetes takes for JSON what begins with a brace, and then refuses YAML's freedoms.
pub(super) fn expect_json(text: &str) -> Result<(), ConfigurationError> {
    if text.trim_start().starts_with('{') {
        json::read(text.as_bytes(), &mut json::TypeMeta::default())?;
    }
    Ok(())
}

impl Default for Policies {
    fn default() -> Self {
        Self::PRIVILEGED
    }
}
