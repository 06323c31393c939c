//! How the objects of a definition come from one version into another.

use podsec_apimachinery::schema::catalog::api_version;
use serde_json::Value;

use crate::object::Fields;

/// What a definition says of its versions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conversion {
    /// Group and version in which objects are kept.
    pub storage: String,
    /// Who converts; without anybody, only `apiVersion` changes.
    pub webhook: Option<ConversionWebhook>,
}

/// A webhook that converts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConversionWebhook {
    /// `clientConfig`, as the definition has it: where it is, and whose certificates are believed.
    pub client_config: Value,
    /// The forms of review that it knows, the best first.
    pub review_versions: Vec<String>,
}

impl Conversion {
    /// Reads a stored definition.
    pub fn of(definition: &Value) -> Self {
        let spec = definition.at("spec");
        let versions = spec.list("versions");
        let storage = versions.iter().find(|version| version.at("storage") == &Value::Bool(true));
        let conversion = spec.at("conversion");
        let webhook = (conversion.text("strategy") == "Webhook").then(|| {
            let webhook = conversion.at("webhook");
            let versions = webhook.list("conversionReviewVersions").iter();
            ConversionWebhook {
                client_config: webhook.at("clientConfig").clone(),
                review_versions: versions.filter_map(Value::as_str).map(str::to_owned).collect(),
            }
        });
        Self {
            storage: api_version(spec.text("group"), storage.map_or("", |version| version.text("name"))),
            webhook,
        }
    }
}
