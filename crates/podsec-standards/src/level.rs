//! The three levels of the Pod Security Standards.

use core::fmt;
use core::str::FromStr;

/// How much a policy forbids: each level forbids all that the one before it does, and more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Forbids nothing.
    Privileged,
    /// Forbids the known ways for a container to take over its node.
    Baseline,
    /// Also demands the hardening that a pod can be expected to bring.
    Restricted,
}

impl Level {
    /// Every level, the laxest first.
    pub const ALL: [Self; 3] = [Self::Privileged, Self::Baseline, Self::Restricted];

    /// The level's name in labels and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Level {
    type Err = InvalidLevel;

    /// Reads a level as Kubernetes does: exactly one of the three names, in lower case.
    fn from_str(name: &str) -> Result<Self, InvalidLevel> {
        Self::ALL.into_iter().find(|level| level.as_str() == name).ok_or(InvalidLevel)
    }
}

/// The name of a level is none of the three. The words are those of Kubernetes' field errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of privileged, baseline, restricted")]
pub struct InvalidLevel;

#[cfg(test)]
mod tests {
    use super::{InvalidLevel, Level};

    #[test]
    fn names_read_back_as_the_level_they_name() {
        for level in Level::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
    }

    #[test]
    fn a_name_must_match_to_the_letter() {
        for name in ["", "Baseline", " baseline", "restricted ", "restricted:latest"] {
            assert_eq!(name.parse::<Level>(), Err(InvalidLevel), "{name:?}");
        }
    }

    #[test]
    fn levels_are_ordered_by_strictness() {
        assert!(Level::Privileged < Level::Baseline && Level::Baseline < Level::Restricted);
    }
}
