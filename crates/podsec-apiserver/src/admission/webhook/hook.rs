//! One webhook of a configuration, read once.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::schema::catalog::Resource;
use podsec_apimachinery::selector::label::{Selector, from_object};
use serde_json::Value;

use crate::admission::matching::rules::{NamespaceLabels, Rule, Selectors, Subject};
use crate::admission::matching::{FailurePolicy, MatchPolicy};
use crate::admission::policy::expression::{self, Expression};
use crate::admission::review::ReviewVersion;

/// A webhook that may be asked.
#[derive(Debug)]
pub(in crate::admission) struct Hook {
    /// The name of its configuration.
    pub(super) configuration: String,
    /// Its own name.
    pub(super) name: String,
    /// Where it is.
    pub(super) endpoint: Endpoint,
    /// The authorities that may have signed its certificate, PEM; the system's when empty.
    pub(super) ca_bundle: Vec<u8>,
    /// What it is asked about.
    pub(super) rules: Vec<Rule>,
    /// Whether it is asked about the same objects in other versions too.
    pub(super) match_policy: MatchPolicy,
    /// The namespaces that it is asked about.
    pub(super) namespace_selector: Selector,
    /// The objects that it is asked about.
    pub(super) object_selector: Selector,
    /// What must hold for it to be asked at all.
    pub(super) conditions: Vec<Expression>,
    /// What becomes of the request when it cannot be asked.
    pub(super) failure_policy: FailurePolicy,
    /// Whether it is asked again when a later webhook has changed the object.
    pub(super) reinvokes: bool,
    /// How long it may take.
    pub(super) timeout: Duration,
    /// Whether it may be asked about a dry run.
    pub(super) allows_dry_run: bool,
    /// The newest form of review that both sides know.
    pub(super) review: Option<ReviewVersion>,
    /// Why it cannot be asked at all: stored by a server that let more in.
    pub(super) unusable: Option<String>,
}

/// Where a webhook is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    /// Behind a Service of the cluster.
    Service {
        /// The namespace of the Service.
        namespace: String,
        /// The name of the Service.
        name: String,
        /// The port of the Service.
        port: u16,
        /// The path of the URL.
        path: String,
    },
    /// Anywhere.
    Url(String),
}

impl Hook {
    /// The webhooks of a configuration, in their order.
    pub(super) fn all_of(configuration: &Value) -> impl Iterator<Item = Self> {
        let name = Meta::of(configuration).name();
        let webhooks = configuration.get("webhooks").and_then(Value::as_array);
        let webhooks = webhooks.map(Vec::as_slice).unwrap_or_default().iter();
        webhooks.map(move |webhook| Self::read(name, webhook))
    }

    fn read(configuration: &str, webhook: &Value) -> Self {
        let text = |field: &str| webhook.get(field).and_then(Value::as_str).unwrap_or_default();
        let mut unusable = None;
        let mut selector = |field: &str| {
            from_object(webhook.get(field)).unwrap_or_else(|error| {
                unusable = Some(format!("{field}: {error}"));
                Selector::everything()
            })
        };
        let namespace_selector = selector("namespaceSelector");
        let object_selector = selector("objectSelector");
        let config = webhook.get("clientConfig");
        let endpoint = config.and_then(Endpoint::read).unwrap_or_else(|| {
            unusable = Some("webhook configuration must have either service or URL".to_owned());
            Endpoint::Url(String::new())
        });
        let ca_bundle = config.and_then(|config| config.get("caBundle")).and_then(Value::as_str);
        let ca_bundle = STANDARD.decode(ca_bundle.unwrap_or_default()).unwrap_or_else(|error| {
            unusable = Some(format!("caBundle: {error}"));
            Vec::new()
        });
        let rules = webhook.get("rules").and_then(Value::as_array);
        let versions = webhook.get("admissionReviewVersions").and_then(Value::as_array);
        let timeout = webhook.get("timeoutSeconds").and_then(Value::as_u64);
        Self {
            configuration: configuration.to_owned(),
            name: text("name").to_owned(),
            endpoint,
            ca_bundle,
            rules: rules.into_iter().flatten().map(Rule::read).collect(),
            match_policy: match text("matchPolicy") {
                "Exact" => MatchPolicy::Exact,
                _ => MatchPolicy::Equivalent,
            },
            namespace_selector,
            object_selector,
            conditions: expression::conditions(webhook, false),
            failure_policy: match text("failurePolicy") {
                "Ignore" => FailurePolicy::Ignore,
                _ => FailurePolicy::Fail,
            },
            reinvokes: text("reinvocationPolicy") == "IfNeeded",
            timeout: Duration::from_secs(timeout.unwrap_or(10).min(30)),
            allows_dry_run: matches!(text("sideEffects"), "None" | "NoneOnDryRun"),
            review: versions.into_iter().flatten().find_map(|version| match version.as_str() {
                Some("v1") => Some(ReviewVersion::V1),
                Some("v1beta1") => Some(ReviewVersion::V1Beta1),
                _ => None,
            }),
            unusable,
        }
    }
}

