//! `serviceaccounts/token`: a token for a service account, as long and for whom the client asks.

use jiff::SignedDuration;
use podsec_apimachinery::Status;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::meta::{Meta, MetaMut, time_text};
use podsec_apimachinery::quote::quoted;
use podsec_apimachinery::schema::catalog::group_version;
use podsec_apimachinery::status::GroupResource;
use serde_json::{Value, json};

use crate::admission::Action;
use crate::answer::Answer;
use crate::authentication::service_account::{Bound, Reference, ServiceAccountTokens};
use crate::body::UnreadBody;
use crate::decode::{self, Kind};
use crate::registry::Resources;
use crate::request::options::WriteOptions;
use crate::request_object;
use crate::verbs::{Write, managed_fields};
use podsec_kinds::object::as_map;

/// Issues a token for the account that the URL names.
pub(super) async fn token(
    write: &Write<'_>,
    resources: &Resources,
    tokens: &ServiceAccountTokens,
    body: UnreadBody<'_>,
) -> Result<Answer, Status> {
    let request = write.request;
    let options = WriteOptions::create(&request.query, &request.headers)?;
    let bytes = body.read().await?;
    let mut token_request =
        decode::kind(request, write.sinks, bytes.as_ref(), KIND, options.field_validation)?;
    default(&mut token_request);
    request_object::record(&write.sinks.recording, &token_request);
    managed_fields::created(write, &options, KIND, &mut token_request);
    let attributes = write.attributes(
        Action::Create,
        write.name(),
        None,
        options.object("CreateOptions"),
        options.dry_run,
    );
    write.admission.mutate(&attributes, &mut token_request).await?;
    let account = complete(write, tokens, &mut token_request).await?;
    let mut lifetime = validate(&token_request)?;
    write.admission.validate(&attributes, &token_request).await?;
    let bound = bound_object(write, resources, &token_request).await?;

    if let Some(longest) = tokens.max_expiration().filter(|longest| lifetime > *longest) {
        write
            .sinks
            .warnings
            .add(format!("requested expiration of {lifetime} seconds shortened to {longest} seconds"));
        lifetime = longest;
        as_map(&mut token_request["spec"]).insert("expirationSeconds".to_owned(), lifetime.into());
    }
    let audiences = audiences(&token_request);
    let own = audiences.iter().all(|audience| tokens.api_audiences().contains(audience));
    // The kubelet renews the tokens it mounts; who does not read them again is warned of, and not locked out.
    let extended =
        tokens.extends_expiration() && own && lifetime == MOUNTED && matches!(bound, Bound::Pod(..));
    let (holds, warn_after) = if extended { (YEAR, Some(lifetime)) } else { (lifetime, None) };
    let issued = tokens
        .issue(&account, &bound, &audiences, request.received, holds, warn_after)
        .map_err(|error| Status::internal(&format!("failed to generate token: {error}")))?;
    write
        .sinks
        .recording
        .annotate("authentication.kubernetes.io/issued-credential-id", &issued.credential_id);
    let expires = request.received.checked_add(SignedDuration::from_secs(lifetime));
    let expires = expires.unwrap_or(jiff::Timestamp::MAX);
    let fields = as_map(&mut token_request);
    let status = json!({"token": issued.token, "expirationTimestamp": time_text(expires)});
    fields.insert("status".to_owned(), status);
    Ok(Answer::Object { code: 201, content_type: None, object: token_request })
}

fn default(token_request: &mut Value) {
    let spec = as_map(as_map(token_request).entry("spec").or_insert(Value::Null));
    if spec.get("expirationSeconds").is_none_or(Value::is_null) {
        spec.insert("expirationSeconds".to_owned(), HOUR.into());
    }
}

/// Brings what the request leaves out, once the account is known.
async fn complete(
    write: &Write<'_>,
    tokens: &ServiceAccountTokens,
    token_request: &mut Value,
) -> Result<Value, Status> {
    let (namespace, name) = (write.namespace(), write.name());
    let meta = Meta::of(token_request);
    for (field, asked, expected) in [("name", meta.name(), name), ("namespace", meta.namespace(), namespace)]
    {
        if !asked.is_empty() && asked != expected {
            let path = Path::new("metadata").child(field);
            let detail = format!("must match the service account {field} if specified");
            return Err(invalid(name, Error::invalid(path, &Value::from(asked), &detail)));
        }
    }
    let account = write.registry.get(namespace, name).await?.object;
    let uid = Meta::of(&account).uid();
    if !meta.uid().is_empty() && meta.uid() != uid {
        let why = format!(
            "the UID in the token request ({}) does not match the UID of the service account ({uid})",
            meta.uid()
        );
        let kind = GroupResource { group: KIND.group, resource: KIND.kind };
        return Err(Status::conflict(kind, name, &why));
    }
    let mut meta = MetaMut::of(token_request);
    meta.set_name(name);
    meta.set_namespace(namespace);
    meta.set_uid(uid);
    meta.set_creation_timestamp(Some(write.request.received));
    let spec = as_map(as_map(token_request).entry("spec").or_insert(Value::Null));
    if spec.get("audiences").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        let own = tokens.api_audiences();
        spec.insert("audiences".to_owned(), json!(own));
    }
    spec.entry("boundObjectRef").or_insert(Value::Null);
    Ok(account)
}

