//! The object of a request: which kind it is, and what of it matters.

use std::borrow::Cow;
use std::collections::BTreeMap;

use podsec_standards::json::{self, Part, PodObject, TypeMeta, Value};
use podsec_standards::{Pod, Workload};

use crate::decode_error::DecodeError;
use crate::kinds;
use crate::request::{GroupVersionKind, Request};
use crate::type_meta;
use podsec_policy::labels::NamespaceLabels;

/// The object of a request, decoded as far as its kind matters.
pub(crate) enum Object<'a> {
    Namespace(Namespace<'a>),
    /// The request has no object.
    None,
    /// A kind that Kubernetes' webhook knows and that holds no pod template: what it says it is.
    Other(String),
    Pod(Cow<'a, Pod<'a>>),
    /// A kind that holds a pod template, and the template if there is one.
    Template(Option<Pod<'a>>),
}

/// A namespace, reduced to what Pod Security asks of it.
pub(crate) struct Namespace<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) labels: NamespaceLabels,
}

/// The new object of a request.
pub(crate) fn decode<'a>(request: &'a Request<'a>) -> Result<Object<'a>, DecodeError> {
    decode_as(request.object, request.pod.as_ref().map(Cow::Borrowed), &request.kind)
}

/// The existing object of a request.
pub(crate) fn decode_old<'a>(request: &'a Request<'a>) -> Result<Object<'a>, DecodeError> {
    decode_as(request.old_object, None, &request.kind)
}

/// Decodes an object into the kind that it says it is. Where it does not say, it is of the `expected` kind. A pod
/// that is known is not read again.
fn decode_as<'a>(
    json: Option<&'a [u8]>,
    known: Option<Cow<'a, PodObject<'a>>>,
    expected: &GroupVersionKind<'_>,
) -> Result<Object<'a>, DecodeError> {
    let Some(json) = json else { return Ok(Object::None) };
    let known = known.or_else(|| {
        let is_expected = expected.group.is_empty() && expected.kind == Workload::Pod.kind();
        is_expected.then(|| PodObject::from_json(json).ok().map(Cow::Owned)).flatten()
    });
    let mut stated = TypeMeta::default();
    if known.is_none() {
        json::read(json, &mut stated)?;
    }
    let stated = known.as_ref().map_or(&stated, |known| &known.stated);
    let (group, version, kind) = type_meta::resolve(stated, expected)?;
    if version == "v1" {
        match Workload::from_kind(group, kind) {
            Some(Workload::Pod) => {
                return Ok(Object::Pod(match known {
                    Some(Cow::Borrowed(known)) => Cow::Borrowed(&known.pod),
                    Some(Cow::Owned(known)) => Cow::Owned(known.pod),
                    None => Cow::Owned(Pod::from_json(json)?),
                }));
            }
            Some(workload) => return Ok(Object::Template(workload.pod_of_object(json)?)),
            None if group.is_empty() && kind == "Namespace" => return namespace(json),
            None => {}
        }
    }
    if kinds::is_known(group, version, kind) {
        return Ok(Object::Other(type_meta::words(stated)));
    }
    let version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Err(DecodeError::UnknownKind { kind: kind.to_owned(), version })
}

fn namespace(json: &[u8]) -> Result<Object<'_>, DecodeError> {
    let mut namespace = NamespaceObject::default();
    json::read(json, &mut namespace)?;
    let NamespaceObject { name, labels } = namespace;
    Ok(Object::Namespace(Namespace { name, labels: labels.into_iter().collect() }))
}

/// What is read of a namespace. Whatever stands there twice adds to what the first one said, as everywhere in Go.
#[derive(Default)]
struct NamespaceObject<'a> {
    name: Cow<'a, str>,
    labels: BTreeMap<String, Cow<'a, str>>,
}

impl<'a> json::Object<'a> for NamespaceObject<'a> {
    fn member(&mut self, name: &str, value: Value<'_, 'a>) -> json::Result<()> {
        match name {
            "metadata" => value.object(&mut Metadata(self)).map(drop),
            "spec" => value.object(&mut Unread(Part::NamespaceSpec)).map(drop),
            "status" => value.object(&mut Unread(Part::NamespaceStatus)).map(drop),
            _ => value.skip(),
        }
    }
}

/// A part that nobody reads.
struct Unread(Part);

impl<'a> json::Object<'a> for Unread {
    fn member(&mut self, name: &str, value: Value<'_, 'a>) -> json::Result<()> {
        value.field_of(self.0, name)
    }
}

struct Metadata<'n, 'a>(&'n mut NamespaceObject<'a>);

impl<'a> json::Object<'a> for Metadata<'_, 'a> {
    fn member(&mut self, name: &str, value: Value<'_, 'a>) -> json::Result<()> {
        match name {
            "name" => {
                if let Some(name) = value.text()? {
                    self.0.name = name;
                }
                Ok(())
            }
            "labels" => {
                if !value.object(&mut Labels(&mut self.0.labels))? {
                    self.0.labels.clear();
                }
                Ok(())
            }
            _ => value.field_of(Part::Metadata, name),
        }
    }
}

struct Labels<'n, 'a>(&'n mut BTreeMap<String, Cow<'a, str>>);

impl<'a> json::Object<'a> for Labels<'_, 'a> {
    fn member(&mut self, name: &str, value: Value<'_, 'a>) -> json::Result<()> {
        let value = value.text()?.unwrap_or_default();
        self.0.insert(name.to_owned(), value);
        Ok(())
    }
}
