//! The kinds of `batch`, one file a kind, and what they share.

mod cron_schedule;
pub(crate) mod cronjobs;
mod indexes;
mod job_spec;
mod job_status;
pub(crate) mod jobs;
mod time_zones;
