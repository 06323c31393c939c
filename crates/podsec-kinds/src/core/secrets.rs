//! Secrets: the data that is written as text, the types, and the keys that a type needs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use podsec_go::json;
use serde_json::Value;

use crate::core::configmaps::{SIZE_LIMIT, decoded_size, immutable_data};
use crate::core::key_pair;
use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata};
use crate::printing::{self, column};
use crate::strategy::{SelectableField, Strategy};
use crate::{formats, metadata as meta};

/// Secrets.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "secrets",
    default,
    validate,
    validate_update: |secret, old| {
        let mut errors = meta::validate_update(secret, old);
        if secret.text("type") != old.text("type") {
            let path = Path::new("type");
            errors.push(Error::invalid(path, secret.at("type"), formats::IMMUTABLE));
        }
        errors.extend(immutable_data(secret, old, &["data"]));
        errors.extend(validate(secret));
        errors
    },
    warnings_on_create: warnings,
    warnings_on_update: |secret, _| warnings(secret),
    columns: &[
        printing::NAME,
        column(
            "Type",
            "Used to facilitate programmatic handling of secret data. More info: \
         https://kubernetes.io/docs/concepts/configuration/secret/#secret-types",
        ),
        column(
            "Data",
            "Data contains the secret data. Each key must consist of alphanumeric characters, '-', '_' or '.'. \
         The serialized form of the secret data is a base64 encoded string, representing the arbitrary \
         (possibly non-string) data value here. Described in https://tools.ietf.org/html/rfc4648#section-4",
        ),
        printing::AGE,
    ],
    cells: |secret, now| {
        let keys = secret.entries("data").count();
        vec![printing::name(secret), secret.text("type").into(), keys.into(), printing::age(secret, now)]
    },
    selectable_fields: &[SelectableField::path("type")],
    ..BASE
};

fn default(secret: &mut Value) {
    let Some(secret) = secret.as_object_mut() else { return };
    secret.fill_zero("type", "Opaque");
    if let Some(Value::Object(texts)) = secret.remove("stringData")
        && let Some(data) = secret.ensure("data")
    {
        for (key, text) in texts {
            data.insert(key, STANDARD.encode(text.as_str().unwrap_or_default()).into());
        }
    }
}

fn validate(secret: &Value) -> Vec<Error> {
    let mut errors = meta::validate(secret, true, NameRule::Dns1123Subdomain);
    let path = Path::new("data");
    let mut size = 0;
    for (key, value) in secret.texts("data") {
        errors.extend(formats::invalid(&path.key(key), key, formats::config_map_key(key)));
        size += decoded_size(value);
    }
    if size > SIZE_LIMIT {
        errors.push(Error::too_long(path.clone(), SIZE_LIMIT));
    }
    let needed: &[&str] = match secret.text("type") {
        "kubernetes.io/service-account-token" => {
            let name = "kubernetes.io/service-account.name";
            if metadata(secret).at("annotations").text(name).is_empty() {
                let path = Path::new("metadata").child("annotations").key(name);
                errors.push(Error::required(path, ""));
            }
            &[]
        }
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/basic-auth" => {
            if !secret.at("data").has("username") && !secret.at("data").has("password") {
                errors.push(Error::required(path.key("username"), ""));
                errors.push(Error::required(path.key("password"), ""));
            }
            &[]
        }
        _ => &[],
    };
    for key in needed {
        let value = secret.at("data").at(key).as_str();
        // A certificate may be empty, an image registry's or a shell's key may not.
        let missing = value.is_none_or(|value| value.is_empty() && !key.starts_with("tls."));
        if missing {
            errors.push(Error::required(path.key(key), ""));
        } else if key.starts_with(".docker")
            && let Some(why) = syntax_error(value.unwrap_or_default())
        {
            errors.push(Error::invalid(path.key(key), &"<secret contents redacted>".into(), &why));
        }
    }
    errors
}

/// What to say about a certificate and a key that do not belong together.
fn warnings(secret: &Value) -> Vec<String> {
    if secret.text("type") != "kubernetes.io/tls" {
        return Vec::new();
    }
    let decoded = |key: &str| STANDARD.decode(secret.at("data").text(key)).unwrap_or_default();
    key_pair::wrong(&decoded("tls.crt"), &decoded("tls.key")).into_iter().collect()
}

/// Why data is no JSON, in Go's words.
fn syntax_error(encoded: &str) -> Option<String> {
    let text = STANDARD.decode(encoded).unwrap_or_default();
    json::parse(&text, json::MAX_DEPTH).err().map(|error| error.to_string())
}
