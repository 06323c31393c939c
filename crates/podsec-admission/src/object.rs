//! The object of a request: which kind it is, and what of it matters.

use std::borrow::Cow;
use std::collections::BTreeMap;

use podsec_apimachinery::quote::quoted;
use podsec_standards::{Pod, Workload};
use serde::Deserialize;

use crate::json::{self, Text};
use crate::kinds;
use crate::labels::NamespaceLabels;
use crate::request::{GroupVersionKind, Request};
use crate::type_meta::TypeMeta;

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
    decode_as(request.object, request.pod.as_ref(), &request.kind)
}

/// The existing object of a request.
pub(crate) fn decode_old<'a>(request: &'a Request<'a>) -> Result<Object<'a>, DecodeError> {
    decode_as(request.old_object, None, &request.kind)
}

/// Decodes an object into the kind that it says it is. Where it does not say, it is of the `expected` kind. A pod
/// that is known is not read again.
fn decode_as<'a>(
    json: Option<&'a [u8]>,
    known: Option<&'a Pod<'a>>,
    expected: &GroupVersionKind<'_>,
) -> Result<Object<'a>, DecodeError> {
    let Some(json) = json else { return Ok(Object::None) };
    let stated = TypeMeta::read(json)?;
    let (group, version, kind) = stated.resolve(expected)?;
    if version == "v1" {
        match Workload::from_kind(group, kind) {
            Some(Workload::Pod) => {
                return Ok(Object::Pod(match known {
                    Some(pod) => Cow::Borrowed(pod),
                    None => Cow::Owned(Pod::from_json(json)?),
                }));
            }
            Some(workload) => return Ok(Object::Template(workload.pod_from_json(json)?)),
            None if group.is_empty() && kind == "Namespace" => return namespace(json),
            None if kinds::is_known(group, version, kind) => return Ok(Object::Other(stated.to_string())),
            None => {}
        }
    }
    let version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Err(DecodeError::UnknownKind { kind: kind.to_owned(), version })
}

/// Why an object cannot be decoded. Upstream quotes Go's decoder here; these words are our own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("unexpected GroupVersion string: {0}")]
    GroupVersion(String),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("Object '{0}' is missing")]
    Missing(&'static str),
    #[error(transparent)]
    Pod(#[from] podsec_standards::DecodeError),
    #[error("no kind {} is registered for version {}", quoted(kind), quoted(version))]
    UnknownKind { kind: String, version: String },
}

fn namespace(json: &[u8]) -> Result<Object<'_>, DecodeError> {
    let json::Object(namespace) = serde_json::from_slice::<json::Object<NamespaceObject<'_>>>(json)?;
    let json::Object(metadata) = namespace.metadata;
    let labels =
        metadata.labels.iter().flatten().map(|(key, value)| (key.0.as_ref(), value.0.as_ref())).collect();
    Ok(Object::Namespace(Namespace { name: metadata.name.0, labels }))
}

#[derive(Default, Deserialize)]
struct NamespaceObject<'a> {
    #[serde(borrow, default)]
    metadata: json::Object<NamespaceMetadata<'a>>,
}

#[derive(Default, Deserialize)]
struct NamespaceMetadata<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    labels: Option<BTreeMap<Text<'a>, Text<'a>>>,
}
