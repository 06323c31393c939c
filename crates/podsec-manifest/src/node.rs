//! What a pod shows of the node that it is meant for: that it needs the node's own files, or that it selects Windows.

use podsec_standards::Check;
use podsec_yaml::Node;

use crate::object::given;

/// Why a pod cannot be brought to a level by an edit: it is made for its node.
///
/// Such a pod belongs in a namespace at the privileged level. With an empty folder in the place of the node's it would be
/// admitted, and dead.
fn needs_host(pod: Node<'_, '_>) -> Option<String> {
    let spec = given(pod, "spec")?;
    let volumes = given(spec, "volumes")?;
    volumes.items().find_map(|volume| {
        let host_path = given(volume, "hostPath")?;
        let path = given(host_path, "path").and_then(|node| node.as_str()).unwrap_or_default();
        let kind = given(host_path, "type").and_then(|node| node.as_str()).unwrap_or_default();
        let name = given(volume, "name").and_then(|node| node.as_str()).unwrap_or_default();
        if is_of_node(path) {
            Some(format!("volume {name:?} is {path} of the node"))
        } else if MUST_EXIST.contains(&kind) {
            Some(format!("volume {name:?} is {path} of the node, which must be there already (type: {kind})"))
        } else {
            let list = propagated(spec, name)?;
            Some(format!("volume {name:?} is {path} of the node, with what is mounted there ({list})"))
        }
    })
}

/// Why the edits of the checks are not right for a pod.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unfit {
    /// It is made for its node.
    pub(crate) needs_host: Option<String>,
    /// It selects Windows and does not say so.
    pub(crate) windows_unsaid: bool,
}

impl Unfit {
    pub(crate) fn to(pod: Node<'_, '_>) -> Self {
        Self { needs_host: needs_host(pod), windows_unsaid: selects_windows_unsaid(pod) }
    }

    /// What there is to say in the place of a check's edits, if they are not right.
    pub(crate) fn advice_on(&self, check: &Check) -> Option<String> {
        if let Some(reason) = &self.needs_host {
            return Some(format!(
                "needs the host ({reason}): not for this level; keep it in a namespace at the privileged level"
            ));
        }
        (self.windows_unsaid && SPARED_ON_WINDOWS.contains(&check.id)).then(|| {
            "the pod selects Windows nodes, where this field of Linux means nothing: spec.os.name is missing, set it \
             to windows"
                .to_owned()
        })
    }
}

/// Whether a path belongs to the node's system: the kubelet, the container runtime, devices, processes, settings, logs.
fn is_of_node(path: &str) -> bool {
    let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    let top = parts.next();
    match (top, parts.next()) {
        (None, _) => path.starts_with('/'),
        (Some("var"), below) => below.is_none_or(|below| OF_SYSTEM_IN_VAR.contains(&below)),
        (Some("opt"), below) => below == Some("cni") || below == Some("containerd"),
        (Some(top), _) => OF_SYSTEM.contains(&top),
    }
}

/// The `mountPropagation` by which a container shares what is mounted in a volume with the node, if one does.
fn propagated<'d>(spec: Node<'d, '_>, volume: &str) -> Option<&'d str> {
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let containers = lists.into_iter().filter_map(|list| given(spec, list)).flat_map(|list| list.items());
    let mounts = containers.filter_map(|container| given(container, "volumeMounts"));
    mounts.flat_map(|mounts| mounts.items()).find_map(|mount| {
        let is_volume = given(mount, "name").and_then(|node| node.as_str()) == Some(volume);
        let propagation = given(mount, "mountPropagation").and_then(|node| node.as_str())?;
        (is_volume && matches!(propagation, "Bidirectional" | "HostToContainer")).then_some(propagation)
    })
}

/// Whether a pod is scheduled to Windows alone and does not say so in `spec.os.name`: then Kubernetes takes it for one
/// of Linux.
fn selects_windows_unsaid(pod: Node<'_, '_>) -> bool {
    let Some(spec) = given(pod, "spec") else { return false };
    if given(spec, "os").and_then(|os| given(os, "name")).is_some() {
        return false;
    }
    let selected = given(spec, "nodeSelector").is_some_and(|selector| {
        OS_LABELS.iter().any(|label| given(selector, label).and_then(|node| node.as_str()) == Some("windows"))
    });
    selected || requires_windows(spec)
}

