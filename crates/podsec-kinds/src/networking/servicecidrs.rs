//! ServiceCIDRs: the blocks from which services get their addresses.

use podsec_apimachinery::field::{Error, Path, json};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::generic::{BASE, WITH_STATUS, metadata_of_stored};
use crate::object::{Fields, FieldsMut};
use crate::printing::{self, column};
use crate::strategy::{Strategy, Subresource};
use crate::{formats, internal, ip, metadata as meta};

/// ServiceCIDRs.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "networking.k8s.io",
    resource: "servicecidrs",
    default: |cidr| {
        if let Some(cidr) = cidr.as_object_mut() {
            cidr.ensure("spec");
            cidr.ensure("status");
        }
    },
    prepare_for_create: |cidr| crate::workload::reset_status(cidr, serde_json::json!({})),
    prepare_for_update: WITH_STATUS.prepare_for_update,
    validate: |cidr| {
        let mut errors = meta::validate(cidr, false, NameRule::Dns1123Subdomain);
        errors.extend(spec(cidr.at("spec")));
        errors
    },
    validate_update: |cidr, old| {
        let mut errors = meta::validate_update(cidr, old);
        errors.extend(changed(cidr.at("spec"), old.at("spec").list("cidrs")));
        errors
    },
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: |cidr, old| metadata_of_stored(cidr, old, &["spec"]),
        validate_update: meta::validate_update,
    }],
    columns: &[
        printing::NAME,
        column(
            "CIDRs",
            "CIDRs defines the IP blocks in CIDR notation (e.g. \"192.168.0.0/24\" or \"2001:db8::/64\") from which \
             to assign service cluster IPs. Max of two CIDRs is allowed, one of each IP family. This field is \
             immutable.",
        ),
        printing::AGE,
    ],
    cells: |cidr, now| {
        let blocks: Vec<&str> = cidr.at("spec").list("cidrs").iter().filter_map(Value::as_str).collect();
        vec![printing::name(cidr), blocks.join(",").into(), printing::age(cidr, now)]
    },
    ..BASE
};

/// What the author of a `ServiceCIDR` is told: see [`crate::effects`].
#[expect(clippy::unnecessary_wraps, reason = "others depend on the object")]
pub(crate) fn without_effect(_: &Value) -> Option<String> {
    Some(
        "podsec serve gives Services addresses of --service-cluster-ip-range alone, whatever ServiceCIDRs there are"
            .to_owned(),
    )
}

fn spec(spec: &Value) -> Vec<Error> {
    let path = Path::new("spec").child("cidrs");
    let blocks = spec.list("cidrs");
    match blocks.len() {
        0 => return vec![Error::required(path, "at least one CIDR required")],
        1 | 2 => {}
        _ => {
            return vec![internal::invalid(
                path,
                "networking.ServiceCIDRSpec",
                spec,
                "may only hold up to 2 values",
            )];
        }
    }
    let text = |block: &'_ Value| block.as_str().unwrap_or_default().to_owned();
    let mut errors: Vec<Error> = blocks
        .iter()
        .enumerate()
        .flat_map(|(index, block)| ip::validate_strict_cidr(&text(block), &path.index(index)))
        .collect();
    let families: Vec<bool> =
        blocks.iter().filter_map(|block| Some(ip::sloppy_cidr(&text(block))?.1.address.is_ipv4())).collect();
    if let [one, other] = families.as_slice()
        && one == other
    {
        let detail =
            "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
        errors.push(Error::invalid_json(path, &json(spec.at("cidrs")), detail));
    }
    errors
}

/// The blocks stay, but for a second one of the other family.
fn changed(spec: &Value, old: &[Value]) -> Vec<Error> {
    let path = Path::new("spec").child("cidrs");
    let blocks = spec.list("cidrs");
    let fixed = |(index, (new, old)): (usize, (&Value, &Value))| {
        (new != old).then(|| Error::invalid(path.index(index), new, formats::IMMUTABLE))
    };
    let mut errors: Vec<Error> = Vec::new();
    match (old.len(), blocks.len()) {
        (before, now) if before == now => {
            errors.extend(blocks.iter().zip(old).enumerate().filter_map(fixed));
        }
        (1, 2) => {
            errors.extend(blocks.iter().zip(old).enumerate().filter_map(fixed));
            errors.extend(self::spec(spec));
        }
        _ => errors.push(Error::invalid_json(path.clone(), &json(spec.at("cidrs")), formats::IMMUTABLE)),
    }
    errors
}
