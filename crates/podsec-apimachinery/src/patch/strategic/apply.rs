//! Maps and lists merged, each within the other.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::directive::{
    DELETE_FROM_PRIMITIVE_LIST, Fields, PATCH, RETAIN_KEYS, SET_ELEMENT_ORDER, list_name, retain_keys,
    unknown_directive, without_directives,
};
use super::list::{
    apply_list_directives, array, check_order, interleave, no_merge_key, partition, same_kind,
};
use crate::patch::Error;
use crate::patch::merge::json_type;
use crate::patch::schema::{PatchStrategy, TypeSchema};

/// Applies `patch` to `object`, whose type is `schema`.
///
/// # Errors
/// [`Error::Malformed`] when the patch is no JSON object or a directive is not of its form,
/// [`Error::Unmergeable`] when the patch contradicts the type, as by an element without its merge key.
pub fn apply<S: TypeSchema>(object: Value, patch: Value, schema: &S) -> Result<Value, Error> {
    let fields = match patch {
        Value::Object(fields) => fields,
        other => {
            return Err(Error::Malformed(format!(
                "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                json_type(&other)
            )));
        }
    };
    let original = match object {
        Value::Object(original) => original,
        _ => Fields::new(),
    };
    merge_map(original, fields, Some(schema)).map(Value::Object)
}

fn merge_map<S: TypeSchema>(
    mut original: Fields,
    mut patch: Fields,
    schema: Option<&S>,
) -> Result<Fields, Error> {
    if let Some(directive) = patch.get(PATCH) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(PATCH);
                Ok(patch)
            }
            Some("delete") => Ok(Fields::new()),
            _ => Err(unknown_directive(directive, &patch)),
        };
    }
    if let Some(keys) = patch.remove(RETAIN_KEYS) {
        retain_keys(&mut original, &patch, &keys)?;
    }
    set_element_orders(&mut original, &mut patch, schema)?;

    for (key, value) in patch {
        let (field, deletes) = match key.strip_prefix(DELETE_FROM_PRIMITIVE_LIST) {
            Some(rest) => (list_name(rest, "invalid patch format of primitive list")?, true),
            None => (key.as_str(), false),
        };
        if value.is_null() {
            original.remove(field);
            continue;
        }
        let merged = match (original.remove(field), value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let sub = schema.and_then(|schema| schema.field(field));
                Some(Value::Object(merge_map(old, new, sub.as_ref())?))
            }
            (Some(Value::Array(old)), Value::Array(new)) => {
                let sub = schema.and_then(|schema| schema.field(field));
                Some(Value::Array(merge_list(old, new, sub.as_ref(), deletes)?.list))
            }
            // There is nothing to delete from; what was there stays.
            (old, _) if deletes => old,
            (_, new) => without_directives(new),
        };
        if let Some(merged) = merged {
            original.insert(field.to_owned(), merged);
        }
    }
    Ok(original)
}

fn strategy<S: TypeSchema>(schema: Option<&S>) -> PatchStrategy {
    schema.map(TypeSchema::patch_strategy).unwrap_or_default()
}

