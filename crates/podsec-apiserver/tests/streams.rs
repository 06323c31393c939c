//! Lists and watches of many or large objects: the same objects as one by one, in pieces, and no more than is read.

#![expect(clippy::unwrap_used, reason = "a server that does not answer has failed")]

mod cluster;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cluster::Cluster;
use http_body_util::BodyExt;
use podsec_apiserver::ResponseBody;
use podsec_storage::{
    Answer, Change, Commit, Entry, Memory, Page, Precondition, Range, Revision, Store, Watch,
};
use serde_json::{Value, json};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PREFIX: &str = "/registry/configmaps/default/";

/// A store in memory that counts how often the ConfigMaps are read.
#[derive(Default)]
struct Counting {
    memory: Memory,
    ranges: AtomicUsize,
}

impl Store for Counting {
    fn revision(&self) -> Answer<'_, Revision> {
        self.memory.revision()
    }

    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<Entry>> {
        self.memory.get(key)
    }

    fn range<'a>(&'a self, range: Range<'a>) -> Answer<'a, Page> {
        // Not those of the controllers.
        if range.prefix == PREFIX {
            self.ranges.fetch_add(1, Ordering::Relaxed);
        }
        self.memory.range(range)
    }

    fn commit<'a>(&'a self, key: &'a str, precondition: Precondition, change: Change) -> Answer<'a, Commit> {
        self.memory.commit(key, precondition, change)
    }

    fn watch<'a>(&'a self, prefix: &'a str, from: Revision) -> Answer<'a, Box<dyn Watch>> {
        self.memory.watch(prefix, from)
    }

    fn compact(&self, revision: Revision) -> Answer<'_, ()> {
        self.memory.compact(revision)
    }
}

/// A server over `count` ConfigMaps.
async fn filled(count: usize) -> (Cluster, Arc<Counting>) {
    let store = Arc::new(Counting::default());
    let cluster = Cluster::over(Arc::clone(&store) as Arc<dyn Store>, None);
    cluster.api.bootstrap().await.unwrap();
    for index in 0..count {
        let labels = if index % 10 == 0 { json!({"tenth": "yes"}) } else { json!({}) };
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"kind": "x".repeat(index % 500)},
            "metadata": {"name": format!("c{index:05}"), "namespace": "default", "labels": labels},
        });
        put(&*store, &format!("c{index:05}"), &object).await;
    }
    (cluster, store)
}

async fn put(store: &dyn Store, name: &str, object: &Value) -> Revision {
    let change = Change::Put(object.to_string().into());
    store.commit(&format!("{PREFIX}{name}"), Precondition::Any, change).await.unwrap().revision
}

/// The pieces of a body as they come.
async fn pieces(mut body: ResponseBody) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    while let Some(frame) = body.frame().await {
        pieces.push(frame.unwrap().into_data().unwrap());
    }
    pieces
}

#[tokio::test]
async fn a_long_list_comes_in_pieces_and_its_items_are_the_objects() {
    let (cluster, _) = filled(3000).await;
    let response = cluster.open("admin", &format!("GET {CONFIG_MAPS}"), &[], &[]).await;
    let pieces = pieces(response.into_body()).await;
    assert!(pieces.len() > 3, "{}", pieces.len());
    assert!(pieces.iter().all(|piece| piece.len() < 200_000));
    assert!(pieces[0].len() < 50_000, "the first one leaves soon");
    let list: Value = serde_json::from_slice(&pieces.concat()).unwrap();
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("ConfigMapList"), &json!("v1")));
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 3000);
    for index in [0, 499, 500, 1234, 2999] {
        let mut object = cluster.get(&format!("{CONFIG_MAPS}/c{index:05}")).await.object();
        object.as_object_mut().unwrap().retain(|name, _| name != "kind" && name != "apiVersion");
        assert_eq!(items[index], object);
    }
}

