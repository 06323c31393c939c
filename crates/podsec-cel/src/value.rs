//! Values at run time: made of JSON, compared, ordered and counted as CEL says.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use jiff::Timestamp;

use crate::opaque::Opaque;
use crate::types::Type;

/// A value. Cloning is cheap.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number of 64 bits with a sign.
    Int(i64),
    /// A number of 64 bits without a sign.
    Uint(u64),
    /// A floating-point number.
    Double(f64),
    /// Text.
    String(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A moment between the years 1 and 9999.
    Timestamp(Timestamp),
    /// Nanoseconds.
    Duration(i64),
    /// A list.
    List(Arc<List>),
    /// A map.
    Map(Arc<Map>),
    /// A message.
    Object(Arc<Object>),
    /// A value or none.
    Optional(Option<Arc<Value>>),
    /// A type.
    Type(Type),
    /// What only functions look into.
    Opaque(Arc<Opaque>),
}

/// The entries of a map, by key.
pub type Map = BTreeMap<Key, Value>;

/// A list, and how it is compared and joined with another.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// The elements.
    pub items: Vec<Value>,
    /// `x-kubernetes-list-type` of its schema.
    pub semantics: ListSemantics,
}

/// How a list is compared and joined, after `x-kubernetes-list-type`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListSemantics {
    /// By the order of its elements; joined behind each other.
    #[default]
    Atomic,
    /// Without regard to order; joined without what is there already.
    Set,
    /// By the keys of its elements, which the fields of these names hold; joined by replacing equal keys.
    Map(Arc<[String]>),
}

/// A message: its type and its set fields.
#[derive(Clone, Debug)]
pub struct Object {
    /// The message's name.
    pub message: Arc<str>,
    /// The fields that are set.
    pub fields: BTreeMap<String, Value>,
}

/// The name that objects by a schema have, whose types are told apart by the checker alone.
pub(crate) const SCHEMA_OBJECT: &str = "object";

/// The key of a map's entry.
#[derive(Clone, Debug)]
pub enum Key {
    /// A boolean.
    Bool(bool),
    /// A number with a sign.
    Int(i64),
    /// A number without a sign.
    Uint(u64),
    /// A floating-point number.
    Double(f64),
    /// Text.
    String(Arc<str>),
}

