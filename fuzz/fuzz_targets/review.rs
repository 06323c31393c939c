//! Reading, judging and answering an AdmissionReview never panics, and an answer is an AdmissionReview itself.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use podsec_admission::labels::{AUDIT, ENFORCE, WARN};
use podsec_admission::{Admission, Cluster, ClusterError, NamespaceLabels, review};
use serde::de::IgnoredAny;

fuzz_target!(|body: &[u8]| {
    let is_json = std::str::from_utf8(body).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    let Ok(request) = review::decode(body) else { return };
    assert!(is_json, "{:?}", String::from_utf8_lossy(body));
    for object in [request.object, request.old_object].into_iter().flatten() {
        assert!(serde_json::from_slice::<IgnoredAny>(object).is_ok(), "{:?}", String::from_utf8_lossy(object));
    }
    let response = ADMISSION.review(&Restricted, &request);
    let answer: serde_json::Value =
        serde_json::from_slice(&review::encode(&request.uid, &response)).expect("an answer is JSON");
    assert_eq!(answer["response"]["uid"], *request.uid);
    assert_eq!(answer["response"]["allowed"], response.allowed());
});

static ADMISSION: LazyLock<Admission> = LazyLock::new(Admission::default);

static LABELS: LazyLock<Arc<NamespaceLabels>> = LazyLock::new(|| {
    Arc::new([(ENFORCE, "restricted"), (AUDIT, "baseline"), (WARN, "nonsense")].into_iter().collect())
});

/// A cluster in which every namespace is restricted and has one pod.
struct Restricted;

impl Cluster for Restricted {
    type Pod = &'static [u8];

    fn namespace(&self, _: &str) -> Result<Arc<NamespaceLabels>, ClusterError> {
        Ok(Arc::clone(&LABELS))
    }

    fn pods(&self, _: &str) -> Result<Vec<&'static [u8]>, ClusterError> {
        Ok(vec![br#"{"metadata":{"name":"app"},"spec":{"hostPID":true}}"#])
    }

    fn expired(&self) -> bool {
        false
    }
}
