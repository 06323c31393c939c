//! One request and the webhooks that it may be for: which are, what they are asked, and what their answers mean.

use std::sync::Arc;
use std::time::Duration;

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::{Meta, MetaMut};
use podsec_apimachinery::patch::json;
use podsec_apimachinery::quote::quoted;
use podsec_apimachinery::schema::catalog::Resource;
use serde_json::{Map, Value};
use tokio::time::Instant;
use uuid::Uuid;

use super::annotation::Annotator;
use super::caller::Caller;
use super::client::{self, Failure};
use super::hook::Hook;
use super::metrics::{Call, Rejection};
use super::response::{Response, Unreadable};
use super::source::Source;
use crate::admission::attributes::Attributes;
use crate::admission::matching::FailurePolicy;
use crate::admission::matching::rules::{NamespaceLabels, Subject};
use crate::admission::matching::version::{self, GroupVersionKind, equivalents};
use crate::admission::policy::conditions;
use crate::admission::policy::request::Asked;
use crate::admission::review::Review;
use podsec_kinds::same;

/// One request and the webhooks that it may be for.
pub(super) struct Asking<'a> {
    pub(super) attributes: &'a Attributes<'a>,
    caller: &'a Caller,
    pub(super) hooks: Arc<[Hook]>,
    kind: GroupVersionKind,
    namespace: &'a str,
    equivalents: Vec<Arc<Resource>>,
    /// The labels of the namespace, once somebody wants to know.
    labels: Option<NamespaceLabels>,
}

/// Why a webhook does not let a request through.
pub(super) enum Refusal {
    /// It was not to be asked: what becomes of the request is the failure policy's affair.
    Call(Failure),
    /// It says no.
    Deny(Status),
    /// What it wants cannot be done.
    Impossible(Status),
}

