//! Reviews: questions about users and their rights, answered and never stored.

use podsec_apimachinery::Status;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::meta::{Meta, MetaMut};
use serde_json::{Value, json};

use crate::admission::Action;
use crate::answer::Answer;
use crate::authentication::{Authenticator, Identity};
use crate::authorization::{Authorizer, Decision};
use crate::body::UnreadBody;
use crate::decode;
use crate::registry::status;
use crate::request::RequestInfo;
use crate::request::User;
use crate::request::options::WriteOptions;
use crate::request_object;
use crate::verbs::{Write, managed_fields, place};
use podsec_kinds::object::as_map;

/// Answers the review in the body.
pub(super) async fn review(
    write: &Write<'_>,
    authorizer: &Authorizer,
    authenticator: Authenticator<'_>,
    body: UnreadBody<'_>,
) -> Result<Answer, Status> {
    let request = write.request;
    let options = WriteOptions::create(&request.query, &request.headers)?;
    let bytes = body.read().await?;
    let mut review =
        decode::object(write.request, write.registry, write.sinks, bytes.as_ref(), options.field_validation)?;
    request_object::record(&write.sinks.recording, &review);
    for field in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "uid", "selfLink"] {
        MetaMut::of(&mut review).set(field, None);
    }
    place(write, &mut review)?;
    let about_oneself = SELF.contains(&write.registry.resource().kind.as_str());
    if !about_oneself {
        managed_fields::update(write, &options, None, &mut review);
    }
    admit(write, &options, &mut review).await?;
    if ACCESS.contains(&write.registry.resource().kind.as_str()) {
        if write.registry.resource().namespaced {
            MetaMut::of(&mut review).set("namespace", Some(write.namespace().into()));
        }
        let errors = write.behaviour().validate(&review);
        if !errors.is_empty() {
            return Err(Status::invalid(&write.registry.resource().group, "", "", &errors));
        }
    }
    let spec = review.get("spec").cloned().unwrap_or_default();
    let status = match write.registry.resource().kind.as_str() {
        "SelfSubjectReview" => json!({"userInfo": user_info(&request.user)}),
        "SelfSubjectAccessReview" => access(write, authorizer, &request.user, &spec).await?,
        "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            access(write, authorizer, &subject(write, &spec)?, &spec).await?
        }
        "SelfSubjectRulesReview" => {
            let namespace = spec.get("namespace").and_then(Value::as_str).unwrap_or_default();
            if namespace.is_empty() {
                return Err(Status::bad_request("no namespace on request"));
            }
            // Nothing of the question is in the answer.
            let fields = as_map(&mut review);
            fields.retain(|field, _| matches!(field.as_str(), "apiVersion" | "kind"));
            fields.insert("spec".to_owned(), json!({}));
            authorizer.rules(&request.user, namespace).await.map_err(|error| status(&error))?
        }
        "TokenReview" => token_review(authenticator, &spec).await?,
        _ => return Err(Status::method_not_allowed()),
    };
    if write.registry.resource().kind == "SelfSubjectReview" {
        as_map(&mut review).remove("metadata");
        MetaMut::of(&mut review).set_creation_timestamp(Some(request.received));
    }
    let fields = as_map(&mut review);
    fields.insert("status".to_owned(), status);
    fields.entry("metadata").or_insert_with(|| json!({}));
    Ok(Answer::Object { code: 201, content_type: None, object: review })
}

/// Reviews are never stored, and admission sees them all the same.
async fn admit(write: &Write<'_>, options: &WriteOptions, review: &mut Value) -> Result<(), Status> {
    let name = write.name();
    let name = if name.is_empty() { Meta::of(review).name().to_owned() } else { name.to_owned() };
    let attributes =
        write.attributes(Action::Create, &name, None, options.object("CreateOptions"), options.dry_run);
    write.admission.admit(&attributes, review).await
}

async fn access(
    write: &Write<'_>,
    authorizer: &Authorizer,
    user: &User,
    spec: &Value,
) -> Result<Value, Status> {
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
            field_selector: field_selector(resource),
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
            return Err(write.registry.invalid("", &[error]));
        }
    };
    Ok(match authorizer.authorize(user, &info).await {
        Decision::Allow(reason) if reason.is_empty() => json!({"allowed": true}),
        Decision::Allow(reason) => json!({"allowed": true, "reason": reason}),
        Decision::Forbid(reason) if reason.is_empty() => json!({"allowed": false}),
        Decision::Forbid(reason) => json!({"allowed": false, "reason": reason}),
        Decision::Fail(error) => json!({"allowed": false, "evaluationError": error}),
    })
}

/// The field selector of the request that is asked about, as a list's query has it.
fn field_selector(attributes: Option<&Value>) -> String {
    let selector = attributes.and_then(|attributes| attributes.get("fieldSelector"));
    let text =
        |value: &Value, field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let requirements = selector.and_then(|selector| selector.get("requirements")).and_then(Value::as_array);
    let Some(requirements) = requirements else {
        return selector.map(|selector| text(selector, "rawSelector")).unwrap_or_default();
    };
    let term = |requirement: &Value| {
        let values = requirement.get("values").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        match (text(requirement, "operator").as_str(), values) {
            ("In", [value]) => Some(format!("{}={}", text(requirement, "key"), value.as_str()?)),
            _ => None,
        }
    };
    requirements.iter().filter_map(term).collect::<Vec<_>>().join(",")
}

/// The user that a review asks about.
fn subject(write: &Write<'_>, spec: &Value) -> Result<User, Status> {
    let name = spec.get("user").and_then(Value::as_str).unwrap_or_default();
    let groups = spec.get("groups").and_then(Value::as_array);
    let groups: Vec<&str> = groups.into_iter().flatten().filter_map(Value::as_str).collect();
    if name.is_empty() && groups.is_empty() {
        let detail = "at least one of user or group must be specified";
        let error = Error::invalid(Path::new("spec").child("user"), &Value::from(""), detail);
        return Err(write.registry.invalid("", &[error]));
    }
    Ok(User::new(name, &groups))
}

/// Who the token names, for the audiences that are asked for, or else for the API server.
async fn token_review(authenticator: Authenticator<'_>, spec: &Value) -> Result<Value, Status> {
    let token = spec.get("token").and_then(Value::as_str).unwrap_or_default();
    if token.is_empty() {
        return Err(Status::bad_request("token is required for TokenReview in authentication"));
    }
    let asked = spec.get("audiences").and_then(Value::as_array);
    let asked: Vec<String> =
        asked.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let own = authenticator.service_accounts.api_audiences();
    let audiences = if asked.is_empty() { own } else { &asked };
    Ok(match authenticator.identify(token.as_bytes(), audiences).await {
        Ok(Identity { user, audiences }) => {
            json!({"authenticated": true, "user": user_info(&user), "audiences": audiences})
        }
        Err(why) => json!({"user": {}, "error": why}),
    })
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

/// Reviews whose answer is made anew: nobody owns its fields.
const SELF: &[&str] = &["SelfSubjectReview", "SelfSubjectRulesReview"];
/// Reviews that are refused when they ask nothing, or two things.
const ACCESS: &[&str] = &["SubjectAccessReview", "SelfSubjectAccessReview", "LocalSubjectAccessReview"];
