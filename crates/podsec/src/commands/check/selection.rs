//! Which checks count, and where: `--select`, `--ignore`, `--per-file-ignores`.
//!
//! Kubernetes knows no such choice. What is left out is silenced, and counted as that: the pods would be refused all the
//! same.

use std::path::{self, Path};
use std::str::FromStr;

use anyhow::Context;
use clap::Args;
use globset::{Glob, GlobMatcher};
use podsec_manifest::{FileReport, Silence, Silenced};
use podsec_standards::CHECKS;

use super::super::values::{CheckId, IMAGE_USER, checks};

/// The flags that choose checks.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SelectionArguments {
    /// Let no other checks count; several with commas, or given several times.
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = checks(), hide_possible_values = true)]
    pub(super) select: Vec<CheckId>,

    /// Let this check not count: what breaks it is silenced, and counted as that. Kubernetes refuses it all the same.
    #[arg(long, value_name = "CHECK", value_delimiter = ',', value_parser = checks(), hide_possible_values = true)]
    pub(super) ignore: Vec<CheckId>,

    /// Let checks not count in the files of a glob, as in 'agents/**:hostPathVolumes,privileged'.
    #[arg(long, value_name = "GLOB:CHECK,…")]
    pub(super) per_file_ignores: Vec<FileIgnores>,
}

/// Checks that do not count in the files of a glob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileIgnores {
    pub(super) glob: String,
    pub(super) checks: Vec<CheckId>,
}

impl FromStr for FileIgnores {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (glob, checks) = text.rsplit_once(':').ok_or("write it as GLOB:CHECK,CHECK")?;
        let check = |name: &str| name.parse().map_err(|error| format!("{name:?}: {error}"));
        Ok(Self { glob: glob.to_owned(), checks: checks.split(',').map(check).collect::<Result<_, _>>()? })
    }
}

/// The checks that count.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    select: Vec<CheckId>,
    ignore: Vec<CheckId>,
    per_file: Vec<(GlobMatcher, Vec<CheckId>)>,
}

impl Selection {
    /// Of the flags; globs count from `folder`.
    pub(super) fn new(arguments: &SelectionArguments, folder: &Path) -> anyhow::Result<Self> {
        let mut per_file = Vec::new();
        for FileIgnores { glob, checks } in &arguments.per_file_ignores {
            per_file.push((below(folder, glob)?, checks.clone()));
        }
        Ok(Self { select: arguments.select.clone(), ignore: arguments.ignore.clone(), per_file })
    }

    /// The checks that count in a file.
    pub(crate) fn checks_in(&self, file: &str) -> Vec<&'static str> {
        let here = self.ignored_in(file);
        let ids = CHECKS.iter().map(|check| check.id).chain([IMAGE_USER]);
        ids.filter(|id| self.counts(CheckId(id), &here)).collect()
    }

    fn counts(&self, id: CheckId, here: &[&CheckId]) -> bool {
        (self.select.is_empty() || self.select.contains(&id))
            && !self.ignore.contains(&id)
            && !here.contains(&&id)
    }

    /// The checks that do not count in a file by its name.
    fn ignored_in(&self, file: &str) -> Vec<&CheckId> {
        match path::absolute(file) {
            Ok(file) if !self.per_file.is_empty() => {
                let fits = self.per_file.iter().filter(|(glob, _)| glob.is_match(&file));
                fits.flat_map(|(_, checks)| checks).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Silences the violations of a report that do not count.
    pub(super) fn apply(&self, report: &mut FileReport) {
        let here = self.ignored_in(report.file());
        if self.select.is_empty() && self.ignore.is_empty() && here.is_empty() {
            return;
        }
        let counts = |id: &'static str| self.counts(CheckId(id), &here);
        for pod in &mut report.pods {
            pod.image_users.retain(|container| container.refusal.is_none() || counts(IMAGE_USER));
            for finding in std::mem::take(&mut pod.findings) {
                if counts(finding.check.id) {
                    pod.findings.push(finding);
                } else {
                    pod.silenced.push(Silenced { finding, by: Silence::Setting });
                }
            }
            for advice in &mut pod.advice {
                advice.findings.retain(|finding| counts(finding.check.id));
            }
            pod.advice.retain(|advice| !advice.findings.is_empty());
        }
    }
}

/// A glob that counts from a folder, for absolute paths.
pub(super) fn below(folder: &Path, glob: &str) -> anyhow::Result<GlobMatcher> {
    let folder = path::absolute(folder.join(".")).context("cannot tell the working directory")?;
    let glob = format!("{}/{glob}", globset::escape(&folder.to_string_lossy()));
    Ok(Glob::new(&glob)?.compile_matcher())
}
