//! Objects of real manifests: created and applied as Kubernetes does, and written again without a change.

use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::cluster::{Answer, Cluster};
use crate::matching::{matches, matches_in_any_order, text_matches};

/// The administrator's.
const TOKEN: &str = "admin-token";

/// Asks one server after another: a name that is still taken gets a fresh one.
struct Player {
    namespaces: Vec<String>,
    cluster: Cluster,
}

/// What went otherwise than it should with one object.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// A line for each answer that is not the recorded one.
    pub(crate) differences: Vec<String>,
    /// A line for each write that ought to change nothing and does.
    pub(crate) changes: Vec<String>,
    /// How many objects were stored, and so written again and again.
    pub(crate) stored: usize,
}

/// The namespaces of objects whose answers are given.
pub(crate) fn namespaces(cases: &[(String, String)]) -> Vec<String> {
    let namespace = |(_, answers): &(String, String)| {
        let answers: Value = serde_json::from_str(answers).expect("JSON");
        let (_, rest) = answers["create"]["path"].as_str().expect("a path").split_once("/namespaces/")?;
        Some(rest.split_once('/')?.0.to_owned())
    };
    let names: std::collections::BTreeSet<String> = cases.iter().filter_map(namespace).collect();
    names.into_iter().collect()
}

/// Plays lines of an object and of the answers to it.
pub(crate) async fn play(namespaces: Vec<String>, cases: Vec<(String, String)>) -> Outcome {
    let mut player = Player::new(namespaces).await;
    let mut outcome = Outcome::default();
    for (object, answers) in cases {
        let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        let (object, answers) = (json(&object), json(&answers));
        assert_eq!(object["id"], answers["id"], "the files go together line by line");
        let of_one = player.play(&object["object"], &answers).await;
        outcome.stored += of_one.stored;
        let label = format!("{} {}", object["id"], answers["kind"]);
        outcome.differences.extend(of_one.differences.iter().map(|line| format!("{label} {line}")));
        outcome.changes.extend(of_one.changes.iter().map(|line| format!("{label} {line}")));
    }
    outcome
}

impl Player {
    async fn new(namespaces: Vec<String>) -> Self {
        let cluster = fresh(&namespaces).await;
        Self { namespaces, cluster }
    }

    /// Plays one object, and compares the answers with the recorded ones.
    async fn play(&mut self, object: &Value, recorded: &Value) -> Outcome {
        let mut outcome = Outcome::default();
        let body = object.to_string();
        for (name, method) in [("create", "POST"), ("createWarn", "POST"), ("apply", "PATCH")] {
            let want = &recorded[name];
            let Some(path) = want["path"].as_str() else { continue };
            let mut answer = self.write(&format!("{method} {path}"), &body).await;
            if answer.code != want["code"] {
                // What an earlier object of the name has left is in the way.
                self.cluster = fresh(&self.namespaces).await;
                answer = self.write(&format!("{method} {path}"), &body).await;
            }
            if let Some(difference) = difference(want, &answer) {
                outcome.differences.push(format!("{name}: {difference}"));
            }
        }
        let path = recorded["create"]["path"].as_str().expect("a path");
        let path = path.split('?').next().expect("a path");
        let applies = recorded["apply"]["code"].as_u64().is_some_and(|code| code < 300);
        if let Some(changes) = self.write_again(path, object, applies).await {
            outcome.stored = 1;
            outcome.changes = changes;
        }
        outcome
    }

