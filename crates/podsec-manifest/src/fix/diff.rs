//! Changes of a text as a unified diff, which `git apply` and `patch` understand.

use similar::TextDiff;

/// The unified diff from one text of a file to another; empty when they are equal.
pub fn unified_diff(name: &str, old: &str, new: &str) -> String {
    let name = name.trim_start_matches('/');
    TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_last_line_break_is_told() {
        assert_eq!(
            unified_diff("x.yaml", "a: 1\nb: 2", "a: 1\nb: 3"),
            "--- a/x.yaml\n+++ b/x.yaml\n@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n\\ No newline at end of file\n+b: 3\n\\ No newline at end of file\n"
        );
        assert_eq!(unified_diff("x.yaml", "a\r\n", "a\r\n"), "");
    }
}
