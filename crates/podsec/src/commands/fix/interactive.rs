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
