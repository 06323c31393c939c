//! What is answered without a verb of a resource: fixed paths, reviews, and subresources with a life of their own.

mod binding;
mod connect;
mod discovery;
mod eviction;
mod health;
mod log;
mod metrics;
mod openapi;
mod openid;
mod review;
mod scale;
mod token;
mod version;
mod zpages;

use std::sync::Arc;

use podsec_apimachinery::Status;
use podsec_apimachinery::schema::catalog::Verb;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::apiserver::ApiServer;
use crate::body::UnreadBody;
use crate::client::Client;
use crate::request::Request;
use crate::request::user::{MASTERS, User};
use crate::verbs::Write;
pub use version::git_version;

/// Answers a non-resource request.
pub(crate) async fn handle(api: &Arc<ApiServer>, request: &Request) -> Result<Answer, Answer> {
    let path = request.info.path.trim_end_matches('/');
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let known = match segments.as_slice() {
        [] | [""] => Some(Answer::document("application/json", index(api).to_string())),
        ["version"] => Some(version::version(api.resources.emulation())),
        ["metrics"] => Some(metrics::metrics(api).await),
        ["metrics", "slis"] => Some(Answer::document(metrics::CONTENT_TYPE, api.metrics.health.render())),
        ["statusz"] => Some(zpages::statusz(api, request)?),
        ["flagz"] => Some(zpages::flagz(api, request)?),
        [name @ ("healthz" | "livez" | "readyz"), check @ ..] => {
            let examined = health::Examined {
                auditor: api.auditor.as_ref(),
                store: &*api.store,
                store_timeout: api.healthcheck_timeout,
                is_stopping: *api.stopping().borrow(),
                metrics: &api.metrics.health,
            };
            health::health(examined, request, name, check).await
        }
        [".well-known", "openid-configuration"] => {
            Some(openid::configuration(&api.service_accounts, &api.address, request)?)
        }
        ["openid", "v1", "jwks"] => Some(openid::keys(&api.service_accounts, request)?),
        ["openapi", rest @ ..] => openapi::openapi(&api.served(), request, rest),
        ["api" | "apis", ..] => discovery::discovery(&api.served(), request, &segments)?,
        _ => None,
    };
    let answer = known.ok_or_else(Answer::page_not_found)?;
    if !matches!(&*request.info.verb, "get" | "head" | "options") {
        return Err(Status::method_not_allowed().into());
    }
    Ok(answer)
}

/// Answers a resource request that no verb answers: reviews, which are created and never stored, and the
/// subresources that are not a part of the object. `None` when a verb is to answer.
pub(crate) async fn handle_resource<'b>(
    api: &Arc<ApiServer>,
    write: &Write<'_>,
    verb: Verb,
    body: UnreadBody<'b>,
) -> Result<Result<Answer, Status>, UnreadBody<'b>> {
    let resource = write.registry.resource();
    let subresource = write.request.info.subresource.as_str();
    let resources = &api.resources;
    let answer = match (resource.group.as_str(), resource.resource.as_str(), subresource) {
        ("authentication.k8s.io" | "authorization.k8s.io", _, "") => {
            review::review(write, &api.authorizer, api.authenticator(), body).await
        }
        ("", "bindings", "") | ("", "pods", "binding") => binding::bind(write, resources, body).await,
        ("", "pods", "eviction") => {
            let user = User::new("system:apiserver", &[MASTERS]);
            let loopback = Client::new(api, user, "kube-apiserver");
            eviction::evict(write, resources, &loopback, body).await
        }
        ("", "pods", "log") => log::log(write.request, write.registry).await,
        ("", _, "attach" | "exec" | "portforward" | "proxy") => connect::refuse(write).await,
        ("", "serviceaccounts", "token") => token::token(write, resources, &api.service_accounts, body).await,
        (_, _, "scale") => scale::scale(write, verb, body).await,
        _ => return Err(body),
    };
    Ok(answer)
}

/// The paths that `/` lists.
fn index(api: &ApiServer) -> Value {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for group in api.served().catalog.groups().iter().filter(|group| !group.name.is_empty()) {
        paths.push(format!("/apis/{}", group.name));
        paths.extend(group.versions.iter().map(|version| format!("/apis/{}/{}", group.name, version.name)));
    }
    let fixed = [
        "/.well-known/openid-configuration",
        "/apis/",
        "/flagz",
        "/metrics",
        "/metrics/slis",
        "/openapi/v2",
        "/openapi/v3",
        "/openapi/v3/",
        "/openid/v1/jwks",
        "/statusz",
        "/version",
    ];
    paths.extend(fixed.map(str::to_owned));
    for endpoint in ["healthz", "livez", "readyz"] {
        paths.push(format!("/{endpoint}"));
        paths.extend(health::Check::of(endpoint).iter().map(|check| format!("/{endpoint}/{}", check.name())));
    }
    paths.sort_unstable();
    json!({"paths": paths})
}
