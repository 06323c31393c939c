//! ResourceClaimTemplates: what the claims of pods are made from.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use super::{GROUP, claim_spec};
use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, same};
use crate::printing;
use crate::strategy::{DeletionAnswer, Strategy};
use crate::{formats, internal, metadata as meta};

/// ResourceClaimTemplates.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: GROUP,
    resource: "resourceclaimtemplates",
    default: |template| {
        let Some(spec) = template.as_object_mut().and_then(|template| template.ensure("spec")) else {
            return;
        };
        spec.ensure("metadata");
        if let Some(inner) = spec.ensure("spec") {
            claim_spec::default(inner);
        }
    },
    validate,
    validate_update: |template, old| {
        let mut errors = meta::validate_update(template, old);
        errors.extend(validate_all(template));
        let spec = template.at("spec");
        if !same(spec, old.at("spec")) {
            let path = Path::new("spec");
            let detail = formats::IMMUTABLE;
            errors.push(internal::invalid(path, "resource.ResourceClaimTemplateSpec", spec, detail));
        }
        errors
    },
    columns: &[printing::NAME, printing::AGE],
    cells: |template, now| vec![printing::name(template), printing::age(template, now)],
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};

fn validate(template: &Value) -> Vec<Error> {
    let mut errors: Vec<Error> =
        claim_spec::admin_access(template.at("spec").at("spec")).into_iter().collect();
    errors.extend(validate_all(template));
    errors
}

fn validate_all(template: &Value) -> Vec<Error> {
    let mut errors = meta::validate(template, true, NameRule::Dns1123Subdomain);
    let (path, spec) = (Path::new("spec"), template.at("spec"));
    errors.extend(meta::template(spec.at("metadata"), &path.child("metadata")));
    errors.extend(claim_spec::validate(spec.at("spec"), &path.child("spec")));
    errors
}
