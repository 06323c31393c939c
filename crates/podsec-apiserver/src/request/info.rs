//! What a request asks for, read from its method and URL alone (`k8s.io/apiserver` `RequestInfo`).

use std::borrow::Cow;

use hyper::Method;
use percent_encoding::percent_decode_str;
use podsec_apimachinery::status::GroupResource;

use super::query::Query;

/// Verb, resource and name of a request. For a non-resource request only `verb` and `path` say anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestInfo {
    /// The decoded path.
    pub path: String,
    /// Kubernetes' verb, or the lower-case HTTP method of a non-resource request. Empty for a method that no
    /// resource knows.
    pub verb: Cow<'static, str>,
    /// Whether the path names a resource; `/api`, `/apis/apps/v1` and `/healthz` do not.
    pub is_resource: bool,
    /// The API group; empty for core.
    pub group: String,
    /// The API version.
    pub version: String,
    /// The plural resource.
    pub resource: String,
    /// The subresource, as in `status`.
    pub subresource: String,
    /// The namespace. A namespace is in itself: `/api/v1/namespaces/x` has namespace and name `x`.
    pub namespace: String,
    /// The object's name; of a list or watch, the name its field selector demands.
    pub name: String,
    /// The field selector of a list, watch or deletion of a collection, as the query has it.
    pub field_selector: String,
    /// Path segments behind the subresource, which no built-in resource has.
    pub excess: bool,
    /// A HEAD of a resource, which is authorized as a GET and served by none.
    pub is_head: bool,
}

/// A URL of the right shape that names no resource, as in `/api/v1/watch`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unable to determine kind and namespace from url, {0}")]
pub(crate) struct Error(String);

impl RequestInfo {
    /// Reads method and URL.
    ///
    /// # Errors
    /// When the path ends behind `watch`.
    pub(crate) fn resolve(method: &Method, encoded_path: &str, query: &Query) -> Result<Self, Error> {
        let path = percent_decode_str(encoded_path).decode_utf8_lossy().into_owned();
        let trimmed = path.trim_matches('/');
        let segments: Vec<&str> = if trimmed.is_empty() { Vec::new() } else { trimmed.split('/').collect() };
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
            ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
            _ => {
                let verb = method.as_str().to_ascii_lowercase().into();
                return Ok(Self { path, verb, ..Self::default() });
            }
        };
        let (mut verb, rest) = match rest {
            ["watch"] => return Err(Error(encoded_path.to_owned())),
            ["watch", rest @ ..] => ("watch", rest),
            rest => (verb_of(method), rest),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, "status" | "finalize", ..] => (*namespace, rest),
            ["namespaces", namespace, deeper @ ..] if !deeper.is_empty() => (*namespace, deeper),
            ["namespaces", namespace] => (*namespace, rest),
            rest => ("", rest),
        };
        let part = |index: usize| rest.get(index).copied().unwrap_or_default();
        let (resource, mut name, subresource) = (part(0), part(1).to_owned(), part(2));
        if name.is_empty() && verb == "get" {
            verb = if query.flag("watch") { "watch" } else { "list" };
            name = query.value("fieldSelector").and_then(selected_name).unwrap_or_default();
        } else if name.is_empty() && verb == "delete" {
            verb = "deletecollection";
        }
        Ok(Self {
            verb: verb.into(),
            is_resource: true,
            group: group.to_owned(),
            version: version.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: namespace.to_owned(),
            name,
            field_selector: query.value("fieldSelector").unwrap_or_default().to_owned(),
            excess: rest.len() > 3,
            is_head: method == Method::HEAD,
            path,
        })
    }

    /// The resource as messages name it.
    pub(crate) fn group_resource(&self) -> GroupResource<'_> {
        GroupResource { group: &self.group, resource: &self.resource }
    }

    /// Whether the answer may stream for as long as the client stays: watches, logs and connections into pods.
    pub(crate) fn is_long_running(&self) -> bool {
        self.is_resource
            && (self.verb == "watch"
                || matches!(self.subresource.as_str(), "attach" | "exec" | "proxy" | "log" | "portforward"))
    }
}

fn verb_of(method: &Method) -> &'static str {
    match method.as_str() {
        "POST" => "create",
        "GET" | "HEAD" => "get",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    }
}

/// The one name that a field selector lets through, if it demands one.
fn selected_name(selector: &str) -> Option<String> {
    let demanded = selector.split(',').find_map(|term| {
        let rest = term.trim().strip_prefix("metadata.name")?;
        rest.strip_prefix("==").or_else(|| rest.strip_prefix('='))
    })?;
    let is_segment =
        !demanded.is_empty() && demanded != "." && demanded != ".." && !demanded.contains(['/', '%']);
    is_segment.then(|| demanded.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(method: &str, url: &str) -> RequestInfo {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        RequestInfo::resolve(&method, path, &Query::parse(query)).unwrap()
    }

    /// `verb group/version resource/subresource namespace/name`, or `verb path` for a non-resource request.
    fn line(method: &str, url: &str) -> String {
        let info = resolve(method, url);
        if !info.is_resource {
            return format!("{} {}", info.verb, info.path);
        }
        format!(
            "{} {}/{} {}/{} {}/{}",
            info.verb, info.group, info.version, info.resource, info.subresource, info.namespace, info.name
        )
    }

    #[test]
    fn urls_are_read_as_kubernetes_reads_them() {
        for (method, url, expected) in [
            ("GET", "/api/v1/pods", "list /v1 pods/ /"),
            ("GET", "/api/v1/namespaces/a/pods?watch=true", "watch /v1 pods/ a/"),
            ("GET", "/api/v1/namespaces/a/pods/x?watch=1", "get /v1 pods/ a/x"),
            ("GET", "/api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dx", "list /v1 pods/ a/x"),
            ("GET", "/api/v1/watch/namespaces/a/pods/x", "watch /v1 pods/ a/x"),
            ("GET", "/api/v1/watch/pods", "watch /v1 pods/ /"),
            ("HEAD", "/api/v1/namespaces/a/pods/x/log", "get /v1 pods/log a/x"),
            ("GET", "/api/v1/namespaces/a", "get /v1 namespaces/ a/a"),
            ("PUT", "/api/v1/namespaces/a/finalize", "update /v1 namespaces/finalize a/a"),
            ("POST", "/api/v1/namespaces", "create /v1 namespaces/ /"),
            ("DELETE", "/apis/apps/v1/namespaces/a/deployments", "deletecollection apps/v1 deployments/ a/"),
            (
                "PATCH",
                "/apis/apps/v1/namespaces/a/deployments/d/scale",
                "patch apps/v1 deployments/scale a/d",
            ),
            ("OPTIONS", "/api/v1/namespaces/a/pods", " /v1 pods/ a/"),
            ("GET", "/apis/apps/v1", "get /apis/apps/v1"),
            ("GET", "/api/v1/", "get /api/v1/"),
            ("POST", "/", "post /"),
        ] {
            assert_eq!(line(method, url), expected, "{method} {url}");
        }
    }

    #[test]
    fn a_watch_of_nothing_is_an_error() {
        let error = RequestInfo::resolve(&Method::GET, "/api/v1/watch", &Query::default()).unwrap_err();
        assert_eq!(error.to_string(), "unable to determine kind and namespace from url, /api/v1/watch");
    }
}
