//! The names of signers: `example.com/signer-name`.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::quote::quoted;

use crate::formats;

/// What is wrong with the name of a signer.
pub(super) fn validate(name: &str, path: &Path) -> Vec<Error> {
    if name.is_empty() {
        return vec![Error::required(path.clone(), "")];
    }
    let segments: Vec<&str> = name.split('/').collect();
    let [domain, rest] = segments.as_slice() else {
        let detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        return vec![Error::invalid(path.clone(), &name.into(), detail)];
    };
    let mut errors = Vec::new();
    let invalid = |text: &str, detail: &str| Error::invalid(path.clone(), &text.into(), detail);
    if domain.len() > 253 {
        errors.push(Error::too_long(path.clone(), 253));
    }
    errors.extend(first_wrong(domain, formats::label).iter().map(|why| invalid(domain, why)));
    if !domain.contains('.') {
        let detail = "should be a domain with at least two segments separated by dots";
        errors.push(invalid(domain, detail));
    }
    errors.extend(first_wrong(rest, formats::subdomain).iter().map(|why| invalid(rest, why)));
    let length = name.len();
    if length > LENGTH {
        errors.push(Error::too_long(path.clone(), LENGTH));
    }
    errors
}

/// What is wrong with the first label that is wrong.
fn first_wrong(text: &str, check: fn(&str) -> Vec<String>) -> Vec<String> {
    let labels = text.split('.').map(|label| (label, check(label)));
    let wrong = labels.into_iter().find(|(_, wrong)| !wrong.is_empty());
    let (label, wrong) = wrong.unwrap_or_default();
    wrong.iter().map(|why| format!("validating label {}: {why}", quoted(label))).collect()
}

const LENGTH: usize = 571;