/// Whether every term of the required node affinity asks for Windows.
fn requires_windows(spec: Node<'_, '_>) -> bool {
    let terms =
        ["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"]
            .into_iter()
            .try_fold(spec, given);
    let asks = |term: Node<'_, '_>| {
        given(term, "matchExpressions").is_some_and(|expressions| {
            expressions.items().any(|expression| {
                let text = |name| given(expression, name).and_then(|node| node.as_str());
                let mut values = given(expression, "values").into_iter().flat_map(|values| values.items());
                text("key").is_some_and(|key| OS_LABELS.contains(&key))
                    && text("operator") == Some("In")
                    && values.next().and_then(|node| node.as_str()) == Some("windows")
                    && values.next().is_none()
            })
        })
    };
    terms.is_some_and(|terms| terms.items().next().is_some() && terms.items().all(asks))
}

/// The checks that spare pods of Windows.
const SPARED_ON_WINDOWS: &[&str] =
    &["allowPrivilegeEscalation", "capabilities_restricted", "seccompProfile_restricted"];

/// The folders of a Linux node that its system owns. What is left is where people put data: /data, /mnt, /srv, /tmp,
/// /home.
const OF_SYSTEM: &[&str] = &[
    "bin", "boot", "dev", "etc", "host", "lib", "lib32", "lib64", "proc", "root", "rootfs", "run", "sbin",
    "sys", "usr",
];

/// The same below /var.
const OF_SYSTEM_IN_VAR: &[&str] = &["lib", "lock", "log", "run", "snap", "spool", "vcap"];

/// Types of a `hostPath` that make the kubelet refuse a node that lacks it. The others make what is missing.
const MUST_EXIST: &[&str] = &["Directory", "File", "Socket", "CharDevice", "BlockDevice"];

/// The labels by which nodes tell their operating system, today's and that of before 1.14.
const OS_LABELS: &[&str] = &["kubernetes.io/os", "beta.kubernetes.io/os"];

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(volume: &str, mount: &str) -> Option<String> {
        let text = format!(
            "spec: {{volumes: [{{name: a, emptyDir: {{}}}}, {{name: v, hostPath: {volume}}}], \
             containers: [{{name: c, volumeMounts: [{{name: v, {mount}}}]}}]}}"
        );
        needs_host(podsec_yaml::document(&text).unwrap().root())
    }

    #[test]
    fn what_the_node_s_system_owns_is_needed_from_the_host() {
        for path in [
            "/",
            "//",
            "/.",
            "/dev",
            "/dev/fuse",
            "//dev/./net/",
            "/var/lib/kubelet/plugins",
            "/etc/kubernetes",
            "/etc/cni/net.d",
            "/var/run/docker.sock",
            "/run/containerd/containerd.sock",
            "/var/lib/docker/containers",
            "/proc",
            "/sys/fs/cgroup",
            "/lib/modules",
            "/usr/src",
            "/var/log",
            "/var",
            "/opt/cni/bin",
        ] {
            assert!(needs(&format!("{{path: {path}}}"), "").is_some(), "{path}");
        }
    }

    #[test]
    fn what_may_be_scratch_space_is_not() {
        for path in [
            "/data/web",
            "/mnt/disk",
            "/tmp",
            "/var/tmp/x",
            "/var/foo",
            "/srv",
            "/home/me",
            "/opt/app",
            "relative/dev",
            "",
        ] {
            assert_eq!(needs(&format!("{{path: {path:?}}}"), ""), None, "{path}");
            assert_eq!(needs(&format!("{{path: {path:?}, type: DirectoryOrCreate}}"), ""), None, "{path}");
        }
    }

    #[test]
    fn a_path_that_must_exist_or_shares_mounts_is_needed_wherever_it_is() {
        assert!(needs("{path: /data, type: Directory}", "").unwrap().contains("type: Directory"));
        assert!(needs("{path: /data}", "mountPropagation: Bidirectional").unwrap().contains("Bidirectional"));
        assert_eq!(needs("{path: /data}", "mountPropagation: None"), None);
    }

    #[test]
    fn a_pod_that_only_runs_on_windows_is_seen_unless_it_says_so() {
        let windows = |spec: &str| {
            selects_windows_unsaid(podsec_yaml::document(&format!("spec: {spec}")).unwrap().root())
        };
        let affinity = |terms: &str| {
            format!(
                "{{affinity: {{nodeAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: {terms}}}}}}}}}"
            )
        };
        let term = "{matchExpressions: [{key: kubernetes.io/os, operator: In, values: [windows]}]}";
        assert!(windows("{nodeSelector: {kubernetes.io/os: windows}}"));
        assert!(windows("{nodeSelector: {beta.kubernetes.io/os: windows}, os: {}}"));
        assert!(windows(&affinity(&format!("[{term}, {term}]"))));
        assert!(!windows(&affinity(&format!("[{term}, {{}}]"))));
        assert!(!windows(&affinity("[]")));
        assert!(!windows("{nodeSelector: {kubernetes.io/os: linux}}"));
        assert!(!windows("{nodeSelector: {kubernetes.io/os: windows}, os: {name: windows}}"));
    }
}
