//! The addresses of a service inside the cluster and their families: what the client means, what follows from it, and
//! what it may say. The cluster has one family, IPv4.

use podsec_apimachinery::field::{Error, Path};
use serde_json::{Map, Value, json};

use super::classification::is_headless;
use super::pool::{Pool, Refused};
use crate::object::{Fields, same};
use crate::{formats, ip};

/// A client that names `clusterIP` alone means `clusterIPs` too, and one that names neither keeps what is there
/// (`patchAllocatedValues` and `normalizeClusterIPs`).
pub(super) fn complete(spec: &mut Map<String, Value>, old: Option<&Value>) {
    let singular = |spec: &mut Map<String, Value>| {
        let address = spec.at("clusterIP").clone();
        spec.insert("clusterIPs".to_owned(), json!([address]));
    };
    let Some(old) = old else {
        if !spec.text("clusterIP").is_empty() && spec.list("clusterIPs").is_empty() {
            singular(spec);
        }
        return;
    };
    if has_addresses(old) && has_addresses(spec) {
        if spec.text("clusterIP").is_empty() && old.has("clusterIP") {
            spec.insert("clusterIP".to_owned(), old.at("clusterIP").clone());
        }
        if spec.list("clusterIPs").is_empty() && !old.list("clusterIPs").is_empty() {
            spec.insert("clusterIPs".to_owned(), old.at("clusterIPs").clone());
        }
    }
    let (now, then) = (spec.text("clusterIP").to_owned(), old.text("clusterIP"));
    if now == then && spec.list("clusterIPs").is_empty() && !old.list("clusterIPs").is_empty() {
        spec.insert("clusterIPs".to_owned(), old.at("clusterIPs").clone());
    }
    if now != then && spec.list("clusterIPs") == old.list("clusterIPs") {
        if now.is_empty() {
            spec.remove("clusterIPs");
        } else {
            singular(spec);
        }
    }
}

