//! Reading JSON into the view as Go's decoder reads it into Kubernetes' types.
//!
//! Every value is decoded in place, which is how Go's decoder works and gives its semantics: `null`
//! leaves a plain field as it was and clears a pointer, a repeated name merges into what the first one
//! left, and a `null` among the elements of a list is an empty element.

use core::fmt;
use core::marker::PhantomData;
use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
};

use super::list::List;

/// A value that JSON can be decoded into.
pub(crate) trait Decode<'de> {
    /// Takes the next JSON value into `self`.
    fn decode<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error>;
}

/// A JSON object whose members are taken one by one, by their exact names.
pub(crate) trait Object<'de>: Default {
    /// What to call it in an error: "expected …".
    const EXPECTED: &'static str;

    /// Whether Kubernetes' type is a pointer, which `null` clears; a plain struct keeps what it has.
    const POINTER: bool;

    /// Takes the value of the member `name`, or skips it.
    fn member<A: MapAccess<'de>>(&mut self, name: &str, value: Member<'_, A>) -> Result<(), A::Error>;
}

/// The value of one member of an object, yet to be read.
pub(crate) struct Member<'m, A>(&'m mut A);

impl<'m, 'de, A: MapAccess<'de>> Member<'m, A> {
    pub(crate) fn new(map: &'m mut A) -> Self {
        Self(map)
    }

    pub(crate) fn read<T: Decode<'de>>(self, target: &mut T) -> Result<(), A::Error> {
        self.0.next_value_seed(Seed(target))
    }

    pub(crate) fn skip(self) -> Result<(), A::Error> {
        self.0.next_value::<IgnoredAny>().map(drop)
    }
}

/// Decodes into `T` where serde asks for a seed.
struct Seed<'t, T>(&'t mut T);

impl<'de, T: Decode<'de>> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.decode(deserializer)
    }
}

impl<'de, T: Object<'de>> Decode<'de> for T {
    fn decode<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        let presence = deserializer.deserialize_any(ObjectVisitor(self))?;
        if T::POINTER && presence == Presence::Null {
            *self = T::default();
        }
        Ok(())
    }
}

/// An object whose presence alone means something.
impl<'de, T: Object<'de>> Decode<'de> for Option<T> {
    fn decode<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        let object = self.get_or_insert_default();
        if deserializer.deserialize_any(ObjectVisitor(object))? == Presence::Null {
            *self = None;
        }
        Ok(())
    }
}

/// An object too large to keep in place where it is mostly absent.
impl<'de, T: Object<'de>> Object<'de> for Box<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const POINTER: bool = T::POINTER;

    fn member<A: MapAccess<'de>>(&mut self, name: &str, value: Member<'_, A>) -> Result<(), A::Error> {
        T::member(self, name, value)
    }
}

/// Whether the JSON had a value or `null`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Null,
    Value,
}

struct ObjectVisitor<'t, T>(&'t mut T);

impl<'de, T: Object<'de>> Visitor<'de> for ObjectVisitor<'_, T> {
    type Value = Presence;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_unit<E>(self) -> Result<Presence, E> {
        Ok(Presence::Null)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Presence, A::Error> {
        while let Some(Name(name)) = map.next_key()? {
            self.0.member(&name, Member::new(&mut map))?;
        }
        Ok(Presence::Value)
    }
}

/// The name of a member, borrowed unless it holds escapes.
pub(crate) struct Name<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor).map(|name| Self(name.unwrap_or_default()))
    }
}

impl<'de> Decode<'de> for Cow<'de, str> {
    fn decode<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        if let Some(text) = deserializer.deserialize_any(TextVisitor)? {
            *self = text;
        }
        Ok(())
    }
}

impl<'de> Decode<'de> for Option<Cow<'de, str>> {
    fn decode<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = deserializer.deserialize_any(TextVisitor)?;
        Ok(())
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }
}

impl<'de> Decode<'de> for bool {
    fn decode<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        if let Some(value) = deserializer.deserialize_any(BoolVisitor)? {
            *self = value;
        }
        Ok(())
    }
}

