//! What representation of an answer the client accepts: `Accept`, `?pretty` and `User-Agent`.

use hyper::HeaderMap;
use hyper::header::{ACCEPT, USER_AGENT};
use podsec_apimachinery::Status;
use podsec_apimachinery::status::Details;
use podsec_apimachinery::table::MetaVersion;

use super::query::Query;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Representation {
    /// JSON, YAML or protobuf.
    pub encoding: Encoding,
    /// What the objects are turned into.
    pub transform: Transform,
    /// Whether JSON is indented.
    pub pretty: bool,
}

/// The serialization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// `application/json`.
    Json,
    /// `application/yaml`.
    Yaml,
    /// `application/vnd.kubernetes.protobuf`.
    Protobuf,
}

/// What can be answered besides JSON and YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// One object that has a protobuf message.
    Object,
    /// A list of objects that have one. It is written as JSON a piece at a time, and as protobuf only for who takes
    /// nothing else.
    List,
    /// One object of a custom resource.
    CustomObject,
    /// A watch, or a list of custom objects.
    Stream,
}

/// What objects are turned into before they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transform {
    /// Nothing.
    Keep,
    /// `meta.k8s.io` `Table` in this version.
    Table(MetaVersion),
    /// `meta.k8s.io` `PartialObjectMetadata` or its list, in this version.
    PartialObjectMetadata(MetaVersion),
}

impl Representation {
    /// Takes the first clause of `Accept` that the server can meet.
    ///
    /// # Errors
    /// 406 when it can meet none.
    pub(crate) fn negotiate(headers: &HeaderMap, query: &Query, offer: Offer) -> Result<Self, Status> {
        let pretty = is_pretty(headers, query);
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if accept.trim().is_empty() {
            return Ok(Self { encoding: Encoding::Json, transform: Transform::Keep, pretty });
        }
        let (mut known_type, mut last_resort) = (false, None);
        let mut clauses: Vec<(f32, &str)> =
            accept.split(',').map(|clause| (quality(clause), clause)).collect();
        clauses.sort_by(|left, right| right.0.total_cmp(&left.0));
        for (_, clause) in clauses {
            let mut parts = clause.split(';').map(str::trim);
            let encoding = match parts.next().unwrap_or_default() {
                "application/json" | "*/*" => Encoding::Json,
                "application/yaml" => Encoding::Yaml,
                "application/vnd.kubernetes.protobuf" => Encoding::Protobuf,
                _ => continue,
            };
            known_type = true;
            let Some(transform) = transform(parts) else { continue };
            let representation = Self { encoding, transform, pretty };
            match (encoding, transform, offer) {
                (Encoding::Protobuf, Transform::Keep, Offer::List) => {
                    last_resort = last_resort.or(Some(representation));
                }
                (Encoding::Protobuf, Transform::Keep, Offer::Object) => return Ok(representation),
                (Encoding::Protobuf, ..) => {}
                _ => return Ok(representation),
            }
        }
        last_resort.ok_or_else(|| not_acceptable(known_type, offer))
    }

    /// JSON for answers that cannot wait for negotiation.
    pub(crate) fn fallback(headers: &HeaderMap, query: &Query) -> Self {
        Self { encoding: Encoding::Json, transform: Transform::Keep, pretty: is_pretty(headers, query) }
    }
}

fn transform<'a>(parameters: impl Iterator<Item = &'a str>) -> Option<Transform> {
    let (mut form, mut group, mut version) = ("", "", "");
    for parameter in parameters {
        match parameter.split_once('=') {
            Some(("as", value)) => form = value,
            Some(("g", value)) => group = value,
            Some(("v", value)) => version = value,
            _ => {}
        }
    }
    if form.is_empty() {
        return Some(Transform::Keep);
    }
    let version = match version {
        "v1" => MetaVersion::V1,
        "v1beta1" => MetaVersion::V1beta1,
        _ => return None,
    };
    match (form, group) {
        ("Table", "meta.k8s.io") => Some(Transform::Table(version)),
        ("PartialObjectMetadata" | "PartialObjectMetadataList", "meta.k8s.io") => {
            Some(Transform::PartialObjectMetadata(version))
        }
        _ => None,
    }
}

