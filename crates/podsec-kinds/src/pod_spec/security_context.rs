//! The rules of security contexts, of pods and of containers.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Cause, Error, Path};
use serde_json::Value;

use crate::formats;
use crate::object::Fields;

/// The security context of a pod.
pub(super) fn validate_pod(spec: &Value, path: &Path) -> Vec<Error> {
    let context = spec.at("securityContext");
    let mut errors = Vec::new();
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        errors.extend(id(context.integer(field), &path.child(field)));
    }
    for (index, group) in context.list("supplementalGroups").iter().enumerate() {
        errors.extend(id(group.as_i64(), &path.child("supplementalGroups").index(index)));
    }
    if spec.flag("shareProcessNamespace") && spec.flag("hostPID") {
        let detail = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.push(Error::invalid(path.child("shareProcessNamespace"), &true.into(), detail));
    }
    errors.extend(sysctls(spec, &path.child("sysctls")));
    errors.extend(supported(context, "fsGroupChangePolicy", &["Always", "OnRootMismatch"], path));
    errors.extend(seccomp_profile(context, &path.child("seccompProfile")));
    errors.extend(windows_options(context, &path.child("windowsOptions")));
    errors.extend(app_armor_profile(context.at("appArmorProfile"), &path.child("appArmorProfile")));
    errors.extend(supported(context, "supplementalGroupsPolicy", &["Merge", "Strict"], path));
    errors.extend(supported(context, "seLinuxChangePolicy", &["Recursive"], path));
    errors
}

/// The security context of a container.
pub(super) fn validate_container(context: &Value, host_users: bool, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for field in ["runAsUser", "runAsGroup"] {
        errors.extend(id(context.integer(field), &path.child(field)));
    }
    match context.at("procMount").as_str() {
        None | Some("Default") => {}
        Some("Unmasked") => {
            if host_users {
                let detail = "`hostUsers` must be false to use `Unmasked`";
                errors.push(Error::invalid(path.child("procMount"), &"Unmasked".into(), detail));
            }
        }
        Some(other) => {
            errors.push(formats::unsupported(&path.child("procMount"), other, &["Default", "Unmasked"]));
        }
    }
    errors.extend(seccomp_profile(context, &path.child("seccompProfile")));
    if context.at("allowPrivilegeEscalation") == false {
        let mut contradicts = |what: &str| {
            let message = format!(
                "Invalid value: {}: cannot set `allowPrivilegeEscalation` to false and {what}",
                internal_context(context)
            );
            errors.push(Error { path: path.clone(), cause: Cause::Invalid, message });
        };
        if context.flag("privileged") {
            contradicts("`privileged` to true");
        }
        // Kubernetes looks for this spelling only.
        for _ in context.at("capabilities").list("add").iter().filter(|added| *added == "CAP_SYS_ADMIN") {
            contradicts("`capabilities.Add` CAP_SYS_ADMIN");
        }
    }
    errors.extend(windows_options(context, &path.child("windowsOptions")));
    errors.extend(app_armor_profile(context.at("appArmorProfile"), &path.child("appArmorProfile")));
    errors
}

fn supported(context: &Value, field: &str, values: &[&str], path: &Path) -> Option<Error> {
    let value = context.at(field).as_str()?;
    (!values.contains(&value)).then(|| formats::unsupported(&path.child(field), value, values))
}

fn id(id: Option<i64>, path: &Path) -> Option<Error> {
    let id = id?;
    formats::id(id).map(|wrong| Error::invalid(path.clone(), &id.into(), wrong))
}

