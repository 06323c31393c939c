//! Files that a volume writes to one path, or to a path within another's.

use std::collections::{BTreeMap, BTreeSet};

use podsec_apimachinery::quote::quoted;
use serde_json::Value;

use crate::object::Fields;

/// A file of a volume: its path without slashes at the end, and what it is made from, if the volume has several sources.
struct File {
    path: String,
    source: String,
}

/// Warnings about each volume of a list whose files lie in each other's way.
pub(super) fn overlaps(volumes: &[Value]) -> Vec<String> {
    volumes.iter().flat_map(of_volume).collect()
}

fn of_volume(volume: &Value) -> Vec<String> {
    let name = quoted(volume.text("name"));
    let mut warnings = Vec::new();
    let mut tell = |description: &str, files: Vec<File>| {
        let tell = |pair| format!("volume {name} ({description}): overlapping paths: {pair}");
        warnings.extend(collisions(&files).into_iter().map(tell));
    };
    for (kind, title, field) in [("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")] {
        let source = volume.at(kind);
        tell(&format!("{title} {}", quoted(source.text(field))), items(source, ""));
    }
    tell("DownwardAPI", items(volume.at("downwardAPI"), ""));
    let sources = volume.at("projected").list("sources");
    let empty = sources.iter().filter(|source| !SOURCES.iter().any(|kind| source.has(kind)));
    let empty: Vec<String> =
        empty.map(|_| format!("volume {name} (Projected) has no sources provided")).collect();
    tell("Projected", sources.iter().flat_map(projected).collect());
    warnings.extend(empty);
    warnings
}

/// The files of one source of a projected volume.
fn projected(source: &Value) -> Vec<File> {
    for (kind, title) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
        if source.at(kind).has("items") {
            return items(source.at(kind), &format!("{title} {}", quoted(source.at(kind).text("name"))));
        }
    }
    if source.at("downwardAPI").has("items") {
        return items(source.at("downwardAPI"), "DownwardAPI");
    }
    if let Some(token) = source.field("serviceAccountToken") {
        return vec![File::new(token.text("path"), "ServiceAccountToken")];
    }
    if let Some(bundle) = source.field("clusterTrustBundle") {
        let field = if bundle.has("name") { "name" } else { "signerName" };
        let title = format!("ClusterTrustBundle {}", quoted(bundle.text(field)));
        return vec![File::new(bundle.text("path"), &title)];
    }
    let certificate = source.at("podCertificate");
    let parts = [
        ("certificateChainPath", "PodCertificate chain"),
        ("keyPath", "PodCertificate key"),
        ("credentialBundlePath", "PodCertificate credential bundle"),
    ];
    parts.iter().map(|(field, title)| File::new(certificate.text(field), title)).collect()
}

fn items(source: &Value, title: &str) -> Vec<File> {
    source.list("items").iter().map(|item| File::new(item.text("path"), title)).collect()
}

/// Each file that lies on or within an earlier one, or around it, as `"path" (source) with "path" (source)`.
fn collisions(files: &[File]) -> Vec<String> {
    // All earlier files by their paths, and all folders around them with the files within.
    let mut paths: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut within: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut pairs: Vec<String> = Vec::new();
    let mut told = 0;
    for (index, file) in files.iter().enumerate().filter(|(_, file)| !file.path.is_empty()) {
        let mut others: BTreeSet<usize> = BTreeSet::new();
        let folders = file.path.match_indices('/').map(|(end, _)| &file.path[..end]).take(COMPARED);
        for folder in folders.clone().chain([file.path.as_str()]) {
            others.extend(paths.get(folder).into_iter().flatten().take(COMPARED));
        }
        others.extend(within.get(&file.path).into_iter().flatten().take(COMPARED));
        for other in others.iter().filter_map(|other| files.get(*other)) {
            let pair = format!("{file} with {other}");
            told += pair.len();
            pairs.push(pair);
            // A client hears the first four kilobytes.
            if told > MOST_BYTES {
                return pairs;
            }
        }
        paths.entry(file.path.clone()).or_default().push(index);
        for folder in folders {
            within.entry(folder.to_owned()).or_default().push(index);
        }
    }
    pairs
}

impl File {
    fn new(path: &str, source: &str) -> Self {
        Self { path: path.trim_end_matches('/').to_owned(), source: source.to_owned() }
    }
}

impl std::fmt::Display for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = quoted(&self.path);
        if self.source.is_empty() { write!(f, "{path}") } else { write!(f, "{path} ({})", self.source) }
    }
}

/// With how many files of one path or folder a file is compared, and how many folders of a path count.
const COMPARED: usize = 100;
/// How much is told of one volume.
const MOST_BYTES: usize = 64 << 10;

const SOURCES: &[&str] =
    &["configMap", "secret", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_on_within_and_around_each_other_are_told_and_neighbours_are_not() {
        let items = json!([{ "path": "a/b" }, { "path": "a" }, { "path": "a/" }, { "path": "ab" }, { "path": "a/b/c" }]);
        let volume = json!({ "name": "v", "configMap": { "name": "m", "items": items } });
        let tell = |pair: &str| format!("volume \"v\" (ConfigMap \"m\"): overlapping paths: {pair}");
        assert_eq!(
            overlaps(&[volume]),
            [
                tell("\"a\" with \"a/b\""),
                tell("\"a\" with \"a/b\""),
                tell("\"a\" with \"a\""),
                tell("\"a/b/c\" with \"a/b\""),
                tell("\"a/b/c\" with \"a\""),
                tell("\"a/b/c\" with \"a\""),
            ]
        );
    }

    #[test]
    fn the_sources_of_a_projected_volume_are_compared_with_each_other_and_named() {
        let volume = json!({ "name": "v", "projected": { "sources": [
            { "configMap": { "name": "m", "items": [{ "path": "t" }] } },
            { "secret": { "name": "s" } },
            { "serviceAccountToken": { "path": "t" } },
            {},
        ] } });
        assert_eq!(
            overlaps(&[volume]),
            [
                "volume \"v\" (Projected): overlapping paths: \"t\" (ServiceAccountToken) with \"t\" (ConfigMap \"m\")",
                "volume \"v\" (Projected) has no sources provided",
            ]
        );
    }

    #[test]
    fn many_equal_and_deep_paths_are_told_in_bounds() {
        let deep = "a/".repeat(2_000);
        let items: Vec<Value> = (0..500).map(|_| json!({ "path": deep })).collect();
        let volume = json!({ "name": "v", "secret": { "secretName": "s", "items": items } });
        let told: usize = overlaps(&[volume]).iter().map(String::len).sum();
        assert!(told <= 2 * MOST_BYTES);
    }
}
