//! Who violates what: violations by namespace, check and mode, bounded in number.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use podsec_admission::labels::Mode;
use podsec_admission::response::{Decision, Event, Violated};
use podsec_admission::{Request, Response};

/// Counts violations. Whoever may create namespaces could else make any number of series, so that from
/// [`NAMESPACES`] on every other namespace counts as the one without a name.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    by_namespace: Mutex<BTreeMap<Box<str>, Counts>>,
}

/// By mode and check, each at its place, so that one more is counted without looking for it.
type Counts = [[u64; Violated::CHECKS]; MODES.len()];

impl Violations {
    /// Counts what a review found; a pod that violates nothing costs nothing here.
    pub(crate) fn record(&self, request: &Request<'_>, response: &Response) {
        for event in response.events() {
            let Event::Evaluation { mode, decision: Decision::Deny, violated, .. } = event else { continue };
            self.count(&request.namespace, mode, |place| violated.has(place));
        }
    }

    fn count(&self, namespace: &str, mode: Mode, violated: impl Fn(usize) -> bool) {
        let mut by_namespace = self.by_namespace.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = if let Some(counts) = by_namespace.get_mut(namespace) {
            counts
        } else {
            let namespace = if by_namespace.len() < NAMESPACES { namespace } else { "" };
            by_namespace.entry(namespace.into()).or_default()
        };
        let of_mode = MODES.iter().zip(counts).find(|(counted, _)| **counted == mode);
        for (place, count) in of_mode.into_iter().flat_map(|(_, counts)| counts.iter_mut().enumerate()) {
            *count += u64::from(violated(place));
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
            for (place, check) in Violated::ids().enumerate() {
                for (mode, counts) in MODES.iter().zip(counts) {
                    let count = counts.get(place).copied().unwrap_or_default();
                    if count > 0 {
                        let _ = writeln!(
                            text,
                            "{NAME}{{check=\"{check}\",mode=\"{mode}\",namespace=\"{namespace}\"}} {count}"
                        );
                    }
                }
            }
        }
    }
}

/// As they are written, in the order of the alphabet.
const MODES: [Mode; 3] = [Mode::Audit, Mode::Enforce, Mode::Warn];

const NAME: &str = "podsec_webhook_violations_total";

/// How many namespaces have series of their own: at most one for each of the checks and modes.
const NAMESPACES: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_bounded_and_nothing_goes_uncounted() {
        let violations = Violations::default();
        let host_ports = |place| Violated::ids().nth(place) == Some("hostPorts");
        for index in 0..NAMESPACES + 100 {
            violations.count(&format!("team-{index}"), Mode::Warn, host_ports);
        }
        violations.count("team-7", Mode::Warn, host_ports);
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
