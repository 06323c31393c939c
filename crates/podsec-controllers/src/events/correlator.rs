//! Which events become new objects, which are counted in an existing one, and which are dropped.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::core::ObjectMeta;
use serde_json::{Value, json};

use super::event::event_name;
use super::recent::Recent;
use crate::clock::time;

/// What becomes of an event.
pub(super) enum Correlated {
    /// Its object has told too much lately.
    Drop,
    /// It is written as an object of its own.
    Create(Box<Event>),
    /// The existing one, and what to change in it.
    Patch(Box<Event>, Value),
}

/// What one recorder has written lately.
///
/// ```text
/// 9 refusals that differ in a name      ─► 9 events
/// the tenth and all that follow         ─► one event "(combined from similar events): …", counted
/// the same message again                ─► the count of its event
/// more than 25 of an object at once     ─► dropped, but for one in five minutes
/// ```
#[derive(Default)]
pub(super) struct Correlator {
    similar: Recent<Similar>,
    written: Recent<Option<Written>>,
    budgets: Recent<Option<Budget>>,
}

/// Messages that differ in nothing but their words.
struct Similar {
    messages: BTreeSet<String>,
    last: Timestamp,
}

#[derive(Clone)]
struct Written {
    count: i32,
    first: Option<Time>,
    name: Option<String>,
    resource_version: Option<String>,
}

/// Tokens for the events of one object.
struct Budget {
    tokens: f64,
    last: Timestamp,
}

impl Correlator {
    pub(super) fn correlate(&mut self, event: Event, now: Timestamp) -> Correlated {
        let (mut event, key) = self.aggregate(event, now);
        let known = self.written.entry(&key, || None);
        let patch = known.as_ref().map(|known| {
            event.metadata.name.clone_from(&known.name);
            event.metadata.resource_version.clone_from(&known.resource_version);
            event.first_timestamp.clone_from(&known.first);
            event.count = Some(known.count + 1);
            json!({"count": event.count, "lastTimestamp": event.last_timestamp, "message": event.message})
        });
        *known = Some(Written::of(&event));
        if !self.has_budget(&event, now) {
            return Correlated::Drop;
        }
        event.metadata.resource_version = None;
        match patch {
            Some(patch) => Correlated::Patch(Box::new(event), patch),
            None => Correlated::Create(Box::new(event)),
        }
    }

    /// Takes in what the API server answered.
    pub(super) fn wrote(&mut self, event: &Event) {
        *self.written.entry(&message_key(event), || None) = Some(Written::of(event));
    }

    /// The event itself or the one that many similar ones are gathered into, and under which key it is counted.
    fn aggregate(&mut self, event: Event, now: Timestamp) -> (Event, String) {
        let key = reason_key(&event);
        let similar = self.similar.entry(&key, || Similar { messages: BTreeSet::new(), last: now });
        if now.duration_since(similar.last) > SIMILAR_FOR {
            similar.messages.clear();
        }
        similar.messages.insert(event.message.clone().unwrap_or_default());
        similar.last = now;
        if similar.messages.len() < SIMILAR {
            let key = message_key(&event);
            return (event, key);
        }
        similar.messages.pop_first();
        let combined = Event {
            metadata: ObjectMeta {
                name: Some(event_name(&event.involved_object, now)),
                namespace: event.metadata.namespace,
                ..ObjectMeta::default()
            },
            count: Some(1),
            first_timestamp: Some(time(now)),
            last_timestamp: Some(time(now)),
            involved_object: event.involved_object,
            message: Some(format!(
                "(combined from similar events): {}",
                event.message.as_deref().unwrap_or_default()
            )),
            type_: event.type_,
            reason: event.reason,
            source: event.source,
            ..Event::default()
        };
        (combined, key)
    }

