//! Everything that a cluster needs to be asked: the manifests of the webhook.
//!
//! The texts are those of the Kustomize base in `deploy/kustomize`, so that both say the same.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::str::FromStr;

/// What differs from one installation to the next.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The namespace of the webhook, which it is not asked about.
    pub namespace: String,
    /// The image of podsec.
    pub image: String,
    /// How many webhooks answer.
    pub replicas: u32,
    /// Namespaces besides its own that the webhook is not asked about.
    pub excluded_namespaces: Vec<String>,
    /// The Secret of its namespace that holds the certificate, and that somebody else looks after; without one the
    /// webhook makes its certificates itself.
    pub tls_secret: Option<String>,
    /// The addresses of API servers, as `192.0.2.1/32`; with any, the NetworkPolicy lets nobody else reach the webhook.
    pub api_server_cidrs: Vec<AddressRange>,
    /// Whether to add a ServiceMonitor and alerts for the Prometheus operator.
    pub monitoring: bool,
}

impl Default for Installation {
    fn default() -> Self {
        Self {
            namespace: NAMESPACE.to_owned(),
            image: IMAGE.to_owned(),
            replicas: 2,
            excluded_namespaces: vec!["kube-system".to_owned()],
            tls_secret: None,
            api_server_cidrs: Vec::new(),
            monitoring: false,
        }
    }
}

/// A range of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressRange(String);

/// A text that is no range of addresses.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no range of addresses such as 192.0.2.0/24 or 2001:db8::/64")]
pub struct AddressRangeError(String);

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, AddressRangeError> {
        let is_range = text.split_once('/').is_some_and(|(address, length)| {
            let bits = match address.parse() {
                Ok(IpAddr::V4(_)) => 32,
                Ok(IpAddr::V6(_)) => 128,
                Err(_) => return false,
            };
            length.parse::<u8>().is_ok_and(|length| length <= bits)
        });
        if is_range { Ok(Self(text.to_owned())) } else { Err(AddressRangeError(text.to_owned())) }
    }
}

/// Why no manifests can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestsError {
    /// A value would make other manifests of these.
    #[error("{0:?} is no name")]
    Name(String),
}

impl Installation {
    /// The manifests as YAML documents, ready to be applied.
    ///
    /// # Errors
    /// When a name is none.
    pub fn manifests(&self) -> Result<String, ManifestsError> {
        let names = [&self.namespace, &self.image].into_iter().chain(&self.excluded_namespaces);
        let names = names.chain(&self.tls_secret);
        if let Some(wrong) = names.into_iter().find(|name| !is_plain(name)) {
            return Err(ManifestsError::Name(wrong.clone()));
        }
        let mut texts =
            vec![NAMESPACE_YAML, RBAC, CONFIGURATION, SERVICE, DEPLOYMENT, DISRUPTION_BUDGET, NETWORK_POLICY];
        if self.monitoring {
            texts.push(MONITORING);
        }
        // Last, so that whoever answers is there when the API server begins to ask.
        texts.push(WEBHOOK);
        let documents: Vec<String> = texts.into_iter().map(|text| self.fill(text)).collect();
        Ok(documents.join("---\n"))
    }

    fn fill(&self, text: &str) -> String {
        let excluded: Vec<&str> =
            self.excluded_namespaces.iter().flat_map(|name| ["            - ", name, "\n"]).collect();
        let text =
            self.tls_secret.as_ref().map_or_else(|| text.to_owned(), |secret| with_secret(text, secret));
        text.replace(ANYBODY, &format!("{ANYBODY}{}", self.sources()))
            .replace("            - kube-system\n", &excluded.concat())
            .replace(NAMESPACE, &self.namespace)
            .replace(&format!("image: {IMAGE}"), &format!("image: {}", self.image))
            .replace("replicas: 2", &format!("replicas: {}", self.replicas))
    }
}

impl Installation {
    /// Who may reach the webhook; anybody without a word.
    fn sources(&self) -> String {
        let mut sources = String::new();
        if self.api_server_cidrs.is_empty() {
            return sources;
        }
        sources += "      from:\n";
        for AddressRange(range) in &self.api_server_cidrs {
            // Writing to a string cannot fail.
            let _ = writeln!(sources, "        - ipBlock:\n            cidr: \"{range}\"");
        }
        if self.monitoring {
            sources += PROMETHEUS;
        }
        sources
    }
}

/// A manifest of a webhook whose certificate comes from this Secret, and that has no more rights than it needs then.
fn with_secret(text: &str, secret: &str) -> String {
    text.replace(SELF_SIGNED_ARGUMENTS, &format!("            - --tls-secret={NAMESPACE}/{secret}\n"))
        .replace(ANNOUNCING_RULE, "")
        .replace(
            KEEPING_RULES,
            &format!(
                "  # The certificate that somebody else looks after.\n  - apiGroups: [\"\"]\n    resources: [secrets]\n    \
                 resourceNames: [{secret}]\n    verbs: [list, watch]\n"
            ),
        )
        .replace("name: podsec-webhook-tls", &format!("name: {secret}"))
}

/// Whether a text stands for itself in YAML, as all names of namespaces and images do.
fn is_plain(name: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/@".contains(&byte);
    name.bytes().all(inside) && name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

const NAMESPACE: &str = "podsec-system";
const IMAGE: &str = "podsec:0.1.0";

/// What the manifests say of certificates that the webhook makes itself.
const SELF_SIGNED_ARGUMENTS: &str =
    "            - --self-signed\n            - --service-namespace=podsec-system\n";
const ANNOUNCING_RULE: &str = r"  # The authorities of its own certificates.
  - apiGroups: [admissionregistration.k8s.io]
    resources: [validatingwebhookconfigurations]
    resourceNames: [podsec-webhook]
    verbs: [get, patch]
";
const KEEPING_RULES: &str = r#"  # Its own certificates, which all replicas share.
  - apiGroups: [""]
    resources: [secrets]
    resourceNames: [podsec-webhook-tls]
    verbs: [get, update]
  # A name cannot be asked for before there is one.
  - apiGroups: [""]
    resources: [secrets]
    verbs: [create]
"#;

/// What lets anybody reach the webhook's port.
const ANYBODY: &str = "    - ports:\n        - port: 8443\n          protocol: TCP\n";
/// Whoever reads the metrics.
const PROMETHEUS: &str = "        - namespaceSelector: {}
          podSelector:
            matchLabels:
              app.kubernetes.io/name: prometheus
";

const NAMESPACE_YAML: &str = include_str!("../../../deploy/kustomize/namespace.yaml");
const RBAC: &str = include_str!("../../../deploy/kustomize/rbac.yaml");
const CONFIGURATION: &str = include_str!("../../../deploy/kustomize/configuration.yaml");
const SERVICE: &str = include_str!("../../../deploy/kustomize/service.yaml");
const DEPLOYMENT: &str = include_str!("../../../deploy/kustomize/deployment.yaml");
const DISRUPTION_BUDGET: &str = include_str!("../../../deploy/kustomize/disruption-budget.yaml");
const NETWORK_POLICY: &str = include_str!("../../../deploy/kustomize/network-policy.yaml");
const WEBHOOK: &str = include_str!("../../../deploy/kustomize/webhook.yaml");
const MONITORING: &str = include_str!("../../../deploy/kustomize/monitoring/monitoring.yaml");
