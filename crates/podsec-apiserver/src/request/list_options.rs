//! The options of a list or watch (`meta.k8s.io` `ListOptions`), checked with Kubernetes' words.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use podsec_apimachinery::Status;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::quote::quoted;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::options::{invalid, parse_integer, unsupported};
use super::query::Query;

/// What a list is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListOptions {
    /// How many objects at most; `None` for all.
    pub(crate) limit: Option<usize>,
    /// Where the previous page ended.
    pub(crate) continued: Option<Continue>,
    /// The state to show.
    pub(crate) at: At,
}

/// Which state a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// The newest, which must not be older than this revision.
    NotOlderThan(u64),
    /// Exactly this revision.
    Exact(u64),
}

/// What a watch is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WatchOptions {
    /// Whether the existing objects come first.
    pub(crate) initial_events: bool,
    /// Whether a bookmark ends them.
    pub(crate) initial_bookmark: bool,
    /// The revision to start after; `None` for now.
    pub(crate) from: Option<u64>,
    /// Whether the client understands bookmarks.
    pub(crate) bookmarks: bool,
    /// When to end, in seconds.
    pub(crate) timeout_seconds: Option<u64>,
}

/// A continue token: a real server's, in its own form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Continue {
    v: String,
    /// The revision that all pages show; -1 for the newest.
    pub(crate) rv: i64,
    /// The first key of the next page, without the prefix of the list.
    pub(crate) start: String,
}

impl ListOptions {
    /// Reads the options of a list.
    ///
    /// # Errors
    /// 400 for what cannot be read, 422 for what does not go together.
    pub(crate) fn parse(query: &Query) -> Result<Self, Status> {
        let limit = match query.value("limit") {
            None => 0,
            Some(text) => parse_integer(text)?,
        };
        let limit = usize::try_from(limit).ok().filter(|limit| *limit > 0);
        check_list(query)?;
        let asked = resource_version(query)?;
        let continued = match query.value("continue") {
            None => None,
            Some(_) if asked.is_some_and(|asked| asked > 0) => {
                let why = "specifying resource version is not allowed when using continue";
                return Err(Status::bad_request(why));
            }
            Some(token) => Some(Continue::parse(token)?),
        };
        let at = match (asked.unwrap_or(0), query.value("resourceVersionMatch")) {
            (asked, Some("Exact")) => At::Exact(asked),
            // Before there was a match, a limit meant: exactly this one.
            (asked, None) if asked > 0 && limit.is_some() => At::Exact(asked),
            (asked, _) => At::NotOlderThan(asked),
        };
        Ok(Self { limit, continued, at })
    }
}

impl WatchOptions {
    /// Reads the options of a watch.
    ///
    /// # Errors
    /// 400 for what cannot be read, 422 for what does not go together.
    pub(crate) fn parse(query: &Query) -> Result<Self, Status> {
        let path = || Path::new("resourceVersionMatch");
        let matched = query.value("resourceVersionMatch");
        let send_initial = query.optional_flag("sendInitialEvents");
        let mut errors = Vec::new();
        match (send_initial, matched) {
            (None, None) | (Some(_), Some("NotOlderThan")) => {}
            (None, Some(_)) => {
                let detail =
                    "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                errors.push(Error::forbidden(path(), detail));
            }
            (Some(_), matched) => {
                let detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
                errors.push(Error::forbidden(path(), detail));
                if let Some(other) = matched {
                    let supported = "supported values: \"NotOlderThan\"";
                    errors.push(unsupported(path(), &Value::from(other), supported));
                }
            }
        }
        if query.value("continue").is_some() && send_initial.is_some() {
            let detail = "continue is forbidden for watch";
            errors.push(Error::forbidden(Path::new("continue"), detail));
        }
        if !errors.is_empty() {
            return Err(invalid("ListOptions", &errors));
        }
        let asked = resource_version(query)?.filter(|asked| *asked > 0);
        let bookmarks = query.flag("allowWatchBookmarks");
        let timeout_seconds = match query.value("timeoutSeconds") {
            None => None,
            Some(text) => u64::try_from(parse_integer(text)?).ok().filter(|seconds| *seconds > 0),
        };
        let initial_events = send_initial.unwrap_or(asked.is_none());
        Ok(Self {
            initial_events,
            initial_bookmark: send_initial == Some(true) && bookmarks,
            from: asked,
            bookmarks,
            timeout_seconds,
        })
    }
}

impl Continue {
    /// The token of the page that starts with `start`.
    pub(crate) fn new(revision: i64, start: String) -> Self {
        Self { v: VERSION.to_owned(), rv: revision, start }
    }

