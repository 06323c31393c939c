//! Reviews: questions about users and their rights, answered and never stored; and tokens for service accounts.

use std::time::Duration;

use jiff::SignedDuration;
use podsec_apimachinery::Status;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::meta::{Meta, time_text};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::admission::{self, Action, Write};
use crate::authentication::User;
use crate::authorization::{self, Decision};
use crate::body::{self, RequestBody};
use crate::decode::{self, Kind};
use crate::pipeline::Answer;
use crate::request_info::RequestInfo;
use crate::verbs::Operation;
use crate::verbs::options::WriteOptions;
use podsec_kinds::object::as_map;

/// Answers the review in the body.
pub(super) async fn review(operation: &Operation<'_>, body: RequestBody) -> Result<Answer, Status> {
    let context = operation.context;
    let options = WriteOptions::create(&context.query, &context.headers)?;
    let bytes = body::read(body, &operation.api.budget).await?;
    let mut review = decode::object(operation, bytes.as_ref(), options.field_validation)?;
    context.recording.request_object(&review);
    admit(operation, &options, &mut review).await?;
    let spec = review.get("spec").cloned().unwrap_or_default();
    let status = match operation.resource.kind.as_str() {
        "SelfSubjectReview" => json!({"userInfo": user_info(&context.user)}),
        "SelfSubjectAccessReview" => access(operation, &context.user, &spec)?,
        "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            access(operation, &subject(operation, &spec)?, &spec)?
        }
        "SelfSubjectRulesReview" => authorization::rules(&context.user),
        "TokenReview" => token_review(operation, &spec),
        _ => return Err(Status::method_not_allowed()),
    };
    let fields = as_map(&mut review);
    fields.insert("status".to_owned(), status);
    fields.entry("metadata").or_insert_with(|| json!({}));
    Ok(Answer::Object { code: 201, content_type: None, object: review })
}

/// Issues a token for a service account; it is forgotten with the process.
pub(super) async fn token(operation: &Operation<'_>, body: RequestBody) -> Result<Answer, Status> {
    let context = operation.context;
    let options = WriteOptions::create(&context.query, &context.headers)?;
    let bytes = body::read(body, &operation.api.budget).await?;
    let kind = Kind { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" };
    let mut request = decode::kind(context, bytes.as_ref(), kind, options.field_validation)?;
    context.recording.request_object(&request);
    admit(operation, &options, &mut request).await?;
    let (namespace, name) = (operation.namespace(), operation.name());
    let account = operation.registry.get(namespace, name).await?.object;
    let seconds = request.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(HOUR);
    if seconds < SHORTEST {
        let path = Path::new("spec").child("expirationSeconds");
        let detail = "may not specify a duration less than 10 minutes";
        let error = Error::invalid(path, &Value::from(seconds), detail);
        return Err(Status::invalid("authentication.k8s.io", "TokenRequest", "", &[error]));
    }
    let lifetime = Duration::from_secs(seconds.unsigned_abs());
    let token = format!("podsec-{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let groups = ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
    let user = User {
        name: format!("system:serviceaccount:{namespace}:{name}"),
        uid: Meta::of(&account).uid().to_owned(),
        groups: groups.into(),
        ..User::default()
    };
    if !options.dry_run {
        operation.api.tokens.issue(&token, user, lifetime);
    }
    let expires = context.received.checked_add(SignedDuration::from_secs(seconds));
    let expires = expires.unwrap_or(context.received);
    let fields = as_map(&mut request);
    fields.insert(
        "metadata".to_owned(),
        json!({
            "name": name, "namespace": namespace, "creationTimestamp": time_text(context.received),
        }),
    );
    as_map(fields.entry("spec").or_insert(Value::Null))
        .insert("expirationSeconds".to_owned(), seconds.into());
    let status = json!({"token": token, "expirationTimestamp": time_text(expires)});
    fields.insert("status".to_owned(), status);
    Ok(Answer::Object { code: 201, content_type: None, object: request })
}

/// Reviews are never stored, and admission sees them all the same.
async fn admit(operation: &Operation<'_>, options: &WriteOptions, review: &mut Value) -> Result<(), Status> {
    let name = operation.name();
    let name = if name.is_empty() { Meta::of(review).name().to_owned() } else { name.to_owned() };
    let write = Write {
        action: Action::Create,
        name: &name,
        old: None,
        options: options.object("CreateOptions"),
        dry_run: options.dry_run,
    };
    admission::admit(operation, &write, review).await
}

fn access(operation: &Operation<'_>, user: &User, spec: &Value) -> Result<Value, Status> {
    let resource = spec.get("resourceAttributes");
    let path = spec.get("nonResourceAttributes");
    let text = |attributes: Option<&Value>, field: &str| {
        attributes
            .and_then(|attributes| attributes.get(field))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let info = match (resource, path) {
        (Some(_), None) => RequestInfo {
            is_resource: true,
            verb: text(resource, "verb").into(),
            group: text(resource, "group"),
            version: text(resource, "version"),
            resource: text(resource, "resource"),
            subresource: text(resource, "subresource"),
            namespace: text(resource, "namespace"),
            name: text(resource, "name"),
            ..RequestInfo::default()
        },
        (None, Some(_)) => RequestInfo {
            verb: text(path, "verb").into(),
            path: text(path, "path"),
            ..RequestInfo::default()
        },
        _ => {
            let detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            let error = Error::invalid(Path::new("spec").child("resourceAttributes"), &Value::Null, detail);
            return Err(operation.invalid("", &[error]));
        }
    };
    Ok(match authorization::authorize(user, &info) {
        Decision::Allow(reason) if reason.is_empty() => json!({"allowed": true}),
        Decision::Allow(reason) => json!({"allowed": true, "reason": reason}),
        Decision::Forbid => json!({"allowed": false}),
    })
}

/// The user that a review asks about.
fn subject(operation: &Operation<'_>, spec: &Value) -> Result<User, Status> {
    let name = spec.get("user").and_then(Value::as_str).unwrap_or_default();
    let groups = spec.get("groups").and_then(Value::as_array);
    let groups: Vec<&str> = groups.into_iter().flatten().filter_map(Value::as_str).collect();
    if name.is_empty() && groups.is_empty() {
        let detail = "at least one of user or group must be specified";
        let error = Error::invalid(Path::new("spec").child("user"), &Value::from(""), detail);
        return Err(operation.invalid("", &[error]));
    }
    Ok(User::new(name, &groups))
}

fn token_review(operation: &Operation<'_>, spec: &Value) -> Value {
    let token = spec.get("token").and_then(Value::as_str).unwrap_or_default();
    match operation.api.tokens.user(token.as_bytes()) {
        Some(user) => json!({"authenticated": true, "user": user_info(&user.authenticated())}),
        None => json!({"user": {}, "error": "[invalid bearer token]"}),
    }
}

fn user_info(user: &User) -> Value {
    let mut info = json!({"username": user.name, "groups": user.groups});
    let fields = as_map(&mut info);
    if !user.uid.is_empty() {
        fields.insert("uid".to_owned(), user.uid.clone().into());
    }
    if !user.extra.is_empty() {
        fields.insert("extra".to_owned(), json!(user.extra));
    }
    info
}

const HOUR: i64 = 3600;
const SHORTEST: i64 = 600;
