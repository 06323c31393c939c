//! How many of the recorded answers of Kubernetes are given alike: the numbers of docs/conformance.md.
//!
//! `make conformance` plays the recordings of the folder `recordings/` of `$PODSEC_SHARED`, which are too large for the
//! repository, and writes what it finds into the page. Without them a test holds the page to the numbers that
//! `conformance/validation/shares.tsv` tells.

mod cluster;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::Cluster;
use http_body_util::BodyExt as _;
use podsec_apimachinery::codec::protobuf_encode;
use serde_json::{Value, json};

#[test]
fn the_page_tells_the_shares_of_the_recorded_writes() {
    let page = fs::read_to_string(page()).expect("docs/conformance.md is part of the repository");
    assert!(page.contains(&writes()), "PODSEC_SHARED=… make conformance writes docs/conformance.md anew");
}

#[tokio::test]
#[ignore = "needs the recordings of $PODSEC_SHARED; run by make conformance"]
async fn recordings_are_answered_as_kubernetes_answers_them() {
    let shares = [
        ("protobuf: an object as Kubernetes encodes it", protobuf()),
        ("corpus: created, the same code", corpus("create", true).await),
        ("corpus: created, the same code and object", corpus("create", false).await),
        ("corpus: applied, the same code", corpus("apply", true).await),
        ("corpus: applied, the same code and object", corpus("apply", false).await),
        ("tables: the columns of a kind, descriptions among them", columns().await),
        ("discovery: resources of `/api` and `/apis`", discovery().await),
        ("discovery: paths of `/openapi/v3`", openapi("paths").await),
        ("discovery: schemas of `/openapi/v3`", openapi("components/schemas").await),
    ];
    let mut table = String::from("| recording | answers | alike | |\n| --- | ---: | ---: | ---: |\n");
    for (name, Share { all, alike }) in shares {
        let percent = 100.0 * f64::from(alike) / f64::from(all.max(1));
        writeln!(table, "| {name} | {all} | {alike} | {percent:.1} % |").expect("a String takes all");
    }
    let before = fs::read_to_string(page()).expect("docs/conformance.md is part of the repository");
    let (head, rest) = before.split_once(START).expect("the page says where the shares begin");
    let (_, tail) = rest.split_once(END).expect("the page says where the shares end");
    let text = format!("{head}{START}\n{table}\n{}{END}{tail}", writes());
    fs::write(page(), text).expect("the page can be written");
}

/// The table of the recorded writes, from the numbers that another test holds.
fn writes() -> String {
    let shares =
        fs::read_to_string(root().join("conformance/validation/shares.tsv")).expect("the shares are there");
    let mut table = String::from(
        "| writes of a kind | cases | same code | same causes | whole |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    for line in shares.lines().skip(1) {
        writeln!(table, "| {} |", line.replace('\t', " | ")).expect("a String takes all");
    }
    table
}

#[derive(Default)]
struct Share {
    all: u32,
    alike: u32,
}

impl Share {
    fn count(&mut self, alike: bool) {
        self.all += 1;
        self.alike += u32::from(alike);
    }
}

fn protobuf() -> Share {
    let mut share = Share::default();
    for pair in lines("protobuf/objects.jsonl.xz") {
        let wanted = STANDARD.decode(pair["protobuf"].as_str().expect("base64")).expect("base64");
        share.count(protobuf_encode::encode(&pair["json"]).is_ok_and(|bytes| bytes == wanted));
    }
    share
}

async fn corpus(verb: &str, only_code: bool) -> Share {
    let cluster = Cluster::start().await;
    let summary: Value = serde_json::from_slice(&read("corpus/summary.json")).expect("JSON");
    for namespace in summary["namespaces"].as_array().expect("a list") {
        // Those of the system are there already.
        let _ = cluster.json("POST /api/v1/namespaces", &json!({"metadata": {"name": namespace}})).await;
    }
    let objects = lines("corpus/objects.jsonl.xz");
    let mut share = Share::default();
    for (object, answer) in objects.iter().zip(lines("corpus/answers.jsonl.xz")) {
        assert_eq!(object["id"], answer["id"], "objects and answers stand in one order");
        let wanted = &answer[verb];
        // Which namespaces there were when a Namespace was created is not recorded.
        if wanted.is_null() || answer["kind"] == "Namespace" {
            continue;
        }
        let (method, content_type) = if verb == "create" {
            ("POST", "application/json")
        } else {
            ("PATCH", "application/apply-patch+yaml")
        };
        let request = format!("{method} {}", wanted["path"].as_str().expect("a path"));
        let headers = [("content-type", content_type), ("user-agent", "client")];
        let body = object["object"].to_string();
        let answer = cluster.send("admin-token", &request, &headers, body.as_bytes()).await;
        let same_code = wanted["code"] == answer.code;
        let same_object =
            answer.code >= 400 || settled(&wanted["object"], "") == settled(&answer.object(), "");
        share.count(same_code && (only_code || same_object));
    }
    cluster.api.stop();
    share
}

