//! What every request passes, outermost first, in kube-apiserver's order.
//!
//! ```text
//! audit id ─► panic guard ─► received timestamp ─► request info ─► deadline ─► authentication
//!     ─► audit ─► impersonation ─► max in flight ─► authorization ─► handler (endpoint or verb) ─► answer
//! ```

mod audit;
mod audit_id;
mod deadline;
mod handler;
mod impersonation;
mod last_modes;
mod max_in_flight;
mod panic_guard;
mod render;

use std::sync::Arc;

use hyper::header::{CACHE_CONTROL, HeaderValue};
use hyper::{Request, Response};
use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_audit::Recording;
use tokio::time::Instant;

pub(crate) use last_modes::LastModes;
pub(crate) use max_in_flight::MaxInFlight;

use crate::answer::Answer;
use crate::apiserver::ApiServer;
use crate::authentication::{Certificate, StrangersCertificate};
use crate::authorization::Decision;
use crate::body::{RequestBody, ResponseBody};
use crate::request::representation::Representation;
use crate::request::{self, Peer, Query, RequestInfo, user};
use crate::sinks::Sinks;
use crate::warnings::Warnings;

/// Answers one request. Never fails and never panics: whatever goes wrong becomes an answer.
pub(crate) async fn serve(
    api: Arc<ApiServer>,
    peer: Peer,
    request: Request<RequestBody>,
) -> Response<ResponseBody> {
    let audit_id = audit_id::choose(request.headers());
    let fallback = Representation::fallback(request.headers(), &Query::default());
    let guarded = panic_guard::catch(Box::pin(receive(&api, &peer, request, &audit_id))).await;
    let mut response = guarded.unwrap_or_else(|panic| {
        tracing::error!(%panic, "a request handler panicked");
        render::render_status(&panic_guard::status(), fallback)
    });
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache, private"));
    audit_id::stamp(headers, &audit_id);
    response
}

/// Finds out what is asked and by whom, and lets the audit log watch the rest.
async fn receive(
    api: &Arc<ApiServer>,
    peer: &Peer,
    request: Request<RequestBody>,
    audit_id: &str,
) -> Response<ResponseBody> {
    let received = Timestamp::now();
    let (parts, body) = request.into_parts();
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let fallback = Representation::fallback(&parts.headers, &query);
    let info = match RequestInfo::resolve(&parts.method, parts.uri.path(), &query) {
        Ok(info) => info,
        Err(error) => {
            let why = format!("failed to create RequestInfo: {error}");
            return render::render_status(&Status::internal(&why), fallback);
        }
    };
    let timer = api.metrics.request(&info, &query);
    let uri = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let audited = audit::request(peer, &parts, &uri, &info, received, audit_id);
    // The log may say more than the client is told.
    let refuse = async |status: &Status, recorded: &Status| {
        if let Some(auditor) = &api.auditor {
            let recording = auditor.refuse(&audited, recorded);
            // Whether the event was late or lost, the answer is a refusal.
            let _ =
                audit::written(api.stopping(), &recording, Some(Instant::now() + request::deadline::DEFAULT))
                    .await;
        }
        render::render_status(status, fallback)
    };
    let deadline = match request::deadline::parse(&info, &query) {
        Ok(deadline) => deadline,
        Err(status) => return timer.stop(refuse(&status, &status).await),
    };
    // Whoever is in the same process has no connection.
    let connection = parts.extensions.get::<Arc<podsec_transport::Peer>>();
    let certificate = match &peer.certified {
        Some(user) => Certificate::User(user),
        None if parts.extensions.get::<StrangersCertificate>().is_some() => Certificate::Stranger,
        None => Certificate::Absent,
    };
    let user = match api.authenticator().authenticate(certificate, &parts.headers).await {
        // Where everything is allowed, nobody is let in without a name.
        Ok(user) if user.name == user::ANONYMOUS && api.authorizer.allows_all() => {
            let status = Status::unauthorized();
            return timer.stop(refuse(&status, &status).await);
        }
        Ok(user) => user,
        Err(unauthenticated) => {
            tracing::debug!("{unauthenticated}");
            let status = Status::unauthorized();
            return timer.stop(refuse(&status, &status).await);
        }
    };
    if let Some(connection) = connection
        && !user.is_in(user::ALL_UNAUTHENTICATED)
    {
        connection.set_authenticated();
    }
    let recording = match &api.auditor {
        None => Recording::off(),
        Some(auditor) => {
            match audit::receive(api.stopping(), auditor, &audited, &audit::user(&user), deadline).await {
                Ok(recording) => recording,
                Err(answer) => return timer.stop(render::render_bare(answer, fallback)),
            }
        }
    };
    let sinks = Sinks { warnings: Warnings::default(), recording: recording.clone() };
    let mut request = request::Request {
        uri: parts.uri,
        headers: parts.headers,
        representation: fallback,
        info,
        query,
        user,
        received,
        deadline,
    };
    let outcome = panic_guard::catch(async {
        let answered = deadline::enforce(deadline, authorize(api, &mut request, &sinks, body)).await;
        render::render(request.representation, &sinks, answered)
    });
    let response = match outcome.await {
        Ok(response) => response,
        Err(panic) => {
            recording.panicked(&panic);
            tracing::error!(%panic, "a request handler panicked");
            render::render_status(&panic_guard::status(), fallback)
        }
    };
    audit::end(&recording, &response);
    match audit::written(api.stopping(), &recording, deadline).await {
        Ok(()) => timer.stop(response),
        Err(late) => timer.stop(render::render_bare(late, fallback)),
    }
}

/// Decides on whose behalf the request runs and whether it may, then runs it.
async fn authorize(
    api: &Arc<ApiServer>,
    request: &mut request::Request,
    sinks: &Sinks,
    body: RequestBody,
) -> Result<Answer, Answer> {
    if let Some(user) = impersonation::requested(
        &api.authorizer,
        &api.impersonation,
        &request.user,
        &request.headers,
        &request.info,
    )
    .await?
    {
        sinks.recording.impersonated(&audit::user(&user));
        request.user = user;
    }
    let _in_flight = api.in_flight.begin(&request.user, &request.info)?;
    let decision = api.authorizer.authorize(&request.user, &request.info).await;
    audit::note_decision(&sinks.recording, &decision);
    match decision {
        Decision::Allow(_) => handler::handle(api, request, sinks, body).await,
        Decision::Forbid(reason) => {
            Err(Answer::Forbidden(render::forbidden(&request.user, &request.info, &reason)))
        }
        Decision::Fail(error) => Err(Status::internal(&error).into()),
    }
}
