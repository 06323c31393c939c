//! Lists under a strategic merge patch: what is deleted from them, and how they are put in order.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::directive::{PATCH, SET_ELEMENT_ORDER, unknown_directive};
use crate::patch::{Error, GoFormat};

/// Carries out the elements that are directives, and returns what is left of both lists.
pub(super) fn apply_list_directives(
    mut original: Vec<Value>,
    patch: Vec<Value>,
    merge_key: &str,
) -> Result<(Vec<Value>, Vec<Value>), Error> {
    let mut plain = Vec::with_capacity(patch.len());
    let mut deleted = HashSet::new();
    let mut replaces = false;
    for item in patch {
        let Value::Object(fields) = &item else { continue };
        let Some(directive) = fields.get(PATCH) else {
            plain.push(item);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let key = fields.get(merge_key).ok_or_else(|| no_merge_key(&item, merge_key))?;
                deleted.insert(key.clone());
            }
            Some("replace") => replaces = true,
            Some("merge") => {
                return Err(Error::Unmergeable(
                    "merging lists cannot yet be specified in the patch".to_owned(),
                ));
            }
            _ => return Err(unknown_directive(directive, fields)),
        }
    }
    // Once for all of them: both lists may be long.
    if !deleted.is_empty() {
        original.retain(|old| old.get(merge_key).is_none_or(|key| !deleted.contains(key)));
    }
    Ok(if replaces { (plain, Vec::new()) } else { (original, plain) })
}

/// Checks that the patch's elements come in the order the directive gives, and that it names all of them.
pub(super) fn check_order(patch: &[Value], order: &[Value], merge_key: Option<&str>) -> Result<(), Error> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let deletes = |item: &Value| item.get(PATCH).is_some_and(|directive| directive == "delete");
    let mut items = patch.iter().filter(|item| merge_key.is_none() || !deletes(item)).peekable();
    let mut places = order.iter();
    while let Some(item) = items.peek() {
        // Other directives stand in nobody's way, but only while there is order left.
        let Some(place) = places.as_slice().first() else {
            return Err(Error::Unmergeable(format!(
                "The order in patch list:\n{}\n doesn't match {SET_ELEMENT_ORDER} list:\n{}\n",
                GoFormat(&Value::Array(patch.to_vec())),
                GoFormat(&Value::Array(order.to_vec())),
            )));
        };
        if item.get(PATCH).is_some() {
            items.next();
            continue;
        }
        if identity(item, merge_key)? == identity(place, merge_key)? {
            items.next();
        }
        places.next();
    }
    Ok(())
}

/// Splits `items` into those that `by` names and the others.
pub(super) fn partition(
    items: Vec<Value>,
    by: &[Value],
    merge_key: Option<&str>,
) -> Result<(Vec<Value>, Vec<Value>), Error> {
    let places = Places::of(by, merge_key)?;
    let mut named = Vec::new();
    let mut others = Vec::new();
    for item in items {
        let list = if places.find(&item)?.is_some() { &mut named } else { &mut others };
        list.push(item);
    }
    Ok((named, others))
}

/// Sorts `patched` by `order` and `kept` by `live`, and merges the two so that both keep their order; where an
/// element of `kept` stands before one of `patched` in `live`, it does so in the result.
pub(super) fn interleave(
    patched: Vec<Value>,
    kept: Vec<Value>,
    order: &[Value],
    live: &[Value],
    merge_key: Option<&str>,
) -> Result<Vec<Value>, Error> {
    let order = Places::of(order, merge_key)?;
    let live = Places::of(live, merge_key)?;
    let patched = order.sort(patched)?;
    let kept = live.sort(kept)?;

    let mut all = Vec::with_capacity(patched.len() + kept.len());
    let mut kept = kept.into_iter().peekable();
    for (_, item) in patched {
        let here = live.find(&item)?;
        while let Some((_, next)) =
            kept.next_if(|(there, _)| there.zip(here).is_some_and(|(there, here)| there < here))
        {
            all.push(next);
        }
        all.push(item);
    }
    all.extend(kept.map(|(_, item)| item));
    Ok(all)
}

/// Where each element of a list stands, found by its identity: these lists come from clients and may be long.
struct Places<'a> {
    places: HashMap<&'a Value, usize>,
    merge_key: Option<&'a str>,
}

impl<'a> Places<'a> {
    fn of(list: &'a [Value], merge_key: Option<&'a str>) -> Result<Self, Error> {
        let mut places = HashMap::with_capacity(list.len());
        for (place, item) in list.iter().enumerate() {
            places.entry(identity(item, merge_key)?).or_insert(place);
        }
        Ok(Self { places, merge_key })
    }

    fn find(&self, item: &Value) -> Result<Option<usize>, Error> {
        Ok(self.places.get(identity(item, self.merge_key)?).copied())
    }

    fn sort(&self, items: Vec<Value>) -> Result<Vec<(Option<usize>, Value)>, Error> {
        let mut placed =
            items.into_iter().map(|item| Ok((self.find(&item)?, item))).collect::<Result<Vec<_>, Error>>()?;
        placed.sort_by_key(|(place, _)| *place);
        Ok(placed)
    }
}

/// What tells an element from the others: the value under its merge key, or itself.
pub(super) fn identity<'a>(item: &'a Value, merge_key: Option<&str>) -> Result<&'a Value, Error> {
    match merge_key {
        None => Ok(item),
        Some(merge_key) if item.is_object() => {
            item.get(merge_key).ok_or_else(|| no_merge_key(item, merge_key))
        }
        Some(_) => Err(wrong_type("map[string]interface {}", item)),
    }
}

/// Whether the elements are maps; lists of lists and mixed lists have no meaning here.
pub(super) fn same_kind(original: &[Value], patch: &[Value]) -> Result<bool, Error> {
    let mut kinds = original.iter().chain(patch).map(go_type);
    let first = kinds.next().unwrap_or_default();
    if first == "[]interface {}" {
        return Err(Error::Inapplicable("lists of lists are not supported".to_owned()));
    }
    if kinds.any(|kind| kind != first) {
        let lists = Value::Array(vec![Value::from(original.to_vec()), Value::from(patch.to_vec())]);
        return Err(Error::Unmergeable(format!(
            "list element types are not identical: {}",
            GoFormat(&lists)
        )));
    }
    Ok(first == "map[string]interface {}")
}

pub(super) fn array(value: Value) -> Result<Vec<Value>, Error> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(wrong_type("[]interface {}", &other)),
    }
}

pub(super) fn wrong_type(expected: &str, value: &Value) -> Error {
    Error::Unmergeable(format!("expected a {expected}, but received a {}", go_type(value)))
}

pub(super) fn no_merge_key(item: &Value, merge_key: &str) -> Error {
    Error::Unmergeable(format!("map: {} does not contain declared merge key: {merge_key}", GoFormat(item)))
}

pub(super) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "%!s(<nil>)",
        Value::Bool(_) => "bool",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}
