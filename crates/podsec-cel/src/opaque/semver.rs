//! Semantic versions.

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter};

use podsec_go::quote::quoted;

/// A version by semver 2.0.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Semver {
    /// Major, minor, patch.
    pub(crate) numbers: [u64; 3],
    pre: Vec<String>,
    build: Vec<String>,
}

impl Semver {
    /// The order of two versions; the build does not count.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let pre = || match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let parts = self.pre.iter().zip(&other.pre).map(|(one, other)| compare_parts(one, other));
                parts.fold(Ordering::Equal, Ordering::then).then(self.pre.len().cmp(&other.pre.len()))
            }
        };
        self.numbers.cmp(&other.numbers).then_with(pre)
    }
}

/// Numbers are less than words, and compared as numbers.
fn compare_parts(one: &str, other: &str) -> Ordering {
    match (one.parse::<u64>(), other.parse::<u64>()) {
        (Ok(one), Ok(other)) => one.cmp(&other),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => one.cmp(other),
    }
}

impl Display for Semver {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(formatter, "{major}.{minor}.{patch}")?;
        if !self.pre.is_empty() {
            write!(formatter, "-{}", self.pre.join("."))?;
        }
        if !self.build.is_empty() {
            write!(formatter, "+{}", self.build.join("."))?;
        }
        Ok(())
    }
}

/// Parses a version.
///
/// # Errors
/// The words of the library that Kubernetes uses.
pub(crate) fn parse(text: &str) -> Result<Semver, String> {
    if text.is_empty() {
        return Err("Version string empty".to_owned());
    }
    let parts: Vec<&str> = text.splitn(3, '.').collect();
    let [major, minor, rest] = parts.as_slice() else {
        return Err("No Major.Minor.Patch elements found".to_owned());
    };
    let mut patch = *rest;
    let mut build = "";
    let mut pre = "";
    let has_build = patch.contains('+');
    if let Some((before, after)) = patch.split_once('+') {
        (patch, build) = (before, after);
    }
    let has_pre = patch.contains('-');
    if let Some((before, after)) = patch.split_once('-') {
        (patch, pre) = (before, after);
    }
    let numbers = [number(major, "Major")?, number(minor, "Minor")?, number(patch, "Patch")?];
    let words = |text: &str, present: bool| -> Vec<String> {
        if present { text.split('.').map(str::to_owned).collect() } else { Vec::new() }
    };
    let (pre, build) = (words(pre, has_pre), words(build, has_build));
    for part in &pre {
        check_part(part, "Prerelease")?;
        if part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!(
                "Numeric PreRelease version must not contain leading zeroes {}",
                quoted(part)
            ));
        }
    }
    for part in &build {
        check_part(part, "Build meta data")?;
    }
    Ok(Semver { numbers, pre, build })
}

fn check_part(part: &str, what: &str) -> Result<(), String> {
    if part.is_empty() {
        return Err(format!("{what} is empty"));
    }
    if part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Ok(());
    }
    let what = if what == "Prerelease" { "prerelease" } else { "build meta data" };
    Err(format!("Invalid character(s) found in {what} {}", quoted(part)))
}

fn number(text: &str, what: &str) -> Result<u64, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "Invalid character(s) found in {} number {}",
            what.to_ascii_lowercase(),
            quoted(text)
        ));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(format!("{what} number must not contain leading zeroes {}", quoted(text)));
    }
    text.parse().map_err(|_| format!("strconv.ParseUint: parsing {}: value out of range", quoted(text)))
}
