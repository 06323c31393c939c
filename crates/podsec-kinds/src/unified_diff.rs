//! Unified diffs as Python's difflib, and its port to Go that Kubernetes uses, make them: by the longest common run of
//! lines, then left and right of it.

use std::collections::HashMap;
use std::fmt::Write as _;

/// The unified diff of two texts with three lines of context and without a header. Texts of more than 20,000 lines
/// together have none: their comparison could take seconds.
pub(crate) fn of(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
    if old.len() + new.len() > MOST_LINES {
        return String::new();
    }
    let mut text = String::new();
    for group in groups(&opcodes(&old, &new)) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "@@ -{} +{} @@",
            range(first.old.start, last.old.end),
            range(first.new.start, last.new.end)
        );
        for code in &group {
            if code.equal {
                old[code.old.clone()].iter().for_each(|line| text.extend([" ", line, "\n"]));
            } else {
                old[code.old.clone()].iter().for_each(|line| text.extend(["-", line, "\n"]));
                new[code.new.clone()].iter().for_each(|line| text.extend(["+", line, "\n"]));
            }
        }
    }
    text
}

const MOST_LINES: usize = 20_000;
const CONTEXT: usize = 3;
/// From this length on, lines that make up more than a hundredth of a text do not start a common run.
const POPULAR_FROM: usize = 200;

fn range(start: usize, end: usize) -> String {
    match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        length => format!("{},{length}", start + 1),
    }
}

/// A part of the old text and the part of the new one that stands in its place.
#[derive(Clone, Debug)]
struct Opcode {
    equal: bool,
    old: std::ops::Range<usize>,
    new: std::ops::Range<usize>,
}

fn opcodes(old: &[&str], new: &[&str]) -> Vec<Opcode> {
    let mut codes = Vec::new();
    let (mut old_at, mut new_at) = (0, 0);
    for run in matching_runs(old, new) {
        if old_at < run.old || new_at < run.new {
            codes.push(Opcode { equal: false, old: old_at..run.old, new: new_at..run.new });
        }
        (old_at, new_at) = (run.old + run.length, run.new + run.length);
        if run.length > 0 {
            codes.push(Opcode { equal: true, old: run.old..old_at, new: run.new..new_at });
        }
    }
    codes
}

/// Cuts long equal parts, so that each group is one hunk.
fn groups(codes: &[Opcode]) -> Vec<Vec<Opcode>> {
    let mut codes = codes.to_vec();
    if let Some(first) = codes.first_mut().filter(|code| code.equal) {
        first.old.start = first.old.start.max(first.old.end.saturating_sub(CONTEXT));
        first.new.start = first.new.start.max(first.new.end.saturating_sub(CONTEXT));
    }
    if let Some(last) = codes.last_mut().filter(|code| code.equal) {
        last.old.end = last.old.end.min(last.old.start + CONTEXT);
        last.new.end = last.new.end.min(last.new.start + CONTEXT);
    }
    let (mut all, mut group) = (Vec::new(), Vec::new());
    for mut code in codes {
        if code.equal && code.old.len() > 2 * CONTEXT {
            let (old, new) = (code.old.clone(), code.new.clone());
            group.push(Opcode {
                equal: true,
                old: old.start..old.end.min(old.start + CONTEXT),
                new: new.start..new.end.min(new.start + CONTEXT),
            });
            all.push(std::mem::take(&mut group));
            code.old.start = old.start.max(old.end.saturating_sub(CONTEXT));
            code.new.start = new.start.max(new.end.saturating_sub(CONTEXT));
        }
        group.push(code);
    }
    if !(group.is_empty() || group.len() == 1 && group.iter().all(|code| code.equal)) {
        all.push(group);
    }
    all
}

/// A run of equal lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    old: usize,
    new: usize,
    length: usize,
}

