//! What Go does to text, as far as Kubernetes' users see it.
//!
//! Kubernetes' messages and values have the forms that Go's standard library gives them. Each of these forms is read and
//! written here and nowhere else:
//!
//! | module | Go | for example |
//! |---|---|---|
//! | [`json`] | `encoding/json` | `{"a": [1, 2]}` |
//! | [`quote`] | `%q` | `"a\x01"` |
//! | [`duration`] | `time.ParseDuration` | `1m30s` |
//! | [`pattern`] | `regexp.Compile` | `^[[a]\d$` |
//! | [`time`] | `time.Parse(time.RFC3339, …)` | `2026-11-22T03:04:05Z` |
//! | [`quantity`] | `resource.ParseQuantity` | `1.5Gi` |
//!
//! ```
//! assert_eq!(podsec_go::quote::quoted("a\u{1}"), r#""a\x01""#);
//! assert_eq!(podsec_go::quantity::canonical("0.5").as_deref(), Ok("500m"));
//! ```

pub mod duration;
pub mod json;
pub mod pattern;
pub mod quantity;
pub mod quote;
pub mod time;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
