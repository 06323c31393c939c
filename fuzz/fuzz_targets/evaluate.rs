//! Reading and judging a pod never panics, and reads as JSON what serde_json does.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podsec_standards::{DecodeError, Level, Policy, Version, Workload, evaluate};
use serde::de::IgnoredAny;

fuzz_target!(|input: &[u8]| {
    let Some((&choice, json)) = input.split_first() else { return };
    let workload = Workload::ALL[usize::from(choice) % Workload::ALL.len()];
    let decoded = workload.pod_from_json(json);
    let is_json = std::str::from_utf8(json).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    match &decoded {
        Ok(_) => assert!(is_json, "{:?}", String::from_utf8_lossy(json)),
        Err(DecodeError::Syntax { problem, .. }) if !problem.starts_with("nested") => assert!(!is_json, "{problem}"),
        Err(_) => {}
    }
    let Ok(Some(pod)) = decoded else { return };
    for level in Level::ALL {
        for version in [Version::V1(u64::from(choice) % 40), Version::Latest] {
            let evaluation = evaluate(Policy::new(level, version), &pod);
            assert_eq!(evaluation.is_allowed(), evaluation.detail().is_empty());
            for violation in &evaluation.violations {
                assert!(serde_json::to_string(violation).is_ok_and(|text| text.contains(violation.reason())));
                assert!(violation.fields().iter().all(|field| violation.check.fields.contains(&&*field.pattern())));
            }
        }
    }
    assert!(pod.containers().count() == 0 || pod.significantly_differs_from(&Default::default()));
});
