//! What an object says it is, read without reading the rest of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::json::Text;
use crate::object::DecodeError;
use crate::request::GroupVersionKind;

/// `apiVersion` and `kind`; empty where the object does not say.
#[derive(Default)]
pub(crate) struct TypeMeta<'a> {
    pub(crate) api_version: Text<'a>,
    pub(crate) kind: Text<'a>,
}

impl<'a> TypeMeta<'a> {
    /// Reads an object until both are known. Encoders write them first, so that what follows, nearly all of the
    /// object, is read once only.
    pub(crate) fn read(json: &'a [u8]) -> Result<Self, serde_json::Error> {
        let mut reading = Reading::default();
        let read = reading.deserialize(&mut serde_json::Deserializer::from_slice(json));
        match reading {
            Reading { api_version: Some(api_version), kind: Some(kind) } => Ok(Self { api_version, kind }),
            Reading { api_version, kind } => read.map(|()| Self {
                api_version: api_version.unwrap_or_default(),
                kind: kind.unwrap_or_default(),
            }),
        }
    }

    /// Group, version and kind; what the object leaves open is as expected.
    pub(crate) fn resolve<'s>(
        &'s self,
        expected: &'s GroupVersionKind<'_>,
    ) -> Result<(&'s str, &'s str, &'s str), DecodeError> {
        let api_version = self.api_version.0.as_ref();
        let (mut group, mut version) = api_version.split_once('/').unwrap_or(("", api_version));
        if version.contains('/') {
            return Err(DecodeError::GroupVersion(api_version.to_owned()));
        }
        if group.is_empty() && version.is_empty() {
            (group, version) = (&expected.group, &expected.version);
        } else if version.is_empty() && group == expected.group {
            version = &expected.version;
        }
        let kind = if self.kind.0.is_empty() { expected.kind.as_ref() } else { self.kind.0.as_ref() };
        if kind.is_empty() {
            return Err(DecodeError::Missing("Kind"));
        }
        if version.is_empty() {
            return Err(DecodeError::Missing("apiVersion"));
        }
        Ok((group, version, kind))
    }
}

impl fmt::Display for TypeMeta<'_> {
    /// What the object itself says, as in `apps/v1, Kind=Deployment`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.api_version.0.contains('/') { "" } else { "/" };
        write!(f, "{separator}{}, Kind={}", self.api_version.0, self.kind.0)
    }
}

/// What is known so far.
#[derive(Default)]
struct Reading<'a> {
    api_version: Option<Text<'a>>,
    kind: Option<Text<'a>>,
}

impl<'de> DeserializeSeed<'de> for &mut Reading<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Reading<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match key.0.as_ref() {
                "apiVersion" => self.api_version = Some(map.next_value()?),
                "kind" => self.kind = Some(map.next_value()?),
                _ => map.next_value::<IgnoredAny>().map(drop)?,
            }
            if self.api_version.is_some() && self.kind.is_some() {
                return Err(A::Error::custom("read as far as needed"));
            }
        }
        Ok(())
    }
}
