//! What the API server was told of the webhook: a ValidatingWebhookConfiguration, read into what matters here.

use std::collections::BTreeMap;

use k8s_openapi::api::admissionregistration::v1::{
    RuleWithOperations, ValidatingWebhook, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt as _};

use super::examination::ExaminationError;
use super::finding::{Finding, Topic};
use super::question::listed;

/// A ValidatingWebhookConfiguration.
pub(super) struct Registration {
    pub(super) name: String,
    pub(super) hooks: Vec<Hook>,
}

/// One of its webhooks.
pub(super) struct Hook {
    pub(super) name: String,
    pub(super) target: Target,
    /// The authorities that the API server trusts, PEM; empty for those of its system.
    pub(super) bundle: Vec<u8>,
    /// Whether what cannot be asked is refused (`failurePolicy`).
    pub(super) fails: bool,
    pub(super) timeout_seconds: i32,
    pub(super) has_match_conditions: bool,
    namespaces: Selector,
    objects: Selector,
    rules: Vec<RuleWithOperations>,
    speaks_v1: bool,
}

/// Whom the API server calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Service { namespace: String, name: String, port: u16 },
    Url(String),
}

/// A namespace that there is.
pub(super) struct NamespaceObject {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
}

/// Something that happens in the cluster.
#[derive(Clone, Copy)]
pub(super) struct Action<'a> {
    pub(super) group: &'a str,
    pub(super) resource: &'a str,
    pub(super) subresource: &'a str,
    pub(super) operation: &'a str,
}

impl Registration {
    pub(super) fn read(configuration: &ValidatingWebhookConfiguration) -> Result<Self, ExaminationError> {
        let hooks = configuration.webhooks.iter().flatten().map(Hook::read).collect::<Result<_, _>>()?;
        Ok(Self { name: configuration.metadata.name.clone().unwrap_or_default(), hooks })
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let names: Vec<&str> = self.hooks.iter().map(|hook| hook.name.as_str()).collect();
        if names.is_empty() {
            return vec![Finding::problem(
                Topic::Registered,
                format!("the ValidatingWebhookConfiguration {} has no webhooks", self.name),
                "install it again: podsec webhook manifests | kubectl apply -f -",
            )];
        }
        let mut findings = vec![Finding::ok(
            Topic::Registered,
            format!("the ValidatingWebhookConfiguration {} has {}", self.name, listed(&names)),
        )];
        for hook in self.hooks.iter().filter(|hook| !hook.speaks_v1) {
            findings.push(Finding::problem(
                Topic::Registered,
                format!("{} is not asked in v1 of AdmissionReview", hook.name),
                "put v1 into its admissionReviewVersions: podsec answers no other",
            ));
        }
        findings
    }

    /// The distinct targets, each with the authorities that the API server trusts for it and one hook's name.
    pub(super) fn targets(&self) -> Vec<&Hook> {
        let mut distinct: Vec<&Hook> = Vec::new();
        for hook in &self.hooks {
            if !distinct.iter().any(|known| known.target == hook.target && known.bundle == hook.bundle) {
                distinct.push(hook);
            }
        }
        distinct
    }

    /// The namespaces in which the webhook itself runs.
    pub(super) fn own_namespaces(&self) -> Vec<&str> {
        let mut own: Vec<&str> = Vec::new();
        for hook in &self.hooks {
            if let Target::Service { namespace, .. } = &hook.target
                && !own.contains(&namespace.as_str())
            {
                own.push(namespace);
            }
        }
        own
    }

    /// The hooks that are asked about an action.
    pub(super) fn asked(&self, action: Action<'_>) -> impl Iterator<Item = &Hook> {
        self.hooks.iter().filter(move |hook| hook.is_asked(action))
    }
}

