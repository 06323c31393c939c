//! Acting as someone else: `Impersonate-User` and its siblings, for those who may.

use hyper::HeaderMap;
use podsec_apimachinery::Status;
use podsec_apimachinery::name::dns1123_subdomain;
use podsec_apimachinery::quote::quoted;

use super::last_modes::LastModes;
use crate::answer::Answer;
use crate::authorization::{Authorizer, Decision};
use crate::request::RequestInfo;
use crate::request::user::{MASTERS, User};

/// The user the request asks to act as; `None` when it does not.
///
/// # Errors
/// 403 when the caller may not act as this user, 400 for groups without a user.
pub(super) async fn requested(
    authorizer: &Authorizer,
    last_modes: &LastModes,
    caller: &User,
    headers: &HeaderMap,
    info: &RequestInfo,
) -> Result<Option<User>, Answer> {
    let user = wanted(headers);
    if user == User::default() {
        return Ok(None);
    }
    if user.name.is_empty() {
        let why = format!("requested {} without impersonating a user name", go_syntax(&user));
        return Err(Status::bad_request(why).into());
    }
    Ok(Some(act_as(authorizer, last_modes, caller, &user, info).await?))
}

/// The user that the headers describe.
fn wanted(headers: &HeaderMap) -> User {
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
    user
}

/// In which way somebody acts as somebody else. All but the last are for single requests: the caller needs the verb
/// `impersonate-on:MODE:VERB` on what it asks for, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// A service account acts as the node that its pod runs on.
    AssociatedNode,
    /// Somebody acts as a node.
    ArbitraryNode,
    /// Somebody acts as a service account.
    ServiceAccount,
    /// Somebody acts as somebody who is neither.
    UserInfo,
    /// The verb `impersonate`, for all requests.
    Legacy,
}

const MODES: [Mode; 5] =
    [Mode::AssociatedNode, Mode::ArbitraryNode, Mode::ServiceAccount, Mode::UserInfo, Mode::Legacy];

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::AssociatedNode => "associated-node",
            Self::ArbitraryNode => "arbitrary-node",
            Self::ServiceAccount => "serviceaccount",
            Self::UserInfo => "user-info",
            Self::Legacy => "",
        }
    }

    /// Whether this way leads to such a user at all.
    fn fits(self, caller: &User, user: &User) -> bool {
        let only_name = user.uid.is_empty() && user.groups.is_empty() && user.extra.is_empty();
        let (node, account) = (node(&user.name), service_account(&user.name));
        match self {
            Self::AssociatedNode => {
                let own = caller.extra.get("authentication.kubernetes.io/node-name");
                only_name
                    && service_account(&caller.name).is_some()
                    && node.is_some_and(|node| own.is_some_and(|own| own.as_slice() == [node]))
            }
            Self::ArbitraryNode => only_name && node.is_some(),
            Self::ServiceAccount => only_name && account.is_some(),
            Self::UserInfo => node.is_none() && account.is_none(),
            Self::Legacy => true,
        }
    }

    /// The user that the caller acts as from now on.
    ///
    /// # Errors
    /// 403 that names the first right that is missing.
    async fn check(
        self,
        authorizer: &Authorizer,
        caller: &User,
        user: &User,
        info: &RequestInfo,
    ) -> Result<User, Status> {
        let is_legacy = self == Self::Legacy;
        let verb = if is_legacy { "impersonate".to_owned() } else { format!("impersonate:{}", self.name()) };
        if !is_legacy {
            let verb = format!("impersonate-on:{}:{}", self.name(), info.verb);
            require(authorizer, caller, RequestInfo { verb: verb.into(), ..info.clone() }).await?;
        }
        let group = if is_legacy { "" } else { "authentication.k8s.io" };
        let resource = |group: &str, resource: &str, name: &str| RequestInfo {
            is_resource: true,
            verb: verb.clone().into(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            name: name.to_owned(),
            ..RequestInfo::default()
        };
        let mut actual = user.clone();
        let mut named = resource(group, "users", &user.name);
        if let Some(node) = node(&user.name).filter(|_| !is_legacy) {
            let name = if self == Self::AssociatedNode { "*" } else { node };
            named = resource(group, "nodes", name);
            actual.groups = vec!["system:nodes".to_owned()];
        }
        if let Some((namespace, name)) = service_account(&user.name) {
            named =
                RequestInfo { namespace: namespace.to_owned(), ..resource(group, "serviceaccounts", name) };
            if user.groups.is_empty() {
                actual.groups =
                    vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
            }
        }
        require(authorizer, caller, named).await?;
        if !user.uid.is_empty() {
            require(authorizer, caller, resource("authentication.k8s.io", "uids", &user.uid)).await?;
        }
        self.check_groups(authorizer, caller, &user.groups, |name| resource(group, "groups", name)).await?;
        self.check_extra(authorizer, caller, user, |key, name| RequestInfo {
            subresource: key.to_owned(),
            ..resource("authentication.k8s.io", "userextras", name)
        })
        .await?;
        Ok(actual.authenticated())
    }

    async fn check_groups(
        self,
        authorizer: &Authorizer,
        caller: &User,
        groups: &[String],
        ask: impl Fn(&str) -> RequestInfo,
    ) -> Result<(), Status> {
        if self != Self::Legacy {
            for (group, why) in [
                ("", "impersonating the empty string group is not allowed"),
                (MASTERS, "impersonating the system:masters group is not allowed"),
            ] {
                if groups.iter().any(|own| own == group) {
                    return Err(super::render::forbidden(caller, &ask(group), why));
                }
            }
            if groups.len() >= MANY && require(authorizer, caller, ask("*")).await.is_ok() {
                return Ok(());
            }
        }
        for group in groups {
            require(authorizer, caller, ask(group)).await?;
        }
        Ok(())
    }

    async fn check_extra(
        self,
        authorizer: &Authorizer,
        caller: &User,
        user: &User,
        ask: impl Fn(&str, &str) -> RequestInfo,
    ) -> Result<(), Status> {
        let extra = &user.extra;
        if self != Self::Legacy {
            if extra.contains_key("") {
                let why = "impersonating the empty string key in extra is not allowed";
                return Err(super::render::forbidden(caller, &ask("", ""), why));
            }
            if extra.values().flatten().any(String::is_empty) {
                let why = "impersonating the empty string value in extra is not allowed";
                return Err(super::render::forbidden(caller, &ask("", ""), why));
            }
            let many = extra.len() >= MANY || extra.values().map(Vec::len).sum::<usize>() >= MANY;
            if many && require(authorizer, caller, ask("*", "*")).await.is_ok() {
                return Ok(());
            }
        }
        for (key, values) in extra {
            for value in values {
                require(authorizer, caller, ask(key, value)).await?;
            }
        }
        Ok(())
    }
}

