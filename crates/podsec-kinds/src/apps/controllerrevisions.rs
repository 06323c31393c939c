//! ControllerRevisions: what a controller kept of a state, which never changes.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::generic::BASE;
use crate::object::{Fields, metadata, same};
use crate::printing::{self, NONE, column};
use crate::strategy::Strategy;
use crate::{formats, metadata as meta};

/// ControllerRevisions.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "apps",
    resource: "controllerrevisions",
    validate: |revision| {
        let mut errors = validate(revision);
        let required = |detail| Error::required(Path::new("data"), detail);
        match revision.at("data") {
            Value::Null => errors.push(required("data is mandatory")),
            Value::Object(_) => {}
            _ => errors.push(required("data must be a valid JSON object")),
        }
        errors
    },
    validate_update: |revision, old| {
        let mut errors = meta::validate_update(revision, old);
        errors.extend(validate(revision));
        if !same(revision.at("data"), old.at("data")) {
            let data = revision.at("data");
            errors.push(Error::invalid(Path::new("data"), data, formats::IMMUTABLE));
        }
        errors
    },
    columns: &[
        printing::NAME,
        column("Controller", "Controller of the object"),
        column("Revision", "Revision indicates the revision of the state represented by Data."),
        printing::AGE,
    ],
    cells: |revision, now| {
        let owner = metadata(revision).list("ownerReferences").iter().find(|owner| owner.flag("controller"));
        let controller = owner.map_or_else(
            || NONE.to_owned(),
            |owner| {
                let kind = owner.text("kind").to_lowercase();
                match owner.text("apiVersion").split_once('/') {
                    Some((group, _)) => format!("{kind}.{group}/{}", owner.text("name")),
                    None => format!("{kind}/{}", owner.text("name")),
                }
            },
        );
        vec![
            printing::name(revision),
            controller.into(),
            revision.number("revision").into(),
            printing::age(revision, now),
        ]
    },
    ..BASE
};

fn validate(revision: &Value) -> Vec<Error> {
    let mut errors = meta::validate(revision, true, NameRule::Dns1123Subdomain);
    errors.extend(formats::nonnegative(&Path::new("revision"), revision.number("revision")));
    errors
}