impl<'a> Asking<'a> {
    /// Finds them; `None` when there are none, or when nobody is to be asked.
    ///
    /// # Errors
    /// 500 when the store fails.
    pub(super) async fn begin(
        attributes: &'a Attributes<'a>,
        caller: &'a Caller,
        source: &Source,
    ) -> Result<Option<Self>, Status> {
        let resource = attributes.resource();
        // Nobody may be kept from repairing what keeps everybody from everything.
        if resource.group == "admissionregistration.k8s.io" && EXEMPT.contains(&resource.kind.as_str()) {
            return Ok(None);
        }
        let hooks = source.hooks().await?;
        if hooks.is_empty() {
            return Ok(None);
        }
        let is_namespace = resource.group.is_empty() && resource.resource == "namespaces";
        Ok(Some(Self {
            attributes,
            caller,
            hooks,
            kind: GroupVersionKind::of(resource, attributes.subresource()),
            namespace: if is_namespace { attributes.name } else { attributes.namespace() },
            equivalents: equivalents(&caller.resources.served().catalog, resource),
            labels: None,
        }))
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            action: self.attributes.action,
            resource: self.attributes.resource(),
            subresource: self.attributes.subresource(),
            namespace: self.namespace,
            equivalents: &self.equivalents,
        }
    }

    /// The version in which a webhook is to see the request; `None` when it is not to see it at all.
    ///
    /// # Errors
    /// Why nobody knows the labels of the namespace, for a webhook that depends on them.
    pub(super) async fn version_for(
        &mut self,
        hook: &Hook,
        object: Option<&Value>,
    ) -> Result<Option<Arc<Resource>>, Status> {
        let labels = self.labels_for(hook, object).await;
        let resource = self.attributes.resource();
        let seen = object.map(|object| version::seen(object, &self.kind, resource));
        let old = self.attributes.old.map(|old| version::seen(old, &self.kind, resource));
        let version = hook.version_for(&self.subject(), &labels, seen.as_deref(), old.as_deref())?;
        match version {
            Some(version) if !hook.conditions.is_empty() => {
                Ok(self.conditions_hold(hook, &version, object).await?.then_some(version))
            }
            version => Ok(version),
        }
    }

    /// Whether the webhook's match conditions hold.
    ///
    /// # Errors
    /// 403 when nobody can tell and the webhook refuses what it cannot judge.
    async fn conditions_hold(
        &self,
        hook: &Hook,
        version: &Arc<Resource>,
        object: Option<&Value>,
    ) -> Result<bool, Status> {
        let (attributes, caller) = (self.attributes, self.caller);
        let asked = Asked::begin(attributes, &caller.resources, &caller.authorizer).await;
        let values = asked.variables(object, version);
        let hold = || conditions::hold(&hook.conditions, hook.failure_policy, &values);
        caller.processors.run(attributes.request.deadline, hold)?.map_err(|why| {
            tracing::warn!(webhook = hook.name, "failing closed: {why}");
            Status::forbidden(attributes.registry.group_resource(), attributes.name, why)
        })
    }

    /// The labels that the webhook's selector of namespaces looks at, none when it looks at none.
    async fn labels_for(&mut self, hook: &Hook, object: Option<&Value>) -> NamespaceLabels {
        if hook.namespace_selector.is_everything() {
            return Ok(Map::new());
        }
        if self.subject().carries_namespace_labels() {
            return Ok(object.and_then(|object| Meta::of(object).labels()).cloned().unwrap_or_default());
        }
        if let Some(labels) = &self.labels {
            return labels.clone();
        }
        let labels = self.stored_labels().await;
        self.labels = Some(labels.clone());
        labels
    }

    async fn stored_labels(&self) -> NamespaceLabels {
        if self.namespace.is_empty() {
            return Ok(Map::new());
        }
        let Some(namespaces) = self.caller.resources.builtin("", "v1", "namespaces") else {
            return Ok(Map::new());
        };
        let namespace = namespaces.get("", self.namespace).await?;
        Ok(Meta::of(&namespace.object).labels().cloned().unwrap_or_default())
    }

    /// The object as a webhook sees it that asks for `version`.
    pub(super) fn shown(&self, object: &Value, version: &Resource) -> Value {
        version::shown(object, &self.kind_in(version), version)
    }

    fn kind_in(&self, version: &Resource) -> GroupVersionKind {
        GroupVersionKind::of(version, self.attributes.subresource())
    }

    /// Asks a webhook about what it is shown.
    pub(super) async fn ask(
        &self,
        annotator: &Annotator<'_>,
        version: &Resource,
        shown: Option<&Value>,
        mutating: bool,
    ) -> Result<Response, Refusal> {
        let hook = annotator.hook;
        let (attributes, caller) = (self.attributes, self.caller);
        let failed = |why: String, code: u16| Refusal::Call(Failure { why, code });
        if attributes.dry_run && !hook.allows_dry_run {
            let why = format!("admission webhook {} does not support dry run", quoted(&hook.name));
            return Err(Refusal::Impossible(Status::bad_request(why)));
        }
        let Some(form) = hook.review else {
            let why = "could not create admission objects: webhook does not accept known AdmissionReview \
                       versions (v1, v1beta1)";
            return Err(failed(why.to_owned(), 400));
        };
        let old = attributes.old.map(|old| self.shown(old, version));
        let uid = Uuid::new_v4().to_string();
        let review = Review {
            uid: &uid,
            version,
            kind: &self.kind_in(version),
            request_version: attributes.resource(),
            request_kind: &self.kind,
            subresource: attributes.subresource(),
            name: attributes.name,
            namespace: self.namespace,
            action: attributes.action,
            user: attributes.user(),
            object: shown,
            old: old.as_ref(),
            dry_run: attributes.dry_run,
            options: &attributes.options,
        };
        let body = review
            .body(form)
            .map_err(|error| failed(format!("could not create admission objects: {error}"), 400))?;
        let client = match &hook.unusable {
            Some(why) => Err(why.clone()),
            None => caller.clients.client(hook),
        };
        let client = client.map_err(|why| failed(format!("could not get REST client: {why}"), 500))?;
        let (timeout, deadline) = self.timeout(hook);
        let answer = client::post(&client, &hook.endpoint.url(), body, timeout, deadline).await;
        let not_called = |why: String, code| failed(format!("failed to call webhook: {why}"), code);
        let answer = answer.map_err(|failure| not_called(failure.why, failure.code))?;
        let response = Response::read(&answer, &uid, form, mutating).map_err(|error| match error {
            Unreadable::Call(why) => not_called(why, 503),
            Unreadable::Invalid(why) => failed(format!("received invalid webhook response: {why}"), 503),
        })?;
        for (key, value) in &response.audit_annotations {
            annotator.own(key, value);
        }
        for warning in &response.warnings {
            attributes.sinks.warnings.add(warning);
        }
        if response.allowed { Ok(response) } else { Err(Refusal::Deny(response.refusal(&hook.name))) }
    }

    /// How long a webhook may take, and when that is over.
    fn timeout(&self, hook: &Hook) -> (Duration, Instant) {
        let now = Instant::now();
        let deadline = now + hook.timeout;
        let deadline = self.attributes.request.deadline.map_or(deadline, |asked| deadline.min(asked));
        (deadline - now, deadline)
    }

    /// Asks a mutating webhook and does what it wants. Whether that has changed the object.
    pub(super) async fn mutate(
        &self,
        annotator: &Annotator<'_>,
        version: &Resource,
        object: Option<&mut Value>,
    ) -> Result<bool, Refusal> {
        let shown = object.as_deref().map(|object| self.shown(object, version));
        let response = self.ask(annotator, version, shown.as_ref(), true).await?;
        if response.patch.is_empty() {
            return Ok(false);
        }
        let failed = |why: String| Refusal::Call(Failure { why, code: 503 });
        let patch: Value = serde_json::from_slice(&response.patch)
            .map_err(|error| failed(format!("received undecodable patch in webhook response: {error}")))?;
        if patch.is_null() || patch.as_array().is_some_and(Vec::is_empty) {
            return Ok(false);
        }
        let internal = |why: String| Refusal::Impossible(Status::internal(&why));
        let (Some(object), Some(shown)) = (object, shown) else {
            let name = quoted(&annotator.hook.name);
            return Err(internal(format!(
                "admission webhook {name} attempted to modify the object, which is not supported for this operation"
            )));
        };
        if response.patch_type != "JSONPatch" {
            return Err(failed(format!("unsupported patch type {}", quoted(&response.patch_type))));
        }
        let kind = self.kind_in(version);
        let patched = json::apply(shown.clone(), patch).map_err(|error| internal(error.to_string()))?;
        let mut changed = version::decoded(patched, &kind).map_err(internal)?;
        // Who owns which field is the server's affair: what a webhook sets belongs to nobody.
        let owners = Meta::of(&shown).field("managedFields").cloned();
        MetaMut::of(&mut changed).set("managedFields", owners);
        let differs = !same(&changed, &shown);
        annotator.patch(&response.patch);
        version::take(changed, &kind, self.attributes.resource(), object);
        if self.kind.kind == self.attributes.resource().kind {
            self.attributes.registry.behaviour().default(object);
        }
        Ok(differs)
    }

    /// Counts a call, and decides what its end means for the request.
    pub(super) fn conclude(
        &self,
        annotator: &Annotator<'_>,
        started: Instant,
        outcome: Result<(), Refusal>,
        phase: &'static str,
    ) -> Result<(), Status> {
        let hook = annotator.hook;
        let metrics = &self.caller.metrics;
        let call = Call { name: &hook.name, phase, operation: self.attributes.action.name() };
        let observe = |code, rejection| metrics.observe(call, started.elapsed(), code, rejection);
        let failure = match outcome {
            Ok(()) => {
                observe(200, None);
                return Ok(());
            }
            Err(Refusal::Deny(status)) => {
                observe(status.code, Some(Rejection::Denied));
                tracing::debug!(webhook = hook.name, message = status.message, "a webhook refuses");
                return Err(status);
            }
            Err(Refusal::Impossible(status)) => {
                observe(0, Some(Rejection::Internal));
                return Err(status);
            }
            Err(Refusal::Call(failure)) => failure,
        };
        let why = format!("failed calling webhook {}: {}", quoted(&hook.name), failure.why);
        if hook.failure_policy == FailurePolicy::Fail {
            observe(failure.code, Some(Rejection::Unreachable));
            tracing::warn!("failing closed: {why}");
            return Err(Status::internal(&why));
        }
        observe(failure.code, None);
        metrics.failed_open(call);
        annotator.failed_open(phase == "admit");
        tracing::warn!("failing open: {why}");
        let is_late = self.attributes.request.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if is_late && phase == "admit" {
            let message = "Timeout: request did not complete within requested timeout";
            return Err(Status::failure(504, "Timeout", message));
        }
        Ok(())
    }
}

/// The kinds that no webhook is asked about.
const EXEMPT: &[&str] = &[
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
];
