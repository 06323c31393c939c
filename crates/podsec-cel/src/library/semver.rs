//! Semantic versions: `semver("1.2.3").isLessThan(…)`.

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter};

use podsec_go::quote::quoted;

use super::{dispatch, quantity, unfit};
use crate::declaration::{Function, member, overload};
use crate::eval::{Budget, Error};
use crate::opaque::Opaque;
use crate::types::Type;
use crate::value::Value;

/// A version by semver 2.0.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Semver {
    numbers: [u64; 3],
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

pub(super) fn functions() -> Vec<Function> {
    let semver = Type::message("kubernetes.Semver");
    let pair = [semver.clone(), semver.clone()];
    let number = |name, id, body| Function::new(name, body, vec![member(id, &[semver.clone()], &Type::Int)]);
    vec![
        Function::new(
            "semver",
            |args, _| parse_args(args).map(|version| Value::opaque(Opaque::Semver(version))),
            vec![
                overload("string_to_semver", &[Type::String], &semver),
                overload("string_bool_to_semver", &[Type::String, Type::Bool], &semver),
            ],
        ),
        Function::new(
            "isSemver",
            |args, _| Ok(Value::Bool(parse_args(args).is_ok())),
            vec![
                overload("is_semver_string", &[Type::String], &Type::Bool),
                overload("is_semver_string_bool", &[Type::String, Type::Bool], &Type::Bool),
            ],
        ),
        number("major", "semver_major", |args, _| part(args, 0)),
        number("minor", "semver_minor", |args, _| part(args, 1)),
        number("patch", "semver_patch", |args, _| part(args, 2)),
        Function::new(
            "isGreaterThan",
            |args, budget| dispatch(&[quantity::is_greater, is_greater], args, budget),
            vec![member("semver_is_greater_than", &pair, &Type::Bool)],
        ),
        Function::new(
            "isLessThan",
            |args, budget| dispatch(&[quantity::is_less, is_less], args, budget),
            vec![member("semver_is_less_than", &pair, &Type::Bool)],
        ),
        Function::new(
            "compareTo",
            |args, budget| dispatch(&[quantity::compare_to, compare_to], args, budget),
            vec![member("semver_compare_to", &pair, &Type::Int)],
        ),
    ]
}

fn version(value: &Value) -> Option<&Semver> {
    match value {
        Value::Opaque(opaque) => match &**opaque {
            Opaque::Semver(version) => Some(version),
            _ => None,
        },
        _ => None,
    }
}

fn part(args: &[Value], index: usize) -> Result<Value, Error> {
    match args {
        [value] => version(value)
            .and_then(|version| version.numbers.get(index))
            .map(|number| Value::Int(number.cast_signed()))
            .ok_or_else(|| unfit("major", args)),
        _ => Err(unfit("major", args)),
    }
}

fn ordering(args: &[Value]) -> Result<Ordering, Error> {
    match args {
        [one, other] => match (version(one), version(other)) {
            (Some(one), Some(other)) => Ok(one.compare(other)),
            _ => Err(unfit("compareTo", args)),
        },
        _ => Err(unfit("compareTo", args)),
    }
}

fn is_greater(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    ordering(args).map(|order| Value::Bool(order.is_gt()))
}

fn is_less(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    ordering(args).map(|order| Value::Bool(order.is_lt()))
}

fn compare_to(args: &[Value], _: &mut Budget) -> Result<Value, Error> {
    ordering(args).map(|order| Value::Int(order as i64))
}

fn parse_args(args: &[Value]) -> Result<Semver, Error> {
    let (text, normalize) = match args {
        [Value::String(text)] => (text, false),
        [Value::String(text), Value::Bool(normalize)] => (text, *normalize),
        _ => return Err(unfit("semver", args)),
    };
    let text = if normalize { normalized(text)? } else { text.to_string() };
    parse(&text).map_err(Error::new)
}

/// `v1.02` becomes `1.2.0`.
fn normalized(text: &str) -> Result<String, Error> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<String> = text
        .splitn(3, '.')
        .map(|part| {
            if part.len() < 2 {
                return part.to_owned();
            }
            let bare = part.trim_start_matches('0');
            if bare.starts_with(|first: char| first.is_ascii_digit()) {
                bare.to_owned()
            } else {
                format!("0{bare}")
            }
        })
        .collect();
    if parts.len() < 3 {
        if parts.last().is_some_and(|last| last.contains(['+', '-'])) {
            return Err(Error::new("short version cannot contain PreRelease/Build meta data"));
        }
        parts.resize(3, "0".to_owned());
    }
    Ok(parts.join("."))
}

fn parse(text: &str) -> Result<Semver, String> {
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
