//! `audit.k8s.io/v1` `Event`: what one stage of one request was, in Kubernetes' field order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use podsec_apimachinery::status::Details;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json;
use crate::object_reference::ObjectReference;
use crate::policy::{Level, Stage};
use crate::request::UserInfo;

/// `audit.k8s.io/v1` `Event`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// How much the policy wanted to be recorded.
    pub level: Level,
    /// The same for every stage of a request, and in the client's answer.
    #[serde(rename = "auditID")]
    pub audit_id: String,
    /// How far the request was.
    pub stage: Stage,
    /// Path and query as they came.
    #[serde(rename = "requestURI")]
    pub request_uri: String,
    /// Kubernetes' verb, or the lower-case HTTP method of a non-resource request; may be empty.
    pub verb: String,
    /// Who was authenticated; empty when nobody was.
    pub user: UserInfo,
    /// In whose name the request ran, when not in the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impersonated_user: Option<UserInfo>,
    /// How the user came to impersonate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication_metadata: Option<AuthenticationMetadata>,
    /// Proxies first, the other end of the connection last.
    #[serde(default, rename = "sourceIPs", skip_serializing_if = "Vec::is_empty")]
    pub source_ips: Vec<String>,
    /// What the client calls itself, at most 1036 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user_agent: String,
    /// What a resource request is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_ref: Option<ObjectReference>,
    /// How it ended, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_status: Option<ResponseStatus>,
    /// What was sent, from level Request on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_object: Option<Box<RawValue>>,
    /// What was answered, at level `RequestResponse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_object: Option<Box<RawValue>>,
    /// When the request came.
    #[serde(with = "micro_time")]
    pub request_received_timestamp: Timestamp,
    /// When this stage was reached.
    #[serde(with = "micro_time")]
    pub stage_timestamp: Timestamp,
    /// What authorization, admission and others noted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// `audit.k8s.io/v1` `AuthenticationMetadata`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthenticationMetadata {
    /// The verb that allowed a constrained impersonation.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub impersonation_constraint: String,
}

/// `metav1.Status` as events carry it: without kind and apiVersion, its `metadata` always empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResponseStatus {
    pub(crate) metadata: EmptyMetadata,
    /// `Success` or `Failure`, when a Status was answered.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// The sentence for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The machine-readable reason.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What the status is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// The HTTP status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EmptyMetadata {}

impl Event {
    /// The event as one line of a log, with its line end.
    ///
    /// # Errors
    /// Never in practice: every field has a JSON form.
    pub fn to_line(&self) -> serde_json::Result<Vec<u8>> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Line<'a> {
            kind: &'static str,
            api_version: &'static str,
            #[serde(flatten)]
            event: &'a Event,
        }
        let mut line = json::to_vec(&Line { kind: "Event", api_version: "audit.k8s.io/v1", event: self })?;
        line.push(b'\n');
        Ok(line)
    }

    /// The HTTP status code, once it is known.
    pub fn code(&self) -> Option<u16> {
        self.response_status.as_ref()?.code
    }
}

/// RFC 3339 in UTC with six digits, cut off and not rounded.
mod micro_time {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
