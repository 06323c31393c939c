//! What `podsec fix` did to all sources, and the exit code that follows from it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use podsec_manifest::FileReport;
use podsec_manifest::fix::{Fixed, Why};
use podsec_manifest::report::Summary;
use podsec_standards::Check;

/// What was done to all sources.
#[derive(Debug, Default)]
pub(super) struct Tally {
    fixes: usize,
    files: usize,
    pub(super) violations: usize,
    left_for_unsafe: usize,
    /// Fields of pods that no edit is right for.
    unfit: usize,
    /// What is known of the containers' users.
    judged: Summary,
    /// Objects that are patches, and were not mended.
    pub(super) patches: usize,
    pub(super) problems: usize,
    /// Checks whose fixes a program may notice.
    risks: BTreeMap<&'static str, &'static Check>,
    /// Checks that no edit satisfies.
    unmended: BTreeMap<&'static str, &'static Check>,
}

impl Tally {
    /// Counts a source of whose hunks so many were made.
    pub(super) fn add_chosen(&mut self, report: &FileReport, hunks: usize) {
        self.fixes += hunks;
        self.files += usize::from(hunks > 0);
        self.violations += report.pods.iter().map(|pod| pod.findings.len()).sum::<usize>();
        self.problems += report.problems.len();
        self.patches += report.patches.len();
        self.judged.add(report);
    }

    pub(super) fn add(&mut self, fixed: &Fixed, changed: bool) {
        self.fixes += fixed.applied.len();
        self.files += usize::from(changed);
        self.violations += fixed.report.pods.iter().map(|pod| pod.findings.len()).sum::<usize>();
        self.problems += fixed.report.problems.len();
        self.patches += fixed.report.patches.len();
        for left in &fixed.left {
            match left.why {
                Why::NeedsUnsafe => self.left_for_unsafe += 1,
                Why::NoFix => drop(self.unmended.insert(left.check.id, left.check)),
                Why::Unfit(_) => self.unfit += 1,
                _ => {}
            }
        }
        let risky = fixed.applied.iter().filter(|applied| applied.safety.may_be_noticed());
        self.judged.add(&fixed.report);
        self.risks.extend(risky.map(|applied| (applied.check.id, applied.check)));
    }

    pub(super) fn tell(&self, written: bool, notes: &mut dyn Write) -> io::Result<()> {
        for (title, checks) in [
            ("What the fixes may break, and how to find out:", &self.risks),
            ("What no edit can mend without knowing more:", &self.unmended),
        ] {
            if !checks.is_empty() {
                writeln!(notes, "\n{title}")?;
            }
            for (id, check) in checks {
                writeln!(notes, "  {id}: {}", check.fix.risk)?;
            }
        }
        let mut not_judged = String::new();
        for (count, one, more, what) in [
            (self.patches, "Kustomize patch", "Kustomize patches", "not judged"),
            (self.problems, "place", "places", "could not be judged or written"),
        ] {
            if count > 0 {
                not_judged.push_str("; ");
                not_judged.push_str(&counted(count, one, more));
                not_judged.push(' ');
                not_judged.push_str(what);
            }
        }
        for part in self.judged.started() {
            not_judged.push_str("; ");
            not_judged.push_str(&part);
        }
        let done = if written { "" } else { ", not written" };
        writeln!(
            notes,
            "{} in {}{done}; {} left{}{}",
            counted(self.fixes, "fix", "fixes"),
            counted(self.files, "file", "files"),
            counted(self.violations, "violation", "violations"),
            match (self.problems > 0, self.left_for_unsafe > 0) {
                (false, false) if self.unfit > 0 => ", of pods that are not for this level",
                (false, false) => "",
                (false, true) => ", more can be mended with --unsafe-fixes",
                (true, false) => " in what could be judged",
                (true, true) => " in what could be judged, more can be mended with --unsafe-fixes",
            },
            not_judged
        )
    }

    pub(super) fn exit_code(&self) -> u8 {
        match (self.problems, self.violations + self.judged.not_started) {
            (0, 0) => 0,
            (0, _) => 1,
            _ => 2,
        }
    }
}

fn counted(count: usize, one: &str, more: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {more}") }
}
