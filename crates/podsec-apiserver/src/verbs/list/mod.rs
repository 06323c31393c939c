//! GET of a collection: selectors, pages, Tables; written from stored bytes, a piece at a time.
//!
//! ```text
//! Pages ─► entries ─► ItemWriter: from stored bytes, or through a tree where something must be looked at
//!                          └─► pieces ─► all of it, when it fits into one; otherwise a stream
//! ```

mod items;
mod memory;
mod pages;
mod stream;

use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use podsec_apimachinery::Status;
use podsec_apimachinery::codec::json::parse_tree;
use podsec_audit::{Level, Recording};

use super::selection::Selection;
use crate::answer::Answer;
use crate::body::ResponseBody;
use crate::registry::Registry;
use crate::request::Request;
use crate::request::list_options::{Continue, ListOptions};
use crate::request::representation::Encoding;
use crate::table::View;
use podsec_kinds::object;

pub(crate) use memory::ListMemory;

use items::ItemWriter;
use pages::Pages;
use stream::{Document, Piece};

/// Answers with the objects that the selectors let through, a page at a time when the client wants pages.
pub(super) async fn list(
    request: &Request,
    registry: &Registry,
    recording: &Recording,
    memory: &ListMemory,
) -> Result<Answer, Status> {
    let options = ListOptions::parse(&request.query)?;
    let selection = Selection::parse(&request.query, registry.behaviour().clone(), request.name())?;
    let prefix = registry.prefix(request.namespace(registry.resource()));
    let mut pages = Pages::new(&prefix, &options);
    let first = match pages.first(registry).await {
        Ok(page) => page,
        Err(status) => return expired(status, &options),
    };
    // A long list holds its entries for as long as its client reads.
    let more = pages.more(&first, &selection);
    let permit = if more == 0 { None } else { Some(memory.acquire(more).await) };
    let rest = match permit {
        Some(_) => match pages.rest(registry, more).await {
            Ok(page) => Some(page),
            Err(status) => return expired(status, &options),
        },
        None => None,
    };
    let items = ItemWriter {
        registry: registry.clone(),
        view: View::of(request, registry)?,
        selection,
        now: request.received,
    };
    let mut document = Document::new(request, &options, prefix.clone(), pages.revision, items, first, rest);
    let mut piece = document.next().await?;
    let is_protobuf = request.representation.encoding == Encoding::Protobuf;
    if is_protobuf || recording.level() >= Level::RequestResponse {
        // The audit log wants all of it, and a protobuf message begins with its length.
        while !piece.is_last {
            let next = document.next().await?;
            piece = Piece { bytes: [piece.bytes, next.bytes].concat(), is_last: next.is_last };
        }
        if let Ok(list) = parse_tree(&piece.bytes) {
            recording.response_object(&list);
            if is_protobuf {
                return Ok(Answer::ok(list));
            }
        }
    }
    let body = if piece.is_last {
        ResponseBody::from(piece.bytes)
    } else {
        stream::start(document, piece, permit, request.deadline, recording.clone())
    };
    let mut response = Response::new(body);
    let content_type = match request.representation.encoding {
        Encoding::Json | Encoding::Protobuf => "application/json",
        Encoding::Yaml => "application/yaml",
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(Answer::Response(Box::new(response)))
}

/// 410 for a page that is too old, with a token that goes on with the newest state.
fn expired(status: Status, options: &ListOptions) -> Result<Answer, Status> {
    let Some(token) = options.continued.as_ref().filter(|_| status.code == 410) else { return Err(status) };
    let fresh = Continue::new(-1, token.start.clone()).encode();
    let status = Status::failure(410, "Expired", EXPIRED);
    let mut object = serde_json::to_value(&status).unwrap_or_default();
    object::metadata_mut(&mut object).insert("continue".to_owned(), fresh.into());
    Ok(Answer::Object { code: status.code, content_type: None, object })
}

const EXPIRED: &str = "The provided continue parameter is too old to display a consistent list result. \
    You can start a new list without the continue parameter, or use the continue token in this response to \
    retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - \
    objects that were created, modified, or deleted between the time the first chunk was returned and now may \
    show up in the list.";