fn quality(clause: &str) -> f32 {
    let weight = clause.split(';').find_map(|part| part.trim().strip_prefix("q="));
    weight.and_then(|weight| weight.parse().ok()).unwrap_or(1.0)
}

fn is_pretty(headers: &HeaderMap, query: &Query) -> bool {
    if let Some(pretty) = query.value("pretty") {
        return pretty == "1" || pretty.eq_ignore_ascii_case("true");
    }
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ["curl", "Wget", "Mozilla/5.0"].iter().any(|prefix| agent.starts_with(prefix))
}

/// Kubernetes words it in two ways: go-restful's when no media type fits, its own when one fits but its
/// parameters do not.
fn not_acceptable(known_type: bool, offer: Offer) -> Status {
    if known_type {
        let message = format!("only the following media types are accepted: {MEDIA_TYPES}");
        return Status::failure(406, "NotAcceptable", message);
    }
    let streams = match offer {
        Offer::Object | Offer::CustomObject => "",
        Offer::List | Offer::Stream => {
            ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
        }
    };
    let message = format!("406: Not Acceptable\n\nAvailable representations: {MEDIA_TYPES}{streams}");
    Status { details: Some(Details::default()), ..Status::failure(406, "NotAcceptable", message) }
}

/// The media types that Kubernetes names in its messages.
pub(crate) const MEDIA_TYPES: &str =
    "application/json, application/yaml, application/vnd.kubernetes.protobuf";

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiate(accept: &str) -> Result<(Encoding, Transform), u16> {
        negotiate_for(accept, Offer::Stream)
    }

    fn negotiate_for(accept: &str, offer: Offer) -> Result<(Encoding, Transform), u16> {
        let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
        Representation::negotiate(&headers, &Query::default(), offer)
            .map(|representation| (representation.encoding, representation.transform))
            .map_err(|status| status.code)
    }

    #[test]
    fn the_first_clause_that_can_be_met_is_taken() {
        let keep = Ok((Encoding::Json, Transform::Keep));
        let table = Ok((Encoding::Json, Transform::Table(MetaVersion::V1)));
        for (accept, expected) in [
            ("application/json, */*", keep),
            ("application/vnd.kubernetes.protobuf,application/json", keep),
            ("application/cbor, application/json;q=0.5", keep),
            ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", table),
            ("application/json;as=Table;g=meta.k8s.io;v=v1", table),
            ("application/json;as=Bogus;v=v1;g=meta.k8s.io,application/json", keep),
            ("application/yaml", Ok((Encoding::Yaml, Transform::Keep))),
            ("application/json;as=Bogus;v=v1;g=meta.k8s.io", Err(406)),
            ("text/csv", Err(406)),
            ("application/*", Err(406)),
        ] {
            assert_eq!(negotiate(accept), expected, "{accept}");
        }
    }

    #[test]
    fn protobuf_is_for_objects_and_for_lists_that_are_wanted_in_nothing_else() {
        let (both, only) =
            ("application/vnd.kubernetes.protobuf,application/json", "application/vnd.kubernetes.protobuf");
        let (json, protobuf) =
            (Ok((Encoding::Json, Transform::Keep)), Ok((Encoding::Protobuf, Transform::Keep)));
        for (accept, offer, expected) in [
            (both, Offer::Object, protobuf),
            (both, Offer::List, json),
            (only, Offer::List, protobuf),
            (both, Offer::Stream, json),
            (only, Offer::Stream, Err(406)),
            (only, Offer::CustomObject, Err(406)),
        ] {
            assert_eq!(negotiate_for(accept, offer), expected, "{accept} {offer:?}");
        }
    }
}
