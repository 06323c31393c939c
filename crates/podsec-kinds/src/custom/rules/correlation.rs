//! Which stored value a new one is compared with.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde_json::Value;

use crate::object::{Fields, same};

/// A new value with the stored one in its place.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    new: &'a Value,
    old: &'a Value,
    schema: &'a Value,
    /// Compared once: many rules may ask.
    equal: OnceCell<bool>,
}

impl<'a> Pair<'a> {
    pub(super) fn new(new: &'a Value, old: &'a Value, schema: &'a Value) -> Self {
        Self { new, old, schema, equal: OnceCell::new() }
    }

    /// Whether nothing has changed. The items of a list with keys may have changed their order.
    fn is_unchanged(&self) -> bool {
        *self.equal.get_or_init(|| equal(self.new, self.old, self.schema))
    }

    /// The pair of a field.
    fn field(&self, name: &str) -> Option<Self> {
        let schema = field_schema(self.schema, name)?;
        Some(Self::new(self.new.get(name)?, self.old.get(name)?, schema))
    }
}

fn field_schema<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    schema
        .at("properties")
        .field(name)
        .or_else(|| schema.field("additionalProperties").filter(|inner| inner.is_object()))
}

fn equal(new: &Value, old: &Value, schema: &Value) -> bool {
    match (new, old) {
        (Value::Array(news), Value::Array(olds)) => {
            let items = schema.at("items");
            let keyed = Keyed::of(schema, old);
            news.len() == olds.len()
                && match keyed {
                    Some(keyed) => {
                        news.iter().all(|new| keyed.find(new).is_some_and(|old| equal(new, old, items)))
                    }
                    None => same(new, old),
                }
        }
        (Value::Object(news), Value::Object(olds)) => {
            news.len() == olds.len()
                && news.iter().all(|(name, new)| {
                    // Of what the schema does not know nobody can tell that it is the same.
                    let schema = field_schema(schema, name);
                    schema.zip(olds.get(name)).is_some_and(|(schema, old)| equal(new, old, schema))
                })
        }
        _ => same(new, old),
    }
}

/// The items of a stored list of type map, by their keys.
pub(super) struct Keyed<'a> {
    keys: Vec<&'a str>,
    items: HashMap<String, &'a Value>,
}

impl<'a> Keyed<'a> {
    /// `None` for a list of another type.
    pub(super) fn of(schema: &'a Value, list: &'a Value) -> Option<Self> {
        let keys: Vec<&str> =
            schema.list("x-kubernetes-list-map-keys").iter().filter_map(Value::as_str).collect();
        if schema.text("x-kubernetes-list-type") != "map" || keys.is_empty() {
            return None;
        }
        let mut items = HashMap::new();
        for item in list.as_array().into_iter().flatten() {
            if let Some(key) = key(item, &keys) {
                items.entry(key).or_insert(item);
            }
        }
        Some(Self { keys, items })
    }

    /// The stored item with the keys of `item`.
    pub(super) fn find(&self, item: &Value) -> Option<&'a Value> {
        self.items.get(&key(item, &self.keys)?).copied()
    }
}

/// The keys of an item as one text; `None` when one is missing or no scalar.
fn key(item: &Value, keys: &[&str]) -> Option<String> {
    let mut text = String::new();
    for key in keys {
        let value = item.as_object()?.get(*key)?;
        if !matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_)) {
            return None;
        }
        text.push_str(&value.to_string());
        text.push('\0');
    }
    Some(text)
}

/// How a place relates to the stored object, for the question whether an error there is news.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Correlation<'c> {
    /// The pair at the place itself.
    current: Option<&'c Pair<'c>>,
    /// The nearest pair above.
    parent: Option<&'c Pair<'c>>,
}

impl<'c> Correlation<'c> {
    /// At the root of an object.
    pub(super) fn root(pair: Option<&'c Pair<'c>>) -> Self {
        Self { current: pair, parent: None }
    }

    /// Whether what is wrong here was so before: then it is warned of.
    pub(super) fn is_unchanged(self) -> bool {
        self.current.or(self.parent).is_some_and(Pair::is_unchanged)
    }

    /// As `allOf` has it: nothing at the place itself.
    pub(super) fn of_all_of(self) -> Self {
        Self { current: None, parent: self.parent }
    }

    /// The pair of a field; what is below uses it with [`Correlation::below`].
    pub(super) fn field(self, name: &str) -> Option<Pair<'c>> {
        self.current.filter(|_| !self.is_of_type(name))?.field(name)
    }

    /// The pair of an item.
    pub(super) fn item(self, new: &'c Value, old: Option<&'c Value>) -> Option<Pair<'c>> {
        let items = self.current?.schema.field("items")?;
        Some(Pair::new(new, old?, items))
    }

    /// At a field or item whose pair is `pair`.
    pub(super) fn below(self, name: &str, pair: Option<&'c Pair<'c>>) -> Self {
        if self.current.is_none() {
            return self;
        }
        if self.is_of_type(name) {
            return Self::default();
        }
        Self { current: pair, parent: self.current }
    }

    /// `apiVersion` and `kind` of the object itself: stored and new have the same ones, whatever was sent.
    fn is_of_type(self, name: &str) -> bool {
        self.parent.is_none() && matches!(name, "apiVersion" | "kind")
    }
}
