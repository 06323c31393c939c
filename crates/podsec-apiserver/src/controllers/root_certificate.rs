//! The publisher of the root certificate: every namespace has a ConfigMap by which its pods know the API server.

use podsec_kinds::object::{Fields, FieldsMut as _, annotation, as_map};
use serde_json::{Value, json};

use super::per_namespace::{Kept, Write};

/// What it keeps; `authority` is the certificate that the server's own is signed with, PEM.
pub(super) fn kept(authority: &str) -> Kept {
    let authority = authority.to_owned();
    Kept {
        account: "root-ca-cert-publisher",
        resource: "configmaps",
        name: NAME,
        reconcile: Box::new(move |found| reconcile(&authority, found)),
    }
}

/// Makes the ConfigMap, or puts the certificate and the description back that somebody has changed.
fn reconcile(authority: &str, found: Option<&Value>) -> Option<Write> {
    let data = json!({"ca.crt": authority});
    let Some(found) = found else {
        return Some(Write::Create(json!({
            "kind": "ConfigMap", "apiVersion": "v1",
            "metadata": {"name": NAME, "annotations": {ANNOTATION: DESCRIPTION}},
            "data": data,
        })));
    };
    if found.at("data") == &data && annotation(found, ANNOTATION).is_some_and(|text| !text.is_empty()) {
        return None;
    }
    let mut object = found.clone();
    let fields = as_map(&mut object);
    fields.insert("data".to_owned(), data);
    if let Some(annotations) = fields.ensure("metadata").and_then(|metadata| metadata.ensure("annotations")) {
        annotations.insert(ANNOTATION.to_owned(), DESCRIPTION.into());
    }
    Some(Write::Update(object))
}

/// The ConfigMap that the volume of a pod's token names.
const NAME: &str = "kube-root-ca.crt";
const ANNOTATION: &str = "kubernetes.io/description";
const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal \
    endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
    distributions of Kubernetes clusters.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_put_back_and_what_was_added_to_the_metadata_stays() {
        let Some(Write::Create(made)) = reconcile("pem", None) else { panic!("nothing is made") };
        assert_eq!(reconcile("pem", Some(&made)), None);
        let mut described = made.clone();
        described["metadata"]["annotations"][ANNOTATION] = "other words".into();
        described["metadata"]["labels"] = json!({"a": "b"});
        assert_eq!(reconcile("pem", Some(&described)), None, "any description will do");
        for (pointer, value) in [("/data", json!({"ca.crt": "x"})), ("/metadata/annotations", json!({}))] {
            let mut changed = described.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            let Some(Write::Update(mended)) = reconcile("pem", Some(&changed)) else {
                panic!("{pointer} stays")
            };
            assert_eq!(mended["data"], made["data"]);
            assert!(!mended["metadata"]["annotations"][ANNOTATION].as_str().unwrap().is_empty());
            assert_eq!(mended["metadata"]["labels"], json!({"a": "b"}));
        }
        // Another authority, after the data directory was made anew.
        assert!(matches!(reconcile("other", Some(&made)), Some(Write::Update(_))));
    }
}
