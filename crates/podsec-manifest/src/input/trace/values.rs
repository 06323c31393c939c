//! The value behind a line of a template.

use std::fs;
use std::path::PathBuf;

use super::super::paths::without_detours;

/// The first value that a line of a template uses, and where it stands: `.Values.host, charts/web/values.yaml:3:7`.
pub(super) fn behind(line: &str, files: &[PathBuf]) -> Option<String> {
    let (_, behind) = line.split_once(".Values.")?;
    let end = behind.find(|letter: char| !(letter.is_ascii_alphanumeric() || "._".contains(letter)));
    let path = behind.get(..end.unwrap_or(behind.len()))?.trim_end_matches('.');
    if path.is_empty() {
        return None;
    }
    // The last file that says it counts.
    let place = files.iter().rev().find_map(|file| {
        let text = fs::read_to_string(file).ok()?;
        let document = podsec_yaml::document(&text).ok()?;
        let found = path.split('.').try_fold(document.root(), |node, name| node.get(name))?;
        let file = without_detours(file);
        Some(format!(", {}:{}", file.display(), found.position()))
    });
    Some(format!(".Values.{path}{}", place.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_file_that_says_a_value_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let files =
            [file("values.yaml", "pod: {host: true}\n"), file("prod.yaml", "a: b\npod:\n  host: false\n")];
        let found = behind("  hostPID: {{ .Values.pod.host | default true }}", &files).unwrap();
        assert_eq!(found, format!(".Values.pod.host, {}:3:9", files[1].display()));
        assert_eq!(behind("a: {{ .Values.absent }}", &files).as_deref(), Some(".Values.absent"));
        assert_eq!(behind("a: {{ .Release.Name }}", &files), None);
    }
}
