//! One API request, as far as Pod Security looks at it.

use std::borrow::Cow;
use std::fmt;

use podsec_standards::json::PodObject;

/// An API request that is to be judged: the fields of `admission.k8s.io/v1` `AdmissionRequest` that matter.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// Identifies the request; the answer repeats it. Empty where nobody asks.
    pub uid: Cow<'a, str>,
    /// The kind of the object, which stands in for an object that does not say its own.
    pub kind: GroupVersionKind<'a>,
    /// The resource that the request is about.
    pub resource: GroupVersionResource<'a>,
    /// The subresource that the client asked for; empty for the resource itself.
    pub subresource: Cow<'a, str>,
    /// The object's name; empty when the API server is to generate one.
    pub name: Cow<'a, str>,
    /// The object's namespace. For a Namespace it is that namespace's own name.
    pub namespace: Cow<'a, str>,
    /// What the request does.
    pub operation: Operation<'a>,
    /// Who asks.
    pub username: Cow<'a, str>,
    /// The new object as JSON; none where the operation has none, as DELETE.
    pub object: Option<&'a [u8]>,
    /// The new object as a pod, where it was found to be one on the way; without this it is read when it is needed.
    pub pod: Option<PodObject<'a>>,
    /// The existing object as JSON; none where there is none, as for CREATE.
    pub old_object: Option<&'a [u8]>,
}

/// A kind of object: `apps/v1, Kind=Deployment`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupVersionKind<'a> {
    /// The API group; empty for core.
    pub group: Cow<'a, str>,
    /// The version in the group.
    pub version: Cow<'a, str>,
    /// The kind, in upper camel case.
    pub kind: Cow<'a, str>,
}

impl fmt::Display for GroupVersionKind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}, Kind={}", self.group, self.version, self.kind)
    }
}

/// A resource of the API: `pods`, `deployments.apps`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupVersionResource<'a> {
    /// The API group; empty for core.
    pub group: Cow<'a, str>,
    /// The version in the group.
    pub version: Cow<'a, str>,
    /// The plural resource, in lower case.
    pub resource: Cow<'a, str>,
}

/// What a request does to its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// Opens a connection, as for exec.
    Connect,
    /// Makes a new object.
    Create,
    /// Removes an object.
    Delete,
    /// Changes an object.
    Update,
    /// An operation that Kubernetes does not have; it is judged as a creation is.
    Other(Cow<'a, str>),
}

impl Default for Operation<'_> {
    fn default() -> Self {
        Self::Other(Cow::Borrowed(""))
    }
}

impl<'a> From<Cow<'a, str>> for Operation<'a> {
    fn from(name: Cow<'a, str>) -> Self {
        match name.as_ref() {
            "CONNECT" => Self::Connect,
            "CREATE" => Self::Create,
            "DELETE" => Self::Delete,
            "UPDATE" => Self::Update,
            _ => Self::Other(name),
        }
    }
}

/// The three ways in which a resource is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// Anything that may hold a pod template: warned about and audited, never refused.
    Controller,
    /// Its labels set the policy.
    Namespace,
    /// Refused when it violates the enforced policy.
    Pod,
}

impl Request<'_> {
    pub(crate) fn subject(&self) -> Subject {
        match (self.resource.group.as_ref(), self.resource.resource.as_ref()) {
            ("", "namespaces") => Subject::Namespace,
            ("", "pods") => Subject::Pod,
            _ => Subject::Controller,
        }
    }
}
