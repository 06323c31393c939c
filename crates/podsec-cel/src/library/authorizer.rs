//! Questions about rights: `authorizer.group("apps").resource("deployments").check("get").allowed()`.

use podsec_apimachinery::name;
use std::sync::Arc;

use super::arguments::unfit;
use crate::authorizer::{AuthorizerCheck, AuthorizerDecision, CheckedResource, Stage};
use crate::cost_range::CostRange;
use crate::declaration::{Function, member};
use crate::error::Error;
use crate::opaque::Opaque;
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let of = |name: &str| Type::message(&format!("kubernetes.authorization.{name}"));
    let (authorizer, path, group) = (of("Authorizer"), of("PathCheck"), of("GroupCheck"));
    let (resource, decision) = (of("ResourceCheck"), of("Decision"));
    let narrowed = |name, id, body| {
        Function::new(name, body, vec![member(id, &[resource.clone(), Type::String], &resource)])
    };
    let told = |name, id, body, result: &Type| {
        Function::new(name, body, vec![member(id, std::slice::from_ref(&decision), result)])
    };
    vec![
        Function::new(
            "path",
            |args, _| {
                let (check, path) = check_and_text("path", args)?;
                if path.trim().is_empty() {
                    return Err(Error::new("path must not be empty"));
                }
                Ok(stage(check, Stage::Path(path.to_owned())))
            },
            vec![member("authorizer_path", &[authorizer.clone(), Type::String], &path)],
        ),
        Function::new(
            "group",
            |args, _| {
                let (check, group) = check_and_text("group", args)?;
                Ok(stage(check, Stage::Group(group.to_owned())))
            },
            vec![member("authorizer_group", &[authorizer.clone(), Type::String], &group)],
        ),
        Function::new(
            "serviceAccount",
            |args, _| service_account(args),
            vec![member(
                "authorizer_serviceaccount",
                &[authorizer.clone(), Type::String, Type::String],
                &authorizer,
            )],
        ),
        Function::new(
            "resource",
            |args, _| {
                let (check, resource) = check_and_text("resource", args)?;
                let Stage::Group(group) = &check.stage else { return Err(unfit("resource", args)) };
                if resource.trim().is_empty() {
                    return Err(Error::new("resource must not be empty"));
                }
                let resource = CheckedResource {
                    group: group.clone(),
                    resource: resource.to_owned(),
                    ..CheckedResource::default()
                };
                Ok(stage(check, Stage::Resource(resource)))
            },
            vec![member("groupcheck_resource", &[group, Type::String], &resource)],
        ),
        narrowed("subresource", "resourcecheck_subresource", |args, _| {
            narrow("subresource", args, |resource| &mut resource.subresource)
        }),
        narrowed("namespace", "resourcecheck_namespace", |args, _| {
            narrow("namespace", args, |resource| &mut resource.namespace)
        }),
        narrowed("name", "resourcecheck_name", |args, _| narrow("name", args, |resource| &mut resource.name)),
        narrowed("fieldSelector", "authorizer_fieldselector", |args, _| {
            narrow("fieldSelector", args, |resource| &mut resource.field_selector)
        }),
        narrowed("labelSelector", "authorizer_labelselector", |args, _| {
            narrow("labelSelector", args, |resource| &mut resource.label_selector)
        }),
        Function::new(
            "check",
            |args, _| {
                let (check, verb) = check_and_text("check", args)?;
                let decision = check.ask(verb).ok_or_else(|| unfit("check", args))?;
                Ok(Value::opaque(Opaque::Decision(Arc::new(decision))))
            },
            vec![
                member("pathcheck_check", &[path, Type::String], &decision),
                member("resourcecheck_check", &[resource.clone(), Type::String], &decision),
            ],
        ),
        told(
            "allowed",
            "decision_allowed",
            |args, _| tell(args, |decision| Value::Bool(decision.allowed)),
            &Type::Bool,
        ),
        told(
            "reason",
            "decision_reason",
            |args, _| tell(args, |decision| Value::string(decision.reason.as_str())),
            &Type::String,
        ),
        told(
            "errored",
            "decision_errored",
            |args, _| tell(args, |decision| Value::Bool(decision.error.is_some())),
            &Type::Bool,
        ),
        told(
            "error",
            "decision_error",
            |args, _| tell(args, |decision| Value::string(decision.error.as_deref().unwrap_or_default())),
            &Type::String,
        ),
    ]
}

fn check<'a>(function: &str, value: &'a Value) -> Result<&'a AuthorizerCheck, Error> {
    if let Value::Opaque(opaque) = value
        && let Opaque::Check(check) = &**opaque
    {
        return Ok(check);
    }
    Err(unfit(function, std::slice::from_ref(value)))
}

fn check_and_text<'a>(function: &str, args: &'a [Value]) -> Result<(&'a AuthorizerCheck, &'a str), Error> {
    match args {
        [value, Value::String(text)] => Ok((check(function, value)?, text)),
        _ => Err(unfit(function, args)),
    }
}

fn stage(check: &AuthorizerCheck, stage: Stage) -> Value {
    Value::opaque(Opaque::Check(AuthorizerCheck { stage, ..check.clone() }))
}

fn narrow(
    function: &str,
    args: &[Value],
    part: fn(&mut CheckedResource) -> &mut String,
) -> Result<Value, Error> {
    let (check, text) = check_and_text(function, args)?;
    let Stage::Resource(resource) = &check.stage else { return Err(unfit(function, args)) };
    let mut resource = resource.clone();
    text.clone_into(part(&mut resource));
    Ok(stage(check, Stage::Resource(resource)))
}

fn service_account(args: &[Value]) -> Result<Value, Error> {
    let [value, Value::String(namespace), Value::String(account)] = args else {
        return Err(unfit("serviceAccount", args));
    };
    let check = check("serviceAccount", value)?;
    if !name::dns1123_subdomain(account).is_empty() {
        return Err(Error::new("Invalid service account name"));
    }
    if !name::dns1123_label(namespace).is_empty() {
        return Err(Error::new("Invalid service account namespace"));
    }
    let service_account = Some((namespace.to_string(), account.to_string()));
    Ok(Value::opaque(Opaque::Check(AuthorizerCheck { service_account, ..check.clone() })))
}

fn tell(args: &[Value], what: fn(&AuthorizerDecision) -> Value) -> Result<Value, Error> {
    if let [Value::Opaque(opaque)] = args
        && let Opaque::Decision(decision) = &**opaque
    {
        return Ok(what(decision));
    }
    Err(unfit("allowed", args))
}

/// What reading a selector of this length costs: the text, and a requirement for every second character of it.
pub(crate) fn selector_cost(length: u64) -> u64 {
    selector_cost_range(CostRange::fixed(length)).max
}

/// The same for a length within bounds.
pub(crate) fn selector_cost_range(length: CostRange) -> CostRange {
    let requirements = length.scaled(0.5).scaled(50.0);
    CostRange::fixed(10).plus(length.scaled(0.1)).plus(requirements)
}
