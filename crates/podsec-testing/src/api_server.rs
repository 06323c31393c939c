//! A double of an API server: namespaces and pods, lists and watches, and every way to fail.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::sleep;

const NAMESPACES: &str = "/api/v1/namespaces";

type Body = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

/// How the server treats its clients.
#[derive(Clone, Default)]
pub struct Manners {
    /// How long it thinks about lists and about single objects.
    pub delay: Duration,
    /// It has forgotten every revision, and says so in this way.
    pub gone: Option<Gone>,
    /// It closes watches as soon as they begin.
    pub closes_watches: bool,
}

/// How a server says that a revision is too old.
#[derive(Clone, Copy)]
pub enum Gone {
    /// With an event on the watch.
    Event,
    /// With an HTTP status.
    Status,
}

/// The double, listening on the loopback until it is dropped.
pub struct ApiServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    events: broadcast::Sender<Event>,
    serving: Option<JoinHandle<()>>,
}

/// A line of the watches of a collection; of all watches, which then end, without one.
type Event = (String, Option<String>);

#[derive(Default)]
struct State {
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
    pods: BTreeMap<String, Vec<Value>>,
    revision: u64,
    manners: Manners,
    requests: VecDeque<String>,
    /// Secrets and webhook configurations, by their paths.
    objects: BTreeMap<String, Value>,
}

impl ApiServer {
    /// Listens on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut server = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
            events: broadcast::channel(1000).0,
            serving: None,
        };
        server.state.lock().unwrap().revision = 1;
        server.accept(listener);
        server
    }

    /// Breaks all connections and refuses new ones.
    pub async fn vanish(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
    }

    /// Listens again where it did before it vanished.
    pub async fn come_back(&mut self) {
        self.accept(TcpListener::bind(self.address).await.unwrap());
    }

    /// Treats its clients so from now on.
    pub fn behave(&self, manners: Manners) {
        self.state.lock().unwrap().manners = manners;
    }

    /// Ends every watch that goes on.
    pub fn close_watches(&self) {
        let _ = self.events.send((String::new(), None));
    }

    /// Creates a namespace or gives it these labels.
    pub fn set_namespace(&self, name: &str, labels: &[(&str, &str)]) {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.replace_namespace(name, labels);
    }

    /// Creates a namespace or gives it these labels alone.
    pub fn replace_namespace(&self, name: &str, labels: BTreeMap<String, String>) {
        let mut state = self.state.lock().unwrap();
        state.revision += 1;
        let known = state.namespaces.insert(name.to_owned(), labels).is_some();
        let object = state.namespace(name).unwrap();
        self.tell(NAMESPACES, if known { "MODIFIED" } else { "ADDED" }, &object);
    }

    /// Deletes a namespace that is there.
    pub fn delete_namespace(&self, name: &str) {
        let mut state = self.state.lock().unwrap();
        state.revision += 1;
        let object = state.namespace(name).unwrap();
        state.namespaces.remove(name);
        self.tell(NAMESPACES, "DELETED", &object);
    }

    /// Puts these pods in the place of those of a namespace.
    pub fn set_pods(&self, namespace: &str, pods: Vec<Value>) {
        self.state.lock().unwrap().pods.insert(namespace.to_owned(), pods);
    }

    /// Puts an object where it is read from, or a Status where dry runs are to be refused.
    pub fn set_object(&self, path: &str, object: Value) {
        let mut state = self.state.lock().unwrap();
        state.revision += 1;
        self.tell(path.rsplit_once('/').unwrap().0, "MODIFIED", &object);
        state.objects.insert(path.to_owned(), object);
    }

    /// Deletes the object that is read from a path.
    pub fn remove_object(&self, path: &str) {
        let mut state = self.state.lock().unwrap();
        state.revision += 1;
        let object = state.objects.remove(path).unwrap();
        self.tell(path.rsplit_once('/').unwrap().0, "DELETED", &object);
    }

    fn tell(&self, collection: &str, event: &str, object: &Value) {
        let line = json!({"type": event, "object": object}).to_string();
        let _ = self.events.send((collection.to_owned(), Some(line)));
    }

    /// The object that is read from a path.
    pub fn object(&self, path: &str) -> Option<Value> {
        self.state.lock().unwrap().objects.get(path).cloned()
    }

    /// What was asked since the last time, oldest first.
    pub fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.drain(..).collect()
    }

    /// Writes how to reach this server.
    pub fn write_kubeconfig(&self, path: &Path) {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": format!("http://{}", self.address)}}],
            "users": [{"name": "test", "user": {}}],
        });
        std::fs::write(path, config.to_string()).unwrap();
    }

    fn accept(&mut self, listener: TcpListener) {
        let (state, events) = (Arc::clone(&self.state), self.events.clone());
        self.serving = Some(tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                let (state, events) = (Arc::clone(&state), events.clone());
                let service = service_fn(move |request| answer(request, Arc::clone(&state), events.clone()));
                connections.spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        }));
    }
}

