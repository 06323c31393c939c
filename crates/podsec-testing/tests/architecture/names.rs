//! A public type has a name of its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::known::assert_known;
use crate::tokens::{Token, tokens};
use crate::workspace::{packages, rust_files};

/// Names that several types have for a reason. Each belongs to one crate or module, whose name stands before it where two of
/// them meet.
const DEFENDED: &[(&[&str], &str)] = &[
    (
        &["Error", "BodyError", "DecodeError", "OpenError", "StartError", "Result"],
        "each boundary has its own error, called by its module, as in `store::Error`",
    ),
    (
        &["Answer", "Clock", "Metrics", "Options", "Server"],
        "each program and each contract has its own, and none of them is passed on",
    ),
    (
        &["Decision", "Event", "Level", "Policy", "Request", "Selector", "Status", "Subject", "Version"],
        "Kubernetes' own words, which it uses for several of its things",
    ),
    (&["Change", "Entry", "Memory", "Revision"], "the nouns of stores, and of texts that change"),
    (
        &[
            "Column",
            "Document",
            "FieldPath",
            "Json",
            "Kind",
            "Object",
            "Objects",
            "Quantity",
            "Step",
            "Value",
        ],
        "the nouns of data: each language of values has its own",
    ),
    (
        &["ListType", "MapType", "PatchStrategy", "Scalar", "Shape", "Subresource"],
        "what a schema declares, and what whoever merges or serves makes of it",
    ),
    (
        &["Finding", "Peer", "Policies"],
        "the same thing seen from two sides: by the listener and by the server, of manifests and of a webhook",
    ),
];

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
    places.retain(|_, paths| paths.len() > 1);
    let defended: Vec<&str> = DEFENDED.iter().flat_map(|(names, _)| names.iter().copied()).collect();
    let once: Vec<&&str> = defended.iter().filter(|name| !places.contains_key(**name)).collect();
    assert!(once.is_empty(), "These names need no defence any more: {once:?}");
    places.retain(|name, _| !defended.contains(&name.as_str()));
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
