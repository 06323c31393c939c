//! A public type has a name of its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::known::assert_known;
use crate::tokens::{Token, tokens};
use crate::workspace::{packages, rust_files};

/// Each crate's and each boundary's error is called by its module, as in `store::Error`.
const NAMED_BY_THEIR_MODULE: [&str; 1] = ["Error"];

#[test]
fn no_public_type_has_the_name_of_another() {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // Doubles are called as what they stand for.
    for package in packages().into_iter().filter(|package| package != "podsec-testing") {
        for (path, text) in rust_files(&format!("crates/{package}/src")) {
            for name in public_types(&text) {
                places.entry(name).or_default().insert(path.clone());
            }
        }
    }
    places.retain(|name, paths| paths.len() > 1 && !NAMED_BY_THEIR_MODULE.contains(&name.as_str()));
    let repeated: BTreeMap<String, String> = places
        .into_iter()
        .map(|(name, paths)| {
            let place = paths.iter().cloned().collect::<Vec<_>>().join(", ");
            (format!("{name}, {} meanings", paths.len()), place)
        })
        .collect();
    assert_known("repeated_names", "A public type's name has one meaning in the workspace", &repeated);
}

/// The names of the types and traits that a file makes public.
fn public_types(text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let mut names = Vec::new();
    for window in tokens.windows(3) {
        if let [
            Token::Word("pub"),
            Token::Word("struct" | "enum" | "trait" | "type" | "union"),
            Token::Word(name),
        ] = window
        {
            names.push((*name).to_owned());
        }
    }
    names
}

#[test]
fn only_what_is_public_counts() {
    assert_eq!(public_types("pub struct A; struct B; pub(crate) enum C {} pub trait D {}"), ["A", "D"]);
}
