//! Which names of a definition are accepted: those that no other definition of its group has.

use std::collections::BTreeSet;

use jiff::Timestamp;
use podsec_apimachinery::meta::time_text;
use serde_json::{Map, Value, json};

use crate::object::as_map;

/// The names that other definitions of the group have.
#[derive(Debug, Default)]
pub struct Taken {
    resources: BTreeSet<String>,
    kinds: BTreeSet<String>,
}

impl Taken {
    /// Adds what was accepted of another definition.
    pub fn add(&mut self, definition: &Value) {
        let Some(names) = definition.pointer("/status/acceptedNames") else { return };
        let text = |field: &str| names.get(field).and_then(Value::as_str).map(str::to_owned);
        self.resources.extend(["plural", "singular"].into_iter().filter_map(text));
        self.resources.extend(short_names(names).map(str::to_owned));
        self.kinds.extend(["kind", "listKind"].into_iter().filter_map(text));
        self.resources.remove("");
        self.kinds.remove("");
    }
}

/// The status of a definition: its accepted names, and the conditions that say so.
pub fn status(definition: &Value, taken: &Taken, now: Timestamp) -> Value {
    let empty = json!({});
    let requested = definition.pointer("/spec/names").unwrap_or(&empty);
    let mut status = definition.get("status").cloned().unwrap_or_default();
    let mut accepted = status.get("acceptedNames").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut conflict = None;
    for (field, reason, others) in [
        ("plural", "PluralConflict", &taken.resources),
        ("singular", "SingularConflict", &taken.resources),
        ("shortNames", "ShortNamesConflict", &taken.resources),
        ("kind", "KindConflict", &taken.kinds),
        ("listKind", "ListKindConflict", &taken.kinds),
    ] {
        let wanted = requested.get(field);
        let names = wanted.into_iter().flat_map(|wanted| match wanted {
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            name => Vec::from_iter(name.as_str()),
        });
        let is_new = wanted != accepted.get(field);
        let used: Vec<String> = names
            .filter(|name| is_new && others.contains(*name))
            .map(|name| format!("{name:?} is already in use"))
            .collect();
        if used.is_empty() {
            set(&mut accepted, field, wanted);
        } else {
            conflict = Some((reason, used.join(", ")));
        }
    }
    set(&mut accepted, "categories", requested.get("categories"));
    let fields = as_map(&mut status);
    fields.insert("acceptedNames".to_owned(), accepted.into());
    if let Some((reason, message)) = conflict {
        set_condition(fields, "NamesAccepted", false, reason, &message, now);
        // Once it is established, it stays so under its old names.
        if !is_true(fields, "Established") {
            set_condition(fields, "Established", false, "NotAccepted", "not all names are accepted", now);
        }
    } else {
        set_condition(fields, "NamesAccepted", true, "NoConflicts", "no conflicts found", now);
        let why = "the initial names have been accepted";
        set_condition(fields, "Established", true, "InitialNamesAccepted", why, now);
    }
    status
}

/// Whether a condition of a status holds.
pub fn is_true(status: &Map<String, Value>, kind: &str) -> bool {
    let conditions = status.get("conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        condition.get("type").is_some_and(|name| name == kind)
            && condition.get("status").is_some_and(|status| status == "True")
    })
}

/// Sets a condition of a status; its time is that of its last change between true and false.
pub fn set_condition(
    status: &mut Map<String, Value>,
    kind: &str,
    holds: bool,
    reason: &str,
    message: &str,
    now: Timestamp,
) {
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let Some(conditions) = conditions.as_array_mut() else { return };
    let holds = if holds { "True" } else { "False" };
    let mut condition = json!({
        "type": kind,
        "status": holds,
        "lastTransitionTime": time_text(now),
        "reason": reason,
        "message": message,
    });
    let old = conditions.iter_mut().find(|old| old.get("type").is_some_and(|name| name == kind));
    match old {
        Some(old) => {
            if old.get("status").is_some_and(|status| status == holds)
                && let (Some(since), Value::Object(fields)) = (old.get("lastTransitionTime"), &mut condition)
            {
                fields.insert("lastTransitionTime".to_owned(), since.clone());
            }
            *old = condition;
        }
        None => conditions.push(condition),
    }
}

fn short_names(names: &Value) -> impl Iterator<Item = &str> {
    names.get("shortNames").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn set(accepted: &mut Map<String, Value>, field: &str, wanted: Option<&Value>) {
    match wanted {
        Some(value) => accepted.insert(field.to_owned(), value.clone()),
        None => accepted.remove(field),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(plural: &str, kind: &str) -> Value {
        let names =
            json!({"plural": plural, "singular": "w", "kind": kind, "listKind": format!("{kind}List")});
        json!({"spec": {"names": names}})
    }

    #[test]
    fn the_first_of_two_with_one_name_keeps_it() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut first = definition("widgets", "Widget");
        first["status"] = status(&first, &Taken::default(), now);
        assert!(is_true(first["status"].as_object().unwrap(), "Established"));
        let mut taken = Taken::default();
        taken.add(&first);
        let second = definition("gadgets", "Widget");
        let status = status(&second, &taken, now);
        assert_eq!(status["acceptedNames"], json!({"plural": "gadgets"}));
        assert_eq!(status["conditions"][0]["reason"], "ListKindConflict");
        assert_eq!(status["conditions"][0]["message"], r#""WidgetList" is already in use"#);
        assert_eq!(status["conditions"][1]["status"], "False");
    }

    #[test]
    fn what_does_not_change_keeps_its_time() {
        let at = |text: &str| text.parse().unwrap();
        let mut first = definition("widgets", "Widget");
        first["status"] = status(&first, &Taken::default(), at("2026-01-01T00:00:00Z"));
        assert_eq!(status(&first, &Taken::default(), at("2026-01-02T00:00:00Z")), first["status"]);
    }
}
