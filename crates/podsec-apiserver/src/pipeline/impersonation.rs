//! Acting as someone else: `Impersonate-User` and its siblings, for those who may.

use hyper::HeaderMap;
use podsec_apimachinery::Status;
use podsec_apimachinery::quote::quoted;

use super::Answer;
use crate::authentication::User;
use crate::authorization::{self, Decision};
use crate::request_info::RequestInfo;

/// The user the request asks to act as; `None` when it does not.
///
/// # Errors
/// 403 when the caller may not act as this user, 400 for groups without a user.
pub(super) fn requested(
    caller: &User,
    headers: &HeaderMap,
    info: &RequestInfo,
) -> Result<Option<User>, Answer> {
    let text =
        |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let name = text("impersonate-user").unwrap_or_default();
    let uid = text("impersonate-uid").unwrap_or_default();
    let groups: Vec<String> = headers
        .get_all("impersonate-group")
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    let mut user = User { name, uid, groups, ..User::default() };
    for (header, value) in headers {
        if let Some(key) = header.as_str().strip_prefix("impersonate-extra-") {
            let key = percent_encoding::percent_decode_str(key).decode_utf8_lossy().into_owned();
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            user.extra.entry(key).or_default().push(value);
        }
    }
    if user == User::default() {
        return Ok(None);
    }
    if user.name.is_empty() {
        let why = format!("requested {} without impersonating a user name", go_syntax(&user));
        return Err(Status::bad_request(why).into());
    }
    if !may_act_as(caller, &user) {
        return Err(refusal(caller, &user, info).into());
    }
    if let Some((namespace, _)) = service_account(&user.name)
        && user.groups.is_empty()
    {
        user.groups =
            vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
    }
    Ok(Some(user.authenticated()))
}

/// Whether the caller may impersonate each part of the user.
fn may_act_as(caller: &User, user: &User) -> bool {
    let (resource, namespace, name) = match service_account(&user.name) {
        Some((namespace, name)) => ("serviceaccounts", namespace, name),
        None => ("users", "", user.name.as_str()),
    };
    let extras = user.extra.values().flatten();
    may(caller, "", resource, namespace, name)
        && user.groups.iter().all(|group| may(caller, "", "groups", "", group))
        && (user.uid.is_empty() || may(caller, "authentication.k8s.io", "uids", "", &user.uid))
        && extras.into_iter().all(|value| may(caller, "authentication.k8s.io", "userextras", "", value))
}

fn may(caller: &User, group: &str, resource: &str, namespace: &str, name: &str) -> bool {
    let info = RequestInfo {
        is_resource: true,
        verb: "impersonate".into(),
        group: group.to_owned(),
        resource: resource.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..RequestInfo::default()
    };
    authorization::authorize(caller, &info) != Decision::Forbid
}

/// 403, in the words of the last thing that Kubernetes tries: whether the caller may impersonate for this request alone.
fn refusal(caller: &User, user: &User, info: &RequestInfo) -> Status {
    let mode = match user.name.as_str() {
        name if service_account(name).is_some() => "serviceaccount",
        name if name.starts_with("system:node:") => "arbitrary-node",
        _ => "user-info",
    };
    let verb = format!("impersonate-on:{mode}:{}", info.verb);
    super::answer::forbidden(caller, &RequestInfo { verb: verb.into(), ..info.clone() })
}

/// The user as Go prints it with `%#v`.
fn go_syntax(user: &User) -> String {
    let list = |texts: &[String]| match texts {
        [] => "[]string(nil)".to_owned(),
        texts => {
            format!("[]string{{{}}}", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
        }
    };
    let extra = if user.extra.is_empty() {
        "map[string][]string(nil)".to_owned()
    } else {
        let extra = user.extra.iter().map(|(key, values)| format!("{}:{}", quoted(key), list(values)));
        format!("map[string][]string{{{}}}", extra.collect::<Vec<_>>().join(", "))
    };
    format!(
        "&user.DefaultInfo{{Name:{}, UID:{}, Groups:{}, Extra:{extra}}}",
        quoted(&user.name),
        quoted(&user.uid),
        list(&user.groups)
    )
}

/// Namespace and name in `system:serviceaccount:namespace:name`.
fn service_account(name: &str) -> Option<(&str, &str)> {
    let (namespace, name) = name.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty() && !name.contains(':')).then_some((namespace, name))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderName;

    use super::*;
    use crate::authentication::MASTERS;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn an_administrator_acts_as_a_service_account_with_its_groups() {
        let admin = User::new("admin", &[MASTERS]);
        let headers = headers(&[("impersonate-user", "system:serviceaccount:dev:default")]);
        let Ok(Some(user)) = requested(&admin, &headers, &RequestInfo::default()) else { panic!("refused") };
        assert_eq!(
            user.groups,
            ["system:serviceaccounts", "system:serviceaccounts:dev", "system:authenticated"]
        );
    }

    #[test]
    fn others_act_as_nobody_but_themselves() {
        let headers = headers(&[("impersonate-user", "jane")]);
        assert!(requested(&User::new("joe", &[]), &headers, &RequestInfo::default()).is_err());
        let groups =
            HeaderMap::from_iter([(HeaderName::from_static("impersonate-group"), "x".parse().unwrap())]);
        let Err(Answer::Status(status)) = requested(&User::new("joe", &[]), &groups, &RequestInfo::default())
        else {
            panic!("let through")
        };
        assert_eq!(
            (status.code, status.message.as_str()),
            (
                400,
                r#"requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"x"}, Extra:map[string][]string(nil)} without impersonating a user name"#
            )
        );
        assert!(matches!(
            requested(&User::new("joe", &[]), &HeaderMap::new(), &RequestInfo::default()),
            Ok(None)
        ));
    }
}
