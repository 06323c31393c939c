//! CertificateSigningRequests: what a signer shall certify, and what becomes of it.

use std::collections::BTreeSet;

use base64::Engine;
use jiff::SignedDuration;
use podsec_apimachinery::field::{Error, Path, json};
use podsec_apimachinery::quote::quoted;
use podsec_apimachinery::table::human_duration;
use serde_json::{Value, json};
use x509_parser::prelude::{FromDer, X509Certificate, X509CertificationRequest};

use super::signer_name;
use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, as_map};
use crate::pem;
use crate::printing::{self, column};
use crate::strategy::{SelectableField, Strategy, Subresource};
use crate::{formats, internal, metadata as meta, workload};

/// CertificateSigningRequests.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "certificates.k8s.io",
    resource: "certificatesigningrequests",
    default: |request| {
        let Some(request) = request.as_object_mut() else { return };
        if let Some(spec) = request.ensure("spec") {
            spec.entry("request").or_insert(Value::Null);
            spec.fill("signerName", "");
        }
        if let Some(status) = request.ensure("status") {
            for condition in status.objects_mut("conditions") {
                condition.fill("type", "");
                condition.fill("status", "");
            }
        }
    },
    prepare_for_create: |request| {
        workload::reset_status(request, json!({}));
        if let Some(spec) = as_map(request).ensure("spec") {
            for field in REQUESTOR {
                spec.remove(field);
            }
        }
    },
    prepare_for_update: |request, old| {
        let fields = as_map(request);
        fields.copy("spec", old);
        fields.copy("status", old);
        workload::keep_generation(request, old);
    },
    validate: |request| validate(request, &Value::Null),
    validate_update: |request, old| validate_update(request, old, Part::Neither),
    subresources: &[
        Subresource {
            name: "status",
            prepare_for_update: |request, old| {
                as_map(request).copy("spec", old);
                preserve(request, old);
                stamp(request, old);
                workload::keep_generation(request, old);
            },
            validate_update: |request, old| validate_update(request, old, Part::Certificate),
        },
        Subresource {
            name: "approval",
            prepare_for_update: |request, old| {
                stamp(request, old);
                let conditions = request.at("status").at("conditions").clone();
                let fields = as_map(request);
                fields.copy("spec", old);
                fields.copy("status", old);
                if let Some(status) = fields.ensure("status") {
                    status.insert("conditions".to_owned(), conditions);
                }
                workload::keep_generation(request, old);
            },
            validate_update: |request, old| validate_update(request, old, Part::Approval),
        },
    ],
    columns: &[
        printing::NAME,
        printing::AGE,
        column("SignerName", SIGNER_NAME),
        column("Requestor", "Base64-encoded PKCS#10 CSR data"),
        column(
            "RequestedDuration",
            "expirationSeconds is the requested duration of validity of the issued certificate. The certificate \
             signer may issue a certificate with a different validity duration so a client must check the delta \
             between the notBefore and and notAfter fields in the issued certificate to determine the actual \
             duration.\n\nThe v1.22+ in-tree implementations of the well-known Kubernetes signers will honor this \
             field as long as the requested duration is not greater than the maximum duration they will honor per the \
             --cluster-signing-duration CLI flag to the Kubernetes controller manager.\n\nCertificate signers may not \
             honor this field for various reasons:\n\n  1. Old signer that is unaware of the field (such as the \
             in-tree\n     implementations prior to v1.22)\n  2. Signer whose configured maximum is shorter than the \
             requested duration\n  3. Signer whose configured minimum is longer than the requested duration\n\nThe \
             minimum valid value for expirationSeconds is 600, i.e. 10 minutes.",
        ),
        column("Condition", "Conditions applied to the request, such as approval or denial."),
    ],
    cells: |request, now| {
        let spec = request.at("spec");
        let duration = spec
            .integer("expirationSeconds")
            .map(|seconds| human_duration(SignedDuration::from_secs(seconds)));
        vec![
            printing::name(request),
            printing::age(request, now),
            printing::or_none(spec.text("signerName")),
            spec.text("username").into(),
            duration.map_or_else(|| printing::NONE.into(), Value::from),
            state(request).into(),
        ]
    },
    selectable_fields: &[SelectableField::path("spec.signerName")],
    ..BASE
};

/// Writes down who makes a request, whatever the request says itself.
pub fn set_requestor(request: &mut Value, user: &Value) {
    if let Some(spec) = as_map(request).ensure("spec") {
        for field in REQUESTOR {
            let empty = [json!(""), json!([]), json!({})].contains(user.at(field));
            spec.copy(field, if empty { &Value::Null } else { user });
        }
    }
}

/// Which part of the status a change may touch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Neither,
    Certificate,
    Approval,
}

