//! Reading JSON into the view as Go's decoder reads it into Kubernetes' types.
//!
//! Every value is decoded in place, which is how Go's decoder works and gives its semantics: `null`
//! leaves a plain field as it was and clears a pointer, a repeated name merges into what the first one
//! left, and a `null` among the elements of a list is an empty element.

use std::borrow::Cow;

use super::list::List;
use super::reader::{Reader, Result};

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

    /// Takes the value of the member `name`, or skips it.
    fn member(&mut self, name: &str, value: Member<'_, 'de>) -> Result<()>;
}

/// The value of one member of an object, yet to be read.
pub(crate) struct Member<'r, 'de>(&'r mut Reader<'de>);

impl<'de> Member<'_, 'de> {
    pub(crate) fn read(self, target: &mut impl Decode<'de>) -> Result<()> {
        target.decode(self.0)
    }

    /// Takes an object of which only the presence matters.
    pub(crate) fn presence<T: Object<'de>>(self) -> Result<bool> {
        let mut object = None::<T>;
        object.decode(self.0).map(|()| object.is_some())
    }

    pub(crate) fn skip(self) -> Result<()> {
        self.0.skip()
    }
}

impl<'de, T: Object<'de>> Decode<'de> for T {
    fn decode(&mut self, reader: &mut Reader<'de>) -> Result<()> {
        let present = reader.object(T::EXPECTED, |name, reader| self.member(name, Member(reader)))?;
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
        if !reader.object(T::EXPECTED, |name, reader| object.member(name, Member(reader)))? {
            *self = None;
        }
        Ok(())
    }
}

/// An object too large to keep in place where it is mostly absent.
impl<'de, T: Object<'de>> Object<'de> for Box<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const POINTER: bool = T::POINTER;

    fn member(&mut self, name: &str, value: Member<'_, 'de>) -> Result<()> {
        T::member(self, name, value)
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
            // Few pods have more, and what is this large a general allocator still hands out quickly.
            self.reserve_exact(4);
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
    fn decode(&mut self, reader: &mut Reader<'de>) -> Result<()> {
        decode_elements(self, reader)
    }
}

impl<'de, T: Decode<'de> + Default> Decode<'de> for List<T> {
    fn decode(&mut self, reader: &mut Reader<'de>) -> Result<()> {
        decode_elements(self, reader)
    }
}

fn decode_elements<'de, T: Decode<'de> + Default>(
    elements: &mut impl Elements<T>,
    reader: &mut Reader<'de>,
) -> Result<()> {
    let length = reader.list(|index, reader| {
        if elements.element(index).is_none() {
            elements.append(T::default());
        }
        match elements.element(index) {
            Some(element) => element.decode(reader),
            None => reader.skip(),
        }
    })?;
    elements.shorten(length.unwrap_or(0));
    Ok(())
}