impl Key {
    fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Int(_) => 1,
            Self::Uint(_) => 2,
            Self::Double(_) => 3,
            Self::String(_) => 4,
        }
    }

    /// The key as a value.
    pub fn value(&self) -> Value {
        match self {
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Int(number) => Value::Int(*number),
            Self::Uint(number) => Value::Uint(*number),
            Self::Double(number) => Value::Double(*number),
            Self::String(text) => Value::String(Arc::clone(text)),
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => one.cmp(other),
            (Self::Int(one), Self::Int(other)) => one.cmp(other),
            (Self::Uint(one), Self::Uint(other)) => one.cmp(other),
            (Self::Double(one), Self::Double(other)) => one.total_cmp(other),
            (Self::String(one), Self::String(other)) => one.cmp(other),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}

impl Value {
    /// Text.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Self::String(text.into())
    }

    /// A list whose order counts.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(List { items, semantics: ListSemantics::Atomic }))
    }

    /// A map.
    pub fn map(entries: Map) -> Self {
        Self::Map(Arc::new(entries))
    }

    /// An optional that holds `value`.
    pub fn some(value: Self) -> Self {
        Self::Optional(Some(Arc::new(value)))
    }

    /// The optional that holds nothing.
    pub const NONE: Self = Self::Optional(None);

    pub(crate) fn opaque(opaque: Opaque) -> Self {
        Self::Opaque(Arc::new(opaque))
    }

    /// What JSON without a schema stands for.
    pub fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(flag) => Self::Bool(*flag),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) => Self::Int(number),
                None => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Self::string(text.as_str()),
            serde_json::Value::Array(items) => Self::list(items.iter().map(Self::from_json).collect()),
            serde_json::Value::Object(fields) => {
                let entry = |(key, value): (&String, &serde_json::Value)| {
                    (Key::String(key.as_str().into()), Self::from_json(value))
                };
                Self::map(fields.iter().map(entry).collect())
            }
        }
    }

    /// The type at run time, without what it holds.
    pub fn type_of(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Uint(_) => Type::Uint,
            Self::Double(_) => Type::Double,
            Self::String(_) => Type::String,
            Self::Bytes(_) => Type::Bytes,
            Self::Timestamp(_) => Type::Timestamp,
            Self::Duration(_) => Type::Duration,
            Self::List(_) => Type::list(Type::Dyn),
            Self::Map(_) => Type::map(Type::Dyn, Type::Dyn),
            Self::Object(object) => Type::Struct(Arc::clone(&object.message)),
            Self::Optional(_) => Type::optional(Type::Dyn),
            Self::Type(_) => Type::Type(None),
            Self::Opaque(opaque) => opaque.type_of(),
        }
    }

    /// The name of that type.
    pub fn type_name(&self) -> String {
        self.type_of().name().to_owned()
    }

    /// The value as a map's key.
    pub(crate) fn key(&self) -> Option<Key> {
        match self {
            Self::Bool(flag) => Some(Key::Bool(*flag)),
            Self::Int(number) => Some(Key::Int(*number)),
            Self::Uint(number) => Some(Key::Uint(*number)),
            Self::Double(number) => Some(Key::Double(*number)),
            Self::String(text) => Some(Key::String(Arc::clone(text))),
            _ => None,
        }
    }

    /// What `size()` says; `None` for what has no size.
    pub(crate) fn size(&self) -> Option<u64> {
        let size = match self {
            Self::String(text) => text.chars().count(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(list) => list.items.len(),
            Self::Map(map) => map.len(),
            // Objects by a schema count by their fields, what mutations make does not.
            Self::Object(object) if &*object.message == SCHEMA_OBJECT => object.fields.len(),
            Self::Opaque(opaque) => return opaque.size(),
            _ => return None,
        };
        Some(size as u64)
    }

    /// What the value counts for in costs: its size, of an optional that of what it holds, else one.
    pub(crate) fn cost_size(&self) -> u64 {
        match self {
            Self::Optional(Some(inner)) => inner.cost_size(),
            other => other.size().unwrap_or(1),
        }
    }

    /// Whether two values are equal. Numbers are compared across their types, other types never equal each other.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::String(one), Self::String(other)) => one == other,
            (Self::Bytes(one), Self::Bytes(other)) => one == other,
            (Self::Timestamp(one), Self::Timestamp(other)) => one == other,
            (Self::Duration(one), Self::Duration(other)) => one == other,
            (Self::Type(one), Self::Type(other)) => one.name() == other.name(),
            (Self::Optional(one), Self::Optional(other)) => match (one, other) {
                (None, None) => true,
                (Some(one), Some(other)) => one.equals(other),
                _ => false,
            },
            (Self::Opaque(one), Self::Opaque(other)) => one.equals(other),
            (Self::List(one), Self::List(other)) => one.equals(other),
            (Self::Map(one), Self::Map(other)) => {
                one.len() == other.len()
                    && one.iter().all(|(key, value)| {
                        find(other, &key.value()).is_some_and(|found| value.equals(found))
                    })
            }
            (Self::Object(one), Self::Object(other)) => {
                one.message == other.message
                    && one.fields.len() == other.fields.len()
                    && one
                        .fields
                        .iter()
                        .all(|(name, value)| other.fields.get(name).is_some_and(|found| value.equals(found)))
            }
            _ => self.compare_numbers(other) == Some(Ordering::Equal),
        }
    }

    /// The order of two numbers of any type; `None` when one is no number, and for NaN.
    fn compare_numbers(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => Some(one.cmp(other)),
            (Self::Uint(one), Self::Uint(other)) => Some(one.cmp(other)),
            (Self::Double(one), Self::Double(other)) => one.partial_cmp(other),
            (Self::Int(one), Self::Uint(other)) => Some(i128::from(*one).cmp(&i128::from(*other))),
            (Self::Uint(one), Self::Int(other)) => Some(i128::from(*one).cmp(&i128::from(*other))),
            (Self::Int(one), Self::Double(other)) => {
                double_order(*other, i128::from(*one), i128::from(i64::MIN), i128::from(i64::MAX))
                    .map(Ordering::reverse)
            }
            (Self::Uint(one), Self::Double(other)) => {
                double_order(*other, i128::from(*one), 0, i128::from(u64::MAX)).map(Ordering::reverse)
            }
            (Self::Double(_), Self::Int(_) | Self::Uint(_)) => {
                other.compare_numbers(self).map(Ordering::reverse)
            }
            _ => None,
        }
    }

    /// Whether the two can be ordered at all, by their types.
    pub(crate) fn is_ordered_with(&self, other: &Self) -> bool {
        let number = |value: &Self| matches!(value, Self::Int(_) | Self::Uint(_) | Self::Double(_));
        (number(self) && number(other))
            || self.is_comparable() && std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Whether values of this type have an order.
    pub(crate) fn is_comparable(&self) -> bool {
        matches!(
            self,
            Self::Bool(_)
                | Self::Int(_)
                | Self::Uint(_)
                | Self::Double(_)
                | Self::String(_)
                | Self::Bytes(_)
                | Self::Timestamp(_)
                | Self::Duration(_)
        )
    }

    /// The order of two values that have one; `None` for NaN.
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(one), Self::Bool(other)) => Some(one.cmp(other)),
            (Self::String(one), Self::String(other)) => Some(one.cmp(other)),
            (Self::Bytes(one), Self::Bytes(other)) => Some(one.cmp(other)),
            (Self::Timestamp(one), Self::Timestamp(other)) => Some(one.cmp(other)),
            (Self::Duration(one), Self::Duration(other)) => Some(one.cmp(other)),
            _ => self.compare_numbers(other),
        }
    }
}