fn validate_update(request: &Value, old: &Value, part: Part) -> Vec<Error> {
    let mut errors = meta::validate_update(request, old);
    errors.extend(validate(request, old));
    let path = Path::new("status").child("conditions");
    let of = |request: &Value, kind: &str| -> Vec<Value> {
        let conditions = request.at("status").list("conditions").iter();
        conditions.filter(|condition| condition.text("type") == kind).cloned().collect()
    };
    for kind in ["Approved", "Denied", "Failed"] {
        if of(request, kind).len() < of(old, kind).len() {
            let detail = format!("updates may not remove a condition of type {}", quoted(kind));
            errors.push(Error::forbidden(path.clone(), &detail));
        }
    }
    for kind in ["Approved", "Denied"].iter().filter(|_| part != Part::Approval) {
        let (new, before) = (of(request, kind), of(old, kind));
        if new.len() > before.len() {
            let detail = format!("updates may not add a condition of type {}", quoted(kind));
            errors.push(Error::forbidden(path.clone(), &detail));
        } else if new.len() == before.len() && new != before {
            let diff = internal::diff(
                "[]certificates.CertificateSigningRequestCondition",
                &Value::from(before),
                &Value::from(new),
            );
            let detail = format!("updates may not modify a condition of type {}\n{diff}", quoted(kind));
            errors.push(Error::forbidden(path.clone(), &detail));
        }
    }
    let (new, before) = (request.at("status").text("certificate"), old.at("status").text("certificate"));
    let path = Path::new("status").child("certificate");
    if new != before {
        if part != Part::Certificate {
            errors.push(Error::forbidden(path, "updates may not set certificate content"));
        } else if !before.is_empty() {
            errors.push(Error::forbidden(path, "updates may not modify existing certificate content"));
        }
    }
    errors
}

/// What is wrong with a request. What the stored one has wrong already may stay.
fn validate(request: &Value, old: &Value) -> Vec<Error> {
    let any = |_: &str| Vec::new();
    let mut errors = meta::validate_named(request, false, any, any);
    errors.extend(meta::finalizers(request));
    let (path, spec) = (Path::new("spec"), request.at("spec"));
    if let Some(why) = wrong_request(spec.text("request")) {
        errors.push(Error::invalid_json(path.child("request"), &json(spec.at("request")), &why));
    }
    errors.extend(usages(spec, old.at("spec"), &path.child("usages")));
    let signer = spec.text("signerName");
    if signer == LEGACY_SIGNER && old.at("spec").text("signerName") != LEGACY_SIGNER {
        let detail = "the legacy signerName is not allowed via this API version";
        errors.push(Error::invalid(path.child("signerName"), &signer.into(), detail));
    } else {
        errors.extend(signer_name::validate(signer, &path.child("signerName")));
    }
    if let Some(seconds) = spec.integer("expirationSeconds").filter(|seconds| *seconds < 600) {
        let detail = "may not specify a duration less than 600 seconds (10 minutes)";
        errors.push(Error::invalid(path.child("expirationSeconds"), &seconds.into(), detail));
    }
    errors.extend(conditions(request, old));
    let (certificate, before) =
        (request.at("status").text("certificate"), old.at("status").text("certificate"));
    let tolerated = !old.is_null() && (certificate == before || wrong_certificate(before).is_some());
    if let Some(why) = wrong_certificate(certificate).filter(|_| !tolerated) {
        let path = Path::new("status").child("certificate");
        errors.push(Error::invalid(path, &"<certificate data>".into(), &why));
    }
    errors
}

fn usages(spec: &Value, old: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let usages = spec.list("usages");
    if usages.is_empty() {
        errors.push(Error::required(path.clone(), ""));
    }
    let unknown = |usage: &Value| !USAGES.contains(&usage.as_str().unwrap_or_default());
    let repeated = |usages: &[Value]| -> Vec<usize> {
        (0..usages.len())
            .filter(|index| usages.iter().position(|usage| Some(usage) == usages.get(*index)) != Some(*index))
            .collect()
    };
    let before = old.list("usages");
    for (index, usage) in usages.iter().enumerate().filter(|(_, usage)| unknown(usage)) {
        if !before.iter().any(unknown) {
            errors.push(formats::unsupported(&path.index(index), usage.as_str().unwrap_or_default(), USAGES));
        }
    }
    if repeated(before).is_empty() {
        let repeated = repeated(usages).into_iter().filter_map(|index| Some((index, usages.get(index)?)));
        errors.extend(repeated.map(|(index, usage)| Error::duplicate(path.index(index), usage)));
    }
    errors
}

