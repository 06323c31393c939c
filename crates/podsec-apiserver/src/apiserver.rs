//! The server without its socket: what all requests share.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use podsec_admission::Admission;
use podsec_apimachinery::emulation::Emulation;
use podsec_apimachinery::schema::catalog::Resource;
use podsec_audit::Auditor;
use podsec_storage::Store;
use podsec_transport::body::BodyBudget;
use tokio::sync::watch;

use crate::admission::built_in::quota::locks::Quotas;
use crate::admission::webhook::Clients;
use crate::admission::{Chain, Parts, Plugins};
use crate::authentication::oidc::{Error as OidcError, OpenId};
use crate::authentication::service_account::ServiceAccountTokens;
use crate::authentication::{Authenticator, Tokens};
use crate::authorization::webhook::{AuthorizationWebhook, Error as AuthorizationWebhookError};
use crate::authorization::{AuthorizationModes, Authorizer};
use crate::conversion_webhook::ConversionWebhooks;
use crate::metrics::Metrics;
use crate::options::{AuthorizationWebhookOptions, OidcOptions};
use crate::pipeline::{LastModes, MaxInFlight};
use crate::processors::Processors;
use crate::registry::{Registry, Resources};
use crate::verbs::{self, ListMemory};
use podsec_kinds::allocation::ServiceRange;
use podsec_kinds::custom::{CustomResource, Served};

/// Everything that requests share.
pub struct ApiServer {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) resources: Resources,
    pub(crate) tokens: Tokens,
    pub(crate) service_accounts: ServiceAccountTokens,
    openid: Option<OpenId>,
    allows_anonymous: bool,
    pub(crate) authorizer: Arc<Authorizer>,
    pub(crate) impersonation: LastModes,
    pod_security: Admission,
    plugins: Plugins,
    pub(crate) admission: Chain,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) auditor: Option<Auditor>,
    pub(crate) metrics: Metrics,
    pub(crate) budget: BodyBudget,
    pub(crate) processors: Arc<Processors>,
    pub(crate) verbs: verbs::Shared,
    pub(crate) in_flight: MaxInFlight,
    stopping: watch::Sender<bool>,
    /// How long the checks of health wait for the store.
    pub(crate) healthcheck_timeout: Duration,
    /// Host and port under which clients reach it; empty without a socket.
    pub(crate) address: String,
    /// The certificate by which clients trust the server, PEM.
    pub(crate) authority: Option<String>,
    /// The certificates that client certificates are signed with, PEM.
    pub(crate) client_authorities: Option<String>,
    /// When it was started.
    pub(crate) started: Timestamp,
    /// The flags it was started with, and their values.
    pub(crate) flags: Vec<(&'static str, String)>,
}

impl ApiServer {
    /// A server over `store`.
    pub fn new(
        store: Arc<dyn Store>,
        tokens: Tokens,
        pod_security: Admission,
        auditor: Option<Auditor>,
    ) -> Self {
        let budget = BodyBudget::new(BODY_BUDGET, BODIES);
        let (stopping, is_stopping) = watch::channel(false);
        let resources = Resources::new(Arc::clone(&store));
        let resources = converting(resources);
        let authorizer = Arc::new(Authorizer::new(AuthorizationModes::default(), resources.clone()));
        let (processors, quotas) = (Arc::new(Processors::all()), Arc::new(Quotas::default()));
        let verbs = verbs::Shared {
            processors: Arc::clone(&processors),
            list_memory: ListMemory::new(),
            event_lines: Arc::default(),
            stopping: is_stopping,
        };
        let (plugins, metrics) = (Plugins::standard(), Metrics::default());
        let parts = Parts {
            resources: &resources,
            authorizer: &authorizer,
            processors: &processors,
            quotas: &quotas,
            pod_security: &pod_security,
            pod_security_metrics: &metrics.pod_security,
            webhook_metrics: &metrics.webhooks,
        };
        let admission = Chain::new(&plugins, &parts);
        Self {
            store,
            resources,
            tokens,
            service_accounts: ServiceAccountTokens::default(),
            openid: None,
            allows_anonymous: true,
            authorizer,
            impersonation: LastModes::default(),
            pod_security,
            plugins,
            admission,
            quotas,
            auditor,
            metrics,
            budget,
            processors,
            verbs,
            in_flight: MaxInFlight::new(0, 0),
            stopping,
            healthcheck_timeout: Duration::from_secs(2),
            address: String::new(),
            authority: None,
            client_authorities: None,
            started: Timestamp::now(),
            flags: Vec::new(),
        }
    }

    /// The same as an earlier minor of Kubernetes.
    #[must_use]
    pub fn with_emulated_version(mut self, emulation: Emulation) -> Self {
        self.resources = self.resources.with_emulated_version(emulation);
        self.admission = self.chain();
        self
    }

