//! `/openapi/v2`: an empty document is enough for kubectl, the definitions are there for who asks for JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::value::RawValue;

use super::names::{INFO, Info};
use super::place::Place;
use super::{fields, v3};
use crate::schema::{Catalog, document};

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

/// The definitions of all built-in kinds that are served, without paths.
pub fn document() -> Document {
    let catalog = Catalog::builtin();
    let served: BTreeSet<String> =
        Place::all(catalog).into_iter().flat_map(|place| v3::definition_names(catalog, place)).collect();
    let mut definitions = document::published();
    definitions.retain(|name, _| served.contains(name));
    let bearer = Bearer {
        description: "Bearer Token authentication",
        kind: "apiKey",
        name: "authorization",
        place: "header",
    };
    Document {
        swagger: "2.0",
        info: INFO,
        paths: NoPaths {},
        definitions: fields::with_values(definitions),
        security_definitions: SecurityDefinitions { bearer },
        security: [Security { bearer: [] }],
    }
}

/// An OpenAPI v2 document.
#[derive(Serialize)]
pub struct Document {
    swagger: &'static str,
    info: Info,
    paths: NoPaths,
    definitions: BTreeMap<String, Box<RawValue>>,
    #[serde(rename = "securityDefinitions")]
    security_definitions: SecurityDefinitions,
    security: [Security; 1],
}

#[derive(Serialize)]
struct SecurityDefinitions {
    #[serde(rename = "BearerToken")]
    bearer: Bearer,
}

#[derive(Serialize)]
struct Bearer {
    description: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    #[serde(rename = "in")]
    place: &'static str,
}

#[derive(Serialize)]
struct Security {
    #[serde(rename = "BearerToken")]
    bearer: [&'static str; 0],
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
        // Those of the kinds that are served, and no others.
        assert!(definitions.contains_key("io.k8s.api.apps.v1.Deployment"));
        assert!(!definitions.contains_key("io.k8s.api.networking.v1beta1.IPAddress"));
        let policy = &definitions["io.k8s.api.core.v1.Container"]["properties"]["imagePullPolicy"];
        assert_eq!(policy["enum"], serde_json::json!(["Always", "IfNotPresent", "Never"]));
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
