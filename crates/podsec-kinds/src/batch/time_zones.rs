//! The names of time zones.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use podsec_apimachinery::field::{Error, Path};

/// What is wrong with the name of a time zone (`validateTimeZone`).
pub(super) fn validate(zone: &str, path: &Path) -> Vec<Error> {
    let error = |detail: &str| Error::invalid(path.clone(), &zone.into(), detail);
    let unknown = || error(&format!("unknown time zone {zone}"));
    if zone.is_empty() {
        return vec![error("timeZone must be nil or non-empty string")];
    }
    if !zone.split('/').all(is_component) {
        return vec![unknown()];
    }
    let mut errors = Vec::new();
    if zone.eq_ignore_ascii_case("local") {
        let detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        errors.push(error(detail));
    }
    if zone != "Local" && !is_known(zone) {
        errors.push(unknown());
    }
    errors
}

/// Whether there is a time zone of this name.
pub(super) fn is_known(zone: &str) -> bool {
    ZONES.contains(zone)
}

fn is_component(part: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte);
    !matches!(part, "" | "." | "..") && part.len() <= 14 && !part.starts_with('-') && part.bytes().all(legal)
}

/// The names of the time zone database of IANA.
static ZONES: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| include_str!("../../data/time-zones.txt").lines().collect());
