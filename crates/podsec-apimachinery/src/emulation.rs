//! `--emulated-version`: an earlier minor of Kubernetes, without the kinds and fields that came later.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::kubernetes::{MAJOR, MINOR};
use crate::schema::catalog::Catalog;
use crate::schema::{Definitions, Schema, Shape};

/// A minor version of Kubernetes, and what came after it.
///
/// ```
/// use podsec_apimachinery::emulation::Emulation;
///
/// let emulation: Emulation = "1.33".parse().unwrap();
/// assert!(emulation.catalog().find("resource.k8s.io", "v1", "deviceclasses").is_none());
/// assert!("1.12".parse::<Emulation>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emulation {
    minor: u32,
    /// The kinds that this minor does not have, by their definitions.
    kinds: HashSet<&'static str>,
    /// The fields that it does not have, by definition.
    fields: HashMap<&'static str, Vec<&'static str>>,
}

/// A version that is not emulated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("emulation version {0} is not between {first} and {last}", first = version(FIRST), last = version(MINOR))]
pub struct Unsupported(String);

impl Default for Emulation {
    fn default() -> Self {
        Self { minor: MINOR, kinds: HashSet::new(), fields: HashMap::new() }
    }
}

impl FromStr for Emulation {
    type Err = Unsupported;

    /// Reads `1.36`, or as kube-apiserver takes it `kube=1.36`.
    fn from_str(text: &str) -> Result<Self, Unsupported> {
        let number = text.strip_prefix("kube=").unwrap_or(text);
        let number = number.strip_prefix('v').unwrap_or(number);
        let minor = number.strip_prefix("1.").and_then(|minor| minor.parse().ok());
        let minor = minor.filter(|minor| (FIRST..=MINOR).contains(minor));
        let minor = minor.ok_or_else(|| Unsupported(text.to_owned()))?;
        let mut emulation = Self { minor, ..Self::default() };
        for (_, added) in ADDED.iter().filter(|(of, _)| *of > minor) {
            for line in added.lines() {
                let mut words = line.split(' ');
                match words.next() {
                    Some("kind") => emulation.kinds.extend(words),
                    Some(definition) => emulation.fields.entry(definition).or_default().extend(words),
                    None => {}
                }
            }
        }
        Ok(emulation)
    }
}

impl fmt::Display for Emulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&version(self.minor))
    }
}

impl Emulation {
    /// The minor version.
    pub fn minor(&self) -> u32 {
        self.minor
    }

    /// The resources that this version serves.
    pub fn catalog(&self) -> Catalog {
        let mut catalog = Catalog::builtin().clone();
        for resource in Catalog::builtin().resources() {
            let definition =
                Definitions::builtin().name_of(&resource.group, &resource.version, &resource.kind);
            if definition.is_some_and(|name| self.kinds.contains(name)) {
                catalog.remove(&resource.group, &resource.version, &resource.resource);
            }
        }
        catalog
    }

    /// Drops the fields that this version does not have, without a word, as what stands behind a feature gate that is off.
    pub fn drop_fields(&self, schema: Schema<'_>, value: &mut Value) {
        if self.fields.is_empty() {
            return;
        }
        match (schema.shape(), value) {
            (Shape::Struct(fields), Value::Object(members)) => {
                for name in self.fields.get(fields.name()).into_iter().flatten() {
                    members.remove(*name);
                }
                for (name, value) in members.iter_mut() {
                    if let Some(field) = fields.field(name) {
                        self.drop_fields(field, value);
                    }
                }
            }
            (Shape::List(items), Value::Array(values)) => {
                for value in values {
                    self.drop_fields(items, value);
                }
            }
            (Shape::Map(values), Value::Object(members)) => {
                for value in members.values_mut() {
                    self.drop_fields(values, value);
                }
            }
            _ => {}
        }
    }
}

fn version(minor: u32) -> String {
    format!("{MAJOR}.{minor}")
}

/// The earliest minor that is emulated.
const FIRST: u32 = 30;

/// What each minor added. Written by tools/refresh-minors.py.
const ADDED: [(u32, &str); 7] = [
    (31, include_str!("../data/minors/1.31.txt")),
    (32, include_str!("../data/minors/1.32.txt")),
    (33, include_str!("../data/minors/1.33.txt")),
    (34, include_str!("../data/minors/1.34.txt")),
    (35, include_str!("../data/minors/1.35.txt")),
    (36, include_str!("../data/minors/1.36.txt")),
    (37, include_str!("../data/minors/1.37.txt")),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(emulated: &str) -> Value {
        let mut pod = json!({"spec": {"schedulingGroup": {"podGroupName": "g"}, "hostname": "h",
            "containers": [{"name": "c", "lifecycle": {"stopSignal": "SIGTERM"}}]}});
        let schema = Definitions::builtin().kind("", "v1", "Pod").unwrap();
        emulated.parse::<Emulation>().unwrap().drop_fields(schema, &mut pod);
        pod
    }

    #[test]
    fn a_field_is_there_since_its_minor() {
        assert!(pod("1.36")["spec"].get("schedulingGroup").is_some());
        assert!(pod("1.35")["spec"].get("schedulingGroup").is_none());
        assert_eq!(pod("1.33")["spec"]["containers"][0]["lifecycle"], json!({"stopSignal": "SIGTERM"}));
        assert_eq!(pod("1.32")["spec"]["containers"][0]["lifecycle"], json!({}));
        assert_eq!(pod("1.30")["spec"]["hostname"], "h");
    }

    #[test]
    fn a_kind_is_served_since_its_minor() {
        let serves = |emulated: &str, group: &str, resource: &str| {
            emulated.parse::<Emulation>().unwrap().catalog().find(group, "v1", resource).is_some()
        };
        for (group, resource, since) in [
            ("networking.k8s.io", "ipaddresses", 33),
            ("resource.k8s.io", "resourceclaims", 34),
            ("admissionregistration.k8s.io", "mutatingadmissionpolicies", 36),
            ("storagemigration.k8s.io", "storageversionmigrations", 37),
        ] {
            assert!(serves(&version(since), group, resource), "{resource}");
            assert!(!serves(&version(since - 1), group, resource), "{resource}");
        }
        assert!(serves("1.30", "apps", "deployments"));
    }

    #[test]
    fn every_minor_of_the_range_has_its_file_and_no_other_is_emulated() {
        let minors: Vec<u32> = ADDED.iter().map(|(minor, _)| *minor).collect();
        assert_eq!(minors, (FIRST + 1..=MINOR).collect::<Vec<_>>());
        assert_eq!("kube=1.37".parse(), Ok(Emulation::default()));
        for version in ["1.29", "1.38", "2.36", "", "kube=", "1.x"] {
            assert!(version.parse::<Emulation>().is_err(), "{version}");
        }
    }
}
