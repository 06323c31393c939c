//! Reading JSON into the view as Go's decoder reads it into Kubernetes' types.
//!
//! Every value is decoded in place, which is how Go's decoder works and gives its semantics: `null`
//! leaves a plain field as it was and clears a pointer, a repeated name merges into what the first one
//! left, and a `null` among the elements of a list is an empty element.

use std::borrow::Cow;

use super::list::List;
use super::reader::{Member, Reader, Result};

/// A value that JSON can be decoded into.
pub(crate) trait Decode<'de> {
    /// Takes the next JSON value into `self`.
    fn decode(&mut self, reader: &mut Reader<'de>) -> Result<()>;
}

/// A JSON object whose members are taken one by one, by their exact names.
pub(crate) trait Object<'de>: Default {
    /// What to call it in an error: "expected …".
    const EXPECTED: &'static str;

    /// Whether Kubernetes' type is a pointer, which `null` clears; a plain struct keeps what it has.
    const POINTER: bool;

    /// Takes the value of a member, or skips it.
    fn member(&mut self, member: Member<'_, 'de>) -> Result<()>;
}

impl<'de> Member<'_, 'de> {
    pub(crate) fn read(self, target: &mut impl Decode<'de>) -> Result<()> {
        target.decode(self.value())
    }
}

impl<'de, T: Object<'de>> Decode<'de> for T {
    fn decode(&mut self, reader: &mut Reader<'de>) -> Result<()> {
        let present = reader.object(T::EXPECTED, |member| self.member(member))?;
        if T::POINTER && !present {
            *self = T::default();
        }
        Ok(())
    }
}

/// An object whose presence alone means something.
impl<'de, T: Object<'de>> Decode<'de> for Option<T> {
    fn decode(&mut self, reader: &mut Reader<'de>) -> Result<()> {
        let object = self.get_or_insert_default();
        if !reader.object(T::EXPECTED, |member| object.member(member))? {
            *self = None;
        }
        Ok(())
    }
}

/// An object too large to keep in place where it is mostly absent.
impl<'de, T: Object<'de>> Object<'de> for Box<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const POINTER: bool = T::POINTER;

    fn member(&mut self, member: Member<'_, 'de>) -> Result<()> {
        T::member(self, member)
    }
}

impl<'de> Decode<'de> for Cow<'de, str> {
    fn decode(&mut self, reader: &mut Reader<'de>) -> Result<()> {
        if let Some(text) = reader.text()? {
            *self = text;
        }
        Ok(())
    }
}

impl<'de> Decode<'de> for Option<Cow<'de, str>> {
    fn decode(&mut self, reader: &mut Reader<'de>) -> Result<()> {
        *self = reader.text()?;
        Ok(())
    }
}

impl Decode<'_> for bool {
    fn decode(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        if let Some(value) = reader.boolean()? {
            *self = value;
        }
        Ok(())
    }
}

impl Decode<'_> for Option<bool> {
    fn decode(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        *self = reader.boolean()?;
        Ok(())
    }
}

impl Decode<'_> for i32 {
    fn decode(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        if let Some(value) = reader.integer("an integer of 32 bits")? {
            *self = value;
        }
        Ok(())
    }
}

impl Decode<'_> for Option<i64> {
    fn decode(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        *self = reader.integer("an integer of 64 bits")?;
        Ok(())
    }
}

/// A list that is filled as Go fills its slices.
trait Elements<T> {
    /// The element at this place; a new one right behind the last.
    fn at(&mut self, index: usize) -> Option<&mut T>;

    fn truncate(&mut self, length: usize);
}

impl<T: Default> Elements<T> for Vec<T> {
    fn at(&mut self, index: usize) -> Option<&mut T> {
        if index == self.len() {
            if self.capacity() == 0 {
                // Few pods have more, and what is this large a general allocator still hands out quickly.
                *self = Vec::with_capacity(4);
            }
            self.resize_with(index + 1, T::default);
        }
        self.get_mut(index)
    }

    fn truncate(&mut self, length: usize) {
        self.truncate(length);
    }
}

impl<T: Default> Elements<T> for List<T> {
    fn at(&mut self, index: usize) -> Option<&mut T> {
        if index == self.as_slice().len() {
            self.push(T::default());
        }
        self.get_mut(index)
    }

    fn truncate(&mut self, length: usize) {
        self.truncate(length);
    }
}

impl<'de, T: Decode<'de> + Default> Decode<'de> for Vec<T> {
    fn decode(&mut self, reader: &mut Reader<'de>) -> Result<()> {
        decode_elements(self, reader)
    }
}

impl<'de, T: Decode<'de> + Default> Decode<'de> for List<T> {
    fn decode(&mut self, reader: &mut Reader<'de>) -> Result<()> {
        decode_elements(self, reader)
    }
}

fn decode_elements<'de, T: Decode<'de>>(
    elements: &mut impl Elements<T>,
    reader: &mut Reader<'de>,
) -> Result<()> {
    let length = reader.list(|index, reader| match elements.at(index) {
        Some(element) => element.decode(reader),
        None => reader.skip(),
    })?;
    elements.truncate(length.unwrap_or(0));
    Ok(())
}