/// Tries all ways to the user.
async fn act_as(
    authorizer: &Authorizer,
    last_modes: &LastModes,
    caller: &User,
    user: &User,
    info: &RequestInfo,
) -> Result<User, Status> {
    let last = last_modes.get(&caller.name);
    let others = (0..MODES.len()).filter(|index| Some(*index) != last);
    let mut first_refusal = None;
    for index in last.into_iter().chain(others) {
        let Some(mode) = MODES.get(index).filter(|mode| mode.fits(caller, user)) else { continue };
        match mode.check(authorizer, caller, user, info).await {
            Ok(user) => {
                last_modes.set(&caller.name, index);
                return Ok(user);
            }
            Err(refusal) => first_refusal = first_refusal.or(Some(refusal)),
        }
    }
    Err(first_refusal
        .unwrap_or_else(|| super::render::forbidden(caller, info, "all impersonation modes failed")))
}

/// 403 unless the caller may.
async fn require(authorizer: &Authorizer, caller: &User, info: RequestInfo) -> Result<(), Status> {
    match authorizer.authorize(caller, &info).await {
        Decision::Allow(_) => Ok(()),
        Decision::Forbid(reason) | Decision::Fail(reason) => {
            Err(super::render::forbidden(caller, &info, &reason))
        }
    }
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

/// The node in `system:node:name`.
fn node(name: &str) -> Option<&str> {
    name.strip_prefix("system:node:").filter(|name| dns1123_subdomain(name).is_empty())
}

/// Namespace and name in `system:serviceaccount:namespace:name`.
fn service_account(name: &str) -> Option<(&str, &str)> {
    let (namespace, name) = name.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty() && !name.contains(':')).then_some((namespace, name))
}

/// So many groups or extra values are asked about with one question first.
const MANY: usize = 4;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hyper::header::HeaderName;
    use podsec_storage::Memory;

    use super::*;
    use crate::authorization::AuthorizationModes;
    use crate::registry::Resources;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    async fn requested(caller: &User, pairs: &[(&'static str, &str)]) -> Result<Option<User>, Answer> {
        let resources = Resources::new(Arc::new(Memory::default()));
        let authorizer = Authorizer::new(AuthorizationModes::default(), resources);
        super::requested(&authorizer, &LastModes::default(), caller, &headers(pairs), &RequestInfo::default())
            .await
    }

    #[tokio::test]
    async fn an_administrator_acts_as_a_service_account_with_its_groups() {
        let admin = User::new("admin", &[MASTERS]);
        let pairs = [("impersonate-user", "system:serviceaccount:dev:default")];
        let Ok(Some(user)) = requested(&admin, &pairs).await else { panic!("refused") };
        assert_eq!(
            user.groups,
            ["system:serviceaccounts", "system:serviceaccounts:dev", "system:authenticated"]
        );
    }

    #[tokio::test]
    async fn others_act_as_nobody_but_themselves() {
        let joe = User::new("joe", &[]);
        assert!(requested(&joe, &[("impersonate-user", "jane")]).await.is_err());
        let Err(Answer::Status(status)) = requested(&joe, &[("impersonate-group", "x")]).await else {
            panic!("let through")
        };
        assert_eq!(
            (status.code, status.message.as_str()),
            (
                400,
                r#"requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"x"}, Extra:map[string][]string(nil)} without impersonating a user name"#
            )
        );
        assert!(matches!(requested(&joe, &[]).await, Ok(None)));
    }
}