impl State {
    fn namespace(&self, name: &str) -> Option<Value> {
        let labels = self.namespaces.get(name)?;
        Some(json!({
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": {"name": name, "labels": labels, "resourceVersion": self.revision.to_string()},
        }))
    }

    /// The objects of a collection.
    fn items(&self, collection: &str) -> Vec<Value> {
        if collection == NAMESPACES {
            return self.namespaces.keys().filter_map(|name| self.namespace(name)).collect();
        }
        let inside = |path: &str| path.rsplit_once('/').is_some_and(|(folder, _)| folder == collection);
        self.objects.iter().filter(|(path, _)| inside(path)).map(|(_, object)| object.clone()).collect()
    }
}

impl State {
    /// Reads or writes a Secret or a webhook configuration.
    fn access(&mut self, method: &Method, path: &str, mut body: Value) -> Response<Body> {
        let path = match (method, body["metadata"]["name"].as_str()) {
            (&Method::POST, Some(name)) => format!("{path}/{name}"),
            _ => path.to_owned(),
        };
        let known = self.objects.get(&path).cloned();
        let object = match (method, known) {
            (&Method::POST, Some(_)) => return refusal(StatusCode::CONFLICT, "already exists"),
            (&Method::POST, None) => body,
            (_, None) => return refusal(StatusCode::NOT_FOUND, "not found"),
            (&Method::PUT, Some(known)) => {
                let revision = |object: &Value| object["metadata"]["resourceVersion"].clone();
                if revision(&known) != revision(&body) {
                    return refusal(StatusCode::CONFLICT, "the object has been modified");
                }
                body
            }
            (&Method::PATCH, Some(mut known)) => {
                for operation in body.as_array_mut().unwrap() {
                    let path = operation["path"].as_str().unwrap().to_owned();
                    let value = operation["value"].take();
                    match operation["op"].as_str().unwrap() {
                        "test" => assert_eq!(known.pointer(&path), Some(&value)),
                        "add" => {
                            let (parent, name) = path.rsplit_once('/').unwrap();
                            known.pointer_mut(parent).unwrap()[name] = value;
                        }
                        other => panic!("{other}"),
                    }
                }
                known
            }
            (_, Some(known)) => return whole(StatusCode::OK, &known),
        };
        self.revision += 1;
        let mut object = object;
        object["metadata"]["resourceVersion"] = self.revision.to_string().into();
        self.objects.insert(path, object.clone());
        whole(StatusCode::OK, &object)
    }
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
    events: broadcast::Sender<Event>,
) -> Result<Response<Body>, Infallible> {
    let uri = request.uri().to_string();
    let (path, query) = uri.split_once('?').unwrap_or((&uri, ""));
    let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let manners = {
        let mut state = state.lock().unwrap();
        state.requests.push_back(uri.clone());
        state.manners.clone()
    };
    if parameter("watch").is_some() {
        return Ok(watch(path, &manners, &state, &events, parameter("resourceVersion")));
    }
    sleep(manners.delay).await;
    if path.ends_with("/secrets") && request.method() == Method::GET {
        let state = state.lock().unwrap();
        let metadata = json!({"resourceVersion": state.revision.to_string()});
        return Ok(whole(StatusCode::OK, &json!({"metadata": metadata, "items": state.items(path)})));
    }
    let is_object = ["/secrets", "/services"].iter().any(|part| path.contains(part));
    if is_object || path.starts_with("/apis/") {
        let (path, method) = (path.to_owned(), request.method().clone());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        return Ok(state.lock().unwrap().access(&method, &path, body));
    }
    let state = state.lock().unwrap();
    if parameter("dryRun").is_some() {
        // What becomes of it was said before.
        let answer = state.objects.get(path).cloned().unwrap_or_else(|| json!({"metadata": {}}));
        let code = answer["code"].as_u64().map_or(201, |code| u16::try_from(code).unwrap());
        return Ok(whole(StatusCode::from_u16(code).unwrap(), &answer));
    }
    let skipped: usize = parameter("continue").map_or(0, |token| token.parse().unwrap());
    let limit: usize = parameter("limit").map_or(usize::MAX, |limit| limit.parse().unwrap());
    let list = |all: Vec<Value>| {
        let rest = all.len().saturating_sub(skipped + limit.min(all.len()));
        let next = if rest > 0 { (skipped + limit).to_string() } else { String::new() };
        let items: Vec<Value> = all.into_iter().skip(skipped).take(limit).collect();
        let metadata = json!({"resourceVersion": state.revision.to_string(), "continue": next});
        whole(
            StatusCode::OK,
            &json!({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items}),
        )
    };
    let parts: Vec<&str> = path.trim_start_matches("/api/v1/namespaces").split('/').skip(1).collect();
    Ok(match parts.as_slice() {
        [] => list(state.items(NAMESPACES)),
        [name, "pods"] => list(state.pods.get(*name).cloned().unwrap_or_default()),
        [name] => match state.namespace(name) {
            Some(namespace) => whole(StatusCode::OK, &namespace),
            None => refusal(StatusCode::NOT_FOUND, &format!("namespaces \"{name}\" not found")),
        },
        _ => refusal(StatusCode::NOT_FOUND, "the server could not find the requested resource"),
    })
}