/// The common runs in their order, those that touch joined, and an empty one at the end.
fn matching_runs(old: &[&str], new: &[&str]) -> Vec<Run> {
    let places = places(new);
    let mut runs = Vec::new();
    let mut todo = vec![(0..old.len(), 0..new.len())];
    while let Some((within_old, within_new)) = todo.pop() {
        let run = longest_run(old, new, &places, &within_old, &within_new);
        if run.length > 0 {
            todo.push((within_old.start..run.old, within_new.start..run.new));
            todo.push((run.old + run.length..within_old.end, run.new + run.length..within_new.end));
            runs.push(run);
        }
    }
    runs.sort_unstable();
    let mut joined: Vec<Run> = Vec::new();
    for run in runs {
        match joined.last_mut() {
            Some(last) if last.old + last.length == run.old && last.new + last.length == run.new => {
                last.length += run.length;
            }
            _ => joined.push(run),
        }
    }
    joined.push(Run { old: old.len(), new: new.len(), length: 0 });
    joined
}

/// Where each line stands, without the lines that stand everywhere.
fn places<'a>(lines: &[&'a str]) -> HashMap<&'a str, Vec<usize>> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, line) in lines.iter().enumerate() {
        places.entry(line).or_default().push(index);
    }
    if lines.len() >= POPULAR_FROM {
        let most = lines.len() / 100 + 1;
        places.retain(|_, indices| indices.len() <= most);
    }
    places
}

/// The longest common run, of several the first in the old text and then in the new one.
fn longest_run(
    old: &[&str],
    new: &[&str],
    places: &HashMap<&str, Vec<usize>>,
    within_old: &std::ops::Range<usize>,
    within_new: &std::ops::Range<usize>,
) -> Run {
    let mut best = Run { old: within_old.start, new: within_new.start, length: 0 };
    // How long the run is that ends at a line of the new text.
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for index in within_old.clone() {
        let mut next = HashMap::new();
        for &place in places.get(old[index]).into_iter().flatten() {
            if place < within_new.start {
                continue;
            }
            if place >= within_new.end {
                break;
            }
            let length = place.checked_sub(1).and_then(|before| lengths.get(&before)).unwrap_or(&0) + 1;
            next.insert(place, length);
            if length > best.length {
                best = Run { old: index + 1 - length, new: place + 1 - length, length };
            }
        }
        lengths = next;
    }
    // Lines that stand everywhere may still lengthen a run.
    while best.old > within_old.start && best.new > within_new.start && old[best.old - 1] == new[best.new - 1]
    {
        best = Run { old: best.old - 1, new: best.new - 1, length: best.length + 1 };
    }
    while best.old + best.length < within_old.end
        && best.new + best.length < within_new.end
        && old[best.old + best.length] == new[best.new + best.length]
    {
        best.length += 1;
    }
    best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn changes_far_apart_are_hunks_of_their_own() {
        let old: Vec<String> = (0..20).map(|line| line.to_string()).collect();
        let mut new = old.clone();
        new[2] = "x".to_owned();
        new.remove(17);
        assert_eq!(
            of(&old.join("\n"), &new.join("\n")),
            "@@ -1,6 +1,6 @@\n 0\n 1\n-2\n+x\n 3\n 4\n 5\n@@ -15,6 +15,5 @@\n 14\n 15\n 16\n-17\n 18\n 19\n"
        );
        assert_eq!(of("a", "a"), "");
    }

    proptest! {
        #[test]
        fn a_diff_leads_from_the_old_text_to_the_new_one(old in "[abc\n]{0,60}", new in "[abc\n]{0,60}") {
            let lines = |text: &str| -> Vec<String> { text.split('\n').map(str::to_owned).collect() };
            let (old_lines, new_lines) = (lines(&old), lines(&new));
            let old_refs: Vec<&str> = old_lines.iter().map(String::as_str).collect();
            let new_refs: Vec<&str> = new_lines.iter().map(String::as_str).collect();
            let mut built = Vec::new();
            for code in opcodes(&old_refs, &new_refs) {
                let part = if code.equal { &old_refs[code.old] } else { &new_refs[code.new] };
                built.extend(part.iter().map(|line| (*line).to_owned()));
            }
            prop_assert_eq!(built, new_lines);
        }
    }
}
