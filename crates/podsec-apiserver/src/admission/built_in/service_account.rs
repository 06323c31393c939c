//! `ServiceAccount`: each pod runs as an account of its namespace and finds a token for it.

use std::time::Duration;

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::{Meta, generated_name};
use podsec_apimachinery::quote::quoted;
use podsec_kinds::object::{Fields, FieldsMut, annotation, as_map};
use serde_json::{Map, Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::registry::Resources;

/// Brings accounts and their tokens to pods.
pub(crate) struct ServiceAccount {
    pub(crate) resources: Resources,
}

#[async_trait]
impl Plugin for ServiceAccount {
    /// Names the account, mounts its token and brings its pull secrets.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        if attributes.action != Action::Create || !attributes.is_about("", "pods", "") {
            return Ok(());
        }
        if !is_mirror(object) {
            name_account(object);
            let account = self.account(attributes, object).await?;
            mount(&account, object);
        }
        // As in kube-apiserver: what is refused here is refused before the object is validated, and again if it was
        // changed.
        self.validate(attributes, object).await
    }

    /// Refuses secrets that the account may not use, and what a mirror pod cannot have.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        let is_new = attributes.action == Action::Create && attributes.is_about("", "pods", "");
        let is_debugged =
            attributes.action == Action::Update && attributes.is_about("", "pods", "ephemeralcontainers");
        if !is_new && !is_debugged {
            return Ok(());
        }
        let checked = if is_new && is_mirror(object) {
            check_mirror(object).map_err(str::to_owned)
        } else if object.at("spec").text("serviceAccountName").is_empty() {
            let name = Meta::of(object).name();
            Err(format!("no service account specified for pod {}/{name}", attributes.namespace()))
        } else {
            let account = self.account(attributes, object).await?;
            if is_strict(&account) { check_secrets(&account, object, is_new) } else { Ok(()) }
        };
        checked.map_err(|why| attributes.forbid(object, &why))
    }
}

impl ServiceAccount {
    /// The account that a pod names.
    async fn account(&self, attributes: &Attributes<'_>, pod: &Value) -> Result<Value, Status> {
        let (namespace, name) = (attributes.namespace(), pod.at("spec").text("serviceAccountName"));
        // The controller may be about to make the account of a namespace that is new.
        let mut delays = if name == DEFAULT { DELAYS } else { &[] }.iter();
        loop {
            if let Some(found) = self.resources.find(("", "serviceaccounts"), namespace, name).await? {
                return Ok(found);
            }
            let Some(delay) = delays.next() else { break };
            sleep(Duration::from_millis(*delay)).await;
        }
        let why = format!(
            "error looking up service account {namespace}/{name}: serviceaccount {} not found",
            quoted(name)
        );
        Err(attributes.forbid(pod, &why))
    }
}

/// Whether a pod stands for one that a node has from a file: its spec is never changed.
fn is_mirror(pod: &Value) -> bool {
    annotation(pod, "kubernetes.io/config.mirror").is_some()
}

/// Both fields have the name, since the older one is written as the younger is.
fn name_account(pod: &mut Value) {
    if let Some(spec) = as_map(pod).ensure("spec")
        && spec.text("serviceAccountName").is_empty()
    {
        for field in ["serviceAccountName", "serviceAccount"] {
            spec.insert(field.to_owned(), DEFAULT.into());
        }
    }
}

fn mount(account: &Value, pod: &mut Value) {
    let Some(spec) = as_map(pod).ensure("spec") else { return };
    let wish = |fields: Option<&Value>| fields.and_then(Value::as_bool);
    let mounts = wish(spec.field("automountServiceAccountToken"))
        .or_else(|| wish(account.field("automountServiceAccountToken")))
        .unwrap_or(true);
    if mounts {
        mount_token(spec);
    }
    if spec.list("imagePullSecrets").is_empty() {
        let secrets: Vec<Value> = account
            .list("imagePullSecrets")
            .iter()
            .map(|secret| json!({"name": secret.text("name")}))
            .collect();
        if !secrets.is_empty() {
            spec.insert("imagePullSecrets".to_owned(), secrets.into());
        }
    }
}

