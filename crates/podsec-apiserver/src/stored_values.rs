//! The values of an etcd that a Kubernetes cluster has written: JSON, protobuf, or encrypted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use podsec_apimachinery::codec::ProtobufError;
use podsec_apimachinery::codec::protobuf::{self, Unknown};
use podsec_apimachinery::schema::catalog;
use podsec_storage::Decode;
use serde_json::Value;

/// What has been met so far in an etcd.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoredValues(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    protobuf: AtomicUsize,
    encrypted: AtomicUsize,
    unreadable: AtomicUsize,
}

impl StoredValues {
    /// Reads JSON as it is and protobuf as JSON, and leaves out, counted, what is encrypted or cannot be read.
    pub(crate) fn decode(&self) -> Decode {
        let counts = Arc::clone(&self.0);
        Decode::new(move |key, value| {
            if value.starts_with(ENCRYPTED) {
                counts.encrypted.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            if !value.starts_with(PROTOBUF) {
                return Some(Bytes::copy_from_slice(value));
            }
            counts.protobuf.fetch_add(1, Ordering::Relaxed);
            match json(value) {
                Ok(json) => Some(json.into()),
                Err(error) => {
                    counts.unreadable.fetch_add(1, Ordering::Relaxed);
                    tracing::debug!(key, %error, "a value in etcd cannot be read");
                    None
                }
            }
        })
    }

    /// Whether kube-apiserver has written here: what it does not write as protobuf, it may have encrypted.
    pub(crate) fn are_of_a_cluster(&self) -> bool {
        let [protobuf, encrypted] =
            [&self.0.protobuf, &self.0.encrypted].map(|count| count.load(Ordering::Relaxed));
        protobuf + encrypted > 0
    }

    /// Says in the log what was left out.
    pub(crate) fn report(&self) {
        let [encrypted, unreadable] =
            [&self.0.encrypted, &self.0.unreadable].map(|count| count.load(Ordering::Relaxed));
        if encrypted > 0 {
            tracing::warn!("{encrypted} values in etcd are encrypted at rest, and left out");
        }
        if unreadable > 0 {
            tracing::warn!("{unreadable} values in etcd are of kinds that are not known here, and left out");
        }
    }
}

/// An object in protobuf as JSON.
fn json(value: &[u8]) -> Result<Vec<u8>, ProtobufError> {
    let unknown = Unknown::parse(value)?;
    let (group, version) = catalog::group_version(&unknown.api_version).unwrap_or_default();
    let mut object = protobuf::decode(group, version, &unknown.kind, unknown.raw)?;
    object.insert("kind".to_owned(), unknown.kind.into());
    object.insert("apiVersion".to_owned(), unknown.api_version.into());
    Ok(Value::Object(object).to_string().into_bytes())
}

/// What kube-apiserver puts before a value that it has encrypted.
const ENCRYPTED: &[u8] = b"k8s:enc:";
/// What it puts before protobuf.
const PROTOBUF: &[u8] = b"k8s\0";

#[cfg(test)]
mod tests {
    use super::*;

    /// A ConfigMap named a that holds b=c.
    const CONFIG_MAP: &[u8] =
        b"k8s\0\n\x0f\n\x02v1\x12\x09ConfigMap\x12\x0f\x0a\x03\x0a\x01a\x12\x08\x0a\x01b\x12\x03c/d";

    #[test]
    fn protobuf_becomes_json() {
        let json: Value = serde_json::from_slice(&json(CONFIG_MAP).unwrap()).unwrap();
        assert_eq!((&json["kind"], &json["metadata"]["name"]), (&"ConfigMap".into(), &"a".into()));
        assert_eq!((&json["apiVersion"], &json["data"]["b"]), (&"v1".into(), &"c/d".into()));
    }

    #[test]
    fn what_is_encrypted_or_damaged_is_left_out() {
        let values = StoredValues::default();
        let store = values.decode();
        let read = |value: &'static [u8]| store.value("/registry/x", &Bytes::from_static(value));
        assert_eq!(read(b"{}"), Some(Bytes::from_static(b"{}")));
        assert!(!values.are_of_a_cluster());
        assert_eq!(read(&CONFIG_MAP[..CONFIG_MAP.len() - 1]), None);
        assert_eq!(read(b"k8s\0\n\x0f\n\x02v1\x12\x09Confugmap"), None);
        assert_eq!(read(b"k8s:enc:aescbc:v1:key1:..."), None);
        assert!(values.are_of_a_cluster());
    }
}