/// Takes every `$setElementOrder/x` out of `patch`, merges the list `x` and puts it in that order.
///
/// The order is that of the directive, then that of the object for what only the object has.
fn set_element_orders<S: TypeSchema>(
    original: &mut Fields,
    patch: &mut Fields,
    schema: Option<&S>,
) -> Result<(), Error> {
    let directives: Vec<String> =
        patch.keys().filter(|key| key.starts_with(SET_ELEMENT_ORDER)).cloned().collect();
    for directive in directives {
        let Some(order) = patch.remove(&directive) else { continue };
        let order = array(order)?;
        let rest = directive.strip_prefix(SET_ELEMENT_ORDER).unwrap_or_default();
        let field = list_name(rest, "invalid patch format of setElementOrder list")?;
        let old = original.get(field).cloned().map(array).transpose()?;
        let new = patch.remove(field).map(array).transpose()?;
        let sub = schema.and_then(|schema| schema.field(field));
        let merge_key = strategy(sub.as_ref()).merge_key;
        let merge_key = merge_key.as_deref();
        check_order(new.as_deref().unwrap_or_default(), &order, merge_key)?;

        let mut live = old.clone().unwrap_or_default();
        let given = new.clone().unwrap_or_default();
        let merged = match (old, new) {
            (Some(old), None) => old,
            (None, Some(new)) => new.into_iter().filter_map(without_directives).collect(),
            (Some(old), Some(new)) => {
                let length = live.len();
                let Merged { list, unordered } = merge_list(old, new, sub.as_ref(), false)?;
                // Kubernetes deletes and appends in place, so that new elements are ordered by the places that
                // deleted ones left.
                if let Some(unordered) = unordered {
                    live = unordered;
                    live.truncate(length);
                }
                list
            }
            (None, None) => continue,
        };
        let (patched, kept) = partition(merged, &order, merge_key)?;
        if live.is_empty() && given.is_empty() {
            return Err(Error::Unmergeable("no elements in any of the given slices".to_owned()));
        }
        same_kind(&live, &given)?;
        original.insert(field.to_owned(), Value::Array(interleave(patched, kept, &order, &live, merge_key)?));
    }
    Ok(())
}

struct Merged {
    list: Vec<Value>,
    /// The list before it was put in order: what is left of the object's elements, then the new ones. Only for
    /// lists that merge by key.
    unordered: Option<Vec<Value>>,
}

fn merge_list<S: TypeSchema>(
    original: Vec<Value>,
    patch: Vec<Value>,
    schema: Option<&S>,
    deletes: bool,
) -> Result<Merged, Error> {
    let whole = |list| Merged { list, unordered: None };
    let strategy = strategy(schema);
    if !strategy.merge || (original.is_empty() && patch.is_empty()) {
        return Ok(whole(patch));
    }
    let maps = same_kind(&original, &patch)?;
    let merge_key = strategy.merge_key.as_deref();
    if !maps && deletes {
        let gone: HashSet<Value> = patch.into_iter().collect();
        return Ok(whole(original.into_iter().filter(|item| !gone.contains(item)).collect()));
    }
    let (original, patch, merged) = if maps {
        let Some(merge_key) = merge_key else {
            return Err(Error::Unmergeable("cannot merge lists without merge key for type map".to_owned()));
        };
        let (original, patch) = apply_list_directives(original, patch, merge_key)?;
        let element = schema.and_then(TypeSchema::element);
        let merged = merge_elements(original.clone(), &patch, merge_key, element.as_ref())?;
        (original, patch, merged)
    } else {
        let mut seen = HashSet::new();
        let merged = original.iter().chain(&patch).filter(|item| seen.insert(*item)).cloned().collect();
        (original, patch, merged)
    };
    let unordered = (maps && !patch.is_empty()).then(|| merged.clone());
    let (patched, kept) = partition(merged, &patch, merge_key)?;
    let list = interleave(patched, kept, &patch, &original, merge_key)?;
    Ok(Merged { list, unordered })
}

fn merge_elements<S: TypeSchema>(
    mut original: Vec<Value>,
    patch: &[Value],
    merge_key: &str,
    schema: Option<&S>,
) -> Result<Vec<Value>, Error> {
    let mut places: HashMap<Value, usize> = HashMap::new();
    for (place, item) in original.iter().enumerate() {
        if let Some(key) = item.get(merge_key) {
            places.entry(key.clone()).or_insert(place);
        }
    }
    for item in patch {
        let key = item.get(merge_key).ok_or_else(|| no_merge_key(item, merge_key))?;
        let old = places.get(key).and_then(|place| original.get_mut(*place)).and_then(Value::as_object_mut);
        if let (Some(old), Value::Object(new)) = (old, item) {
            *old = merge_map(std::mem::take(old), new.clone(), schema)?;
        } else {
            // A new element enters as it is; only decoding drops its nulls and refuses its directives.
            places.insert(key.clone(), original.len());
            original.push(item.clone());
        }
    }
    Ok(original)
}