/// The lifetime in seconds.
fn validate(token_request: &Value) -> Result<i64, Status> {
    let seconds =
        token_request.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or_default();
    let detail = match seconds {
        ..SHORTEST => "may not specify a duration less than 10 minutes",
        SHORTEST..=LONGEST => return Ok(seconds),
        _ => "may not specify a duration larger than 2^32 seconds",
    };
    let path = Path::new("spec").child("expirationSeconds");
    Err(invalid("", Error::invalid(path, &Value::from(seconds), detail)))
}

/// The object that the token is to be bound to: it exists, and is the one that is meant.
async fn bound_object(
    write: &Write<'_>,
    resources: &Resources,
    token_request: &Value,
) -> Result<Bound, Status> {
    let Some(reference) =
        token_request.pointer("/spec/boundObjectRef").filter(|reference| reference.is_object())
    else {
        return Ok(Bound::Account);
    };
    let text = |field: &str| reference.get(field).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = group_version(text("apiVersion")).unwrap_or_default();
    let (resource, namespace) = match (group, text("kind")) {
        ("", "Pod") => ("pods", write.namespace()),
        ("", "Secret") => ("secrets", write.namespace()),
        ("", "Node") => ("nodes", ""),
        (group, kind) => {
            let why = format!("cannot bind token to object of type {group}/{version}, Kind={kind}");
            return Err(Status::bad_request(why));
        }
    };
    let object = find(resources, resource, namespace, text("name")).await?;
    let found = Reference::to(&object);
    let bound = match resource {
        "pods" => {
            let account = object.pointer("/spec/serviceAccountName").and_then(Value::as_str);
            if account.unwrap_or_default() != write.name() {
                return Err(Status::bad_request(format!(
                    "cannot bind token for serviceaccount {} to pod running with different serviceaccount name.",
                    quoted(write.name())
                )));
            }
            Bound::Pod(found.clone(), node_of(resources, &object).await?)
        }
        "secrets" => Bound::Secret(found.clone()),
        _ => Bound::Node(found.clone()),
    };
    let asked = text("uid");
    if !asked.is_empty() && asked != found.uid {
        let why = format!(
            "the UID in the bound object reference ({asked}) does not match the UID in record. The object might \
             have been deleted and then recreated"
        );
        let kind = GroupResource { group, resource: text("kind") };
        return Err(Status::conflict(kind, text("name"), &why));
    }
    Ok(bound)
}

/// The node of a pod; of one that is gone the name stays.
async fn node_of(resources: &Resources, pod: &Value) -> Result<Option<Reference>, Status> {
    let name = pod.pointer("/spec/nodeName").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() {
        return Ok(None);
    }
    match find(resources, "nodes", "", name).await {
        Ok(node) => Ok(Some(Reference::to(&node))),
        Err(status) if status.code == 404 => {
            Ok(Some(Reference { name: name.to_owned(), uid: String::new() }))
        }
        Err(status) => Err(status),
    }
}

async fn find(resources: &Resources, resource: &str, namespace: &str, name: &str) -> Result<Value, Status> {
    let registry = resources.v1("", resource)?;
    Ok(registry.get(namespace, name).await?.object)
}

fn audiences(token_request: &Value) -> Vec<String> {
    let audiences = token_request.pointer("/spec/audiences").and_then(Value::as_array);
    audiences.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn invalid(name: &str, error: Error) -> Status {
    Status::invalid(KIND.group, KIND.kind, name, &[error])
}

const KIND: Kind<'static> = Kind { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" };
const HOUR: i64 = 3600;
const SHORTEST: i64 = 600;
const LONGEST: i64 = 1 << 32;
/// The lifetime that the kubelet asks for when a pod does not say.
const MOUNTED: i64 = 3607;
const YEAR: i64 = 365 * 24 * 3600;
