//! Sends the requests of one recording to a server of its own and counts what is answered alike.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{Answer, Cluster};
use crate::matching::{matches, matches_in_any_order, text_matches};
use crate::recording::{Recording, expand};

/// The administrator's.
const TOKEN: &str = "admin-token";

/// How many cases are answered alike.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Share {
    /// How many there are.
    pub(crate) cases: u32,
    /// The same code.
    pub(crate) code: u32,
    /// The same causes too.
    pub(crate) causes: u32,
    /// The same message, warnings and object too.
    pub(crate) whole: u32,
}

impl Share {
    pub(crate) fn add(&mut self, other: &Self) {
        self.cases += other.cases;
        self.code += other.code;
        self.causes += other.causes;
        self.whole += other.whole;
    }

    pub(crate) fn is_at_least(&self, before: &Self) -> bool {
        self.code >= before.code && self.causes >= before.causes && self.whole >= before.whole
    }

    pub(crate) fn line(&self, name: &str) -> String {
        let Self { cases, code, causes, whole } = self;
        let percent = |part: u32| 100.0 * f64::from(part) / f64::from(*cases).max(1.0);
        format!(
            "{name:60} {cases:5} cases: code {code:5} ({:5.1} %), causes {causes:5} ({:5.1} %), whole {whole:5} ({:5.1} %)",
            percent(*code),
            percent(*causes),
            percent(*whole)
        )
    }
}

/// The share of the cases of one recording, and a line for each that differs.
pub(crate) async fn play(recording: &Recording) -> (Share, Vec<String>) {
    let cluster = Cluster::start().await;
    let first = recording.cases.first().and_then(|case| case["path"].as_str()).unwrap_or_default();
    if let Some((_, rest)) = first.split_once("/namespaces/")
        && let Some((namespace, _)) = rest.split_once('/')
    {
        cluster.namespace(namespace, Value::Null).await;
    }
    set_up(&cluster, &recording.extra).await;
    let mut score = Score { cluster: &cluster, share: Share::default(), different: Vec::new() };
    let creates = |case: &&Value| case["verb"] == "create";
    for case in recording.cases.iter().filter(creates) {
        score.case(case).await;
    }
    set_up(&cluster, &recording.setups).await;
    for case in recording.cases.iter().filter(|case| !creates(case)) {
        score.case(case).await;
    }
    cluster.api.stop();
    (score.share, score.different)
}

async fn set_up(cluster: &Cluster, setups: &[Value]) {
    for setup in setups {
        let path = setup["path"].as_str().unwrap_or_default();
        let method = setup["method"].as_str().unwrap_or_default();
        let (request, body) = (format!("{method} {path}"), expand(&setup["body"]).to_string());
        let headers = [("content-type", "application/json")];
        let answer = cluster.send(TOKEN, &request, &headers, body.as_bytes()).await;
        if method == "POST" && path.contains("/customresourcedefinitions") {
            established(cluster, &answer.object()).await;
        }
    }
}

/// Waits for the controller that accepts the names of a definition.
async fn established(cluster: &Cluster, definition: &Value) {
    let name = definition["metadata"]["name"].as_str().unwrap_or_default();
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
    for _ in 0..500 {
        if cluster.get(&path).await.text.contains("InitialNamesAccepted") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

struct Score<'a> {
    cluster: &'a Cluster,
    share: Share,
    different: Vec<String>,
}

impl Score<'_> {
    async fn case(&mut self, case: &Value) {
        let answer = self.send(case).await;
        let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        let want = expand(case);
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let warnings: Vec<Value> = answer.warnings().into_iter().map(Value::from).collect();
        let refused = answer.code >= 400;
        let code = want["code"] == answer.code;
        let causes = code
            && (!refused || matches_in_any_order(&list(&want["causes"]), &list(&body["details"]["causes"])));
        let same = if refused {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            text_matches(&text(&want["message"]), &text(&body["message"]))
                && text(&want["reason"]) == text(&body["reason"])
        } else {
            matches(&want["object"], &without_managed_fields(&body))
        };
        let whole = causes && same && matches_in_any_order(&list(&want["warnings"]), &warnings);
        self.share.add(&Share { cases: 1, code: code.into(), causes: causes.into(), whole: whole.into() });
        if !whole {
            let have = if refused { body["message"].clone() } else { without_managed_fields(&body) };
            let wanted = if want["message"].is_null() { &want["object"] } else { &want["message"] };
            let line = json!({
                "id": case["id"], "verb": case["verb"], "base": case["base"], "what": case["what"], "body": case["body"],
                "want": [want["code"], wanted, want["warnings"]], "have": [answer.code, have, warnings],
                "causes": [want["causes"], body["details"]["causes"]],
            });
            self.different.push(line.to_string());
        }
    }

    async fn send(&self, case: &Value) -> Answer {
        let path = case["path"].as_str().expect("a path");
        let mut bytes = match expand(&case["body"]) {
            Value::String(text) => text,
            body => body.to_string(),
        };
        if bytes.contains("\"$RV\"") {
            let object = path.split('?').next().unwrap_or_default().trim_end_matches("/status");
            let stored = self.cluster.get(object).await.object();
            let version = stored["metadata"]["resourceVersion"].as_str().unwrap_or("1").to_owned();
            bytes = bytes.replace("\"$RV\"", &format!("\"{version}\""));
        }
        let request = format!("{} {path}", case["method"].as_str().expect("a method"));
        let headers =
            [("content-type", case["contentType"].as_str().expect("a type")), ("user-agent", "client")];
        self.cluster.send(TOKEN, &request, &headers, bytes.as_bytes()).await
    }
}

fn without_managed_fields(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}
