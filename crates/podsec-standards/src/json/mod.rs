//! The JSON around a pod, as fast as the pod: members by name, whole values left as they are written, and the strings of
//! the answer.
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

mod string;

use std::borrow::Cow;

use podsec_go::json::is_folded;
pub use string::push_string;

use crate::pod::{self, Failure, Reader, unread};
use crate::{DecodeError, Pod};

/// What taking a value comes to.
pub type Result<T> = core::result::Result<T, Stopped>;

/// A value could not be read; [`read`] says why and where.
#[derive(Debug)]
pub struct Stopped(Failure);

/// A part of an object whose fields have types though nobody reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `metadata` of any object.
    Metadata,
    /// `spec` of a namespace.
    NamespaceSpec,
    /// `status` of a namespace.
    NamespaceStatus,
}

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
    pub fn raw_and_pod(self) -> Result<Option<(&'a str, Option<PodObject<'a>>)>> {
        self.0.raw_and(PodObject::take).map_err(Stopped)
    }

    /// Takes a boolean and forgets it.
    ///
    /// # Errors
    /// When it is no boolean.
    pub fn boolean(self) -> Result<()> {
        self.0.boolean().map(drop).map_err(Stopped)
    }

    /// Takes a list of strings and forgets it.
    ///
    /// # Errors
    /// When it is no list of strings.
    pub fn texts(self) -> Result<()> {
        self.0.list(|_, reader| reader.text().map(drop)).map(drop).map_err(Stopped)
    }

    /// Takes the value of a field that nobody reads and forgets it.
    ///
    /// # Errors
    /// When it is not of the type that Kubernetes gives the field of this name.
    pub fn field_of(self, part: Part, name: &str) -> Result<()> {
        let fields = match part {
            Part::Metadata => unread::OBJECT_META,
            Part::NamespaceSpec => unread::NAMESPACE_SPEC,
            Part::NamespaceStatus => unread::NAMESPACE_STATUS,
        };
        unread::check(name, self.0, fields).map_err(Stopped)
    }

    /// Takes any value and forgets it.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn skip(self) -> Result<()> {
        self.0.skip().map_err(Stopped)
    }
}

/// What an object says it is.
///
/// Kubernetes asks before it decodes the object, and there takes `Kind` and `KIND` for `kind`, too. As everywhere, the
/// last of one name counts.
#[derive(Clone, Debug, Default)]
pub struct TypeMeta<'a> {
    /// `apiVersion`; empty when the object does not say.
    pub api_version: Cow<'a, str>,
    /// `kind`; empty when the object does not say.
    pub kind: Cow<'a, str>,
}

impl<'a> TypeMeta<'a> {
    /// The field that a member of this name sets.
    pub fn field(&mut self, name: &str) -> Option<&mut Cow<'a, str>> {
        match name.len() {
            4 | 6 if is_folded(name, "kind") => Some(&mut self.kind),
            10 | 11 if is_folded(name, "apiversion") => Some(&mut self.api_version),
            _ => None,
        }
    }
}

impl<'a> Object<'a> for TypeMeta<'a> {
    fn member(&mut self, name: &str, value: Value<'_, 'a>) -> Result<()> {
        let Some(field) = self.field(name) else { return value.skip() };
        if let Some(text) = value.text()? {
            *field = text;
        }
        Ok(())
    }
}

/// A pod, and what its object says it is.
#[derive(Clone, Debug, Default)]
pub struct PodObject<'a> {
    /// What the object says it is, which may be something else than a pod.
    pub stated: TypeMeta<'a>,
    /// The pod.
    pub pod: Pod<'a>,
}

impl<'a> PodObject<'a> {
    /// Reads a Pod object.
    ///
    /// # Errors
    /// As [`Pod::from_json`].
    pub fn from_json(json: &'a [u8]) -> core::result::Result<Self, DecodeError> {
        let mut object = Self::default();
        pod::read(json, |reader| {
            object = Self::take(reader)?;
            Ok(())
        })?;
        Ok(object)
    }

    fn take(reader: &mut Reader<'a>) -> pod::Result<Self> {
        let mut object = Self::default();
        reader.object("a pod", |member| match object.stated.field(member.name) {
            Some(field) => member.read(field),
            None => pod::Object::member(&mut object.pod, member),
        })?;
        Ok(object)
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
    struct Holder<'a>(Option<(&'a str, Option<PodObject<'a>>)>);

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

    #[test]
    fn what_an_object_is_the_last_name_says_in_any_case() {
        for (text, api_version, kind) in [
            (r#"{"kind": "Pod", "apiVersion": "v1"}"#, "v1", "Pod"),
            (r#"{"spec": {"kind": "x"}, "KIND": "Pod", "apiversion": "v1"}"#, "v1", "Pod"),
            (r#"{"kind": "Pod", "Kind": "Secret", "kind": null}"#, "", "Secret"),
            ("{\"\u{212a}ind\": \"Pod\", \"APIVer\u{17f}ion\": \"v1\"}", "v1", "Pod"),
            (r#"{"kinds": "Pod", "kınd": "Pod", "api-version": "v1"}"#, "", ""),
        ] {
            let mut stated = TypeMeta::default();
            read(text.as_bytes(), &mut stated).unwrap();
            assert_eq!((&*stated.api_version, &*stated.kind), (api_version, kind), "{text}");
            let object = PodObject::from_json(text.as_bytes()).unwrap();
            assert_eq!((&*object.stated.api_version, &*object.stated.kind), (api_version, kind), "{text}");
        }
        for text in [r#"{"KIND": 1}"#, r#"{"kind": "Pod", "apiVersion": []}"#] {
            assert!(read(text.as_bytes(), &mut TypeMeta::default()).is_err(), "{text}");
            assert!(PodObject::from_json(text.as_bytes()).is_err(), "{text}");
        }
    }
}
