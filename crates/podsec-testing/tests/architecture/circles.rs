//! No file uses a file that uses it.

use std::collections::{BTreeMap, BTreeSet};

use crate::known::assert_known;
use crate::modules::Modules;
use crate::workspace::packages;

#[test]
fn no_file_uses_a_file_that_uses_it() {
    let mut found = BTreeMap::new();
    for package in packages() {
        let read = Modules::of_package(&package);
        let uses = read.uses();
        for circle in circles(&uses) {
            for file in &circle {
                let within: Vec<&str> = uses[file].intersection(&circle).copied().collect();
                found.insert((*file).to_owned(), format!("uses {}", within.join(", ")));
            }
        }
    }
    assert_known("circles", "No file uses, directly or through others, a file that uses it", &found);
}

/// The sets of files each of which leads to each other: `a -> b -> c -> a` is one of three.
fn circles<'f>(uses: &BTreeMap<&'f str, BTreeSet<&'f str>>) -> Vec<BTreeSet<&'f str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        uses.keys().map(|file| (*file, reach(uses, file))).collect();
    let mut circles: Vec<BTreeSet<&str>> = Vec::new();
    for (file, from) in &reached {
        if from.contains(file) && !circles.iter().any(|circle| circle.contains(file)) {
            circles.push(from.iter().copied().filter(|other| reached[other].contains(file)).collect());
        }
    }
    circles
}

/// Every file that one uses, and those that they use.
fn reach<'f>(uses: &BTreeMap<&'f str, BTreeSet<&'f str>>, file: &str) -> BTreeSet<&'f str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = uses[file].iter().copied().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(&uses[next]);
        }
    }
    reached
}

#[test]
fn a_circle_of_three_is_found_and_a_chain_is_none() {
    let uses = [("a", vec!["b"]), ("b", vec!["c"]), ("c", vec!["a"]), ("d", vec!["a", "e"]), ("e", vec![])];
    let uses = uses.into_iter().map(|(file, to)| (file, to.into_iter().collect())).collect();
    assert_eq!(circles(&uses), [BTreeSet::from(["a", "b", "c"])]);
}