/// How a double stands to an integer between `least` and `most`, without losing digits of either.
fn double_order(double: f64, integer: i128, least: i128, most: i128) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "the bounds are rounded as Kubernetes rounds them")]
    let (least, most) = (least as f64, most as f64);
    if double < least {
        return Some(Ordering::Less);
    }
    if double > most {
        return Some(Ordering::Greater);
    }
    #[expect(clippy::cast_precision_loss, reason = "the integer is compared as the double nearest to it")]
    let integer = integer as f64;
    double.partial_cmp(&integer)
}

/// The entry of a map under a key; numbers are found across their types.
pub(crate) fn find<'m>(map: &'m Map, key: &Value) -> Option<&'m Value> {
    if let Some(found) = map.get(&key.key()?) {
        return Some(found);
    }
    let integer: i128 = match key {
        Value::Int(number) => i128::from(*number),
        Value::Uint(number) => i128::from(*number),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "only doubles without a fraction and of fitting size"
        )]
        Value::Double(number) if number.fract() == 0.0 && number.abs() < 1e19 => *number as i128,
        _ => return None,
    };
    let keys = [i64::try_from(integer).ok().map(Key::Int), u64::try_from(integer).ok().map(Key::Uint)];
    #[expect(clippy::cast_precision_loss, reason = "a double key is found by the integer it is nearest to")]
    let double = Key::Double(integer as f64);
    keys.into_iter().flatten().chain([double]).find_map(|key| map.get(&key))
}

impl List {
    fn equals(&self, other: &Self) -> bool {
        if self.items.len() != other.items.len() {
            return false;
        }
        match &self.semantics {
            ListSemantics::Atomic => {
                self.items.iter().zip(&other.items).all(|(one, other)| one.equals(other))
            }
            ListSemantics::Set => {
                self.items.iter().all(|item| other.items.iter().any(|other| item.equals(other)))
            }
            ListSemantics::Map(keys) => self.items.iter().all(|item| {
                other.items.iter().any(|other| same_keys(item, other, keys) && item.equals(other))
            }),
        }
    }

    /// This list and then the other, joined as its semantics say.
    pub(crate) fn join(&mut self, other: &Self) {
        match &self.semantics {
            ListSemantics::Atomic => self.items.extend_from_slice(&other.items),
            ListSemantics::Set => {
                for item in &other.items {
                    if !self.items.iter().any(|known| known.equals(item)) {
                        self.items.push(item.clone());
                    }
                }
            }
            ListSemantics::Map(keys) => {
                let keys = Arc::clone(keys);
                for item in &other.items {
                    match self.items.iter_mut().find(|known| same_keys(known, item, &keys)) {
                        Some(known) => *known = item.clone(),
                        None => self.items.push(item.clone()),
                    }
                }
            }
        }
    }
}

fn same_keys(one: &Value, other: &Value, keys: &[String]) -> bool {
    keys.iter().all(|key| match (one.field(key), other.field(key)) {
        (Some(one), Some(other)) => one.equals(other),
        (None, None) => true,
        _ => false,
    })
}

impl Value {
    /// A field of a message, or the entry of a map under this text.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(object) => object.fields.get(name),
            Self::Map(map) => map.get(&Key::String(name.into())),
            _ => None,
        }
    }
}

/// As messages of errors show a value.
impl Display for Value {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(flag) => write!(formatter, "{flag}"),
            Self::Int(number) => write!(formatter, "{number}"),
            Self::Uint(number) => write!(formatter, "{number}"),
            Self::Double(number) => formatter.write_str(&crate::text::double(*number)),
            Self::String(text) => formatter.write_str(text),
            Self::Bytes(bytes) => formatter.write_str(&String::from_utf8_lossy(bytes)),
            Self::Timestamp(time) => formatter.write_str(&crate::text::timestamp(*time)),
            Self::Duration(nanoseconds) => formatter.write_str(&crate::text::duration(*nanoseconds)),
            Self::Type(of) => formatter.write_str(of.name()),
            Self::List(list) => {
                formatter.write_str("[")?;
                for (index, item) in list.items.iter().enumerate() {
                    write!(formatter, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                formatter.write_str("]")
            }
            Self::Map(map) => {
                formatter.write_str("{")?;
                for (index, (key, value)) in map.iter().enumerate() {
                    write!(formatter, "{}{}: {value}", if index == 0 { "" } else { ", " }, key.value())?;
                }
                formatter.write_str("}")
            }
            Self::Object(object) => write!(formatter, "{}{{}}", object.message),
            Self::Optional(Some(inner)) => write!(formatter, "optional({inner})"),
            Self::Optional(None) => formatter.write_str("optional.none()"),
            Self::Opaque(opaque) => write!(formatter, "{opaque}"),
        }
    }
}
