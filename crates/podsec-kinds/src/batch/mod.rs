//! The kinds of `batch`, one file a kind.

mod cron_schedule;
pub(crate) mod cronjobs;
pub(crate) mod jobs;