    fn has_budget(&mut self, event: &Event, now: Timestamp) -> bool {
        let key = object_key(event) + event.type_.as_deref().unwrap_or_default();
        let budget = self.budgets.entry(&key, || None);
        let budget = budget.get_or_insert(Budget { tokens: BURST, last: now });
        let passed = now.duration_since(budget.last).as_secs_f64().max(0.0);
        budget.tokens = (budget.tokens + passed * TOKENS_A_SECOND).min(BURST);
        budget.last = now;
        if budget.tokens < 1.0 {
            return false;
        }
        budget.tokens -= 1.0;
        true
    }
}

impl Written {
    fn of(event: &Event) -> Self {
        Self {
            count: event.count.unwrap_or(1),
            first: event.first_timestamp.clone(),
            name: event.metadata.name.clone(),
            resource_version: event.metadata.resource_version.clone(),
        }
    }
}

fn object_key(event: &Event) -> String {
    let object = &event.involved_object;
    let parts = [&object.kind, &object.namespace, &object.name, &object.uid, &object.api_version];
    parts.map(|part| part.as_deref().unwrap_or_default()).join("\n")
}

fn reason_key(event: &Event) -> String {
    let parts = [&event.type_, &event.reason];
    object_key(event) + "\n" + &parts.map(|part| part.as_deref().unwrap_or_default()).join("\n")
}

fn message_key(event: &Event) -> String {
    format!("{}\n={}", reason_key(event), event.message.as_deref().unwrap_or_default())
}

/// So many similar messages within [`SIMILAR_FOR`] become one event.
const SIMILAR: usize = 10;
const SIMILAR_FOR: SignedDuration = SignedDuration::from_mins(10);
/// The events that an object may have at once, and how many a second after them.
const BURST: f64 = 25.0;
const TOKENS_A_SECOND: f64 = 1.0 / 300.0;

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ObjectReference;

    use super::super::event::{EventType, event};
    use super::*;

    fn failure(message: &str, now: Timestamp) -> Event {
        let object = ObjectReference { name: Some("web".to_owned()), ..ObjectReference::default() };
        event("test", &object, EventType::Warning, "FailedCreate", message, now)
    }

    fn fate(correlated: &Correlated) -> (&'static str, i32, &str) {
        match correlated {
            Correlated::Drop => ("drop", 0, ""),
            Correlated::Create(event) => ("create", event.count.unwrap(), event.message.as_deref().unwrap()),
            Correlated::Patch(event, patch) => {
                assert_eq!(patch["count"], json!(event.count));
                ("patch", event.count.unwrap(), event.message.as_deref().unwrap())
            }
        }
    }

    #[test]
    fn from_the_tenth_similar_refusal_on_one_event_counts_them() {
        let mut correlator = Correlator::default();
        let now = Timestamp::UNIX_EPOCH;
        for number in 1..=9 {
            let message = format!("pod {number}");
            let correlated = correlator.correlate(failure(&message, now), now);
            assert_eq!(fate(&correlated), ("create", 1, message.as_str()));
        }
        let tenth = correlator.correlate(failure("pod 10", now), now);
        assert_eq!(fate(&tenth), ("create", 1, "(combined from similar events): pod 10"));
        let eleventh = correlator.correlate(failure("pod 11", now), now);
        assert_eq!(fate(&eleventh), ("patch", 2, "(combined from similar events): pod 11"));
    }

    #[test]
    fn the_same_message_is_counted_and_a_flood_is_dropped() {
        let mut correlator = Correlator::default();
        let mut now = Timestamp::UNIX_EPOCH;
        let mut fates = Vec::new();
        for _ in 0..27 {
            fates.push(fate(&correlator.correlate(failure("same", now), now)).0);
        }
        assert_eq!(fates[0], "create");
        assert!(fates[1..25].iter().all(|fate| *fate == "patch"));
        assert_eq!(fates[25..], ["drop", "drop"]);
        now += SignedDuration::from_mins(6);
        // What was dropped is counted all the same.
        let later = correlator.correlate(failure("same", now), now);
        assert_eq!(fate(&later), ("patch", 28, "same"));
    }
}
