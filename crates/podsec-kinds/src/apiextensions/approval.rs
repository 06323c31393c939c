//! The approval that definitions in Kubernetes' own groups need.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::object::{Fields, annotation};

/// Definitions of Kubernetes' own groups say where they were approved.
pub(super) fn approval(definition: &Value, old: Option<&Value>) -> Option<Error> {
    let group = definition.at("spec").text("group");
    let protected = ["k8s.io", "kubernetes.io"].into_iter();
    let mut protected = protected.filter_map(|domain| group.strip_suffix(domain));
    if !protected.any(|before| before.is_empty() || before.ends_with('.')) {
        return None;
    }
    let state = approval_state(definition);
    if old.is_some_and(|old| approval_state(old) == state) {
        return None;
    }
    let path = Path::new("metadata").child("annotations").key(API_APPROVED);
    let why = "protected groups must have approval annotation \"api-approved.kubernetes.io\"";
    let see = "see https://github.com/kubernetes/enhancements/pull/1111";
    match state {
        Approval::Missing => Some(Error::required(path, &format!("{why}, {see}"))),
        Approval::Invalid => {
            let why = format!("{why} with either a URL or a reason starting with \"unapproved\", {see}");
            let text = annotation(definition, API_APPROVED).unwrap_or_default();
            Some(Error::invalid(path, &text.into(), &why))
        }
        Approval::Approved | Approval::Bypassed => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Approval {
    Missing,
    Bypassed,
    Approved,
    Invalid,
}

fn approval_state(definition: &Value) -> Approval {
    let text = annotation(definition, API_APPROVED).unwrap_or_default();
    let is_url = || {
        let url = text.parse::<http::Uri>();
        url.is_ok_and(|url| url.scheme().is_some() && url.host().is_some_and(|host| !host.is_empty()))
    };
    match text {
        "" => Approval::Missing,
        _ if text.starts_with("unapproved") => Approval::Bypassed,
        _ if is_url() => Approval::Approved,
        _ => Approval::Invalid,
    }
}

/// The annotation by which the definition of a `k8s.io` group says that Kubernetes knows of it.
const API_APPROVED: &str = "api-approved.kubernetes.io";