fn watch(
    collection: &str,
    manners: &Manners,
    state: &Mutex<State>,
    events: &broadcast::Sender<Event>,
    revision: Option<&str>,
) -> Response<Body> {
    let receiver = events.subscribe();
    let current = state.lock().unwrap().revision.to_string();
    let old = revision != Some(&current);
    match manners.gone {
        Some(Gone::Status) if old => return refusal(StatusCode::GONE, "too old resource version"),
        Some(Gone::Event) if old => {
            let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "metadata": {},
                "message": "too old resource version", "reason": "Expired", "code": 410});
            return streamed(stream::iter([json!({"type": "ERROR", "object": status}).to_string()]).boxed());
        }
        _ if manners.closes_watches => return streamed(stream::empty().boxed()),
        _ => {}
    }
    // Whatever happened before this watch is told first, as if all of it had just changed.
    let missed: Vec<String> = if old {
        let objects = state.lock().unwrap().items(collection);
        objects.iter().map(|object| json!({"type": "MODIFIED", "object": object}).to_string()).collect()
    } else {
        Vec::new()
    };
    let collection = collection.to_owned();
    let later = stream::unfold((receiver, collection), |(mut receiver, collection)| async {
        loop {
            let (of, line) = receiver.recv().await.ok()?;
            let line = line?;
            if of == collection {
                return Some((line, (receiver, collection)));
            }
        }
    });
    streamed(stream::iter(missed).chain(later).boxed())
}

fn streamed(lines: BoxStream<'static, String>) -> Response<Body> {
    let frames = lines.map(|line| Ok(Frame::data(Bytes::from(line + "\n"))));
    Response::new(StreamBody::new(frames.boxed()))
}

fn whole(status: StatusCode, object: &Value) -> Response<Body> {
    let frame = Frame::data(Bytes::from(object.to_string()));
    let mut response = Response::new(StreamBody::new(stream::iter([Ok(frame)]).boxed()));
    *response.status_mut() = status;
    response
}

fn refusal(status: StatusCode, message: &str) -> Response<Body> {
    whole(
        status,
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
            "reason": status.canonical_reason().unwrap().replace(' ', ""), "code": status.as_u16()}),
    )
}
