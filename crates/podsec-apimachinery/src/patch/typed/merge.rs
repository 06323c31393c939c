//! An applied configuration merged into an object: maps field by field, lists by element, leaves replaced.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::kind::{Kind, element_of, is_empty, items};
use crate::patch::field_set::PathElement;
use crate::patch::schema::TypeSchema;

/// Merges `config` into `live`; both must fit `schema`.
pub(in crate::patch) fn merge<S: TypeSchema>(live: &Value, config: &Value, schema: &S) -> Value {
    both(live, config, Some(schema)).unwrap_or_else(|| Value::Object(Map::new()))
}

/// `None` when nothing is left, so that the field above disappears.
fn both<S: TypeSchema>(live: &Value, config: &Value, schema: Option<&S>) -> Option<Value> {
    let kind = Kind::of(schema, if config.is_null() { live } else { config });
    let changes_kind = !live.is_null() && !config.is_null() && Kind::of(schema, live) != kind;
    let both_empty = is_empty(Some(live)) && is_empty(Some(config));
    match kind {
        Kind::Map if !changes_kind && !both_empty => {
            let (live, config) = (live.as_object(), config.as_object());
            let mut merged = Map::new();
            for (name, live) in live.into_iter().flatten() {
                let value = match config.and_then(|config| config.get(name)) {
                    None => Some(live.clone()),
                    Some(config) => both(live, config, schema.and_then(|schema| schema.field(name)).as_ref()),
                };
                merged.extend(value.map(|value| (name.clone(), value)));
            }
            for (name, config) in config.into_iter().flatten() {
                if !live.is_some_and(|live| live.contains_key(name)) {
                    merged.insert(name.clone(), config.clone());
                }
            }
            (!merged.is_empty()).then_some(Value::Object(merged))
        }
        Kind::Set | Kind::KeyedList(_) if !changes_kind && !both_empty => {
            let element_schema = schema.and_then(TypeSchema::element);
            let merged = lists(items(Some(live)), items(Some(config)), &kind, element_schema.as_ref());
            (!merged.is_empty()).then_some(Value::Array(merged))
        }
        _ => Some(config.clone()),
    }
}

/// Merges two lists of elements with identities. The configuration's order wins; what only the object has keeps its
/// place relative to the shared elements around it.
fn lists<S: TypeSchema>(live: &[Value], config: &[Value], kind: &Kind, schema: Option<&S>) -> Vec<Value> {
    let index = |list: &[Value]| -> Vec<(PathElement, Value)> {
        list.iter().filter_map(|item| Some((element_of(kind, schema, item).ok()?, item.clone()))).collect()
    };
    let (live, config) = (index(live), index(config));
    // Elements of the object that share a key are replaced by the configuration's, not merged with it.
    let mut in_live: BTreeMap<&PathElement, Option<&Value>> = BTreeMap::new();
    for (element, item) in &live {
        in_live.entry(element).and_modify(|item| *item = None).or_insert(Some(item));
    }
    let in_config: BTreeMap<&PathElement, &Value> =
        config.iter().map(|(element, item)| (element, item)).collect();
    let mut shared: VecDeque<&PathElement> =
        config.iter().map(|(element, _)| element).filter(|element| in_live.contains_key(element)).collect();
    let merged_item = |element: &PathElement, config: &Value| match in_live.get(element).copied().flatten() {
        Some(live) => both(live, config, schema),
        None => Some(config.clone()),
    };

    let mut next_shared = shared.pop_front();
    let mut done: BTreeSet<&PathElement> = BTreeSet::new();
    let mut merged = Vec::with_capacity(live.len().max(config.len()));
    let mut left = live.iter().peekable();
    let mut right = config.iter().peekable();
    while left.peek().is_some() || right.peek().is_some() {
        if let (Some((element, _)), Some((wanted, item))) = (left.peek(), right.peek()) {
            if element == wanted {
                done.insert(element);
                merged.extend(merged_item(element, item));
                left.next();
                right.next();
                next_shared = shared.pop_front();
                continue;
            }
            if in_config.contains_key(element) && next_shared.is_some_and(|shared| shared != element) {
                // A shared element whose turn comes later.
                left.next();
                continue;
            }
        }
        if let Some((element, item)) = left.peek() {
            if !in_config.contains_key(element) {
                merged.push(item.clone());
                left.next();
                continue;
            }
            if done.contains(element) {
                left.next();
            }
        }
        if let Some((element, item)) = right.next() {
            done.insert(element);
            merged.extend(merged_item(element, item));
            if next_shared == Some(element) {
                next_shared = shared.pop_front();
            }
        }
    }
    merged
}
