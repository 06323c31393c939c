//! Acting as someone else: `Impersonate-User` and its siblings, for those who may.

use hyper::{HeaderMap, Uri};
use podsec_apimachinery::Status;
use podsec_apimachinery::status::GroupResource;

use super::Answer;
use crate::authentication::User;
use crate::authorization::{self, Decision};
use crate::request_info::RequestInfo;

/// The user the request asks to act as; `None` when it does not.
///
/// # Errors
/// 403 when the caller may not act as this user, 500 as plain text for groups without a user.
pub(super) fn requested(caller: &User, headers: &HeaderMap, uri: &Uri) -> Result<Option<User>, Answer> {
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
        let requested = user
            .groups
            .iter()
            .map(|group| format!("{{Group  {group}    }}"))
            .chain(user.extra.keys().map(|key| format!("{{UserExtra  {key}    }}")))
            .chain((!user.uid.is_empty()).then(|| format!("{{UID  {}    }}", user.uid)));
        let requested = requested.collect::<Vec<_>>().join(" ");
        let why = format!("requested [{requested}] without impersonating a user");
        return Err(Answer::internal_error_text(&uri.to_string(), &why));
    }
    check(caller, &user)?;
    if let Some((namespace, _)) = service_account(&user.name)
        && user.groups.is_empty()
    {
        user.groups =
            vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
    }
    Ok(Some(user.authenticated()))
}

/// Whether the caller may impersonate each part of the user.
fn check(caller: &User, user: &User) -> Result<(), Status> {
    let (resource, namespace, name) = match service_account(&user.name) {
        Some((namespace, name)) => ("serviceaccounts", namespace, name),
        None => ("users", "", user.name.as_str()),
    };
    may(caller, "", resource, namespace, name)?;
    for group in &user.groups {
        may(caller, "", "groups", "", group)?;
    }
    if !user.uid.is_empty() {
        may(caller, "authentication.k8s.io", "uids", "", &user.uid)?;
    }
    for value in user.extra.values().flatten() {
        may(caller, "authentication.k8s.io", "userextras", "", value)?;
    }
    Ok(())
}

fn may(caller: &User, group: &str, resource: &str, namespace: &str, name: &str) -> Result<(), Status> {
    let info = RequestInfo {
        is_resource: true,
        verb: "impersonate".into(),
        group: group.to_owned(),
        resource: resource.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..RequestInfo::default()
    };
    match authorization::authorize(caller, &info) {
        Decision::Allow(_) => Ok(()),
        Decision::Forbid => {
            let resource = GroupResource { group, resource };
            Err(Status::forbidden(resource, name, authorization::refusal(caller, &info)))
        }
    }
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
        let Ok(Some(user)) = requested(&admin, &headers, &Uri::default()) else { panic!("refused") };
        assert_eq!(
            user.groups,
            ["system:serviceaccounts", "system:serviceaccounts:dev", "system:authenticated"]
        );
    }

    #[test]
    fn others_act_as_nobody_but_themselves() {
        let headers = headers(&[("impersonate-user", "jane")]);
        assert!(requested(&User::new("joe", &[]), &headers, &Uri::default()).is_err());
        assert!(matches!(requested(&User::new("joe", &[]), &HeaderMap::new(), &Uri::default()), Ok(None)));
    }
}