#[tokio::test]
async fn every_form_of_a_long_list_has_every_object_once() {
    let (cluster, _) = filled(1500).await;
    let names = |list: &Value, items: &str, name: &str| -> Vec<String> {
        let items = list[items].as_array().unwrap();
        items.iter().map(|item| item.pointer(name).unwrap().as_str().unwrap().to_owned()).collect()
    };
    let all: Vec<String> = (0..1500).map(|index| format!("c{index:05}")).collect();
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    for (accept, kind, items, name) in [
        ("application/json", "ConfigMapList", "items", "/metadata/name"),
        (table, "Table", "rows", "/object/metadata/name"),
        (partial, "PartialObjectMetadataList", "items", "/metadata/name"),
    ] {
        for pretty in ["", "?pretty=1"] {
            let request = format!("GET {CONFIG_MAPS}{pretty}");
            let answer = cluster.send("admin", &request, &[("accept", accept)], &[]).await;
            let list = answer.object();
            assert_eq!(list["kind"], kind);
            assert_eq!(names(&list, items, name), all, "{accept}");
            assert_eq!(answer.text.contains("\n  \""), !pretty.is_empty());
        }
    }
    let list = cluster.get(&format!("{CONFIG_MAPS}?labelSelector=tenth%3Dyes")).await.object();
    assert_eq!(names(&list, "items", "/metadata/name").len(), 150);
    let first = cluster.get(&format!("{CONFIG_MAPS}?limit=700")).await.object();
    assert_eq!(names(&first, "items", "/metadata/name"), all[..700]);
    assert_eq!(first["metadata"]["remainingItemCount"], 800);
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = cluster.get(&format!("{CONFIG_MAPS}?limit=800&continue={token}")).await.object();
    assert_eq!(names(&second, "items", "/metadata/name"), all[700..]);
    assert!(second["metadata"].get("continue").is_none());
}

#[tokio::test]
async fn a_limit_with_a_selector_reads_the_store_once_more_at_most() {
    let (cluster, store) = filled(3000).await;
    for query in ["limit=1&labelSelector=none", "limit=100", "labelSelector=none"] {
        let before = store.ranges.load(Ordering::Relaxed);
        assert_eq!(cluster.get(&format!("{CONFIG_MAPS}?{query}")).await.code, 200);
        let read = store.ranges.load(Ordering::Relaxed) - before;
        assert!(read <= 2, "{query}: {read}");
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_finished_is_broken_off_and_not_ended() {
    let (cluster, store) = filled(1000).await;
    let change = Change::Put(Bytes::from_static(b"{"));
    store.commit(&format!("{PREFIX}c00900"), Precondition::Any, change).await.unwrap();
    let request = format!("GET {CONFIG_MAPS}?fieldSelector=metadata.name%21%3Dx");
    let response = cluster.open("admin", &request, &[], &[]).await;
    assert_eq!(response.status(), 200);
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn a_long_line_is_made_once_for_all_watches() {
    let (cluster, store) = filled(0).await;
    let watch = || async {
        let url = format!("GET {CONFIG_MAPS}?watch=1&resourceVersion=2");
        cluster.open("admin", &url, &[], &[]).await.into_body()
    };
    let (mut one, mut other) = (watch().await, watch().await);
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "x".repeat(20_000)},
        "metadata": {"name": "large", "namespace": "default"},
    });
    let revision = put(&*store, "large", &object).await;
    let large = |line: &Bytes| line.len() > 20_000;
    let mut lines = Vec::new();
    for body in [&mut one, &mut other] {
        loop {
            let line = body.frame().await.unwrap().unwrap().into_data().unwrap();
            if large(&line) {
                lines.push(line);
                break;
            }
        }
    }
    assert_eq!(lines[0].as_ptr(), lines[1].as_ptr());
    let mut shown = object;
    shown["metadata"]["resourceVersion"] = revision.to_string().into();
    let event: Value = serde_json::from_slice(&lines[0]).unwrap();
    assert_eq!(event, json!({"type": "ADDED", "object": shown}));
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_nobody_reads_is_ended() {
    let (cluster, store) = filled(0).await;
    let url = format!("GET {CONFIG_MAPS}?watch=1");
    let unread = cluster.open("admin", &url, &[], &[]).await.into_body();
    for round in 0..100 {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "x".repeat(20_000)},
            "metadata": {"name": "large", "labels": {"round": round.to_string()}},
        });
        put(&*store, "large", &object).await;
    }
    tokio::time::sleep(Duration::from_secs(40)).await;
    // What was held for it, and nothing more.
    let lines = tokio::time::timeout(Duration::from_secs(1), pieces(unread)).await.unwrap();
    assert!(lines.len() <= 3, "{}", lines.len());
}
