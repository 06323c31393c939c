//! From the claims of an ID token to a user.

use std::collections::BTreeMap;

use jiff::Timestamp;
use podsec_apimachinery::quote::quoted;
use podsec_kinds::object::Fields as _;
use serde_json::Value;

use crate::request::User;

/// Which claims name a user, and what they must say.
#[derive(Debug)]
pub(super) struct Mapping {
    /// For whom tokens must be.
    pub(super) client: String,
    pub(super) username_claim: String,
    pub(super) username_prefix: String,
    pub(super) groups_claim: Option<String>,
    pub(super) groups_prefix: String,
    /// Claims and the values that they must have.
    pub(super) required: Vec<(String, String)>,
}

impl Mapping {
    /// The user of verified claims.
    ///
    /// # Errors
    /// Why they name none, in Kubernetes' words.
    pub(super) fn user(&self, claims: &Value, now: Timestamp) -> Result<User, String> {
        self.check_audience(claims)?;
        check_times(claims, now)?;
        let mut name = text(claims, &self.username_claim)
            .map_err(|why| format!("parse username claims {}: {why}", quoted(&self.username_claim)))?;
        if self.username_claim == "email" && claims.has("email_verified") {
            match claims.at("email_verified") {
                Value::Bool(true) => {}
                Value::Bool(false) => return Err("email not verified".to_owned()),
                _ => return Err("parse 'email_verified' claim: want a bool".to_owned()),
            }
        }
        name.insert_str(0, &self.username_prefix);
        let groups = self.groups(claims)?;
        for (claim, expected) in &self.required {
            if !claims.has(claim) {
                return Err(format!("required claim {claim} not present in ID token"));
            }
            let found = text(claims, claim).map_err(|why| format!("parse claim {claim}: {why}"))?;
            if found != *expected {
                return Err(format!(
                    "required claim {claim} value does not match. Got = {found}, want = {expected}"
                ));
            }
        }
        let mut extra = BTreeMap::new();
        if let Some(id) = claims.at("jti").as_str().filter(|id| !id.is_empty()) {
            extra.insert("authentication.kubernetes.io/credential-id".to_owned(), vec![format!("JTI={id}")]);
        }
        Ok(User { name, groups, extra, ..User::default() })
    }

    fn check_audience(&self, claims: &Value) -> Result<(), String> {
        let audiences = texts(claims.at("aud")).unwrap_or_default();
        if audiences.contains(&self.client) {
            return Ok(());
        }
        let given: Vec<String> = audiences.iter().map(|audience| quoted(audience)).collect();
        Err(format!(
            "verify token: oidc: expected audience in [{}] got [{}]",
            quoted(&self.client),
            given.join(" ")
        ))
    }

    fn groups(&self, claims: &Value) -> Result<Vec<String>, String> {
        let Some(claim) = self.groups_claim.as_ref().filter(|claim| claims.has(claim)) else {
            return Ok(Vec::new());
        };
        let groups = texts(claims.at(claim));
        let groups = groups
            .ok_or_else(|| format!("parse groups claim {}: want a string or strings", quoted(claim)))?;
        Ok(groups.into_iter().map(|group| format!("{}{group}", self.groups_prefix)).collect())
    }
}

/// Refuses a token that is over, or has not begun; clocks may differ a little.
fn check_times(claims: &Value, now: Timestamp) -> Result<(), String> {
    let second = |claim: &str| match claims.at(claim) {
        Value::Number(number) => number.as_f64(),
        _ => None,
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds of this age are exact in a double")]
    let now = now.as_second() as f64;
    match second("exp") {
        Some(expiry) if now <= expiry => {}
        _ => return Err("verify token: oidc: token is expired".to_owned()),
    }
    match second("nbf") {
        Some(start) if now + LEEWAY < start => {
            Err("verify token: oidc: current time before the nbf (not before) time".to_owned())
        }
        _ => Ok(()),
    }
}

fn text(claims: &Value, claim: &str) -> Result<String, &'static str> {
    match claims.at(claim) {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Err("claim not present"),
        _ => Err("want a string"),
    }
}

/// A claim that is a text or a list of them.
fn texts(claim: &Value) -> Option<Vec<String>> {
    match claim {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// The seconds by which the provider's clock may be ahead.
const LEEWAY: f64 = 300.0;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mapping() -> Mapping {
        Mapping {
            client: "podsec".to_owned(),
            username_claim: "sub".to_owned(),
            username_prefix: "https://issuer#".to_owned(),
            groups_claim: Some("groups".to_owned()),
            groups_prefix: "oidc:".to_owned(),
            required: vec![("hd".to_owned(), "example.com".to_owned())],
        }
    }

    fn claims() -> Value {
        json!({"aud": "podsec", "sub": "jane", "exp": 2000, "hd": "example.com", "groups": ["a", "b"], "jti": "7"})
    }

    fn user(mapping: &Mapping, change: impl FnOnce(&mut Value)) -> Result<User, String> {
        let mut claims = claims();
        change(&mut claims);
        mapping.user(&claims, Timestamp::from_second(1000).unwrap())
    }

    #[test]
    fn name_and_groups_have_their_prefixes() {
        let found = user(&mapping(), |_| {}).unwrap();
        assert_eq!(found.name, "https://issuer#jane");
        assert_eq!(found.groups, ["oidc:a", "oidc:b"]);
        assert_eq!(found.extra["authentication.kubernetes.io/credential-id"], ["JTI=7"]);
        assert_eq!(user(&mapping(), |claims| claims["groups"] = "one".into()).unwrap().groups, ["oidc:one"]);
    }

    #[test]
    fn claims_that_say_too_little_name_nobody() {
        let refused = |change: &dyn Fn(&mut Value)| user(&mapping(), change).unwrap_err();
        assert_eq!(
            refused(&|claims| claims["sub"] = Value::Null),
            "parse username claims \"sub\": claim not present"
        );
        assert_eq!(
            refused(&|claims| claims["aud"] = json!(["x", "y"])),
            "verify token: oidc: expected audience in [\"podsec\"] got [\"x\" \"y\"]"
        );
        assert_eq!(
            refused(&|claims| claims["hd"] = "other.com".into()),
            "required claim hd value does not match. Got = other.com, want = example.com"
        );
        assert_eq!(
            refused(&|claims| drop(claims.as_object_mut().unwrap().remove("hd"))),
            "required claim hd not present in ID token"
        );
        assert!(refused(&|claims| claims["exp"] = 999.into()).contains("token is expired"));
        assert!(refused(&|claims| drop(claims.as_object_mut().unwrap().remove("exp"))).contains("expired"));
        assert!(refused(&|claims| claims["nbf"] = 1301.into()).contains("nbf"));
        assert!(user(&mapping(), |claims| claims["nbf"] = 1300.into()).is_ok());
        assert!(refused(&|claims| claims["groups"] = 5.into()).starts_with("parse groups claim \"groups\""));
    }

    #[test]
    fn an_address_that_the_provider_has_not_verified_names_nobody() {
        let mapping =
            Mapping { username_claim: "email".to_owned(), username_prefix: String::new(), ..mapping() };
        let with = |verified: Value| {
            user(&mapping, |claims| {
                claims["email"] = "jane@example.com".into();
                claims["email_verified"] = verified;
            })
        };
        assert_eq!(with(true.into()).unwrap().name, "jane@example.com");
        assert_eq!(with(false.into()).unwrap_err(), "email not verified");
        assert!(with("true".into()).is_err());
    }
}
