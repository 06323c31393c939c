//! `/openapi/v2`: an empty document is enough for kubectl, the definitions are there for who asks for JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::index::{INFO, Info};
use crate::schema::document;

/// What a client is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Representation {
    /// [`document`], as `application/json`.
    Json,
    /// Nothing, which is a valid empty protobuf document, as `application/octet-stream`. kubectl validates against it
    /// by leaving validation to the server.
    EmptyProtobuf,
    /// 406, with an empty body.
    NotAcceptable,
}

impl Representation {
    /// Takes the first clause of an `Accept` header that can be met; without one it is JSON.
    pub fn negotiate(accept: &str) -> Self {
        let mut clauses = accept.split(',').map(|clause| clause.split(';').next().unwrap_or_default().trim());
        let met = |clause| match clause {
            "" | "*/*" | "application/*" | "application/json" => Some(Self::Json),
            "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
            | "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" => Some(Self::EmptyProtobuf),
            _ => None,
        };
        clauses.find_map(met).unwrap_or(Self::NotAcceptable)
    }
}

/// The definitions of all built-in kinds, without paths.
pub fn document() -> Document {
    Document { swagger: "2.0", info: INFO, paths: NoPaths {}, definitions: document::published() }
}

/// An OpenAPI v2 document.
#[derive(Serialize)]
pub struct Document {
    swagger: &'static str,
    info: Info,
    paths: NoPaths,
    definitions: BTreeMap<String, Box<RawValue>>,
}

#[derive(Serialize)]
struct NoPaths {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn kubectl_gets_an_empty_document_and_people_get_json() {
        for (accept, representation) in [
            ("application/com.github.proto-openapi.spec.v2@v1.0+protobuf", Representation::EmptyProtobuf),
            ("application/json", Representation::Json),
            ("application/json, */*", Representation::Json),
            ("", Representation::Json),
            ("application/vnd.kubernetes.protobuf", Representation::NotAcceptable),
        ] {
            assert_eq!(Representation::negotiate(accept), representation, "{accept}");
        }
    }

    #[test]
    fn the_document_holds_what_kubernetes_publishes() {
        let document: Value = serde_json::from_str(&serde_json::to_string(&document()).unwrap()).unwrap();
        let definitions = document["definitions"].as_object().unwrap();
        assert_eq!(definitions.len(), 862);
        let containers = &definitions["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"];
        assert_eq!(containers["type"], "array");
        assert_eq!(containers["items"]["$ref"], "#/definitions/io.k8s.api.core.v1.Container");
        assert_eq!(containers["x-kubernetes-patch-merge-key"], "name");
        let pod = &definitions["io.k8s.api.core.v1.Pod"];
        assert_eq!(pod["type"], "object");
        assert_eq!(pod["properties"]["kind"].get("enum"), None);
        assert_eq!(definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["format"], "int-or-string");
    }

    proptest! {
        #[test]
        fn any_header_is_answered(accept in "[ -~]{0,60}") {
            let _ = Representation::negotiate(&accept);
        }
    }
}