fn sysctls(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut names = BTreeSet::new();
    for (index, sysctl) in spec.at("securityContext").list("sysctls").iter().enumerate() {
        let path = path.index(index).child("name");
        let name = sysctl.text("name");
        if name.is_empty() {
            errors.push(Error::required(path.clone(), ""));
        } else if !is_sysctl(name) {
            errors.push(Error::invalid(path.clone(), &name.into(), SYSCTL));
        } else if names.contains(name) {
            errors.push(Error::duplicate(path.clone(), &name.into()));
        }
        let namespace = namespace_of(name);
        let shared = [("hostNetwork", "net"), ("hostIPC", "ipc")]
            .into_iter()
            .find(|(field, own)| spec.flag(field) && namespace == Some(*own));
        if let Some((field, _)) = shared {
            let detail = format!("may not be specified when '{field}' is true");
            errors.push(Error::invalid(path, &name.into(), &detail));
        }
        names.insert(name);
    }
    errors
}

fn is_sysctl(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 253
        && name.split(['.', '/']).all(|segment| {
            segment.bytes().next().is_some_and(legal)
                && segment.bytes().next_back().is_some_and(legal)
                && segment.bytes().all(|byte| legal(byte) || matches!(byte, b'-' | b'_'))
        })
}

/// The Linux namespace that a sysctl belongs to.
fn namespace_of(sysctl: &str) -> Option<&'static str> {
    let dotted = sysctl.replace('/', ".");
    if dotted == "kernel.sem"
        || ["kernel.shm", "kernel.msg", "fs.mqueue."].iter().any(|prefix| dotted.starts_with(prefix))
    {
        Some("ipc")
    } else if dotted.starts_with("net.") {
        Some("net")
    } else {
        None
    }
}

fn seccomp_profile(context: &Value, path: &Path) -> Vec<Error> {
    let Some(profile) = context.field("seccompProfile") else { return Vec::new() };
    let mut errors = Vec::new();
    let kind = profile.text("type");
    let local = profile.at("localhostProfile");
    if kind.is_empty() {
        let detail = "type is required when seccompProfile is set";
        errors.push(Error::required(path.child("type"), detail));
    } else if !PROFILE_TYPES.contains(&kind) {
        errors.push(formats::unsupported(&path.child("type"), kind, PROFILE_TYPES));
    }
    let path = path.child("localhostProfile");
    match (kind, local.as_str()) {
        ("Localhost", Some(local)) => errors.extend(formats::local_descending_path(local, &path)),
        ("Localhost", None) => {
            errors.push(Error::required(path, "must be set when seccomp type is Localhost"));
        }
        (_, Some(_)) => {
            let message = format!(
                "Invalid value: {}: can only be set when seccomp type is Localhost",
                internal_profile(profile)
            );
            errors.push(Error { path, cause: Cause::Invalid, message });
        }
        (_, None) => {}
    }
    errors
}

/// An `appArmorProfile`.
pub(super) fn app_armor_profile(profile: &Value, path: &Path) -> Vec<Error> {
    const MISSING: &str = "must be set when AppArmor type is Localhost";
    if profile.is_null() {
        return Vec::new();
    }
    let mut errors = Vec::new();
    let local = profile.at("localhostProfile").as_str();
    let local_path = path.child("localhostProfile");
    match (profile.text("type"), local) {
        ("Localhost", Some(local)) => {
            if local.trim() != local {
                let detail = "must not be padded with whitespace";
                errors.push(Error::invalid(local_path.clone(), &local.into(), detail));
            } else if local.is_empty() {
                errors.push(Error::required(local_path.clone(), MISSING));
            }
            if local.len() > 4095 {
                errors.push(Error::too_long(local_path, 4095));
            }
        }
        ("Localhost", None) => errors.push(Error::required(local_path, MISSING)),
        ("RuntimeDefault" | "Unconfined", Some(local)) => {
            let detail = "can only be set when AppArmor type is Localhost";
            errors.push(Error::invalid(local_path, &local.into(), detail));
        }
        ("RuntimeDefault" | "Unconfined", None) => {}
        ("", _) => {
            let detail = "type is required when appArmorProfile is set";
            errors.push(Error::required(path.child("type"), detail));
        }
        (other, _) => errors.push(formats::unsupported(&path.child("type"), other, PROFILE_TYPES)),
    }
    errors
}