impl Hook {
    fn read(webhook: &ValidatingWebhook) -> Result<Self, ExaminationError> {
        let unknown = |reason: String| ExaminationError::Unknown { webhook: webhook.name.clone(), reason };
        let selector = |selector: &Option<LabelSelector>| {
            let selector = Selector::try_from(selector.clone().unwrap_or_default());
            selector.map_err(|error| unknown(error.to_string()))
        };
        let target = Target::read(&webhook.client_config)
            .ok_or_else(|| unknown("its clientConfig names neither a Service nor a URL".to_owned()))?;
        Ok(Self {
            name: webhook.name.clone(),
            target,
            bundle: webhook
                .client_config
                .ca_bundle
                .as_ref()
                .map(|bundle| bundle.0.clone())
                .unwrap_or_default(),
            fails: webhook.failure_policy.as_deref() != Some("Ignore"),
            timeout_seconds: webhook.timeout_seconds.unwrap_or(10),
            has_match_conditions: webhook.match_conditions.iter().flatten().next().is_some(),
            namespaces: selector(&webhook.namespace_selector)?,
            objects: selector(&webhook.object_selector)?,
            rules: webhook.rules.clone().unwrap_or_default(),
            speaks_v1: webhook.admission_review_versions.iter().any(|version| version == "v1"),
        })
    }

    pub(super) fn is_asked_in(&self, namespace: &NamespaceObject) -> bool {
        self.namespaces.matches(&namespace.labels)
    }

    pub(super) fn selects_objects(&self) -> bool {
        !self.objects.selects_all()
    }

    pub(super) fn is_asked(&self, action: Action<'_>) -> bool {
        self.rules.iter().any(|rule| matches(rule, action))
    }
}

/// Whether a rule speaks of an action, as the API server decides it; every kind there is today has the version v1
/// alone.
fn matches(rule: &RuleWithOperations, action: Action<'_>) -> bool {
    let among =
        |list: &Option<Vec<String>>, one: &str| list.iter().flatten().any(|item| item == "*" || item == one);
    let of_cluster = (action.group, action.resource) == ("", "namespaces");
    let in_scope = match rule.scope.as_deref() {
        Some("Namespaced") => !of_cluster,
        Some("Cluster") => of_cluster,
        _ => true,
    };
    let is_resource = rule.resources.iter().flatten().any(|pattern| {
        let (resource, subresource) = pattern.split_once('/').unwrap_or((pattern, ""));
        (resource == "*" || resource == action.resource)
            && (subresource == "*" || subresource == action.subresource)
    });
    in_scope
        && is_resource
        && among(&rule.api_groups, action.group)
        && among(&rule.api_versions, "v1")
        && among(&rule.operations, action.operation)
}

impl Target {
    fn read(client: &WebhookClientConfig) -> Option<Self> {
        if let Some(service) = &client.service {
            let port = service.port.unwrap_or(443).try_into().ok()?;
            return Some(Self::Service {
                namespace: service.namespace.clone(),
                name: service.name.clone(),
                port,
            });
        }
        client.url.clone().map(Self::Url)
    }

    /// The name that the API server demands of the certificate.
    pub(super) fn server_name(&self) -> String {
        match self {
            Self::Service { namespace, name, .. } => format!("{name}.{namespace}.svc"),
            Self::Url(_) => self.authority().map(|(host, _)| host).unwrap_or_default(),
        }
    }

    /// Host and port of a URL.
    pub(super) fn authority(&self) -> Option<(String, u16)> {
        let Self::Url(url) = self else { return None };
        let uri: hyper::Uri = url.parse().ok()?;
        let host = uri.host()?.trim_matches(['[', ']']).to_owned();
        Some((host, uri.port_u16().unwrap_or(443)))
    }
}

impl Action<'_> {
    /// The resource as people write it: `cronjobs.batch`, `pods/ephemeralcontainers`.
    pub(super) fn named(&self) -> String {
        let mut name = self.resource.to_owned();
        if !self.subresource.is_empty() {
            name = format!("{name}/{}", self.subresource);
        }
        if !self.group.is_empty() {
            name = format!("{name}.{}", self.group);
        }
        name
    }
}
