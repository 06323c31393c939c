//! The versions of the Pod Security Standards, which follow Kubernetes' own.

use core::fmt;
use core::str::FromStr;

/// Which revision of each check applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// `v1.N`: the checks as they stood in Kubernetes 1.N. A version later than any known revision
    /// is judged by the newest.
    V1(u64),
    /// The newest revision of each check. Newer than any `v1.N`.
    Latest,
}

impl Version {
    /// The newest version in which some check changed; `latest` means this one.
    pub const NEWEST_REVISION: Self = Self::V1(37);

    /// Whether a revision introduced in `since` applies to this version.
    pub fn includes(self, since: Self) -> bool {
        since <= self
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V1(minor) => write!(f, "v1.{minor}"),
            Self::Latest => f.write_str("latest"),
        }
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    /// Reads a version as Kubernetes does: `latest`, or `v1.` and a number without leading zeros
    /// that fits a signed 64-bit integer.
    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        let minor = text.strip_prefix("v1.").ok_or(InvalidVersion)?;
        let leading_zero = minor.len() > 1 && minor.starts_with('0');
        if leading_zero || !minor.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidVersion);
        }
        minor.parse::<i64>().map(|minor| Self::V1(minor.unsigned_abs())).map_err(|_| InvalidVersion)
    }
}

/// The text names no version. The words are those of Kubernetes' field errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(r#"must be "latest" or "v1.x""#)]
pub struct InvalidVersion;

#[cfg(test)]
mod tests {
    use super::{InvalidVersion, Version};

    #[test]
    fn versions_read_back_as_written() {
        for text in ["latest", "v1.0", "v1.9", "v1.37", "v1.9223372036854775807"] {
            assert_eq!(text.parse::<Version>().map(|version| version.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_kubernetes_refuses_is_refused() {
        for text in [
            "",
            "Latest",
            "1.30",
            "v1",
            "v1.",
            "v1.01",
            "v1.-1",
            "v1.+1",
            "v1.3.0",
            "v2.0",
            "v1.x",
            " v1.1",
            "v1.1\n",
            "v1.9223372036854775808",
            "v1.٣",
        ] {
            assert_eq!(text.parse::<Version>(), Err(InvalidVersion), "{text:?}");
        }
    }

    #[test]
    fn latest_is_newer_than_any_number() {
        assert!(Version::V1(9) < Version::V1(10) && Version::V1(u64::MAX) < Version::Latest);
    }
}