/// An object in which what a server makes up is left out.
fn settled(value: &Value, field: &str) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| {
                ![
                    "uid",
                    "resourceVersion",
                    "creationTimestamp",
                    "time",
                    "clusterIP",
                    "clusterIPs",
                    "nodePort",
                ]
                .contains(&name.as_str())
                    && !name.contains("controller-uid")
            })
            .map(|(name, value)| (name.clone(), settled(value, name)))
            .collect(),
        Value::Array(items) if field == "managedFields" => {
            let mut items: Vec<Value> = items.iter().map(|item| settled(item, "")).collect();
            items.sort_by_cached_key(Value::to_string);
            items.into()
        }
        Value::Array(items) => items.iter().map(|item| settled(item, "")).collect(),
        Value::String(text)
            if field == "name" || text.contains('T') && text.ends_with('Z') || text == "<time>" =>
        {
            if field == "name" { value.clone() } else { "<time>".into() }
        }
        other => other.clone(),
    }
}

async fn columns() -> Share {
    let cluster = Cluster::start().await;
    cluster.namespace("tab", Value::Null).await;
    let kinds: Value = serde_json::from_slice(&read("tables/columns.json")).expect("JSON");
    let mut share = Share::default();
    for kind in kinds.as_array().expect("a list") {
        let request = format!("GET {}", kind["path"].as_str().expect("a path"));
        let accept = ("accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
        let table = cluster.send("admin-token", &request, &[accept], b"").await.object();
        share.count(table["columnDefinitions"] == kind["columnDefinitions"]);
    }
    share
}

async fn discovery() -> Share {
    let cluster = Cluster::start().await;
    let mut share = Share::default();
    for (path, file) in [("/api", "aggregated-api"), ("/apis", "aggregated-apis")] {
        let accept = ("accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
        let have = cluster.send("admin-token", &format!("GET {path}"), &[accept], b"").await.object();
        let wanted: Value = serde_json::from_slice(&read(&format!("discovery/{file}.json"))).expect("JSON");
        let have = resources(&have);
        for resource in resources(&wanted) {
            share.count(have.contains(&resource));
        }
    }
    share
}

/// Every resource of an aggregated discovery, with its group and version.
fn resources(document: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    for group in document["items"].as_array().into_iter().flatten() {
        for version in group["versions"].as_array().into_iter().flatten() {
            for resource in version["resources"].as_array().into_iter().flatten() {
                found.push(json!([group["metadata"], version["version"], resource]));
            }
        }
    }
    found
}

async fn openapi(part: &str) -> Share {
    let cluster = Cluster::start().await;
    let documents: Value = serde_json::from_slice(&read("discovery/openapi-v3.json.xz")).expect("JSON");
    let mut share = Share::default();
    for (path, wanted) in documents.as_object().expect("documents by path") {
        let answer = cluster.open("admin-token", &format!("GET /openapi/v3/{path}"), &[], b"").await;
        let bytes = answer.into_body().collect().await.expect("a whole answer").to_bytes();
        let have: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let pointer = format!("/{part}");
        for (name, wanted) in wanted.pointer(&pointer).and_then(Value::as_object).into_iter().flatten() {
            share.count(have.pointer(&pointer).and_then(|all| all.get(name)) == Some(wanted));
        }
    }
    share
}

fn lines(name: &str) -> Vec<Value> {
    let text = String::from_utf8(read(name)).expect("recordings are text");
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

fn read(name: &str) -> Vec<u8> {
    let shared =
        std::env::var_os("PODSEC_SHARED").expect("PODSEC_SHARED names the folder that holds recordings/");
    let path = root().join(shared).join("recordings").join(name);
    if path.extension().is_none_or(|extension| extension != "xz") {
        return fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let output = Command::new("xz").arg("-dc").arg(&path).output().expect("xz decompresses recordings");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn page() -> PathBuf {
    root().join("docs/conformance.md")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

const START: &str = "<!-- Written by make conformance. -->\n";
const END: &str = "<!-- To here. -->";