    /// Creates, applies twice, gets and replaces; says what has changed by that, `None` when it cannot be created.
    async fn write_again(&mut self, collection: &str, object: &Value, applies: bool) -> Option<Vec<String>> {
        let create = format!("POST {collection}?fieldValidation=Ignore");
        let body = object.to_string();
        let mut created = self.write(&create, &body).await;
        if created.code == 409 {
            self.cluster = fresh(&self.namespaces).await;
            created = self.write(&create, &body).await;
        }
        if created.code != 201 {
            return None;
        }
        let created = created.object();
        let name = created["metadata"]["name"].as_str().expect("a name");
        let path = format!("{collection}/{}", utf8_percent_encode(name, NON_ALPHANUMERIC));
        let apply = format!("PATCH {path}?fieldManager=kubectl&force=true&fieldValidation=Ignore");
        let get = format!("GET {path}");
        let (apply, body_of_apply) = if applies { (&apply, body.as_str()) } else { (&get, "") };
        let once = self.write(apply, body_of_apply).await;
        let again = self.write(apply, body_of_apply).await;
        let got = self.write(&get, "").await;
        let replaced = self.write(&format!("PUT {path}?fieldValidation=Ignore"), &got.text).await;
        let replaced_by_manifest = self.write(&format!("PUT {path}?fieldValidation=Ignore"), &body).await;
        let mut changes = Vec::new();
        let mut compare = |what: &str, before: &Value, answer: &Answer, masked: fn(&Value) -> Value| {
            let after = serde_json::from_str(&answer.text).unwrap_or_default();
            if answer.code != 200 || masked(before) != masked(&after) {
                let mut line = format!("{what}: {}", answer.code);
                write!(line, "\n    {}\n    {}", masked(before), masked(&after)).expect("a String takes all");
                changes.push(line);
            }
        };
        // The first apply writes down who manages the fields, and nothing else.
        compare("apply", &created, &once, without_managers);
        compare("apply again", &once.object(), &again, Value::clone);
        compare("get", &again.object(), &got, Value::clone);
        compare("replace", &got.object(), &replaced, Value::clone);
        // The taint of a node that is not ready is set when the node is made.
        if replaced_by_manifest.code == 200 && object["kind"] != "Node" {
            let spec = |object: &Value| json!([object["spec"], object["metadata"]["generation"]]);
            compare("replace by the manifest", &got.object(), &replaced_by_manifest, spec);
        }
        let delete = format!("DELETE {path}?gracePeriodSeconds=0");
        self.write(&delete, "").await;
        Some(changes)
    }

    async fn write(&self, request: &str, body: &str) -> Answer {
        let content_type =
            if request.starts_with("PATCH") { "application/apply-patch+yaml" } else { "application/json" };
        let headers = [("content-type", content_type), ("user-agent", "client")];
        self.cluster.send(TOKEN, request, &headers, body.as_bytes()).await
    }
}

/// A server without controllers, which would write the status of a definition in between.
async fn fresh(namespaces: &[String]) -> Cluster {
    let cluster = Cluster::over(std::sync::Arc::new(podsec_storage::Memory::default()), None);
    for namespace in namespaces {
        let namespace = json!({"metadata": {"name": namespace}}).to_string();
        let headers = [("content-type", "application/json"), ("user-agent", "client")];
        cluster.send(TOKEN, "POST /api/v1/namespaces", &headers, namespace.as_bytes()).await;
    }
    cluster
}

fn without_managers(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        metadata.remove("resourceVersion");
    }
    object
}

fn difference(want: &Value, answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    // What has no effect here has one in Kubernetes.
    let of_kubernetes = |text: &String| !text.contains("podsec serve ");
    let warnings: Vec<Value> = answer.warnings().into_iter().filter(of_kubernetes).map(Value::from).collect();
    let same = if answer.code >= 400 {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        text_matches(&text(&want["message"]), &text(&body["message"]))
            && text(&want["reason"]) == text(&body["reason"])
            && matches_in_any_order(&list(&want["causes"]), &list(&body["details"]["causes"]))
    } else {
        matches(&want["object"], &body)
    };
    if want["code"] == answer.code && same && matches_in_any_order(&list(&want["warnings"]), &warnings) {
        return None;
    }
    let shown = |code: &Value, body: &Value, warnings: &Value| {
        format!("{code} {warnings} {}", if body.is_null() { Value::Null } else { body.clone() })
    };
    let wanted = if want["object"].is_null() { &want["message"] } else { &want["object"] };
    let have = if answer.code >= 400 { &body["message"] } else { &body };
    Some(format!(
        "\n    {}\n    {}",
        shown(&want["code"], wanted, &want["warnings"]),
        shown(&answer.code.into(), have, &warnings.into())
    ))
}
