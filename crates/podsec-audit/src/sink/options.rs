//! How the log is written.

use std::path::PathBuf;

/// What the `--audit-log-…` flags say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// `--audit-log-path`; `-` is standard output.
    pub path: PathBuf,
    /// `--audit-log-format`.
    pub format: Format,
    /// `--audit-log-maxage` in days; 0 keeps rotated files for ever.
    pub max_age: u32,
    /// `--audit-log-maxbackup`: how many rotated files to keep; 0 keeps all.
    pub max_backups: u32,
    /// `--audit-log-maxsize` in megabytes; 0 means 100.
    pub max_size: u32,
    /// `--audit-log-compress`: whether rotated files are gzipped.
    pub compress: bool,
}

/// How an event becomes a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The event as JSON.
    #[default]
    Json,
    /// Kubernetes' older line of text.
    Legacy,
}
