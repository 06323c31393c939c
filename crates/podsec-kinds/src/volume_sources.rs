//! The rules of the sources that pods' volumes and PersistentVolumes share, or nearly so.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::formats;
use crate::object::Fields;

/// Whose volume it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner<'a> {
    /// A pod, and the name of the volume.
    Pod(&'a str),
    /// The PersistentVolume of this name.
    PersistentVolume(&'a str),
}

/// What is wrong with the source `field` of a volume at `path`. What only pods have is not here.
pub(crate) fn validate(field: &str, source: &Value, owner: Owner<'_>, path: &Path) -> Vec<Error> {
    let volume_path = path;
    let path = &path.child(if field == "gcePersistentDisk" { "persistentDisk" } else { field });
    let persistent = matches!(owner, Owner::PersistentVolume(_));
    match field {
        "hostPath" => host_path(source, path),
        "gcePersistentDisk" => {
            let mut errors = required(source, &["pdName"], path);
            errors.extend(partition(source, path));
            errors
        }
        "awsElasticBlockStore" => {
            let mut errors = required(source, &["volumeID"], path);
            errors.extend(partition(source, path));
            errors
        }
        "nfs" => {
            let mut errors = required(source, &["server", "path"], path);
            if !source.text("path").starts_with('/') {
                let detail = "must be an absolute path";
                errors.push(Error::invalid(path.child("path"), &source.text("path").into(), detail));
            }
            errors
        }
        "iscsi" => iscsi(source, owner, path, volume_path),
        "glusterfs" => {
            let mut errors = required(source, &["endpoints", "path"], path);
            if let Some(namespace) = source.at("endpointsNamespace").as_str().filter(|_| persistent) {
                let path = path.child("endpointsNamespace");
                let wrong = if namespace.is_empty() {
                    vec!["if the endpointnamespace is set, it must be a valid namespace name".to_owned()]
                } else {
                    formats::label(namespace)
                };
                errors.extend(formats::invalid(&path, namespace, wrong));
            }
            errors
        }
        "flocker" => flocker(source, path),
        "rbd" => {
            let mut errors = monitors(source, path);
            errors.extend(required(source, &["image"], path));
            errors
        }
        "cephfs" => monitors(source, path),
        "cinder" => {
            let mut errors = required(source, &["volumeID"], path);
            errors.extend(secret(source, persistent, path));
            errors
        }
        "quobyte" => quobyte(source, path),
        "fc" => fibre_channel(source, path),
        "flexVolume" => flex_volume(source, path),
        "azureFile" => {
            let mut errors = required(source, &["secretName", "shareName"], path);
            if persistent && source.at("secretNamespace").as_str() == Some("") {
                errors.push(Error::required(path.child("secretNamespace"), ""));
            }
            errors
        }
        "azureDisk" => azure_disk(source, path),
        "vsphereVolume" => required(source, &["volumePath"], path),
        "photonPersistentDisk" => required(source, &["pdID"], path),
        "portworxVolume" => required(source, &["volumeID"], path),
        "scaleIO" => required(source, &["gateway", "system", "volumeName"], path),
        "storageos" => storage_os(source, persistent, path),
        _ => Vec::new(),
    }
}

/// What to say about sources that work no longer, in Kubernetes' order; the first are those of both owners.
pub(crate) const DEPRECATED: &[(&str, &str, &str)] = &[
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

/// The name of a CSI driver.
pub(crate) fn csi_driver_name(name: &str, path: &Path) -> Vec<Error> {
    if name.is_empty() {
        return vec![Error::required(path.clone(), "")];
    }
    let mut errors = Vec::new();
    if name.len() > 63 {
        errors.push(Error::too_long(path.clone(), 63));
    }
    errors.extend(formats::invalid(path, name, formats::subdomain(&name.to_lowercase())));
    errors
}

/// Texts that may not be empty.
pub(crate) fn required(source: &Value, fields: &[&str], path: &Path) -> Vec<Error> {
    let empty = fields.iter().filter(|field| source.text(field).is_empty());
    empty.map(|field| Error::required(path.child(field), "")).collect()
}

fn host_path(source: &Value, path: &Path) -> Vec<Error> {
    let host_path = source.text("path");
    if host_path.is_empty() {
        return vec![Error::required(path.child("path"), "")];
    }
    let mut errors: Vec<Error> =
        formats::path_no_backsteps(host_path, &path.child("path")).into_iter().collect();
    if let Some(kind) = source.at("type").as_str().filter(|kind| !HOST_PATH_TYPES.contains(kind)) {
        errors.push(formats::unsupported(&path.child("type"), kind, HOST_PATH_TYPES));
    }
    errors
}

fn partition(source: &Value, path: &Path) -> Option<Error> {
    let partition = source.number("partition");
    (!(0..=255).contains(&partition)).then(|| {
        let detail = "must be between 1 and 255, inclusive";
        Error::invalid(path.child("partition"), &partition.into(), detail)
    })
}

fn monitors(source: &Value, path: &Path) -> Vec<Error> {
    let missing = source.list("monitors").is_empty();
    missing.then(|| Error::required(path.child("monitors"), "")).into_iter().collect()
}

fn secret(source: &Value, with_namespace: bool, path: &Path) -> Vec<Error> {
    let fields: &[&str] = if with_namespace { &["name", "namespace"] } else { &["name"] };
    let reference = source.field("secretRef");
    reference.map_or_else(Vec::new, |secret| required(secret, fields, &path.child("secretRef")))
}

fn iscsi(source: &Value, owner: Owner<'_>, path: &Path, volume_path: &Path) -> Vec<Error> {
    const TOO_LONG: &str = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";
    let mut errors = required(source, &["targetPortal"], path);
    let portal = source.text("targetPortal");
    let initiator = source.at("initiatorName").as_str();
    let is_long = |name: &str| initiator.is_some() && name.len() + 1 + portal.len() > 64;
    let start = match owner {
        Owner::Pod(_) => "must be valid format starting with iqn, eui, or naa",
        Owner::PersistentVolume(name) => {
            if is_long(name) {
                errors.push(Error::invalid(path.child("targetportal"), &portal.into(), TOO_LONG));
            }
            "must be valid format"
        }
    };
    let name_errors = |name: &str, field: &str| {
        let wrong = if !["iqn", "eui", "naa"].iter().any(|prefix| name.starts_with(prefix)) {
            Some(start)
        } else if is_iscsi_name(name) {
            None
        } else {
            Some("must be valid format")
        };
        wrong.map(|wrong| Error::invalid(path.child(field), &name.into(), wrong))
    };
    match source.text("iqn") {
        "" => errors.push(Error::required(path.child("iqn"), "")),
        name => errors.extend(name_errors(name, "iqn")),
    }
    let lun = source.number("lun");
    if !(0..=255).contains(&lun) {
        let detail = "must be between 0 and 255, inclusive";
        errors.push(Error::invalid(path.child("lun"), &lun.into(), detail));
    }
    let authenticates = source.flag("chapAuthDiscovery") || source.flag("chapAuthSession");
    if authenticates && !source.has("secretRef") {
        errors.push(Error::required(path.child("secretRef"), ""));
    }
    if matches!(owner, Owner::PersistentVolume(_)) {
        errors.extend(secret(source, false, path));
    }
    errors.extend(initiator.and_then(|name| name_errors(name, "initiatorname")));
    if let Owner::Pod(name) = owner
        && is_long(name)
    {
        errors.push(Error::invalid(volume_path.child("name"), &name.into(), TOO_LONG));
    }
    errors
}

/// `iqn.2001-04.com.example:disk`, `eui.` and 16 letters or digits, `naa.` and 32.
fn is_iscsi_name(name: &str) -> bool {
    let coded = |length: usize| {
        let mut rest = name.chars().skip(4);
        name.chars().count() == 4 + length && rest.all(|c| c.is_ascii_alphanumeric())
    };
    match name.get(..3) {
        Some("eui") => coded(16),
        Some("naa") => coded(32),
        _ => {
            name.match_indices("iqn.").any(|(at, prefix)| is_qualified_iscsi_name(&name[at + prefix.len()..]))
        }
    }
}

fn is_qualified_iscsi_name(rest: &str) -> bool {
    let date = |byte: (usize, u8)| match byte {
        (4, byte) => byte == b'-',
        (7, byte) => byte == b'.',
        (_, byte) => byte.is_ascii_digit(),
    };
    let Some((dated, name)) = rest.split_at_checked(8) else { return false };
    let Some((authority, own)) = name.split_once(':') else { return false };
    dated.bytes().enumerate().all(date)
        && !authority.is_empty()
        && authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        && !own.is_empty()
        && !own.chars().any(|c| matches!(c, ',' | ';' | '*' | '&' | '$' | '|') || c.is_ascii_whitespace())
}

fn flocker(source: &Value, path: &Path) -> Vec<Error> {
    let (name, uuid) = (source.text("datasetName"), source.text("datasetUUID"));
    let mut errors = Vec::new();
    if name.is_empty() && uuid.is_empty() {
        errors.push(Error::required(path.clone(), "one of datasetName and datasetUUID is required"));
    }
    if !name.is_empty() && !uuid.is_empty() {
        let detail = "datasetName and datasetUUID can not be specified simultaneously";
        errors.push(Error::invalid(path.clone(), &"resource".into(), detail));
    }
    if name.contains('/') {
        errors.push(Error::invalid(path.child("datasetName"), &name.into(), "must not contain '/'"));
    }
    errors
}

fn quobyte(source: &Value, path: &Path) -> Vec<Error> {
    const PAIRS: &str = "must be a host:port pair or multiple pairs separated by commas";
    let registry = source.text("registry");
    let mut errors = Vec::new();
    if registry.is_empty() {
        errors.push(Error::required(path.child("registry"), PAIRS));
    } else if source.text("tenant").len() >= 65 {
        let detail = "must be a UUID and may not exceed a length of 64 characters";
        errors.push(Error::required(path.child("tenant"), detail));
    } else {
        let wrong = registry.split(',').filter(|pair| !is_host_and_port(pair));
        errors.extend(wrong.map(|_| Error::invalid(path.child("registry"), &registry.into(), PAIRS)));
    }
    errors.extend(required(source, &["volume"], path));
    errors
}

/// Whether Go's `net.SplitHostPort` takes it.
fn is_host_and_port(pair: &str) -> bool {
    let Some((host, port)) = pair.rsplit_once(':') else { return false };
    match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').is_some_and(|inner| !inner.contains(['[', ']'])),
        None => !host.contains([':', '[', ']']) && !port.contains(['[', ']']),
    }
}

fn fibre_channel(source: &Value, path: &Path) -> Vec<Error> {
    let (names, ids) = (source.list("targetWWNs"), source.list("wwids"));
    let names_path = path.child("targetWWNs");
    let mut errors = Vec::new();
    if names.is_empty() && ids.is_empty() {
        let detail = "must specify either targetWWNs or wwids, but not both";
        errors.push(Error::required(names_path.clone(), detail));
    }
    if !names.is_empty() && !ids.is_empty() {
        let detail = "targetWWNs and wwids can not be specified simultaneously";
        errors.push(Error::invalid(names_path, source.at("targetWWNs"), detail));
    }
    if !names.is_empty() {
        match source.integer("lun") {
            None => {
                let detail = "lun is required if targetWWNs is specified";
                errors.push(Error::required(path.child("lun"), detail));
            }
            Some(lun) if !(0..=255).contains(&lun) => {
                let detail = "must be between 0 and 255, inclusive";
                errors.push(Error::invalid(path.child("lun"), &lun.into(), detail));
            }
            Some(_) => {}
        }
    }
    errors
}

fn flex_volume(source: &Value, path: &Path) -> Vec<Error> {
    let mut errors = required(source, &["driver"], path);
    for (key, _) in source.entries("options") {
        let namespace = key.split_once('/').map_or(key, |(namespace, _)| namespace);
        let normalized = format!(".{}", namespace.to_lowercase());
        if normalized.ends_with(".kubernetes.io") || normalized.ends_with(".k8s.io") {
            let detail = "kubernetes.io and k8s.io namespaces are reserved";
            errors.push(Error::invalid(path.child("options").key(key), &key.into(), detail));
        }
    }
    errors
}

fn azure_disk(source: &Value, path: &Path) -> Vec<Error> {
    const MANAGED: &str =
        "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
    const BLOB: &str = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";
    let mut errors = required(source, &["diskName", "diskURI"], path);
    for (field, supported) in
        [("cachingMode", ["None", "ReadOnly", "ReadWrite"]), ("kind", ["Dedicated", "Managed", "Shared"])]
    {
        if let Some(value) = source.at(field).as_str().filter(|value| !supported.contains(value)) {
            errors.push(formats::unsupported(&path.child(field), value, &supported));
        }
    }
    let uri = source.text("diskURI");
    let wrong = match source.at("kind").as_str() {
        Some("Managed") if !uri.starts_with("/subscriptions/") => Some(MANAGED),
        Some(kind) if kind != "Managed" && !uri.starts_with("https://") => Some(BLOB),
        _ => None,
    };
    errors.extend(wrong.map(|supported| formats::unsupported(&path.child("diskURI"), uri, &[supported])));
    errors
}

fn storage_os(source: &Value, persistent: bool, path: &Path) -> Vec<Error> {
    let name = source.text("volumeName");
    let mut errors = if name.is_empty() {
        vec![Error::required(path.child("volumeName"), "")]
    } else {
        formats::invalid(&path.child("volumeName"), name, formats::label(name))
    };
    let namespace = source.text("volumeNamespace");
    if !namespace.is_empty() {
        errors.extend(formats::invalid(&path.child("volumeNamespace"), namespace, formats::label(namespace)));
    }
    errors.extend(secret(source, persistent, path));
    errors
}

const HOST_PATH_TYPES: &[&str] =
    &["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_iscsi_targets_follow_their_three_forms() {
        for good in
            ["iqn.2001-04.com.example:a.b", "eui.0123456789abcdef", "naa.0123456789abcdef0123456789abcdef"]
        {
            assert!(is_iscsi_name(good), "{good}");
        }
        for bad in
            ["iqn.2001-4.com.example:a", "iqn.2001-04.com.example", "iqn.2001-04.:a b", "eui.1", "naa.é"]
        {
            assert!(!is_iscsi_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_registry_is_a_list_of_hosts_and_ports() {
        for (pair, good) in
            [("a:1", true), ("[::1]:1", true), ("a", false), ("a:b:1", false), ("[a:1", false)]
        {
            assert_eq!(is_host_and_port(pair), good, "{pair}");
        }
    }
}
