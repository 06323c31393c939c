//! The types that a schema declares, with the greatest size that an object of a request may give each part.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::escape::escape;
use crate::cost_range::{CostRange, SizeHints};
use crate::declaration::{MessageTable, Messages};
use crate::environment::Environment;
use crate::types::Type;

/// The largest request that Kubernetes takes, in bytes: what no schema bounds is bounded by it.
const REQUEST: u64 = 3 * 1024 * 1024;

/// The type of `self` at one node of a schema.
#[derive(Debug)]
pub struct SelfType {
    root: Declared,
    of: Type,
    messages: Arc<MessageTable>,
}

/// What one node of a schema declares.
#[derive(Debug)]
struct Declared {
    shape: Shape,
    /// The most elements, or characters and bytes of a text.
    most: u64,
    /// The least bytes that a value takes in JSON.
    least_bytes: u64,
}

#[derive(Debug)]
enum Shape {
    Plain(Type),
    List(Box<Declared>),
    Map(Box<Declared>),
    Object(BTreeMap<String, Declared>),
}

impl SelfType {
    /// The type of a node; `None` when its schema declares none. `root` is set for whole objects and embedded ones, which
    /// have a kind and metadata besides.
    pub fn of(schema: &Json, root: bool) -> Option<Self> {
        let root = declared(schema, root)?;
        let mut messages = MessageTable::default();
        let of = root.register("selfType", &mut messages);
        Some(Self { root, of, messages: Arc::new(messages) })
    }

    /// What rules of this node may use. `optional` makes `oldSelf` an optional value.
    pub fn environment(&self, optional: bool) -> Environment {
        let old = if optional { Type::optional(self.of.clone()) } else { self.of.clone() };
        let messages: Arc<dyn Messages> = Arc::clone(&self.messages) as Arc<dyn Messages>;
        Environment::default()
            .with_messages(messages)
            .with_variable("self", self.of.clone())
            .with_variable("oldSelf", old)
    }

    /// How often a rule of this node may be evaluated for one object, by itself.
    pub fn cardinality(&self) -> u64 {
        REQUEST / (self.root.least_bytes + 1)
    }

    /// The most elements that a list or map of this node may hold, for rules of what it holds; `None` for other nodes.
    pub fn most_elements(&self) -> Option<u64> {
        matches!(self.root.shape, Shape::List(_) | Shape::Map(_)).then_some(self.root.most)
    }
}

/// What is known of the sizes of `self`, `oldSelf` and their parts.
impl SizeHints for SelfType {
    fn size(&self, path: Option<&[String]>, _: &Type) -> Option<CostRange> {
        let (_, steps) = path?.split_first()?;
        let mut node = &self.root;
        for step in steps {
            node = match (step.as_str(), &node.shape) {
                ("@items" | "@values", Shape::List(element) | Shape::Map(element)) => element,
                // Kubernetes bounds the length of keys by nothing and counts them as empty.
                ("@keys", Shape::Map(_)) => return Some(CostRange::fixed(0)),
                (field, Shape::Object(fields)) => fields.get(field)?,
                _ => return None,
            };
        }
        Some(CostRange { min: 0, max: node.most })
    }
}

impl Declared {
    fn plain(of: Type, most: u64, least_bytes: u64) -> Self {
        Self { shape: Shape::Plain(of), most, least_bytes }
    }

    /// The type, its messages added to the table under names that begin with `name`.
    fn register(&self, name: &str, messages: &mut MessageTable) -> Type {
        match &self.shape {
            Shape::Plain(of) => of.clone(),
            Shape::List(element) => Type::list(element.register(&format!("{name}.@idx"), messages)),
            Shape::Map(element) => {
                Type::map(Type::String, element.register(&format!("{name}.@elem"), messages))
            }
            Shape::Object(fields) => {
                let types: Vec<(&str, Type)> = fields
                    .iter()
                    .map(|(field, declared)| {
                        (field.as_str(), declared.register(&format!("{name}.{field}"), messages))
                    })
                    .collect();
                messages.add(name, types)
            }
        }
    }
}

