//! What is counted, and how it is written.

mod scenario;

use podsec_admission::{Metrics, review};
use serde_json::json;

use crate::scenario::{Scenario, create, host_network_pod};

const ERRORS: &str = "\
# HELP pod_security_errors_total [ALPHA] Number of errors preventing normal evaluation. Non-fatal errors may result in \
the latest restricted profile being used for evaluation.
# TYPE pod_security_errors_total counter
";
const EVALUATIONS: &str = "\
# HELP pod_security_evaluations_total [ALPHA] Number of policy evaluations that occurred, not counting ignored or exempt \
requests.
# TYPE pod_security_evaluations_total counter
";
const EXEMPTIONS: &str = "\
# HELP pod_security_exemptions_total [ALPHA] Number of exempt requests, not counting ignored or out of scope requests.
# TYPE pod_security_exemptions_total counter
";

#[test]
fn metrics_begin_with_the_series_that_kubernetes_shows_from_the_start() {
    let allow = "pod_security_evaluations_total{decision=\"allow\",mode=\"enforce\",policy_level=\"privileged\",\
                 policy_version=\"latest\"";
    let exempt = "pod_security_exemptions_total{request_operation";
    assert_eq!(
        Metrics::new().render(),
        format!(
            "{EVALUATIONS}\
             {allow},request_operation=\"create\",resource=\"pod\",subresource=\"\"}} 0\n\
             {allow},request_operation=\"update\",resource=\"pod\",subresource=\"\"}} 0\n\
             {EXEMPTIONS}\
             {exempt}=\"create\",resource=\"controller\",subresource=\"\"}} 0\n\
             {exempt}=\"create\",resource=\"pod\",subresource=\"\"}} 0\n\
             {exempt}=\"update\",resource=\"controller\",subresource=\"\"}} 0\n\
             {exempt}=\"update\",resource=\"pod\",subresource=\"\"}} 0\n"
        )
    );
}

#[test]
fn a_policy_of_a_version_that_is_yet_to_come_is_counted_as_future() {
    let counted = |version: &str| {
        let labels = [("enforce", "baseline"), ("enforce-version", version), ("audit", "privileged")];
        let rendered = after(&labels, "CREATE", "");
        let line = rendered.lines().find(|line| line.contains("deny")).unwrap_or_default().to_owned();
        line.split("policy_version=")
            .nth(1)
            .unwrap_or_default()
            .split(',')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        ["latest", "v1.0", "v1.37", "v1.38", "v1.99"].map(counted),
        ["\"latest\"", "\"v1.0\"", "\"v1.37\"", "\"future\"", "\"future\""]
    );
}

#[test]
fn operations_and_subresources_are_labels_as_they_come() {
    let rendered = after(&[("enforce", "bogus")], "Odd\"\n\\", "resize");
    let label = r#"request_operation="odd\"\n\\",resource="pod",subresource="resize"} 1"#;
    assert!(
        rendered.starts_with(&format!("{ERRORS}pod_security_errors_total{{fatal=\"false\",{label}\n")),
        "{rendered}"
    );
    assert!(
        rendered.contains(&format!("policy_level=\"restricted\",policy_version=\"latest\",{label}")),
        "{rendered}"
    );
}

/// The metrics after one request for a pod that violates the baseline level.
fn after(labels: &[(&str, &str)], operation: &str, subresource: &str) -> String {
    let mut request = create("pods", &host_network_pod("x"));
    request["operation"] = operation.into();
    request["requestSubResource"] = subresource.into();
    let body = json!({"request": request}).to_string();
    let request = review::decode(body.as_bytes()).expect("the request can be decoded");
    let metrics = Metrics::new();
    metrics.record(&request, &Scenario::with_labels(labels).response(&request));
    metrics.render()
}