    /// The same with the flags that `/flagz` shows.
    #[must_use]
    pub(crate) fn with_flags(mut self, flags: Vec<(&'static str, String)>) -> Self {
        self.flags = flags;
        self
    }

    /// The same with other admission plugins than those that run by default.
    #[must_use]
    pub fn with_plugins(mut self, plugins: Plugins) -> Self {
        self.plugins = plugins;
        self.admission = self.chain();
        self
    }

    /// The same with other authorizers than Node and RBAC.
    #[must_use]
    pub fn with_authorization_modes(mut self, modes: AuthorizationModes) -> Self {
        self.authorizer = Arc::new(Authorizer::new(modes, self.resources.clone()));
        self.admission = self.chain();
        self
    }

    /// The same with the service that a kubeconfig names, which is asked where the modes have Webhook.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn with_authorization_webhook(
        mut self,
        kubeconfig: &Path,
        options: &AuthorizationWebhookOptions,
    ) -> Result<Self, AuthorizationWebhookError> {
        let webhook = AuthorizationWebhook::new(kubeconfig, options)?;
        self.authorizer = Arc::new(self.authorizer.with_webhook(webhook));
        self.admission = self.chain();
        Ok(self)
    }

    /// The same with the users of an OpenID provider, if the options name one.
    ///
    /// # Errors
    /// When they do not go together, or name what cannot be used.
    pub fn with_oidc(mut self, options: &OidcOptions) -> Result<Self, OidcError> {
        self.openid = OpenId::of(options)?;
        Ok(self)
    }

    /// The same, whether or not those without credentials may ask anything.
    #[must_use]
    pub fn with_anonymous_auth(mut self, allows: bool) -> Self {
        self.allows_anonymous = allows;
        self
    }

    /// The same with at most so many requests at one time that only read, and that may write; zero for any number.
    #[must_use]
    pub fn with_max_in_flight(mut self, read_only: usize, mutating: usize) -> Self {
        self.in_flight = MaxInFlight::new(read_only, mutating);
        self
    }

    /// The same with checks of health that wait as long for the store.
    #[must_use]
    pub(crate) fn with_healthcheck_timeout(mut self, timeout: Duration) -> Self {
        self.healthcheck_timeout = timeout;
        self
    }

    /// The same with other keys and issuers of service account tokens than those that are forgotten with the process.
    #[must_use]
    pub(crate) fn with_service_accounts(mut self, tokens: ServiceAccountTokens) -> Self {
        self.service_accounts = tokens;
        self
    }

    /// The same with another range of addresses for Services than kubeadm's.
    #[must_use]
    pub fn with_service_range(mut self, range: ServiceRange) -> Self {
        self.resources = converting(self.resources.with_service_range(range));
        self.admission = self.chain();
        self
    }

    /// The same at an address under which clients reach it, who trust it by `authority`. `client_authorities` sign the
    /// certificates of clients. Both are PEM.
    #[must_use]
    pub(crate) fn at(mut self, address: SocketAddr, authority: &str, client_authorities: String) -> Self {
        self.address = address.to_string();
        self.authority = Some(authority.to_owned());
        self.client_authorities = Some(client_authorities);
        self
    }

    /// The admission plugins, made anew for what they are given.
    fn chain(&self) -> Chain {
        let parts = Parts {
            resources: &self.resources,
            authorizer: &self.authorizer,
            processors: &self.processors,
            quotas: &self.quotas,
            pod_security: &self.pod_security,
            pod_security_metrics: &self.metrics.pod_security,
            webhook_metrics: &self.metrics.webhooks,
        };
        Chain::new(&self.plugins, &parts)
    }

    /// Ends all watches and makes `/readyz` fail: the server is about to stop.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Who finds out who sends a request.
    pub(crate) fn authenticator(&self) -> Authenticator<'_> {
        Authenticator {
            tokens: &self.tokens,
            service_accounts: &self.service_accounts,
            openid: self.openid.as_ref(),
            resources: &self.resources,
            allows_anonymous: self.allows_anonymous,
        }
    }

    /// Tells when the server is about to stop.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Every metric in the Prometheus text format.
    pub(crate) fn render_metrics(&self) -> String {
        let mut text = self.metrics.render(&self.in_flight);
        if let Some(auditor) = &self.auditor {
            auditor.metrics().write_text(&mut text);
        }
        text
    }

    /// What it serves now.
    pub(crate) fn served(&self) -> Arc<Served> {
        self.resources.served()
    }

    /// Serves these versions of a definition from now on, and no others; none when it is gone.
    pub(crate) fn serve_definition(&self, group: &str, plural: &str, versions: &[Arc<CustomResource>]) {
        self.resources.serve_definition(group, plural, versions);
    }

    /// The objects of a resource.
    pub(crate) fn registry(&self, resource: &Arc<Resource>) -> Registry {
        self.resources.registry(resource)
    }

    /// The objects of a built-in resource.
    pub(crate) fn builtin(&self, group: &str, version: &str, resource: &str) -> Option<Registry> {
        self.resources.builtin(group, version, resource)
    }
}

/// The resources with webhooks that convert custom objects, whose Services are found among them.
fn converting(resources: Resources) -> Resources {
    let conversions = ConversionWebhooks::new(Clients::over(&resources));
    resources.with_converters(Arc::new(conversions))
}

/// Bytes of request bodies in memory at one time: eighty of the largest.
const BODY_BUDGET: usize = 256 << 20;
/// Bodies that may be arriving at one time.
const BODIES: usize = 4096;
