//! What an installed webhook is worth, found out from outside (`podsec webhook doctor`).
//!
//! ```text
//! ValidatingWebhookConfiguration ─► Registration ─┬► coverage   every kind, every namespace?
//!                                                 ├► reach      dry runs through the API server
//!                                                 ├► trust      caBundle against the certificate that is shown
//!                                                 └► outage     what happens when nobody answers
//! ```
//!
//! [`Examination::run`] is the entry. It changes nothing: whatever it creates it creates as a dry run.

mod coverage;
mod examination;
mod finding;
mod outage;
mod question;
mod reach;
mod registration;
mod run;
mod trust;

pub use examination::{Examination, ExaminationError};
pub use finding::{Finding, Report, Status, Topic};
