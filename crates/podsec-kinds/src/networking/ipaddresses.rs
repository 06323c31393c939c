//! IPAddresses: an address that is taken, and the object that has it.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::path_segment;
use serde_json::Value;

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, same};
use crate::printing::{self, column};
use crate::strategy::Strategy;
use crate::{formats, internal, ip, metadata as meta};

/// IPAddresses.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "networking.k8s.io",
    resource: "ipaddresses",
    default: |address| {
        if let Some(address) = address.as_object_mut() {
            address.ensure("spec");
        }
    },
    validate,
    validate_update: |address, old| {
        let mut errors = meta::validate_update(address, old);
        errors.extend(validate(address));
        let parent = address.at("spec").at("parentRef");
        if !same(parent, old.at("spec").at("parentRef")) {
            let path = Path::new("spec").child("parentRef");
            errors.push(internal::invalid(path, "*networking.ParentReference", parent, formats::IMMUTABLE));
        }
        errors
    },
    // Kubernetes has a cell more than columns: the age has none.
    columns: &[
        printing::NAME,
        column(
            "ParentRef",
            "ParentRef references the resource that an IPAddress is attached to. An IPAddress must reference a \
             parent object.",
        ),
    ],
    cells: |address, now| {
        let parent = address.at("spec").field("parentRef").map_or_else(
            || printing::NONE.to_owned(),
            |parent| {
                let mut text = parent.text("resource").to_lowercase();
                for (separator, field) in [(".", "group"), ("/", "namespace")] {
                    if !parent.text(field).is_empty() {
                        text = format!("{text}{separator}{}", parent.text(field));
                    }
                }
                format!("{text}/{}", parent.text("name"))
            },
        );
        vec![printing::name(address), parent.into(), printing::age(address, now)]
    },
    ..BASE
};

/// What the author of an `IPAddress` is told: see [`crate::effects`].
#[expect(clippy::unnecessary_wraps, reason = "others depend on the object")]
pub(crate) fn without_effect(_: &Value) -> Option<String> {
    Some("podsec serve reserves no address for an IPAddress: a Service may get the same".to_owned())
}

fn validate(address: &Value) -> Vec<Error> {
    let name = |name: &str| ip::validate_strict(name, &Path::default()).iter().map(detail).collect();
    let mut errors = meta::validate_named(address, false, name, name);
    errors.extend(meta::finalizers(address));
    let path = Path::new("spec").child("parentRef");
    let Some(parent) = address.at("spec").field("parentRef") else {
        errors.push(Error::required(path, ""));
        return errors;
    };
    let group = parent.text("group");
    if !group.is_empty() {
        errors.extend(formats::invalid(&path.child("group"), group, formats::subdomain(group)));
    }
    for field in ["resource", "name", "namespace"] {
        let (text, path) = (parent.text(field), path.child(field));
        if !text.is_empty() {
            errors.extend(formats::invalid(&path, text, path_segment(text)));
        } else if field != "namespace" {
            errors.push(Error::required(path, ""));
        }
    }
    errors
}

/// The sentence behind the value.
fn detail(error: &Error) -> String {
    error.message.rsplit_once("\": ").map_or(error.message.as_str(), |(_, detail)| detail).to_owned()
}
