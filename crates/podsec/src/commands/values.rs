//! The values of flags that shells complete: levels, versions and checks.

use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::LazyLock;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command};
use podsec_standards::{CHECKS, Level, Version};

/// The levels, and nothing else.
pub(crate) fn levels() -> Known<Level> {
    Known::new(Level::ALL.map(Level::as_str).to_vec())
}

/// The versions in which checks changed or may have, and every other version that Kubernetes takes.
pub(crate) fn versions() -> Known<Version> {
    static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let newest = match Version::NEWEST_REVISION {
            Version::V1(minor) => minor,
            Version::Latest => 0,
        };
        let numbered = (0..=newest).rev().map(Version::V1);
        [Version::Latest].into_iter().chain(numbered).map(|version| version.to_string()).collect()
    });
    Known::new(NAMES.iter().map(String::as_str).collect())
}

/// The ids of the checks, and nothing else.
pub(crate) fn checks() -> Known<CheckId> {
    Known::new(CHECKS.iter().map(|check| check.id).chain([IMAGE_USER]).collect())
}

/// The id of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CheckId(pub(crate) &'static str);

impl FromStr for CheckId {
    type Err = &'static str;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        let ids = CHECKS.iter().map(|check| check.id).chain([IMAGE_USER]);
        let found = ids.into_iter().find(|known| *known == id).map(Self);
        found.ok_or("there is no check of this name; `podsec explain restricted` lists them")
    }
}

/// What is said of containers that the kubelet would not start; no check of Kubernetes has this id.
pub(crate) const IMAGE_USER: &str = "imageUser";

/// Reads a value as its type does, and offers those that are known.
#[derive(Clone, Debug)]
pub(crate) struct Known<T> {
    values: Vec<&'static str>,
    of: PhantomData<T>,
}

impl<T> Known<T> {
    fn new(values: Vec<&'static str>) -> Self {
        Self { values, of: PhantomData }
    }
}

impl<T> TypedValueParser for Known<T>
where
    T: FromStr<Err: std::fmt::Display> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<T, clap::Error> {
        let text = value.to_string_lossy();
        text.parse().map_err(|error: T::Err| {
            let flag = arg.map_or_else(String::new, |arg| format!(" for '{arg}'"));
            let message = format!("invalid value '{text}'{flag}: {error}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.values.iter().copied().map(PossibleValue::new)))
    }
}
