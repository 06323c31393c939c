//! Reading the JSON around a pod as fast as the pod: members by name, and whole values left as they are written.
//!
//! ```
//! use podsec_standards::json::{Object, Result, Value, read};
//!
//! #[derive(Default)]
//! struct Envelope<'a> {
//!     object: Option<&'a str>,
//! }
//!
//! impl<'a> Object<'a> for Envelope<'a> {
//!     fn member(&mut self, name: &str, value: Value<'_, 'a>) -> Result<()> {
//!         match name {
//!             "object" => self.object = value.raw()?,
//!             _ => value.skip()?,
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let mut envelope = Envelope::default();
//! read(br#"{"uid": "1", "object": {"spec": {}}}"#, &mut envelope)?;
//! assert_eq!(envelope.object, Some(r#"{"spec": {}}"#));
//! # Ok::<(), podsec_standards::DecodeError>(())
//! ```

use std::borrow::Cow;

use crate::pod::{self, Decode as _, Failure, Reader};
use crate::{DecodeError, Pod};

/// What taking a value comes to.
pub type Result<T> = core::result::Result<T, Stopped>;

/// A value could not be read; [`read`] says why and where.
#[derive(Debug)]
pub struct Stopped(Failure);

/// Takes the members of a JSON object, in their order.
pub trait Object<'a> {
    /// Takes the value of the member `name`. A member that stands there twice is taken twice.
    ///
    /// # Errors
    /// When taking the value fails.
    fn member(&mut self, name: &str, value: Value<'_, 'a>) -> Result<()>;
}

/// The value of a member, yet to be read.
pub struct Value<'r, 'a>(&'r mut Reader<'a>);

impl<'a> Value<'_, 'a> {
    /// Takes a string, borrowed unless something in it is escaped; none for `null`.
    ///
    /// # Errors
    /// When it is no string.
    pub fn text(self) -> Result<Option<Cow<'a, str>>> {
        self.0.text().map_err(Stopped)
    }

    /// Has `target` take the members of an object; false for `null`.
    ///
    /// # Errors
    /// When it is no object, or a member is not taken.
    pub fn object(self, target: &mut impl Object<'a>) -> Result<bool> {
        object(self.0, target).map_err(Stopped)
    }

    /// Takes any value as it is written; none for `null`.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn raw(self) -> Result<Option<&'a str>> {
        self.0.raw().map_err(Stopped)
    }

    /// Takes any value as it is written, and the pod that it is, if it is one; nothing for `null`. What is not read
    /// twice costs half.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn raw_and_pod(self) -> Result<Option<(&'a str, Option<Pod<'a>>)>> {
        let take = |reader: &mut Reader<'a>| {
            let mut pod = Pod::default();
            pod.decode(reader)?;
            Ok(pod)
        };
        self.0.raw_and(take).map_err(Stopped)
    }

    /// Takes any value and forgets it.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn skip(self) -> Result<()> {
        self.0.skip().map_err(Stopped)
    }
}

/// Has `target` take the members of the one JSON object that the bytes hold; false for `null`.
///
/// # Errors
/// When the bytes are not one JSON object in UTF-8, or a member is not taken.
pub fn read<'a>(json: &'a [u8], target: &mut impl Object<'a>) -> core::result::Result<bool, DecodeError> {
    let mut present = false;
    pod::read(json, |reader| {
        present = object(reader, target)?;
        Ok(())
    })?;
    Ok(present)
}

fn object<'a>(reader: &mut Reader<'a>, target: &mut impl Object<'a>) -> pod::Result<bool> {
    reader.object("an object", |member| {
        target.member(member.name, Value(member.value())).map_err(|stopped| stopped.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Holder<'a>(Option<(&'a str, Option<Pod<'a>>)>);

    impl<'a> Object<'a> for Holder<'a> {
        fn member(&mut self, name: &str, value: Value<'_, 'a>) -> Result<()> {
            match name {
                "object" => self.0 = value.raw_and_pod()?,
                _ => value.skip()?,
            }
            Ok(())
        }
    }

    #[test]
    fn a_value_is_left_as_it_is_written_whether_it_is_a_pod_or_not() {
        for (text, is_pod) in [
            (r#"{"metadata": {"name": "app"}, "spec": {"hostPID": true}}"#, true),
            (r#"{"spec": {"hostPID": "yes"}, "more": [1, {}]}"#, false),
            ("[1, 2]", false),
            (r#""text""#, false),
        ] {
            let json = format!(r#"{{"before": [], "object": {text} , "after": {{}}}}"#);
            let mut holder = Holder::default();
            read(json.as_bytes(), &mut holder).unwrap();
            let (raw, pod) = holder.0.unwrap();
            assert_eq!(raw, text);
            assert_eq!(pod.is_some(), is_pod, "{text}");
        }
        let mut holder = Holder::default();
        read(br#"{"object": null}"#, &mut holder).unwrap();
        assert!(holder.0.is_none());
        for text in [r#"{"object": {"spec": {]}"#, r#"{"object": {"spec": {"hostPID": "yes"}, 1}}"#] {
            assert!(read(text.as_bytes(), &mut Holder::default()).is_err(), "{text}");
        }
    }
}