    /// The token as the client carries it.
    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn parse(token: &str) -> Result<Self, Status> {
        let wrong = |why: String| Status::bad_request(format!("invalid continue token: {why}"));
        let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).map_err(|error| {
            let at = match error {
                base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
                _ => token.len() / 4 * 4,
            };
            wrong(format!("continue key is not valid: illegal base64 data at input byte {at}"))
        })?;
        let token: Self = serde_json::from_slice(&bytes)
            .map_err(|error| wrong(format!("continue key is not valid: {error}")))?;
        if token.v != VERSION {
            return Err(wrong(
                "continue key is not valid: server does not recognize this encoded version".to_owned(),
            ));
        }
        if token.start.is_empty() {
            return Err(wrong(
                "continue key is not valid: encoded start key empty (version meta.k8s.io/v1)".to_owned(),
            ));
        }
        Ok(token)
    }
}

/// The `resourceVersion` of the query; `None` when absent.
///
/// # Errors
/// 400 when it is no number.
pub(crate) fn resource_version(query: &Query) -> Result<Option<u64>, Status> {
    let Some(text) = query.value("resourceVersion") else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let text = quoted(text);
        Status::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: {text}: strconv.ParseUint: parsing {text}: invalid syntax"
        ))
    })
}

fn check_list(query: &Query) -> Result<(), Status> {
    let mut errors = Vec::new();
    if let Some(matched) = query.value("resourceVersionMatch") {
        let path = || Path::new("resourceVersionMatch");
        let version = query.value("resourceVersion");
        if query.value("continue").is_some() {
            let detail = "resourceVersionMatch is forbidden when continue is provided";
            errors.push(Error::forbidden(path(), detail));
        }
        if version.is_none() {
            let detail = "resourceVersionMatch is forbidden unless resourceVersion is provided";
            errors.push(Error::forbidden(path(), detail));
        }
        if !matches!(matched, "Exact" | "NotOlderThan") {
            let supported = "supported values: \"Exact\", \"NotOlderThan\", \"\"";
            errors.push(unsupported(path(), &Value::from(matched), supported));
        }
        if matched == "Exact" && version == Some("0") {
            let detail = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
            errors.push(Error::forbidden(path(), detail));
        }
    }
    if query.optional_flag("sendInitialEvents").is_some() {
        let detail = "sendInitialEvents is forbidden for list";
        errors.push(Error::forbidden(Path::new("sendInitialEvents"), detail));
    }
    if errors.is_empty() { Ok(()) } else { Err(invalid("ListOptions", &errors)) }
}

const VERSION: &str = "meta.k8s.io/v1";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list_error(query: &str) -> String {
        ListOptions::parse(&Query::parse(query)).unwrap_err().message
    }

    fn watch_error(query: &str) -> String {
        WatchOptions::parse(&Query::parse(query)).unwrap_err().message
    }

    #[test]
    fn lists_are_refused_in_kubernetes_words() {
        for (query, expected) in [
            ("limit=abc", r#"strconv.ParseInt: parsing "abc": invalid syntax"#),
            (
                "continue=bogus",
                "invalid continue token: continue key is not valid: illegal base64 data at input byte 4",
            ),
            (
                "resourceVersionMatch=Exact",
                r#"ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"#,
            ),
            (
                "sendInitialEvents=true",
                r#"ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"#,
            ),
            (
                "resourceVersion=abc",
                r#"invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax"#,
            ),
        ] {
            assert_eq!(list_error(query), expected, "{query}");
        }
    }

    #[test]
    fn initial_events_want_a_match() {
        assert_eq!(
            watch_error("sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=5"),
            r#"ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]"#
        );
    }

    #[test]
    fn a_real_servers_token_is_understood() {
        let token = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MTIzOSwic3RhcnQiOiJnZW4tYnY0eGhcdTAwMDAifQ";
        let options = ListOptions::parse(&Query::parse(&format!("limit=2&continue={token}"))).unwrap();
        let expected = Continue::new(1239, "gen-bv4xh\0".to_owned());
        assert_eq!(options.continued, Some(expected.clone()));
        assert_eq!(expected.encode(), token);
    }

    proptest! {
        #[test]
        fn any_continue_token_is_read_or_refused(
            token in "[A-Za-z0-9=_-]{0,40}",
            revision in any::<i64>(),
            start in ".{1,20}",
        ) {
            let _ = Continue::parse(&token);
            let own = Continue::new(revision, start);
            let again = Continue::parse(&own.encode()).unwrap();
            prop_assert_eq!(again.encode(), own.encode());
        }
    }
}
