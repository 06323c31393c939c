//! `/statusz` and `/flagz`: which server this is, and what it was started with; for people, in no fixed form.

use std::fmt::Write as _;

use hyper::header::ACCEPT;
use podsec_apimachinery::Status;

use crate::answer::Answer;
use crate::apiserver::ApiServer;
use crate::request::Request;

/// How long it runs, and which version it is.
pub(super) fn statusz(api: &ApiServer, request: &Request) -> Result<Answer, Status> {
    accepts_text(request)?;
    let up = request.received.duration_since(api.started).as_secs().max(0);
    let (hours, minutes, seconds) = (up / 3600, up / 60 % 60, up % 60);
    let text = format!(
        "podsec statusz\n{WARNING}\n\nStarted: {}\nUp: {hours} hr {minutes:02} min {seconds:02} sec\n\
         Binary version: {}\nEmulation version: {}\n",
        api.started.strftime("%a %b %e %H:%M:%S UTC %Y"),
        env!("CARGO_PKG_VERSION"),
        api.resources.emulation(),
    );
    Ok(Answer::document("text/plain; charset=utf-8", text))
}

/// The flags and their values.
pub(super) fn flagz(api: &ApiServer, request: &Request) -> Result<Answer, Status> {
    accepts_text(request)?;
    let mut text = format!("podsec flagz\n{WARNING}\n\n");
    for (name, value) in &api.flags {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}={value}");
    }
    Ok(Answer::document("text/plain; charset=utf-8", text))
}

/// Kubernetes answers in JSON and YAML, too, to who names the kind of the answer.
fn accepts_text(request: &Request) -> Result<(), Status> {
    let accept = request.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut types = accept.split(',').map(|clause| clause.split(';').next().unwrap_or_default().trim());
    if types.any(|media_type| matches!(media_type, "" | "*/*" | "text/*" | "text/plain")) {
        return Ok(());
    }
    let message =
        "only the following media types are accepted: application/json, application/yaml, text/plain";
    Err(Status::failure(406, "NotAcceptable", message.to_owned()))
}

const WARNING: &str = "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility \
    guarantees and is for debugging purposes only.";
