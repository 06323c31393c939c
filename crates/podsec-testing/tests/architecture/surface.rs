//! What the libraries offer to strangers: every public item, as it is written.

use std::collections::BTreeSet;
use std::fs;

use crate::workspace::{root, rust_files};

const LIBRARIES: [&str; 5] =
    ["podsec-apimachinery", "podsec-go", "podsec-manifest", "podsec-standards", "podsec-yaml"];

/// With `UPDATE_KNOWN` in the environment the lists are written anew; a review then sees what users will notice.
#[test]
fn the_public_items_of_the_libraries_are_the_listed_ones() {
    for library in LIBRARIES {
        let mut items = BTreeSet::new();
        for (path, text) in rust_files(&format!("crates/{library}/src")) {
            if !path.ends_with("/tests.rs") {
                items.extend(public_items(&text));
            }
        }
        let list: String = items.iter().flat_map(|item| [item, "\n"]).collect();
        let file = root().join(format!("crates/podsec-testing/tests/surface/{library}.txt"));
        if std::env::var_os("UPDATE_KNOWN").is_some() {
            fs::write(&file, &list).unwrap();
        }
        let listed = fs::read_to_string(&file).unwrap();
        let listed: BTreeSet<&str> = listed.lines().collect();
        let items: BTreeSet<&str> = items.iter().map(String::as_str).collect();
        let (new, gone): (Vec<_>, Vec<_>) =
            (items.difference(&listed).collect(), listed.difference(&items).collect());
        assert!(
            new.is_empty() && gone.is_empty(),
            "The public items of {library} change: is it in the changelog? New: {new:#?}\nGone: {gone:#?}"
        );
    }
}

/// The declarations that begin with `pub`, each up to its body.
fn public_items(text: &str) -> Vec<String> {
    let program = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut items = Vec::new();
    let mut lines = program.lines();
    while let Some(line) = lines.next() {
        if !line.trim_start().starts_with("pub ") {
            continue;
        }
        let mut item = line.trim().to_owned();
        // A declaration of several lines ends with its body, or as a field with a comma.
        while !item.ends_with(['{', ';', ',', '}']) || item.matches('(').count() > item.matches(')').count() {
            let Some(next) = lines.next() else { break };
            item.push(' ');
            item.push_str(next.trim());
        }
        items.push(item.trim_end_matches('{').trim().to_owned());
    }
    items
}

#[test]
fn a_declaration_of_several_lines_is_one_item() {
    let text = "pub fn f(\n    a: u8,\n) -> u8 {\n    pub(crate) x\n}\npub struct A {\n    pub b: u8,\n}\n#[cfg(test)]\nmod tests { pub fn g() {} }";
    assert_eq!(public_items(text), ["pub fn f( a: u8, ) -> u8", "pub struct A", "pub b: u8,"]);
}
