//! Everything that a cluster needs to be asked: the manifests of the webhook, with a certificate made for them.
//!
//! The texts are those of the Kustomize base in `deploy/kustomize`, so that both say the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{Timestamp, ToSpan as _};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

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
            monitoring: false,
        }
    }
}

/// Why no manifests can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestsError {
    /// The certificate cannot be made.
    #[error("no certificate can be made")]
    Certificate(#[from] rcgen::Error),
    /// A value would make other manifests of these.
    #[error("{0:?} is no name")]
    Name(String),
}

impl Installation {
    /// The manifests as YAML documents, ready to be applied. Each call makes another certificate.
    ///
    /// # Errors
    /// When a name is none, or the random numbers run out.
    pub fn manifests(&self) -> Result<String, ManifestsError> {
        let names = [&self.namespace, &self.image].into_iter().chain(&self.excluded_namespaces);
        if let Some(wrong) = names.into_iter().find(|name| !is_plain(name)) {
            return Err(ManifestsError::Name(wrong.clone()));
        }
        let certificate = Certificate::make(&self.namespace)?;
        let mut texts = vec![NAMESPACE_YAML, RBAC, CONFIGURATION, SERVICE, DEPLOYMENT, DISRUPTION_BUDGET];
        if self.monitoring {
            texts.push(MONITORING);
        }
        let secret = certificate.secret();
        let mut documents: Vec<String> =
            texts.into_iter().map(|text| self.fill(text, &certificate)).collect();
        documents.push(self.fill(&secret, &certificate));
        // Last, so that whoever answers is there when the API server begins to ask.
        documents.push(self.fill(WEBHOOK, &certificate));
        Ok(documents.join("---\n"))
    }

    fn fill(&self, text: &str, certificate: &Certificate) -> String {
        let excluded: Vec<&str> = self
            .excluded_namespaces
            .iter()
            .flat_map(|name| {
                [
                    "            - ",
                    name,
                    "
",
                ]
            })
            .collect();
        text.replace("            - kube-system\n", &excluded.concat())
            .replace(NAMESPACE, &self.namespace)
            .replace(&format!("image: {IMAGE}"), &format!("image: {}", self.image))
            .replace("replicas: 2", &format!("replicas: {}", self.replicas))
            .replace("caBundle: Cg==", &format!("caBundle: {}", certificate.authority))
    }
}

/// Whether a text stands for itself in YAML, as all names of namespaces and images do.
fn is_plain(name: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/@".contains(&byte);
    name.bytes().all(inside) && name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

/// A serving certificate and its authority, PEM in Base64 as a Secret holds them. The authority's key is forgotten.
struct Certificate {
    authority: String,
    serving: String,
    key: String,
}

impl Certificate {
    fn make(namespace: &str) -> Result<Self, rcgen::Error> {
        let name = format!("podsec-webhook.{namespace}.svc");
        let mut authority = parameters("podsec-webhook authority", Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority_key = KeyPair::generate()?;
        let authority_certificate = authority.self_signed(&authority_key)?;
        let mut serving = parameters(&name, vec![name.clone()])?;
        serving.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        serving.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = serving.signed_by(&key, &Issuer::new(authority, authority_key))?;
        Ok(Self {
            authority: STANDARD.encode(authority_certificate.pem()),
            serving: STANDARD.encode(certificate.pem()),
            key: STANDARD.encode(key.serialize_pem()),
        })
    }

    fn secret(&self) -> String {
        let Self { authority, serving, key } = self;
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: podsec-webhook-tls\n  namespace: {NAMESPACE}\n  labels:\n    \
             app.kubernetes.io/name: podsec-webhook\ntype: kubernetes.io/tls\ndata:\n  ca.crt: {authority}\n  \
             tls.crt: {serving}\n  tls.key: {key}\n"
        )
    }
}

fn parameters(common_name: &str, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    let year = |from_now: i64| {
        let time = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).saturating_add(from_now.years());
        (i32::from(time.year()), u8::try_from(time.month()).unwrap_or(1))
    };
    // From a month that has begun for every clock, for about ten years.
    let ((first, month), (last, _)) = (year(-1), year(10));
    parameters.not_before = rcgen::date_time_ymd(first, month, 1);
    parameters.not_after = rcgen::date_time_ymd(last, month, 1);
    Ok(parameters)
}

const NAMESPACE: &str = "podsec-system";
const IMAGE: &str = "podsec:0.1.0";

const NAMESPACE_YAML: &str = include_str!("../../../deploy/kustomize/namespace.yaml");
const RBAC: &str = include_str!("../../../deploy/kustomize/rbac.yaml");
const CONFIGURATION: &str = include_str!("../../../deploy/kustomize/configuration.yaml");
const SERVICE: &str = include_str!("../../../deploy/kustomize/service.yaml");
const DEPLOYMENT: &str = include_str!("../../../deploy/kustomize/deployment.yaml");
const DISRUPTION_BUDGET: &str = include_str!("../../../deploy/kustomize/disruption-budget.yaml");
const WEBHOOK: &str = include_str!("../../../deploy/kustomize/webhook.yaml");
const MONITORING: &str = include_str!("../../../deploy/kustomize/monitoring/monitoring.yaml");
