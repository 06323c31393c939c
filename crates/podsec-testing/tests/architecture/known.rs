//! Lists of what is known to break a rule, one a line, which only shrink.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::workspace;

/// Compares what breaks a rule today, each with words on where, with the list in `tests/known/NAME.txt`.
///
/// Whoever mends something takes its line out, so that it stays mended; nobody adds a line. With `UPDATE_KNOWN` in the
/// environment the list is written anew, and a review sees the difference.
pub(crate) fn assert_known(name: &str, rule: &str, found: &BTreeMap<String, String>) {
    let file = format!("crates/podsec-testing/tests/known/{name}.txt");
    let path = workspace::root().join(&file);
    if std::env::var_os("UPDATE_KNOWN").is_some() {
        let lines: Vec<&str> = found.keys().flat_map(|line| [line, "\n"]).collect();
        fs::write(&path, lines.concat()).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    let known: BTreeSet<&str> = text.lines().collect();
    let new: Vec<String> = found
        .iter()
        .filter(|(line, _)| !known.contains(line.as_str()))
        .map(|(line, place)| format!("  {line}: {place}"))
        .collect();
    assert!(new.is_empty(), "{rule}. These break it:\n{}", new.join("\n"));
    let mended: Vec<&str> = known.into_iter().filter(|line| !found.contains_key(*line)).collect();
    assert!(mended.is_empty(), "These are mended; take them out of {file}:\n{}", mended.join("\n"));
}
