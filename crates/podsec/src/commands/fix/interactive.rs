//! `podsec fix --interactive`: hunk by hunk, as `git add --patch` asks.

use std::io::{self, BufRead, Write};

use podsec_manifest::Source;
use podsec_manifest::fix::{Fixed, hunks, unified_diff, with_hunks};

/// Shows each hunk and asks for it; the text with those that are wanted. What is no answer is asked again, and at the end of
/// the input nothing more is wanted.
pub(super) fn choose(
    source: &Source,
    fixed: &Fixed,
    answers: &mut dyn BufRead,
    out: &mut dyn Write,
) -> io::Result<String> {
    let hunks = hunks(&source.text, fixed);
    let mut wanted = Vec::with_capacity(hunks.len());
    let mut for_all = None;
    for (hunk, number) in hunks.iter().zip(1..) {
        if let Some(answer) = for_all {
            wanted.push(answer);
            continue;
        }
        write!(out, "{}\n{}", source.name, hunk.text)?;
        loop {
            write!(out, "({number}/{}) make this change [y,n,a,d,?]? ", hunks.len())?;
            out.flush()?;
            let mut answer = String::new();
            if answers.read_line(&mut answer)? == 0 {
                for_all = Some(false);
            }
            match answer.trim() {
                "y" => wanted.push(true),
                "n" => wanted.push(false),
                "a" => {
                    for_all = Some(true);
                    wanted.push(true);
                }
                "d" => {
                    for_all = Some(false);
                    wanted.push(false);
                }
                _ if for_all.is_some() => wanted.push(false),
                _ => {
                    writeln!(
                        out,
                        "y  make it\nn  leave it\na  make it and all that follow in this file\nd  leave it and all that follow in this file"
                    )?;
                    continue;
                }
            }
            break;
        }
    }
    Ok(with_hunks(&source.text, &fixed.text, &wanted))
}

/// How many hunks were made.
pub(super) fn made(source: &Source, chosen: &str) -> usize {
    unified_diff(&source.name, &source.text, chosen).lines().filter(|line| line.starts_with("@@ ")).count()
}

#[cfg(test)]
mod tests {
    use podsec_manifest::Templates;
    use podsec_manifest::fix::{Options, fix};
    use podsec_standards::{Level, Policy, Version};

    use super::*;

    /// What is chosen with these answers, of two hunks: the first removes hostPID, the second hostIPC.
    fn chosen(answers: &str) -> (bool, bool, String) {
        let pod = |name: &str, field: &str| {
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  labels:\n    app: x\nspec:\n  {field}: true\n  \
                 containers: []\n"
            )
        };
        let text = format!("{}---\n{}", pod("a", "hostPID"), pod("b", "hostIPC"));
        let source = Source { name: "a.yaml".to_owned(), text };
        let options = Options { unsafe_fixes: true, ..Options::default() };
        let policy = Policy::new(Level::Baseline, Version::Latest);
        let fixed = fix(&source, &Templates::default(), &policy, options);
        let mut out = Vec::new();
        let chosen = choose(&source, &fixed, &mut answers.as_bytes(), &mut out).unwrap();
        let left = |field: &str| !chosen.contains(field);
        (left("hostPID"), left("hostIPC"), String::from_utf8(out).unwrap())
    }

    #[test]
    fn each_hunk_is_made_that_is_wanted() {
        for (answers, made) in [
            ("y\nn\n", (true, false)),
            ("n\ny\n", (false, true)),
            ("a\n", (true, true)),
            ("d\n", (false, false)),
            ("y\n", (true, false)),
            ("", (false, false)),
            ("what\ny\ny\n", (true, true)),
        ] {
            let (first, second, _) = chosen(answers);
            assert_eq!((first, second), made, "{answers:?}");
        }
        let (_, _, out) = chosen("?\nn\nn\n");
        assert!(
            out.contains("@@ unsafe: hostNamespaces\n") && out.contains("(1/2) make this change"),
            "{out}"
        );
        assert!(out.contains("leave it and all that follow"), "{out}");
    }
}
