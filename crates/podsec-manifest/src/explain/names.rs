//! The names that are no checks: fields of security contexts that no check reads, and what Kubernetes calls the standards
//! elsewhere.

/// A name and what there is to say of it.
pub(super) struct Name {
    /// A field's path below a pod's `spec`, as the checks list theirs; or a word of Kubernetes.
    pub(super) name: &'static str,
    /// Markdown; the first line is a summary.
    pub(super) docs: &'static str,
}

/// The fields of both security contexts that no check reads.
pub(super) const UNREAD_FIELDS: &[Name] = &[
    Name {
        name: "spec.securityContext.fsGroup",
        docs: "The group that owns the pod's volumes, and that its programs belong to.\n\nThe kubelet gives volumes that \
               support it to this group when it mounts them, so that a program that is not root can write. Set it beside \
               `runAsUser`.",
    },
    Name {
        name: "spec.securityContext.fsGroupChangePolicy",
        docs: "When the kubelet gives a volume to `fsGroup`: `Always`, or `OnRootMismatch`.\n\nThe second spares large volumes \
               whose root folder already has the right owner.",
    },
    Name {
        name: "spec.securityContext.runAsGroup",
        docs: "The primary group of the pod's programs, unless a container names its own.\n\nWithout it that is the image's \
               group, and root's (0) where the image names none or `runAsUser` is set alone. No level forbids group 0.",
    },
    Name {
        name: "spec.containers[*].securityContext.runAsGroup",
        docs: "The primary group of the container's programs, before the pod's.\n\nWithout either that is the image's group, \
               and root's (0) where the image names none or `runAsUser` is set alone. No level forbids group 0.",
    },
    Name {
        name: "spec.securityContext.seLinuxChangePolicy",
        docs: "How a volume gets the pod's SELinux label: `MountOption`, or `Recursive`.\n\nThe first is fast and needs that no \
               pod with another label uses the volume on the node.",
    },
    Name {
        name: "spec.securityContext.supplementalGroups",
        docs: "Further groups of the pod's programs.\n\nNo level restricts them, not even group 0.",
    },
    Name {
        name: "spec.securityContext.supplementalGroupsPolicy",
        docs: "Whether groups that the image's /etc/group gives the user count too: `Merge`, or `Strict`.",
    },
    Name {
        name: "spec.containers[*].securityContext.readOnlyRootFilesystem",
        docs: "Whether the container's own files can be written.\n\nNo level asks for it. `true` is good hardening where the \
               program writes into volumes only: give it an `emptyDir` for /tmp and caches.",
    },
    Name {
        name: "spec.securityContext.seLinuxOptions.level",
        docs: "The SELinux level of the pod, as in `s0:c1,c2`; every level of the standards leaves it free.",
    },
    Name {
        name: "spec.containers[*].securityContext.seLinuxOptions.level",
        docs: "The SELinux level of the container, as in `s0:c1,c2`; every level of the standards leaves it free.",
    },
    Name {
        name: "spec.securityContext.windowsOptions.gmsaCredentialSpec",
        docs: "The text of a credential spec for a group Managed Service Account of Windows; no check reads it.",
    },
    Name {
        name: "spec.securityContext.windowsOptions.gmsaCredentialSpecName",
        docs: "The name of a credential spec for a group Managed Service Account of Windows; no check reads it.",
    },
    Name {
        name: "spec.securityContext.windowsOptions.runAsUserName",
        docs: "The user of the pod's programs on Windows.\n\nWith `runAsNonRoot` the kubelet refuses `ContainerAdministrator`. No \
               check reads it.",
    },
    Name {
        name: "spec.containers[*].securityContext.windowsOptions.gmsaCredentialSpec",
        docs: "The text of a credential spec for a group Managed Service Account of Windows; no check reads it.",
    },
    Name {
        name: "spec.containers[*].securityContext.windowsOptions.gmsaCredentialSpecName",
        docs: "The name of a credential spec for a group Managed Service Account of Windows; no check reads it.",
    },
    Name {
        name: "spec.containers[*].securityContext.windowsOptions.runAsUserName",
        docs: "The user of the container's programs on Windows, before the pod's.\n\nWith `runAsNonRoot` the kubelet refuses \
               `ContainerAdministrator`. No check reads it.",
    },
    Name {
        name: "spec.securityContext.seccompProfile.localhostProfile",
        docs: "The file of a seccomp profile on the node, below the kubelet's seccomp folder, for `type: Localhost`.",
    },
    Name {
        name: "spec.containers[*].securityContext.seccompProfile.localhostProfile",
        docs: "The file of a seccomp profile on the node, below the kubelet's seccomp folder, for `type: Localhost`.",
    },
    Name {
        name: "spec.securityContext.appArmorProfile.localhostProfile",
        docs: "The name of an AppArmor profile that is loaded on the node, for `type: Localhost`.",
    },
    Name {
        name: "spec.containers[*].securityContext.appArmorProfile.localhostProfile",
        docs: "The name of an AppArmor profile that is loaded on the node, for `type: Localhost`.",
    },
    Name {
        name: "spec.securityContext.sysctls[*].value",
        docs: "The value of a kernel parameter; which ones a pod may set is judged by their names.",
    },
    Name {
        name: "spec.os.name",
        docs: "The system that the pod is made for: `linux` or `windows`.\n\nWith `windows` the restricted level asks for none of \
               Linux' fields, and Kubernetes refuses those that Windows does not have. A `nodeSelector` alone does not \
               say it.",
    },
    Name {
        name: "spec.hostUsers",
        docs: "Whether the pod shares its node's users; `false` gives it a user namespace of its own.\n\nThen root in it is nobody \
               on the node, and since 1.35 the levels spare it some rules.",
    },
];

/// What Kubernetes calls the standards in labels, annotations, metrics and states.
pub(super) const WORDS: &[Name] = &[
    Name {
        name: "pod-security.kubernetes.io/enforce",
        docs: "The label of a namespace that names the level by which pods are refused.\n\n`…/warn` names the level of which \
               a pod's creator is warned, `…/audit` the one that the audit log notes, and `…/enforce-version` with its like \
               the version of the standards, `latest` or `v1.N`.",
    },
    Name {
        name: "pod-security.kubernetes.io/enforce-policy",
        docs: "The annotation of an audit event that says by which level and version a pod was judged.",
    },
    Name {
        name: "pod-security.kubernetes.io/audit-violations",
        docs: "The annotation of an audit event that holds what a pod breaks of the namespace's audit level.",
    },
    Name {
        name: "pod-security.kubernetes.io/exempt",
        docs: "The annotation of an audit event that says why nothing was judged: `user`, `namespace` or `runtimeClass`.",
    },
    Name {
        name: "pod_security_evaluations_total",
        docs: "The metric that counts decisions, by level, version, mode, decision, operation, resource and subresource.",
    },
    Name {
        name: "pod_security_exemptions_total",
        docs: "The metric that counts what was exempt from being judged, by operation, resource and subresource.",
    },
    Name {
        name: "pod_security_errors_total",
        docs: "The metric that counts what could not be judged; `fatal` says whether it was refused for that.",
    },
    Name {
        name: "CreateContainerConfigError",
        docs: "The state of a container that the kubelet does not start, often for `runAsNonRoot`.\n\nWith `runAsNonRoot: true` \
               and no `runAsUser` the image's user decides. The kubelet says `container has runAsNonRoot and image will run \
               as root` where that is root or not said, and `container has runAsNonRoot and image has non-numeric user (X), \
               cannot verify user is non-root` where it is a name. Set `runAsUser` to a number other than 0 that the \
               image's files are made for.",
    },
];
