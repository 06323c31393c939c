//! `--controllers`: which controllers run.

use std::collections::BTreeSet;

use crate::catalog::ALL;

/// The controllers that run, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(BTreeSet<&'static str>);

/// A name that no controller has.
#[derive(Debug, thiserror::Error)]
#[error("{name:?} is not in the list of known controllers: {}", known().join(", "))]
pub struct SelectionError {
    name: String,
}

impl Default for Selection {
    fn default() -> Self {
        Self::all()
    }
}

impl Selection {
    /// All controllers.
    pub fn all() -> Self {
        Self(ALL.iter().map(|descriptor| descriptor.name).collect())
    }

    /// Reads what kube-controller-manager takes: `*` for all, a name for that controller, `-name` for all but that one.
    /// What stands first about a controller counts.
    ///
    /// # Errors
    /// A name that no controller has.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, SelectionError> {
        let words: Vec<&str> = words.iter().map(|word| word.as_ref().trim()).collect();
        for word in words.iter().filter(|word| !matches!(**word, "*" | "")) {
            let name = word.strip_prefix('-').unwrap_or(word);
            if !ALL.iter().any(|descriptor| is_called(descriptor.name, descriptor.aliases, name)) {
                return Err(SelectionError { name: name.to_owned() });
            }
        }
        let selected = ALL.iter().filter(|descriptor| {
            let said = words.iter().find_map(|word| match word.strip_prefix('-') {
                Some(name) => is_called(descriptor.name, descriptor.aliases, name).then_some(false),
                None => is_called(descriptor.name, descriptor.aliases, word).then_some(true),
            });
            said.unwrap_or_else(|| words.contains(&"*"))
        });
        Ok(Self(selected.map(|descriptor| descriptor.name).collect()))
    }

    /// Whether a controller runs.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

fn is_called(name: &str, aliases: &[&str], wanted: &str) -> bool {
    name == wanted || aliases.contains(&wanted)
}

fn known() -> Vec<&'static str> {
    ALL.iter().map(|descriptor| descriptor.name).collect()
}
