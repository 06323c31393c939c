//! What calls cost whatever their arguments are: the same before and while they run.

/// A question to the authorizer; two of them fit into the cost of one expression.
pub(crate) const AUTHORIZATION: u64 = 350_000;

/// Whether a call of this function of Kubernetes' libraries costs one.
pub(crate) fn is_constant(function: &str) -> bool {
    CONSTANT.contains(&function)
}

const CONSTANT: &[&str] = &[
    "add",
    "allowed",
    "asApproximateFloat",
    "asInteger",
    "compareTo",
    "error",
    "errored",
    "family",
    "format.named",
    "getEscapedPath",
    "getHost",
    "getHostname",
    "getPort",
    "getQuery",
    "getScheme",
    "group",
    "isGlobalUnicast",
    "isGreaterThan",
    "isInteger",
    "isLessThan",
    "isLinkLocalMulticast",
    "isLinkLocalUnicast",
    "isLoopback",
    "isUnspecified",
    "major",
    "masked",
    "minor",
    "name",
    "namespace",
    "patch",
    "path",
    "prefixLength",
    "reason",
    "resource",
    "serviceAccount",
    "sign",
    "sub",
    "subresource",
];