fn mount_token(spec: &mut Map<String, Value>) {
    let existing = spec.list("volumes").iter().map(|volume| volume.text("name"));
    let existing = existing.filter(|name| name.starts_with(VOLUME)).map(str::to_owned).next();
    let name = existing.clone().unwrap_or_else(|| generated_name(VOLUME, random));
    let mut needs_volume = false;
    for list in ["initContainers", "containers"] {
        for container in spec.objects_mut(list) {
            // Whoever mounts something else at this place wants no token.
            if container.list("volumeMounts").iter().any(|mount| mount.text("mountPath") == MOUNT_PATH) {
                continue;
            }
            needs_volume = true;
            let mount = json!({"name": name, "readOnly": true, "mountPath": MOUNT_PATH});
            append(container, "volumeMounts", mount);
        }
    }
    if needs_volume && existing.is_none() {
        append(spec, "volumes", token_volume(&name));
    }
}

fn append(object: &mut Map<String, Value>, list: &str, item: Value) {
    object.fill(list, json!([]));
    if let Some(items) = object.get_mut(list).and_then(Value::as_array_mut) {
        items.push(item);
    }
}

fn token_volume(name: &str) -> Value {
    json!({"name": name, "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [
            {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}},
        ]}},
    ]}})
}

fn check_mirror(pod: &Value) -> Result<(), &'static str> {
    let spec = pod.at("spec");
    if !spec.text("serviceAccountName").is_empty() {
        return Err("a mirror pod may not reference service accounts");
    }
    if names_secrets(spec) {
        return Err("a mirror pod may not reference secrets");
    }
    let projects_token = spec.list("volumes").iter().any(|volume| {
        volume.at("projected").list("sources").iter().any(|source| source.has("serviceAccountToken"))
    });
    if projects_token {
        return Err("a mirror pod may not use ServiceAccountToken volume projections");
    }
    Ok(())
}

/// Whether the spec of a pod names a Secret anywhere.
pub(super) fn names_secrets(spec: &Value) -> bool {
    let in_volume = |volume: &Value| {
        volume.at("secret").has("secretName")
            || volume.at("azureFile").has("secretName")
            || volume.at("projected").list("sources").iter().any(|source| source.has("secret"))
            || ["cephfs", "cinder", "csi", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"].iter().any(
                |source| {
                    let source = volume.at(source);
                    source.has("secretRef") || source.has("nodePublishSecretRef")
                },
            )
    };
    !spec.list("imagePullSecrets").is_empty()
        || spec.list("volumes").iter().any(in_volume)
        || CONTAINERS
            .iter()
            .any(|(list, _)| spec.list(list).iter().any(|container| secrets_of(container).next().is_some()))
}

/// The secrets that a container names in its environment, each behind the words about the place.
fn secrets_of(container: &Value) -> impl Iterator<Item = (String, &str)> {
    let one = container.list("env").iter().filter_map(|variable| {
        let secret = variable.at("valueFrom").field("secretKeyRef")?;
        Some((format!("envVar {} referencing", variable.text("name")), secret.text("name")))
    });
    let all = container.list("envFrom").iter().filter_map(|source| {
        Some(("envFrom referencing".to_owned(), source.field("secretRef")?.text("name")))
    });
    one.chain(all)
}

/// Whether an account lists the secrets that its pods may use, and means it.
fn is_strict(account: &Value) -> bool {
    let value = annotation(account, "kubernetes.io/enforce-mountable-secrets");
    matches!(value, Some("1" | "t" | "T" | "TRUE" | "true" | "True"))
}

/// Refuses secrets that the account does not list: of a new pod all, of one that is debugged those of ephemeral
/// containers.
fn check_secrets(account: &Value, pod: &Value, is_new: bool) -> Result<(), String> {
    let (spec, name) = (pod.at("spec"), Meta::of(account).name());
    let lists = |list: &str, secret: &str| account.list(list).iter().any(|own| own.text("name") == secret);
    let why = format!("is not allowed because service account {name} does not reference that");
    if is_new {
        for volume in spec.list("volumes").iter().filter_map(|volume| volume.field("secret")) {
            let secret = volume.text("secretName");
            if !lists("secrets", secret) {
                return Err(format!("volume with secret.secretName=\"{secret}\" {why} secret"));
            }
        }
    }
    for (list, word) in CONTAINERS.iter().filter(|(list, _)| is_new != (*list == "ephemeralContainers")) {
        for container in spec.list(list) {
            for (place, secret) in secrets_of(container) {
                if !lists("secrets", secret) {
                    let container = container.text("name");
                    return Err(format!(
                        "{word} {container} with {place} secret.secretName=\"{secret}\" {why} secret"
                    ));
                }
            }
        }
    }
    if is_new {
        for (index, secret) in spec.list("imagePullSecrets").iter().enumerate() {
            let secret = secret.text("name");
            if !lists("imagePullSecrets", secret) {
                return Err(format!("imagePullSecrets[{index}].name=\"{secret}\" {why} imagePullSecret"));
            }
        }
    }
    Ok(())
}

