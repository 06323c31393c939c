//! Who violates what: violations by namespace, check and mode, bounded in number.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use podsec_admission::response::{Decision, Event};
use podsec_admission::{Request, Response};

/// Counts violations. Whoever may create namespaces could else make any number of series, so that from
/// [`NAMESPACES`] on every other namespace counts as the one without a name.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    by_namespace: Mutex<BTreeMap<Box<str>, Counts>>,
}

/// By check and mode.
type Counts = BTreeMap<(&'static str, &'static str), u64>;

impl Violations {
    /// Counts what a review found; a pod that violates nothing costs nothing here.
    pub(crate) fn record(&self, request: &Request<'_>, response: &Response) {
        for event in response.events() {
            let Event::Evaluation { mode, decision: Decision::Deny, violated, .. } = event else { continue };
            self.count(&request.namespace, mode.as_str(), violated.ids());
        }
    }

    fn count(&self, namespace: &str, mode: &'static str, checks: impl Iterator<Item = &'static str>) {
        let mut by_namespace = self.by_namespace.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = if let Some(counts) = by_namespace.get_mut(namespace) {
            counts
        } else {
            let namespace = if by_namespace.len() < NAMESPACES { namespace } else { "" };
            by_namespace.entry(namespace.into()).or_default()
        };
        for check in checks {
            *counts.entry((check, mode)).or_default() += 1;
        }
    }

    pub(crate) fn render(&self, text: &mut String) {
        let by_namespace = self.by_namespace.lock().unwrap_or_else(PoisonError::into_inner);
        if by_namespace.is_empty() {
            return;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "# HELP {NAME} Violations found by namespace, check and mode; without a namespace when there are too \
             many.\n# TYPE {NAME} counter"
        );
        for (namespace, counts) in by_namespace.iter() {
            let namespace = namespace.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            for ((check, mode), count) in counts {
                let _ = writeln!(
                    text,
                    "{NAME}{{check=\"{check}\",mode=\"{mode}\",namespace=\"{namespace}\"}} {count}"
                );
            }
        }
    }
}

const NAME: &str = "podsec_webhook_violations_total";

/// How many namespaces have series of their own: at most one for each of the checks and modes.
const NAMESPACES: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_bounded_and_nothing_goes_uncounted() {
        let violations = Violations::default();
        for index in 0..NAMESPACES + 100 {
            violations.count(&format!("team-{index}"), "warn", ["hostPorts"].into_iter());
        }
        violations.count("team-7", "warn", ["hostPorts"].into_iter());
        let mut text = String::new();
        violations.render(&mut text);
        assert_eq!(text.lines().count(), 2 + NAMESPACES + 1);
        for line in [
            r#"podsec_webhook_violations_total{check="hostPorts",mode="warn",namespace=""} 100"#,
            r#"podsec_webhook_violations_total{check="hostPorts",mode="warn",namespace="team-7"} 2"#,
        ] {
            assert!(text.lines().any(|found| found == line), "no {line}");
        }
    }
}