fn windows_options(context: &Value, path: &Path) -> Vec<Error> {
    let options = context.at("windowsOptions");
    let mut errors = Vec::new();
    if let Some(name) = options.at("gmsaCredentialSpecName").as_str() {
        let reasons = formats::subdomain(name);
        errors.extend(formats::invalid(&path.child("gmsaCredentialSpecName"), name, reasons));
    }
    if let Some(spec) = options.at("gmsaCredentialSpec").as_str() {
        let wrong = match spec.len() {
            0 => Some("gmsaCredentialSpec cannot be an empty string"),
            size if size > 64 * 1024 => Some("gmsaCredentialSpec size must be under 64 KiB"),
            _ => None,
        };
        errors.extend(formats::invalid(&path.child("gmsaCredentialSpec"), spec, wrong));
    }
    if let Some(user) = options.at("runAsUserName").as_str() {
        let wrong = if user.is_empty() {
            Some("runAsUserName cannot be an empty string")
        } else if user.chars().any(char::is_control) {
            Some("runAsUserName cannot contain control characters")
        } else if user.matches('\\').count() > 1 {
            Some("runAsUserName cannot contain more than one backslash")
        } else {
            None
        };
        errors.extend(formats::invalid(&path.child("runAsUserName"), user, wrong));
    }
    errors
}

/// The context as Kubernetes prints its own struct: fields in the order of the source, absent ones `null`.
fn internal_context(context: &Value) -> String {
    let capabilities = match context.field("capabilities") {
        Some(capabilities) => {
            format!(r#"{{"Add":{},"Drop":{}}}"#, capabilities.at("add"), capabilities.at("drop"))
        }
        None => "null".to_owned(),
    };
    let se_linux = internal(context.at("seLinuxOptions"), &["user", "role", "type", "level"], "\"\"");
    let windows = internal(
        context.at("windowsOptions"),
        &["gmsaCredentialSpecName", "gmsaCredentialSpec", "runAsUserName", "hostProcess"],
        "null",
    )
    .replace("GmsaCredential", "GMSACredential");
    let seccomp = context.field("seccompProfile").map_or_else(|| "null".to_owned(), internal_profile);
    let app_armor = context.field("appArmorProfile").map_or_else(|| "null".to_owned(), internal_profile);
    format!(
        r#"{{"Capabilities":{capabilities},"Privileged":{},"SELinuxOptions":{se_linux},"WindowsOptions":{windows},"RunAsUser":{},"RunAsGroup":{},"RunAsNonRoot":{},"ReadOnlyRootFilesystem":{},"AllowPrivilegeEscalation":{},"ProcMount":{},"SeccompProfile":{seccomp},"AppArmorProfile":{app_armor}}}"#,
        context.at("privileged"),
        context.at("runAsUser"),
        context.at("runAsGroup"),
        context.at("runAsNonRoot"),
        context.at("readOnlyRootFilesystem"),
        context.at("allowPrivilegeEscalation"),
        context.at("procMount"),
    )
}

fn internal_profile(profile: &Value) -> String {
    format!(
        r#"{{"Type":{},"LocalhostProfile":{}}}"#,
        Value::from(profile.text("type")),
        profile.at("localhostProfile")
    )
}

fn internal(object: &Value, fields: &[&str], absent: &str) -> String {
    if object.is_null() {
        return "null".to_owned();
    }
    let shown: Vec<String> = fields
        .iter()
        .map(|field| {
            let (first, rest) = field.split_at(1);
            let value = object.field(field).map_or_else(|| absent.to_owned(), Value::to_string);
            format!("\"{}{rest}\":{value}", first.to_ascii_uppercase())
        })
        .collect();
    format!("{{{}}}", shown.join(","))
}

const PROFILE_TYPES: &[&str] = &["Localhost", "RuntimeDefault", "Unconfined"];
const SYSCTL: &str = "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
