//! One file of recorded cases: `{"setup": …}` lines make the objects that the other lines change.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;

/// The lines of one file.
pub(crate) struct Recording {
    /// Objects that must exist before the first case.
    pub(crate) extra: Vec<Value>,
    /// Objects that must exist before the cases that change one.
    pub(crate) setups: Vec<Value>,
    /// The cases, in their order.
    pub(crate) cases: Vec<Value>,
}

impl Recording {
    /// Reads a compressed file.
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = fs::read(path).expect("a recording can be read");
        let mut text = String::new();
        GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("a recording is text in gzip");
        let mut recording = Self { extra: Vec::new(), setups: Vec::new(), cases: Vec::new() };
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).expect("a line is JSON");
            match line["setup"].as_str() {
                Some("extra") => recording.extra.push(line),
                Some(_) => recording.setups.push(line),
                None => recording.cases.push(line),
            }
        }
        recording
    }
}

/// The recordings in a folder, sorted by name.
pub(crate) fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).expect("the recordings are in the repository");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "gz"));
    paths.sort();
    paths.into_iter()
}

/// A value in which long repetitions are written out: `{"$parts": ["a", {"$repeat": ["x", 300]}]}`.
pub(crate) fn expand(value: &Value) -> Value {
    match value {
        Value::Object(fields) => match fields.get("$parts").and_then(Value::as_array) {
            Some(parts) => Value::from(parts.iter().map(part).collect::<String>()),
            None => fields.iter().map(|(name, value)| (name.clone(), expand(value))).collect(),
        },
        Value::Array(items) => items.iter().map(expand).collect(),
        other => other.clone(),
    }
}

fn part(part: &Value) -> String {
    match part {
        Value::String(text) => text.clone(),
        repeated => {
            let unit = repeated["$repeat"][0].as_str().expect("a unit");
            let times = repeated["$repeat"][1].as_u64().expect("a count");
            unit.repeat(usize::try_from(times).expect("a small count"))
        }
    }
}
