//! What an object says it is, and what it therefore is.

use podsec_standards::json::TypeMeta;

use crate::decode_error::DecodeError;
use crate::request::GroupVersionKind;

/// Group, version and kind; what the object leaves open is as expected.
pub(crate) fn resolve<'s>(
    stated: &'s TypeMeta<'_>,
    expected: &'s GroupVersionKind<'_>,
) -> Result<(&'s str, &'s str, &'s str), DecodeError> {
    let api_version = stated.api_version.as_ref();
    let (mut group, mut version) = api_version.split_once('/').unwrap_or(("", api_version));
    if version.contains('/') {
        return Err(DecodeError::GroupVersion(api_version.to_owned()));
    }
    if group.is_empty() && version.is_empty() {
        (group, version) = (&expected.group, &expected.version);
    } else if version.is_empty() && group == expected.group {
        version = &expected.version;
    }
    let kind = if stated.kind.is_empty() { expected.kind.as_ref() } else { stated.kind.as_ref() };
    if kind.is_empty() {
        return Err(DecodeError::Missing("Kind"));
    }
    if version.is_empty() {
        return Err(DecodeError::Missing("apiVersion"));
    }
    Ok((group, version, kind))
}

/// What the object itself says, as in `apps/v1, Kind=Deployment`.
pub(crate) fn words(stated: &TypeMeta<'_>) -> String {
    let separator = if stated.api_version.contains('/') { "" } else { "/" };
    format!("{separator}{}, Kind={}", stated.api_version, stated.kind)
}
