//! A crate knows the crates that `ARCHITECTURE.md` lets it know.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::workspace::{packages, root};

/// What each crate may know; and what those know, it may know too. Every name stands above those who use it.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("podsec-go", &[]),
    ("podsec-yaml", &["podsec-go"]),
    ("podsec-apimachinery", &["podsec-go", "podsec-yaml"]),
    ("podsec-standards", &["podsec-go"]),
    ("podsec-policy", &["podsec-standards", "podsec-apimachinery"]),
    ("podsec-cel", &["podsec-apimachinery"]),
    ("podsec-rbac", &["podsec-apimachinery"]),
    ("podsec-audit", &["podsec-apimachinery"]),
    ("podsec-admission", &["podsec-policy"]),
    ("podsec-transport", &[]),
    ("podsec-storage", &[]),
    ("podsec-kinds", &["podsec-apimachinery", "podsec-cel"]),
    ("podsec-manifest", &["podsec-policy", "podsec-yaml"]),
    ("podsec-report", &["podsec-standards"]),
    ("podsec-analysis", &["podsec-manifest", "podsec-policy", "podsec-audit", "podsec-report"]),
    (
        "podsec-apiserver",
        &[
            "podsec-kinds",
            "podsec-admission",
            "podsec-rbac",
            "podsec-cel",
            "podsec-audit",
            "podsec-storage",
            "podsec-transport",
        ],
    ),
    ("podsec-controllers", &["podsec-apimachinery"]),
    ("podsec-webhook", &["podsec-admission", "podsec-transport"]),
    ("podsec-lsp", &["podsec-manifest", "podsec-report"]),
    (
        "podsec",
        &["podsec-apiserver", "podsec-controllers", "podsec-webhook", "podsec-lsp", "podsec-analysis"],
    ),
    ("podsec-test", &["podsec-apiserver", "podsec-controllers"]),
    ("podsec-testing", &[]),
];

#[test]
fn crates_know_only_crates_that_stand_above_them() {
    let allowed = closure();
    let mut wrong = Vec::new();
    for package in packages() {
        let Some(allowed) = allowed.get(package.as_str()) else {
            wrong.push(format!("{package} is not in the list of tests/architecture/crates.rs"));
            continue;
        };
        for dependency in dependencies(&package, &["dependencies", "build-dependencies"]) {
            if !allowed.contains(dependency.as_str()) {
                wrong.push(format!("{package} depends on {dependency}"));
            }
        }
    }
    assert!(wrong.is_empty(), "Arrows that nothing allows:\n  {}", wrong.join("\n  "));
}

#[test]
fn only_the_tests_of_a_crate_use_the_double_of_an_api_server() {
    for package in packages() {
        let used = dependencies(&package, &["dependencies", "build-dependencies"]);
        assert!(
            !used.contains("podsec-testing"),
            "{package} names podsec-testing outside [dev-dependencies]"
        );
    }
}

#[test]
fn every_crate_stands_below_those_it_may_know() {
    let mut above = BTreeSet::new();
    for (package, known) in MAY_KNOW.iter().copied() {
        for name in known {
            assert!(above.contains(name), "{package} may know {name}, which does not stand above it");
        }
        above.insert(package);
    }
}

/// What each crate may know, those that the known ones know included.
fn closure() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut closure: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (package, known) in MAY_KNOW.iter().copied() {
        let mut all: BTreeSet<&str> = known.iter().copied().collect();
        for name in known {
            all.extend(closure.get(name).into_iter().flatten());
        }
        closure.insert(package, all);
    }
    closure
}

/// The packages of the workspace that a package names in these tables of its Cargo.toml.
fn dependencies(package: &str, tables: &[&str]) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("crates").join(package).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let named = tables.iter().filter_map(|table| manifest.get(*table)?.as_table());
    named.flat_map(|table| table.keys()).filter(|name| name.starts_with("podsec")).cloned().collect()
}