/// A random number, for one letter of a name.
fn random() -> usize {
    let [byte, ..] = *Uuid::new_v4().as_bytes();
    usize::from(byte)
}

/// The account of pods that name none.
const DEFAULT: &str = "default";
/// How long to wait for that account between looks, in milliseconds; together as long as kube-apiserver waits.
const DELAYS: &[u64] = &[5, 10, 20, 40, 80, 160, 320, 640];
const VOLUME: &str = "kube-api-access-";
const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The lists of containers, and what one of each is called.
const CONTAINERS: [(&str, &str); 3] = [
    ("initContainers", "init container"),
    ("containers", "container"),
    ("ephemeralContainers", "ephemeral container"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_container_finds_the_token_unless_it_mounts_something_there() {
        let account = json!({"metadata": {"name": "a"}, "imagePullSecrets": [{"name": "regcred"}]});
        let mut pod = json!({"spec": {
            "containers": [{"name": "c"}, {"name": "d", "volumeMounts": [{"name": "x", "mountPath": MOUNT_PATH}]}],
            "initContainers": [{"name": "i"}],
        }});
        name_account(&mut pod);
        mount(&account, &mut pod);
        let spec = &pod["spec"];
        let volume = spec["volumes"][0]["name"].as_str().unwrap();
        assert_eq!((spec["serviceAccountName"].as_str(), volume.len()), (Some("default"), VOLUME.len() + 5));
        assert_eq!(spec["containers"][0]["volumeMounts"][0]["name"], volume);
        assert_eq!(spec["initContainers"][0]["volumeMounts"][0]["name"], volume);
        assert_eq!(spec["containers"][1]["volumeMounts"].as_array().unwrap().len(), 1);
        assert_eq!(spec["imagePullSecrets"], json!([{"name": "regcred"}]));
        // A webhook has changed the pod, and it comes by once more.
        let before = pod.clone();
        mount(&account, &mut pod);
        assert_eq!(pod, before);
    }

    #[test]
    fn the_pod_decides_before_its_account_whether_a_token_is_mounted() {
        let account = json!({"automountServiceAccountToken": false});
        let mut pod = json!({"spec": {"containers": [{"name": "c"}]}});
        let before = pod.clone();
        mount(&account, &mut pod);
        assert_eq!(pod, before);
        pod["spec"]["automountServiceAccountToken"] = json!(true);
        mount(&account, &mut pod);
        assert!(pod["spec"]["volumes"][0].is_object());
    }

    #[test]
    fn a_strict_account_lets_use_what_it_lists() {
        let account = json!({
            "metadata": {"name": "a", "annotations": {"kubernetes.io/enforce-mountable-secrets": "true"}},
            "secrets": [{"name": "s"}],
        });
        assert!(is_strict(&account));
        let pod = |secret: &str| {
            json!({"spec": {"containers": [{"name": "c", "env": [
                {"name": "E", "valueFrom": {"secretKeyRef": {"name": secret, "key": "k"}}},
            ]}]}})
        };
        assert_eq!(check_secrets(&account, &pod("s"), true), Ok(()));
        assert_eq!(
            check_secrets(&account, &pod("t"), true).unwrap_err(),
            "container c with envVar E referencing secret.secretName=\"t\" is not allowed because service account a does \
             not reference that secret"
        );
        assert_eq!(check_secrets(&account, &pod("t"), false), Ok(()));
    }

    #[test]
    fn a_mirror_pod_has_neither_account_nor_secrets() {
        assert_eq!(check_mirror(&json!({"spec": {"containers": [{"name": "c"}]}})), Ok(()));
        assert!(check_mirror(&json!({"spec": {"serviceAccountName": "a"}})).is_err());
        assert!(check_mirror(&json!({"spec": {"volumes": [{"secret": {"secretName": "s"}}]}})).is_err());
    }
}
