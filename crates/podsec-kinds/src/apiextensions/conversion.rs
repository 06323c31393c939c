//! The rules of how the objects of a definition get from one version to another.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path, json as go_json};
use podsec_apimachinery::name::dns1035_label;
use serde_json::Value;

use crate::admissionregistration::webhook_configurations::client_config;
use crate::formats;
use crate::object::Fields;

/// What is wrong with `conversion`. `preserves` says whether the definition keeps unknown fields of all objects.
pub(super) fn validate(spec: &Value, preserves: bool, path: &Path) -> Vec<Error> {
    let conversion = spec.at("conversion");
    let (strategy, webhook) = (conversion.text("strategy"), conversion.at("webhook"));
    let (strategy_path, config_path) = (path.child("strategy"), path.child("webhookClientConfig"));
    let versions_path = path.child("conversionReviewVersions");
    let mut errors = Vec::new();
    if conversion.is_null() {
        return errors;
    }
    if strategy != "None" && preserves {
        let why = "must be None if spec.preserveUnknownFields is true";
        errors.push(Error::invalid(strategy_path.clone(), &strategy.into(), why));
    }
    errors.extend(formats::one_of(&strategy_path, strategy, &["None", "Webhook"]));
    let (config, versions) = (webhook.at("clientConfig"), webhook.list("conversionReviewVersions"));
    if strategy != "Webhook" {
        let why = "should not be set when strategy is not set to Webhook";
        if !config.is_null() {
            errors.push(Error::forbidden(config_path, why));
        }
        if !versions.is_empty() {
            errors.push(Error::forbidden(versions_path, why));
        }
        return errors;
    }
    if config.is_null() {
        errors.push(Error::required(config_path, "required when strategy is set to Webhook"));
    } else {
        errors.extend(client_config(config, &config_path));
    }
    if versions.is_empty() {
        errors.push(Error::required(versions_path, ""));
        return errors;
    }
    let (mut seen, mut known) = (BTreeSet::new(), false);
    for (index, version) in versions.iter().filter_map(Value::as_str).enumerate() {
        let path = versions_path.index(index);
        if !seen.insert(version) {
            errors.push(Error::invalid(path, &version.into(), "duplicate version"));
            continue;
        }
        errors.extend(formats::invalid(&path, version, dns1035_label(version)));
        known |= matches!(version, "v1" | "v1beta1");
    }
    if !known {
        let why = "must include at least one of v1, v1beta1";
        errors.push(Error::invalid_json(
            versions_path,
            &go_json(webhook.at("conversionReviewVersions")),
            why,
        ));
    }
    errors
}