fn conditions(request: &Value, old: &Value) -> Vec<Error> {
    let path = Path::new("status").child("conditions");
    let before: Vec<&str> =
        old.at("status").list("conditions").iter().map(|condition| condition.text("type")).collect();
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    let tolerates_both = before.contains(&"Approved") && before.contains(&"Denied");
    let tolerates_repeats = before.iter().collect::<BTreeSet<_>>().len() < before.len();
    for (index, condition) in request.at("status").list("conditions").iter().enumerate() {
        let path_of = |field: &str| path.index(index).child(field);
        let (kind, status) = (condition.text("type"), condition.text("status"));
        if kind.is_empty() && !before.contains(&"") {
            errors.push(Error::required(path_of("type"), ""));
        }
        let allowed: &[&str] = match kind {
            "Approved" | "Denied" | "Failed" => &["True"],
            _ => &["False", "True", "Unknown"],
        };
        errors.extend(formats::one_of(&path_of("status"), status, allowed));
        let other = match kind {
            "Approved" => "Denied",
            "Denied" => "Approved",
            _ => "",
        };
        if !tolerates_both && !other.is_empty() && seen.contains(other) {
            let detail = "Approved and Denied conditions are mutually exclusive";
            errors.push(Error::invalid(path.clone(), &kind.into(), detail));
        }
        if !seen.insert(kind) && !tolerates_repeats {
            errors.push(Error::duplicate(path_of("type"), &kind.into()));
        }
    }
    errors
}

/// Keeps conditions about the approval as they were stored.
fn preserve(request: &mut Value, old: &Value) {
    for kind in ["Approved", "Denied"] {
        let stored: Vec<&Value> = old
            .at("status")
            .list("conditions")
            .iter()
            .filter(|condition| condition.text("type") == kind)
            .collect();
        let Some(list) = request.pointer_mut("/status/conditions").and_then(Value::as_array_mut) else {
            return;
        };
        let mut own: Vec<&mut Value> =
            list.iter_mut().filter(|condition| condition.text("type") == kind).collect();
        if own.len() == stored.len() {
            for (own, stored) in own.iter_mut().zip(stored) {
                **own = stored.clone();
            }
        }
    }
}

/// Fills the times of conditions.
fn stamp(request: &mut Value, old: &Value) {
    let now = meta::last_written(request);
    let Some(status) = as_map(request).object_mut("status") else { return };
    for condition in status.objects_mut("conditions") {
        condition.fill("lastUpdateTime", now.clone());
        let before = old.at("status").list("conditions").iter().find(|other| {
            other.text("type") == condition.text("type")
                && other.text("status") == condition.text("status")
                && other.has("lastTransitionTime")
        });
        let since = before.map_or_else(|| now.clone(), |before| before.at("lastTransitionTime").clone());
        condition.fill("lastTransitionTime", since);
    }
}

fn decoded(base64: &str) -> String {
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn wrong_request(base64: &str) -> Option<String> {
    let blocks = pem::blocks(&decoded(base64));
    let Some(block) = blocks.first().filter(|block| block.label == "CERTIFICATE REQUEST") else {
        return Some("PEM block type must be CERTIFICATE REQUEST".to_owned());
    };
    match X509CertificationRequest::from_der(&block.bytes) {
        Ok(([], _)) => None,
        Ok(_) => Some("asn1: syntax error: trailing data".to_owned()),
        Err(_) => Some("asn1: syntax error: truncated tag or length".to_owned()),
    }
}

fn wrong_certificate(base64: &str) -> Option<String> {
    if base64.is_empty() {
        return None;
    }
    let blocks = pem::blocks(&decoded(base64));
    for block in &blocks {
        if block.label != "CERTIFICATE" {
            let label = quoted(&block.label);
            return Some(format!("only CERTIFICATE PEM blocks are allowed, found {label}"));
        }
        if block.has_headers {
            return Some("no PEM block headers are permitted".to_owned());
        }
        let mut rest = block.bytes.as_slice();
        if rest.is_empty() {
            return Some("found CERTIFICATE PEM block containing 0 certificates".to_owned());
        }
        while !rest.is_empty() {
            match X509Certificate::from_der(rest) {
                Ok((after, _)) => rest = after,
                Err(_) => return Some("x509: malformed certificate".to_owned()),
            }
        }
    }
    blocks.is_empty().then(|| "must contain at least one CERTIFICATE PEM block".to_owned())
}

fn state(request: &Value) -> String {
    let status = request.at("status");
    let has = |kind: &str| status.list("conditions").iter().any(|condition| condition.text("type") == kind);
    let mut state = if has("Denied") {
        "Denied"
    } else if has("Approved") {
        "Approved"
    } else {
        "Pending"
    }
    .to_owned();
    if has("Failed") {
        state += ",Failed";
    }
    if !status.text("certificate").is_empty() {
        state += ",Issued";
    }
    state
}

const REQUESTOR: [&str; 4] = ["username", "uid", "groups", "extra"];
const LEGACY_SIGNER: &str = "kubernetes.io/legacy-unknown";
const SIGNER_NAME: &str = "Requested signer for the request. It is a qualified name in the form: `scope-hostname.io/name`. If \
             empty, it will be defaulted:\n 1. If it's a kubelet client certificate, it is assigned\n    \
             \"kubernetes.io/kube-apiserver-client-kubelet\".\n 2. If it's a kubelet serving certificate, it is \
             assigned\n    \"kubernetes.io/kubelet-serving\".\n 3. Otherwise, it is assigned \
             \"kubernetes.io/legacy-unknown\".\nDistribution of trust for signers happens out of band. You can select \
             on this field using `spec.signerName`.";
const USAGES: &[&str] = &[
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];