impl<'de> Decode<'de> for Option<bool> {
    fn decode<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = deserializer.deserialize_any(BoolVisitor)?;
        Ok(())
    }
}

struct BoolVisitor;

impl Visitor<'_> for BoolVisitor {
    type Value = Option<bool>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a boolean")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(value))
    }
}

impl<'de> Decode<'de> for i32 {
    fn decode<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        if let Some(value) = deserializer.deserialize_any(IntegerVisitor(PhantomData))? {
            *self = value;
        }
        Ok(())
    }
}

impl<'de> Decode<'de> for Option<i64> {
    fn decode<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = deserializer.deserialize_any(IntegerVisitor(PhantomData))?;
        Ok(())
    }
}

struct IntegerVisitor<T>(PhantomData<T>);

impl<T: TryFrom<i64> + TryFrom<u64>> Visitor<'_> for IntegerVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an integer of {} bits", 8 * size_of::<T>())
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        T::try_from(value).map(Some).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        T::try_from(value).map(Some).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        // serde_json reads `-0` as a float; Go reads it as the integer it is.
        if value == 0.0 && value.is_sign_negative() {
            return self.visit_i64(0);
        }
        Err(E::invalid_type(Unexpected::Float(value), &self))
    }
}

/// A list to which elements can be added, as Go's slices are filled.
trait Elements<T> {
    fn element(&mut self, index: usize) -> Option<&mut T>;
    fn append(&mut self, element: T);
    fn shorten(&mut self, length: usize);
}

impl<T> Elements<T> for Vec<T> {
    fn element(&mut self, index: usize) -> Option<&mut T> {
        self.get_mut(index)
    }

    fn append(&mut self, element: T) {
        if self.capacity() == 0 {
            // Containers and volumes are large and few; room for four, as usual, would be wasted.
            self.reserve_exact(2);
        }
        self.push(element);
    }

    fn shorten(&mut self, length: usize) {
        self.truncate(length);
    }
}

impl<T> Elements<T> for List<T> {
    fn element(&mut self, index: usize) -> Option<&mut T> {
        self.get_mut(index)
    }

    fn append(&mut self, element: T) {
        self.push(element);
    }

    fn shorten(&mut self, length: usize) {
        self.truncate(length);
    }
}

impl<'de, T: Decode<'de> + Default> Decode<'de> for Vec<T> {
    fn decode<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(ListVisitor(self, PhantomData))
    }
}

impl<'de, T: Decode<'de> + Default> Decode<'de> for List<T> {
    fn decode<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(ListVisitor(self, PhantomData))
    }
}

struct ListVisitor<'t, L, T>(&'t mut L, PhantomData<T>);

impl<'de, T: Decode<'de> + Default, L: Elements<T>> Visitor<'de> for ListVisitor<'_, L, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.shorten(0);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let mut length = 0;
        loop {
            let element = ElementSeed { list: &mut *self.0, index: length, element: PhantomData };
            if sequence.next_element_seed(element)?.is_none() {
                break;
            }
            length += 1;
        }
        self.0.shorten(length);
        Ok(())
    }
}

/// Decodes into one element of a list, which is added where there is none.
struct ElementSeed<'t, L, T> {
    list: &'t mut L,
    index: usize,
    element: PhantomData<T>,
}

impl<'de, T: Decode<'de> + Default, L: Elements<T>> DeserializeSeed<'de> for ElementSeed<'_, L, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.list.element(self.index).is_none() {
            self.list.append(T::default());
        }
        match self.list.element(self.index) {
            Some(element) => element.decode(deserializer),
            None => Err(D::Error::custom("no place for an element")),
        }
    }
}

/// A member that no check reads but whose kind is that of a Kubernetes field: the wrong kind is an
/// error there too, and what is inside is skipped.
#[derive(Clone, Copy, Default)]
pub(crate) struct SkippedObject;

impl<'de> Object<'de> for SkippedObject {
    const EXPECTED: &'static str = "an object";
    const POINTER: bool = false;

    fn member<A: MapAccess<'de>>(&mut self, _: &str, value: Member<'_, A>) -> Result<(), A::Error> {
        value.skip()
    }
}
