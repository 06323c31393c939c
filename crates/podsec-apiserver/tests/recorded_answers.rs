//! Sessions against a real kube-apiserver, played again: status codes, Status bodies and warnings.
//!
//! The files under `data` hold the requests in order; where Kubernetes has changed its words since, the newer ones.

mod cluster;

use cluster::Cluster;
use podsec_storage::Memory;
use serde_json::Value;

#[tokio::test]
async fn the_server_refuses_in_kubernetes_words() {
    play(include_str!("data/answers.jsonl")).await;
}

#[tokio::test]
async fn lists_watches_applies_and_graceful_deletions_are_answered_as_kubernetes_does() {
    play(include_str!("data/lists_and_patches.jsonl")).await;
}

async fn play(session: &str) {
    let cluster = Cluster::over(std::sync::Arc::new(Memory::default()), None);
    for namespace in ["default", "errs", "kube-system"] {
        cluster.namespace(namespace, Value::Null).await;
    }
    let mut different = Vec::new();
    for line in session.lines() {
        let recorded: Value = serde_json::from_str(line).expect("a recorded answer");
        let text = |field: &str| recorded[field].as_str().unwrap_or_default();
        let token = match text("user") {
            "anonymous" => "",
            user => user,
        };
        let headers: Vec<(&str, &str)> = recorded["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str(), value.as_str().expect("a header")))
            .collect();
        let answer = cluster.send(token, text("request"), &headers, text("body").as_bytes()).await;
        let warnings: Vec<&str> =
            recorded["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let status = recorded.get("status");
        let same = u64::from(answer.code) == recorded["code"].as_u64().expect("a code")
            && answer.warnings() == warnings
            && status.is_none_or(|status| masked(status) == masked(&answer.object()));
        if !same {
            different.push(format!("{line}\n  {} {:?} {}", answer.code, answer.warnings(), answer.text));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Without what differs from one server to the next: uids and resource versions.
fn masked(status: &Value) -> Value {
    let mut status = status.clone();
    if let Some(Value::String(message)) = status.get_mut("message") {
        let words: Vec<String> = message.split(' ').map(masked_word).collect();
        *message = words.join(" ");
    }
    status
}

fn masked_word(word: &str) -> String {
    let inner = word.trim_start_matches('(').trim_end_matches(['.', ')']);
    let is_uid = inner.len() == 36 && inner.split('-').count() == 5;
    let is_version =
        word.ends_with(").") && !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_digit());
    match (is_uid, is_version) {
        (true, _) => word.replace(inner, "UID"),
        (_, true) => word.replace(inner, "N"),
        _ => word.to_owned(),
    }
}
