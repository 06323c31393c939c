//! Files that change while the webhook serves.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::api_server::ApiServer;
use crate::reviews::{allowed, baseline_pod, review_of};
use crate::running::{Running, write};

fn configuration(level: &str) -> String {
    format!(
        "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\n\
         defaults: {{enforce: {level}}}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_map_that_changes_is_decided_by_and_a_bad_one_is_not() {
    let api_server = ApiServer::start().await;
    api_server.set_namespace("team", &[]);
    let mount = tempfile::tempdir().unwrap();
    // As the kubelet mounts a ConfigMap: the file is a link into a folder that is a link.
    let publish = |version: &str, text: &str| {
        let folder = mount.path().join(version);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("config.yaml"), text).unwrap();
        symlink(&folder, mount.path().join("..data_tmp")).unwrap();
        fs::rename(mount.path().join("..data_tmp"), mount.path().join("..data")).unwrap();
    };
    publish("1", &configuration("baseline"));
    let file = mount.path().join("config.yaml");
    symlink(mount.path().join("..data/config.yaml"), &file).unwrap();
    let running = Running::start(api_server, |options| options.configuration = Some(file)).await;
    let is_allowed = async || allowed(&running.client.review(review_of("team", &baseline_pod())).await.1);
    let generation = async || running.client.metric("podsec_webhook_configuration_generation").await;
    assert!(is_allowed().await);

    publish("2", &configuration("restricted"));
    running.eventually("decided by", async || generation().await > 1.5).await;
    assert!(!is_allowed().await);

    publish("3", &configuration("wide-open"));
    let refused = async || running.client.metric("podsec_webhook_configurations_refused_total").await;
    running.eventually("refused", async || refused().await > 0.5).await;
    assert!(!is_allowed().await, "the old configuration stays");

    publish("4", "");
    running.eventually("refused", async || refused().await > 1.5).await;
    assert!(!is_allowed().await, "an empty file is no configuration");

    publish("5", &configuration("baseline"));
    running.eventually("decided by", async || generation().await > 2.5).await;
    assert!(is_allowed().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_changes_is_served_and_one_that_does_not_fit_its_key_is_not() {
    let running = Running::start(ApiServer::start().await, |_| {}).await;
    let expiry = async || running.client.metric("podsec_webhook_certificate_expiry_timestamp_seconds").await;
    let before = expiry().await;
    fs::write(running.folder.path().join("tls.crt"), running.authority.issue(2101).certificate).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!((expiry().await - before).abs() < 1.0, "it has the key of another");
    write(&running.folder, &running.authority.issue(2102));
    running.eventually("served", async || expiry().await > before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upstreams_metrics_are_there_before_anything_happened() {
    let running = Running::start(ApiServer::start().await, |_| {}).await;
    let (_, text) = running.client.get("/metrics").await;
    let text = String::from_utf8(text.to_vec()).unwrap();
    for name in ["pod_security_evaluations_total{", "pod_security_exemptions_total{"] {
        assert!(text.lines().any(|line| line.starts_with(name)), "no {name} in {text}");
    }
    let review = running.client.review(review_of("nowhere", &baseline_pod())).await.1;
    let review: Value = serde_json::from_slice(&review).unwrap();
    let message = "Internal error occurred: failed to lookup namespace \"nowhere\"";
    assert_eq!(review["response"]["status"]["message"], message);
    let (_, text) = running.client.get("/metrics").await;
    let line = "pod_security_errors_total{fatal=\"true\",request_operation=\"create\",resource=\"pod\",subresource=\"\"} 1";
    assert!(String::from_utf8(text.to_vec()).unwrap().lines().any(|found| found == line));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_tell_who_violates_what() {
    let api_server = ApiServer::start().await;
    api_server.set_namespace("team", &[("pod-security.kubernetes.io/enforce", "restricted")]);
    let running = Running::start(api_server, |_| {}).await;
    for _ in 0..2 {
        assert!(!allowed(&running.client.review(review_of("team", &baseline_pod())).await.1));
    }
    let (_, text) = running.client.get("/metrics").await;
    let text = String::from_utf8(text.to_vec()).unwrap();
    let found: Vec<&str> =
        text.lines().filter(|line| line.starts_with("podsec_webhook_violations_total")).collect();
    let checks =
        ["allowPrivilegeEscalation", "capabilities_restricted", "runAsNonRoot", "seccompProfile_restricted"];
    let expected = checks.map(|check| {
        format!("podsec_webhook_violations_total{{check=\"{check}\",mode=\"enforce\",namespace=\"team\"}} 2")
    });
    assert_eq!(found, expected);
}
