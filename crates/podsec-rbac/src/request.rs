//! What is to be decided: who wants to do what.

/// Whose rights are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Requester<'a> {
    /// The name; that of a service account is `system:serviceaccount:namespace:name`.
    pub name: &'a str,
    /// The groups.
    pub groups: &'a [String],
}

/// What the user wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    /// The verb, as in `get`.
    pub verb: &'a str,
    /// What it is done to.
    pub target: Target<'a>,
}

/// What a verb is applied to.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A resource of the API, or one object of it.
    Resource {
        /// The API group; empty for core.
        group: &'a str,
        /// The plural resource.
        resource: &'a str,
        /// The subresource; empty without one.
        subresource: &'a str,
        /// The namespace; empty at the cluster scope.
        namespace: &'a str,
        /// The name; empty when the request names no object.
        name: &'a str,
    },
    /// A path that is no resource.
    Path(&'a str),
}

impl<'a> Target<'a> {
    /// The namespace of a resource, or nothing.
    pub(crate) fn namespace(&self) -> &'a str {
        match self {
            Self::Resource { namespace, .. } => namespace,
            Self::Path(_) => "",
        }
    }
}
