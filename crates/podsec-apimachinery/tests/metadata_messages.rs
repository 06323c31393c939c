//! The metadata that Kubernetes v1.35 was seen to refuse is refused with the same words.

use podsec_apimachinery::field::Path;
use podsec_apimachinery::meta::{self, Meta, MetaMut, Scope};
use podsec_apimachinery::name::NameRule;
use podsec_apimachinery::status::Status;
use serde_json::Value;

#[test]
fn recorded_metadata_is_refused_with_the_recorded_words() {
    for line in include_str!("data/metadata-messages.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let mut object = case["object"].clone();
        let name = Meta::of(&object).name().to_owned();
        let path = Path::new("metadata");
        let errors = if object["kind"] == "Namespace" {
            if !name.is_empty() {
                MetaMut::of(&mut object).set_label("kubernetes.io/metadata.name", &name);
            }
            meta::validate(&object, Scope::Cluster, NameRule::Dns1123Label, &path)
        } else {
            MetaMut::of(&mut object).set_namespace("default");
            let mut errors = meta::validate(&object, Scope::Namespaced, NameRule::Dns1123Subdomain, &path);
            errors.extend(meta::validate_finalizers_of_builtin(&object, &path));
            errors
        };
        let kind = object["kind"].as_str().unwrap();
        assert_eq!(Status::invalid("", kind, &name, &errors).message, case["message"], "{}", case["case"]);
    }
}