impl Hook {
    /// The version in which it is to see a request; `None` when it is not to see it at all.
    ///
    /// # Errors
    /// Why the labels of the namespace are not known, when it depends on them.
    pub(super) fn version_for(
        &self,
        subject: &Subject<'_>,
        namespace: &NamespaceLabels,
        object: Option<&Value>,
        old: Option<&Value>,
    ) -> Result<Option<Arc<Resource>>, Status> {
        let selectors = Selectors { namespace: &self.namespace_selector, object: &self.object_selector };
        let selected = subject.is_selected(selectors, namespace, object, old);
        if matches!(selected, Ok(false)) {
            return Ok(None);
        }
        let Some(version) = self.version_by_rules(subject) else { return Ok(None) };
        selected.map(|_| Some(Arc::clone(version)))
    }

    fn version_by_rules<'s>(&self, subject: &Subject<'s>) -> Option<&'s Arc<Resource>> {
        if self.rules.iter().any(|rule| rule.matches(subject, subject.resource)) {
            return Some(subject.resource);
        }
        let equivalents =
            if self.match_policy == MatchPolicy::Equivalent { subject.equivalents } else { &[] };
        // An earlier rule counts more than a nearer version.
        self.rules.iter().find_map(|rule| equivalents.iter().find(|version| rule.matches(subject, version)))
    }
}

impl Endpoint {
    /// Reads a `clientConfig`.
    pub(crate) fn read(config: &Value) -> Option<Self> {
        if let Some(service) = config.get("service").filter(|service| service.is_object()) {
            let text =
                |field: &str| service.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
            let port = service.get("port").and_then(Value::as_u64).unwrap_or(443);
            return Some(Self::Service {
                namespace: text("namespace"),
                name: text("name"),
                port: u16::try_from(port).ok()?,
                path: text("path"),
            });
        }
        Some(Self::Url(config.get("url")?.as_str()?.to_owned()))
    }

    /// The URL to POST to, as client-go writes it: with a clean path.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Service { namespace, name, port, path } => {
                format!("https://{name}.{namespace}.svc:{port}{}", clean(path))
            }
            Self::Url(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
                let (host, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
                format!("{}://{host}{}", scheme.to_ascii_lowercase(), clean(path))
            }
        }
    }
}