/// The families and their policy, as far as the client does not say (`initIPFamilyFields`).
pub(super) fn complete_families(
    spec: &mut Map<String, Value>,
    old: Option<&Value>,
) -> Result<(), Vec<Error>> {
    if !has_addresses(spec) || old.is_some_and(|old| keeps_preference(spec, old)) {
        return Ok(());
    }
    let without_endpoints = spec.text("clusterIP") == "None" && spec.entries("selector").next().is_none();
    if !spec.has("ipFamilyPolicy") {
        let policy = match old.and_then(|old| old.field("ipFamilyPolicy")) {
            Some(policy) => policy.clone(),
            None if without_endpoints => "RequireDualStack".into(),
            None => "SingleStack".into(),
        };
        spec.insert("ipFamilyPolicy".to_owned(), policy);
    }
    let wrong = validate(&*spec, old.map_or(&[][..], |old| old.list("clusterIPs")));
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let policy_path = Path::new("spec").child("ipFamilyPolicy");
    let policy = spec.at("ipFamilyPolicy").clone();
    let single = policy == "SingleStack";
    let refuse = |detail: &str| Error::invalid(policy_path.clone(), &policy, detail);
    let mut errors = Vec::new();
    for (field, released, many) in [
        ("clusterIPs", "secondary cluster IP", "cluster IPs"),
        ("ipFamilies", "secondary IP family", "IP families"),
    ] {
        if let Some(old) = old {
            let (now, then) = (spec.list(field).len(), old.list(field).len());
            if single && same(spec.at(field), old.at(field)) && now > 1 {
                let first = spec.list(field)[0].clone();
                spec.insert(field.to_owned(), json!([first]));
            } else if !single && now == 1 && then == 2 && spec.list(field)[0] == old.list(field)[0] {
                errors.push(refuse(&format!("must be 'SingleStack' to release the {released}")));
            }
        }
        if single && spec.list(field).len() == 2 {
            let detail =
                format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {many} are specified");
            errors.push(refuse(&detail));
        }
    }
    let mut families = spec.list("ipFamilies").to_vec();
    for (index, address) in spec.list("clusterIPs").iter().enumerate() {
        if address == "None" {
            break;
        }
        if index < families.len() {
            continue;
        }
        if is_v6(address) {
            let path = Path::new("spec").child("clusterIPs").index(index);
            let detail = "IPv6 is not configured on this cluster";
            errors.push(Error::invalid(path, spec.at("clusterIPs"), detail));
        } else {
            families.push("IPv4".into());
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    if families.is_empty() && without_endpoints {
        families.push("IPv4".into());
    }
    if without_endpoints {
        if families.len() == 1 && !single {
            families.push(if families[0] == "IPv4" { "IPv6".into() } else { "IPv4".into() });
        }
        spec.insert("ipFamilies".to_owned(), families.into());
        return Ok(());
    }
    if policy == "RequireDualStack" {
        errors.push(refuse("this cluster is not configured for dual-stack services"));
    }
    for (index, family) in families.iter().enumerate().filter(|(_, family)| *family != "IPv4") {
        let path = Path::new("spec").child("ipFamilies").index(index);
        errors.push(Error::invalid(path, family, "not configured on this cluster"));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    if families.is_empty() {
        families.push("IPv4".into());
    }
    spec.insert("ipFamilies".to_owned(), families.into());
    Ok(())
}

/// An address for each family that has none. A stored service keeps its own.
pub(super) fn allocate(
    spec: &mut Map<String, Value>,
    old: Option<&Value>,
    name: &str,
    pool: &mut Pool,
) -> Result<(), Refused> {
    let kept = old.is_some_and(has_addresses);
    if kept || !has_addresses(spec) || matches!(spec.list("clusterIPs"), [first, ..] if first == "None") {
        return Ok(());
    }
    let refused = |spec: &Map<String, Value>, detail: String| {
        let path = Path::new("spec").child("clusterIPs");
        Refused::Invalid(vec![Error::invalid(path, spec.at("clusterIPs"), &detail)])
    };
    let given = spec.list("clusterIPs").first().and_then(Value::as_str).unwrap_or_default().to_owned();
    let address = if given.is_empty() {
        let Some(address) = pool.next_address() else {
            let why = format!("failed to allocate a serviceIP for Service \"{name}\": range is full");
            return Err(Refused::Internal(why));
        };
        address.to_string()
    } else {
        pool.take_address(&given)
            .map_err(|why| refused(spec, format!("failed to allocate IP {given}: {why}")))?;
        given
    };
    spec.insert("clusterIP".to_owned(), address.clone().into());
    spec.insert("clusterIPs".to_owned(), json!([address]));
    Ok(())
}

/// The rules of addresses, families and policy beside each other (`ValidateServiceClusterIPsRelatedFields`).
pub(super) fn validate(spec: &impl Fields, stored: &[Value]) -> Vec<Error> {
    if !has_addresses(spec) {
        return Vec::new();
    }
    let path = Path::new("spec").child("clusterIPs");
    let addresses = spec.list("clusterIPs");
    let shown = spec.at("clusterIPs");
    let mut errors = Vec::new();
    match (spec.text("clusterIP"), addresses) {
        ("", []) => {}
        ("", _) => {
            errors.push(Error::invalid(
                path.clone(),
                shown,
                "must be empty when `clusterIP` is not specified",
            ));
        }
        (_, []) => errors.push(Error::required(path.clone(), "")),
        (address, [first, ..]) => {
            if first != address {
                errors.push(Error::invalid(path.clone(), shown, "first value must match `clusterIP`"));
            }
        }
    }
    errors.extend(validate_families(spec));
    let stored: Vec<&str> = stored.iter().filter_map(Value::as_str).collect();
    let before = errors.len();
    for (index, address) in addresses.iter().enumerate() {
        let address = address.as_str().unwrap_or_default();
        if index == 0 && address == "None" {
            if addresses.len() > 1 {
                let detail = "'None' must be the first and only value";
                errors.push(Error::invalid(path.clone(), shown, detail));
            }
        } else {
            errors.extend(ip::validate_legacy(address, &path.index(index), &stored));
        }
    }
    let unreadable = errors.len() > before;
    if addresses.len() > 2 {
        errors.push(Error::invalid(path.clone(), shown, "may only hold up to 2 values"));
    }
    if unreadable {
        return errors;
    }
    if addresses.len() > 1 && addresses.iter().all(is_v6) == addresses.iter().any(is_v6) {
        let detail = "may specify no more than one IP for each IP family";
        errors.push(Error::invalid(path.clone(), shown, detail));
    }
    if !is_headless(spec) {
        for (index, (address, family)) in addresses.iter().zip(spec.list("ipFamilies")).enumerate() {
            let other = match family.as_str() {
                Some("IPv4") => is_v6(address),
                Some("IPv6") => !is_v6(address),
                _ => false,
            };
            if other {
                let family = family.as_str().unwrap_or_default();
                let detail = format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
                errors.push(Error::invalid(path.index(index), address, &detail));
            }
        }
    }
    errors
}

fn validate_families(spec: &impl Fields) -> Vec<Error> {
    let path = Path::new("spec").child("ipFamilies");
    let families = spec.list("ipFamilies");
    let mut errors = Vec::new();
    for (index, family) in families.iter().enumerate() {
        let path = path.index(index);
        if family != "IPv4" && family != "IPv6" {
            errors.push(Error::not_supported(path.clone(), family, &["IPv4", "IPv6"]));
        }
        if families[..index].contains(family) {
            errors.push(Error::duplicate(path, family));
        }
    }
    let policy = spec.text("ipFamilyPolicy");
    if spec.has("ipFamilyPolicy") && !POLICIES.contains(&policy) {
        errors.push(formats::unsupported(&Path::new("spec").child("ipFamilyPolicy"), policy, POLICIES));
    }
    errors
}

/// The first address and the first family stay (`validateUpgradeDowngradeClusterIPs` and its sibling for families).
pub(super) fn validate_update(spec: &Value, old: &Value) -> Vec<Error> {
    if !has_addresses(spec) || !has_addresses(old) {
        return Vec::new();
    }
    let (headless, was_headless) = (is_headless(spec), is_headless(old));
    let mut errors = Vec::new();
    if !(headless && was_headless) {
        errors.extend(kept(spec, old, "clusterIPs", spec.at("clusterIPs"), "clusterIP"));
    }
    if !headless && !was_headless {
        errors.extend(kept(spec, old, "ipFamilies", spec.at("clusterIPs"), "ipFamily"));
    }
    errors
}

fn kept(spec: &Value, old: &Value, field: &str, addresses: &Value, one: &str) -> Vec<Error> {
    let path = Path::new("spec").child(field);
    let shown = spec.at(field);
    let (now, then) = (spec.list(field), old.list(field));
    let changed = "may not change once set";
    let mut errors = Vec::new();
    if now.len() == then.len() {
        for (index, _) in now.iter().zip(then).enumerate().filter(|(_, (now, then))| now != then) {
            let index = if field == "clusterIPs" { index } else { 0 };
            errors.push(Error::invalid(path.index(index), shown, changed));
        }
        return errors;
    }
    let released = now.len() < then.len();
    if released && spec.list("clusterIPs").is_empty() {
        let detail = format!("primary {one} can not be unset");
        errors.push(Error::invalid(path.index(0), shown, &detail));
    }
    if let ([first, ..], [stored, ..]) = (now, then)
        && first != stored
    {
        errors.push(Error::invalid(path.index(0), addresses, changed));
    }
    if released && now.len() == 1 && spec.text("ipFamilyPolicy") != "SingleStack" {
        let path = Path::new("spec").child("ipFamilyPolicy");
        let detail = format!("must be set to 'SingleStack' when releasing the secondary {one}");
        errors.push(Error::invalid(path, spec.at("ipFamilyPolicy"), &detail));
    }
    errors
}

/// Whether both prefer two families and nothing about that changes (`isMatchingPreferDualStackClusterIPFields`).
fn keeps_preference(spec: &Map<String, Value>, old: &Value) -> bool {
    let prefers = |policy: &str| policy == "PreferDualStack";
    spec.text("type") == old.text("type")
        && prefers(spec.text("ipFamilyPolicy"))
        && (prefers(old.text("ipFamilyPolicy")) || !old.has("ipFamilyPolicy"))
        && spec.list("clusterIPs") == old.list("clusterIPs")
        && spec.list("ipFamilies") == old.list("ipFamilies")
}

/// Every type but ExternalName has an address, were it `None`.
pub(super) fn has_addresses(spec: &impl Fields) -> bool {
    spec.text("type") != "ExternalName"
}

fn is_v6(address: &Value) -> bool {
    address.as_str().is_some_and(|address| address.contains(':'))
}

const POLICIES: &[&str] = &["PreferDualStack", "RequireDualStack", "SingleStack"];