fn text<'s>(schema: &'s Json, name: &str) -> &'s str {
    schema.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn flag(schema: &Json, name: &str) -> bool {
    schema.get(name).and_then(Json::as_bool).unwrap_or_default()
}

/// A bound that the schema sets; below zero it is zero.
fn bound(schema: &Json, name: &str) -> Option<u64> {
    schema.get(name).and_then(Json::as_i64).map(|bound| u64::try_from(bound).unwrap_or(0))
}

pub(super) fn is_embedded(schema: &Json) -> bool {
    flag(schema, "x-kubernetes-embedded-resource")
}

fn declared(schema: &Json, root: bool) -> Option<Declared> {
    if flag(schema, "x-kubernetes-int-or-string") {
        let most = bound(schema, "maxLength").map_or(REQUEST - 2, |most| most.saturating_mul(4));
        return Some(Declared::plain(Type::Dyn, most, 1));
    }
    match text(schema, "type") {
        "array" => {
            let items = schema.get("items")?;
            let element = declared(items, is_embedded(items))?;
            let most = bound(schema, "maxItems").unwrap_or((REQUEST - 2) / (element.least_bytes + 1));
            Some(Declared { shape: Shape::List(Box::new(element)), most, least_bytes: 2 })
        }
        "object" => match schema.get("additionalProperties").filter(|inner| inner.is_object()) {
            Some(inner) => {
                let element = declared(inner, is_embedded(inner))?;
                let most =
                    bound(schema, "maxProperties").unwrap_or((REQUEST - 2) / (element.least_bytes + 6));
                Some(Declared { shape: Shape::Map(Box::new(element)), most, least_bytes: 2 })
            }
            None => Some(object(schema, root)),
        },
        "string" => Some(string(schema)),
        "boolean" => Some(Declared::plain(Type::Bool, 0, 4)),
        "number" => Some(Declared::plain(Type::Double, 0, 1)),
        "integer" => Some(Declared::plain(Type::Int, 0, 1)),
        _ => None,
    }
}

fn object(schema: &Json, root: bool) -> Declared {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let mut fields = BTreeMap::new();
    let mut least_bytes = 2;
    let properties = schema.get("properties").and_then(Json::as_object);
    let ignored = |name: &str| root && matches!(name, "kind" | "apiVersion" | "metadata");
    for (name, property) in properties.into_iter().flatten().filter(|(name, _)| !ignored(name)) {
        let Some(declared) = declared(property, is_embedded(property)) else { continue };
        if required.contains(&name.as_str()) && property.get("default").is_none() {
            least_bytes += name.len() as u64 + declared.least_bytes + 4;
        }
        if let Some(name) = escape(name) {
            fields.insert(name, declared);
        }
    }
    if root {
        let text = || Declared::plain(Type::String, REQUEST - 2, 2);
        let names = BTreeMap::from([("name".to_owned(), text()), ("generateName".to_owned(), text())]);
        let metadata = Declared { shape: Shape::Object(names), most: 0, least_bytes: 2 };
        fields.insert("kind".to_owned(), text());
        fields.insert("apiVersion".to_owned(), text());
        fields.insert("metadata".to_owned(), metadata);
    }
    Declared { shape: Shape::Object(fields), most: 0, least_bytes }
}

fn string(schema: &Json) -> Declared {
    match text(schema, "format") {
        "byte" => Declared::plain(Type::Bytes, bound(schema, "maxLength").unwrap_or(REQUEST - 2), 2),
        "duration" => Declared::plain(Type::Duration, 32, 3),
        "date" => Declared::plain(Type::Timestamp, 12, 12),
        "date-time" => Declared::plain(Type::Timestamp, 32, 21),
        _ => {
            let listed = schema.get("enum").and_then(Json::as_array).filter(|values| !values.is_empty());
            let longest = listed.map(|values| {
                values.iter().filter_map(Json::as_str).map(|text| text.len() as u64).max().unwrap_or(0)
            });
            let most = bound(schema, "maxLength").map(|most| most.saturating_mul(4)).or(longest);
            Declared::plain(Type::String, most.unwrap_or(REQUEST - 2), 2)
        }
    }
}