/// Go's `path.Join("/", path)`: no empty segments, no dots, no slash at the end.
fn clean(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use podsec_apimachinery::schema::catalog::Catalog;
    use serde_json::{Map, json};

    use super::*;
    use crate::admission::attributes::Action;
    use crate::admission::matching::version::equivalents;

    #[test]
    fn a_service_has_the_name_that_its_certificate_must_show() {
        let config =
            json!({"service": {"name": "hook", "namespace": "hooks", "path": "/a//b/", "port": 8443}});
        assert_eq!(Endpoint::read(&config).unwrap().url(), "https://hook.hooks.svc:8443/a/b");
    }

    #[test]
    fn a_url_keeps_its_host_and_gets_a_path() {
        let url = |text: &str| Endpoint::Url(text.to_owned()).url();
        assert_eq!(url("https://example.com"), "https://example.com/");
        assert_eq!(url("HTTPS://[::1]:8443/x/../y/"), "https://[::1]:8443/y");
    }

    #[test]
    fn a_webhook_keeps_its_names_and_conditions() {
        let configuration = json!({"metadata": {"name": "c"}, "webhooks": [
            {"name": "w", "clientConfig": {"url": "https://x"}, "matchConditions": [{"name": "a", "expression": "true"}]}
        ]});
        let hooks: Vec<Hook> = Hook::all_of(&configuration).collect();
        assert_eq!((&*hooks[0].configuration, &*hooks[0].name), ("c", "w"));
        assert_eq!((hooks[0].conditions.len(), &hooks[0].unusable), (1, &None));
    }

    fn find(resource: &str) -> &'static Arc<Resource> {
        let (group, resource) = resource.split_once('/').unwrap_or(("", resource));
        Catalog::builtin().find(group, "v1", resource).unwrap()
    }

    fn hook(webhook: Value) -> Hook {
        let mut webhook = webhook;
        webhook["clientConfig"] = json!({"url": "https://x"});
        for selector in ["namespaceSelector", "objectSelector"] {
            if webhook[selector].is_null() {
                webhook[selector] = json!({});
            }
        }
        Hook::all_of(&json!({"metadata": {"name": "c"}, "webhooks": [webhook]})).next().unwrap()
    }

    fn everything() -> Value {
        json!([{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}])
    }

    #[test]
    fn a_selector_looks_at_the_new_object_and_at_the_old_one() {
        let hook = hook(json!({
            "name": "w", "rules": everything(), "objectSelector": {"matchLabels": {"a": "b"}}
        }));
        let subject = Subject {
            action: Action::Update,
            resource: find("pods"),
            subresource: "",
            namespace: "n",
            equivalents: &[],
        };
        let labelled = json!({"metadata": {"labels": {"a": "b"}}});
        let bare = json!({"metadata": {}});
        let asked = |object: Option<&Value>, old: Option<&Value>| {
            hook.version_for(&subject, &Ok(Map::new()), object, old).unwrap().is_some()
        };
        assert!(asked(Some(&labelled), Some(&bare)) && asked(Some(&bare), Some(&labelled)));
        assert!(asked(None, Some(&labelled)));
        assert!(!asked(Some(&bare), Some(&bare)) && !asked(None, None));
    }

    #[test]
    fn an_unknown_namespace_matters_only_to_those_that_select_by_it() {
        let selective = hook(json!({
            "name": "w", "rules": everything(), "namespaceSelector": {"matchLabels": {"a": "b"}}
        }));
        let other = hook(json!({"name": "w", "rules": everything()}));
        let unmatched = hook(json!({
            "name": "w", "rules": [], "namespaceSelector": {"matchLabels": {"a": "b"}}
        }));
        let subject = Subject {
            action: Action::Create,
            resource: find("pods"),
            subresource: "",
            namespace: "n",
            equivalents: &[],
        };
        let unknown = Err(Status::internal("gone"));
        assert!(selective.version_for(&subject, &unknown, None, None).is_err());
        assert!(other.version_for(&subject, &unknown, None, None).unwrap().is_some());
        assert!(unmatched.version_for(&subject, &unknown, None, None).unwrap().is_none());
        // A node is in no namespace and so never exempt.
        let node = Subject { resource: find("nodes"), namespace: "", ..subject };
        assert!(selective.version_for(&node, &Ok(Map::new()), None, None).unwrap().is_some());
    }

    #[test]
    fn an_equivalent_version_is_asked_about_in_its_own_form() {
        let rules = json!([{
            "apiGroups": ["events.k8s.io"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["events"]
        }]);
        let events = find("events");
        let others = equivalents(Catalog::builtin(), events);
        let subject = Subject {
            action: Action::Create,
            resource: events,
            subresource: "",
            namespace: "n",
            equivalents: &others,
        };
        let version = |policy: &str| {
            let hook = hook(json!({"name": "w", "rules": rules, "matchPolicy": policy}));
            hook.version_for(&subject, &Ok(Map::new()), None, None)
                .unwrap()
                .map(|version| version.api_version())
        };
        assert_eq!(version("Equivalent").as_deref(), Some("events.k8s.io/v1"));
        assert_eq!(version("Exact"), None);
    }
}
