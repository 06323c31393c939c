//! No source file is longer than a person reads.

use std::collections::BTreeMap;

use crate::known::assert_known;
use crate::workspace::rust_files;

const MOST_LINES: usize = 600;

#[test]
fn no_source_file_is_longer_than_600_lines() {
    let files = ["crates", "benches", "fuzz"].into_iter().flat_map(rust_files);
    let long: BTreeMap<String, String> = files
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(path, lines)| (path, format!("{lines} lines")))
        .collect();
    assert_known("long_files", "No file has more than 600 lines", &long);
}
