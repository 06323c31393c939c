//! A request as the audit log sees it: who, from where, and what for.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::object_reference::ObjectReference;

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The id of [`crate::audit_id`].
    pub audit_id: &'a str,
    /// Path and query as they came; a fragment is cut off.
    pub uri: &'a str,
    /// When it came.
    pub received: Timestamp,
    /// Where it came from, see [`source_ips`].
    pub source_ips: Vec<String>,
    /// The `User-Agent` header; cut after 1024 bytes.
    pub user_agent: &'a [u8],
    /// What it asks for.
    pub attributes: RequestInfo<'a>,
}

/// What a request asks for, as Kubernetes' `RequestInfo` has it. Policy rules see nothing else but the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestInfo<'a> {
    /// Kubernetes' verb, or the lower-case HTTP method of a non-resource request.
    pub verb: &'a str,
    /// The decoded path, without the query.
    pub path: &'a str,
    /// Whether the path names a resource.
    pub is_resource: bool,
    /// The API group; empty for core.
    pub group: &'a str,
    /// The API version.
    pub version: &'a str,
    /// The plural resource.
    pub resource: &'a str,
    /// The subresource.
    pub subresource: &'a str,
    /// The namespace; of a Namespace itself, its own name.
    pub namespace: &'a str,
    /// The name.
    pub name: &'a str,
}

/// A user. Serialises as `authentication.k8s.io/v1` `UserInfo`, empty members left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserInfo {
    /// The name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// The uid.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// The groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// What else the authenticator knows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Vec<String>>,
}

impl RequestInfo<'_> {
    /// Whether kube-apiserver counts such a request as long-running, whatever comes of it. Those have the stage
    /// `ResponseStarted`.
    pub fn is_long_running(&self) -> bool {
        matches!(self.verb, "watch" | "proxy")
            || (self.is_resource
                && matches!(self.subresource, "attach" | "exec" | "proxy" | "log" | "portforward"))
            || (!self.is_resource && self.path.starts_with("/debug/pprof/"))
    }

    pub(crate) fn object_reference(&self) -> Option<ObjectReference> {
        self.is_resource.then(|| ObjectReference {
            resource: self.resource.to_owned(),
            namespace: self.namespace.to_owned(),
            name: self.name.to_owned(),
            api_group: self.group.to_owned(),
            api_version: self.version.to_owned(),
            subresource: self.subresource.to_owned(),
            ..ObjectReference::default()
        })
    }
}

/// Where a request came from: the first `X-Forwarded-For` header, then `X-Real-Ip`, then the other end of the
/// connection. Only the last is to be trusted. What is no address is left out.
pub fn source_ips(forwarded_for: Option<&str>, real_ip: Option<&str>, peer: IpAddr) -> Vec<String> {
    let mut addresses: Vec<IpAddr> = forwarded_for
        .into_iter()
        .flat_map(|list| list.split(','))
        .filter_map(|entry| address(entry.trim()))
        .collect();
    if let Some(real) = real_ip.and_then(address)
        && !addresses.contains(&real)
    {
        addresses.push(real);
    }
    let peer = peer.to_canonical();
    if addresses.last() != Some(&peer) {
        addresses.push(peer);
    }
    addresses.iter().map(ToString::to_string).collect()
}

/// Parses as Go's `ParseIPSloppy`: leading zeros of an IPv4 part mean nothing.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let mut parts = text.split('.').map(|part| {
        let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .then(|| part.trim_start_matches('0'))
            .map(|part| if part.is_empty() { "0" } else { part })?
            .parse()
            .ok()
    });
    let mut octet = || parts.next().flatten();
    let octets: [u8; 4] = [octet()?, octet()?, octet()?, octet()?];
    parts.next().is_none().then(|| Ipv4Addr::from(octets).into())
}

/// The user agent as events carry it.
pub(crate) fn user_agent(header: &[u8]) -> String {
    match header.get(..MAX_USER_AGENT) {
        Some(kept) if header.len() > MAX_USER_AGENT => {
            String::from_utf8_lossy(kept).into_owned() + "...TRUNCATED"
        }
        _ => String::from_utf8_lossy(header).into_owned(),
    }
}

const MAX_USER_AGENT: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_sloppily_and_written_canonically() {
        let peer = IpAddr::from([127, 0, 0, 1]);
        let forwarded = "1.2.3.4, bogus, 010.001.002.003, ::ffff:9.9.9.9, 2001:DB8::1";
        assert_eq!(
            source_ips(Some(forwarded), Some("1.2.3.4"), peer),
            ["1.2.3.4", "10.1.2.3", "9.9.9.9", "2001:db8::1", "127.0.0.1"]
        );
        assert_eq!(
            source_ips(Some("127.0.0.1"), Some("5.6.7.8"), peer),
            ["127.0.0.1", "5.6.7.8", "127.0.0.1"]
        );
        assert_eq!(source_ips(Some("127.0.0.1"), None, peer), ["127.0.0.1"]);
        assert_eq!(source_ips(Some("1.2.3.4.5, 1.2.3, 256.1.1.1, 1..2.3"), Some(""), peer), ["127.0.0.1"]);
        assert_eq!(source_ips(None, None, "::ffff:10.0.0.9".parse().unwrap()), ["10.0.0.9"]);
    }

    #[test]
    fn a_user_agent_is_cut_after_1024_bytes() {
        assert_eq!(user_agent(&[b'a'; 1024]), "a".repeat(1024));
        assert_eq!(user_agent(&[b'a'; 1025]), "a".repeat(1024) + "...TRUNCATED");
        assert_eq!(user_agent(b"caf\xe9"), "caf\u{fffd}");
    }

    #[test]
    fn long_running_is_what_the_request_asks_for() {
        let pods = RequestInfo {
            verb: "get",
            is_resource: true,
            resource: "pods",
            name: "p",
            ..RequestInfo::default()
        };
        assert!(!pods.is_long_running());
        for verb in ["watch", "proxy"] {
            assert!(RequestInfo { verb, ..pods }.is_long_running(), "{verb}");
        }
        for subresource in ["log", "exec", "attach", "portforward", "proxy"] {
            assert!(RequestInfo { subresource, ..pods }.is_long_running(), "{subresource}");
        }
        assert!(!RequestInfo { subresource: "status", ..pods }.is_long_running());
        assert!(RequestInfo { path: "/debug/pprof/heap", ..RequestInfo::default() }.is_long_running());
    }
}
