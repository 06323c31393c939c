//! A server without a socket: requests go in as values, answers come out as values.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "every test uses its part, and fails where it cannot go on"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request};
use podsec_admission::Admission;
use podsec_apiserver::{ApiServer, Peer, Plugins, ResponseBody, Tokens, User, request_body};
use podsec_audit::Auditor;
use podsec_storage::{Change, Memory, Precondition, Store};
use serde_json::{Value, json};

pub(crate) struct Cluster {
    pub(crate) api: Arc<ApiServer>,
    store: Arc<dyn Store>,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Cluster {
    /// A server with its system namespaces and controllers, as `podsec serve` starts it.
    pub(crate) async fn start() -> Self {
        let cluster = Self::over(Arc::new(Memory::default()), None);
        cluster.api.bootstrap().await.unwrap();
        cluster
    }

    /// A bare server: no namespaces, no controllers, and so without the plugin that wants an account for each pod.
    pub(crate) fn over(store: Arc<dyn Store>, auditor: Option<Auditor>) -> Self {
        let mut tokens = Tokens::default();
        tokens.insert("admin", User::new("admin", &["system:masters"]));
        tokens.insert("joe", User::new("joe", &[]));
        // Of the cluster where `conformance/validation` was recorded.
        for (name, group) in [("admin", "system:masters"), ("jane", "devs")] {
            let token = if name == "jane" { "dev-token" } else { "admin-token" };
            tokens.insert(token, User { uid: format!("{name}-uid"), ..User::new(name, &[group]) });
        }
        let admission = Admission::default();
        let api = ApiServer::new(Arc::clone(&store), tokens, admission, auditor);
        let plugins = Plugins::select(&[], &["ServiceAccount".to_owned()]).unwrap();
        Self { api: Arc::new(api.with_plugins(plugins)), store }
    }

    /// A bare server without some admission plugins.
    pub(crate) fn without(plugins: &[&str]) -> Self {
        let plugins: Vec<String> =
            plugins.iter().chain(&["ServiceAccount"]).map(|name| (*name).to_owned()).collect();
        let plugins = Plugins::select(&[], &plugins).unwrap();
        let mut tokens = Tokens::default();
        tokens.insert("admin", User::new("admin", &["system:masters"]));
        let store: Arc<dyn Store> = Arc::new(Memory::default());
        let api = ApiServer::new(Arc::clone(&store), tokens, Admission::default(), None);
        Self { api: Arc::new(api.with_plugins(plugins)), store }
    }

    /// Sends a request as the holder of `token`; none for the empty one.
    pub(crate) async fn send(
        &self,
        token: &str,
        request: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let response = self.open(token, request, headers, body).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { code: parts.status.as_u16(), headers: parts.headers, text }
    }

    /// The same, without waiting for the end of the answer.
    pub(crate) async fn open(
        &self,
        token: &str,
        request: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> hyper::Response<ResponseBody> {
        let (method, url) = request.split_once(' ').unwrap();
        let mut builder = Request::builder().method(method).uri(url);
        if !token.is_empty() {
            builder = builder.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let request = builder.body(request_body(Full::from(body.to_vec()))).unwrap();
        let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 40000);
        self.api.serve(Peer { address, certified: None }, request).await
    }

    /// Sends a request with a JSON body as the administrator.
    pub(crate) async fn json(&self, request: &str, body: &Value) -> Answer {
        let content_type =
            if request.starts_with("PATCH") { "application/merge-patch+json" } else { "application/json" };
        let bytes = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        self.send("admin", request, &[("content-type", content_type)], &bytes).await
    }

    /// GET as the administrator.
    pub(crate) async fn get(&self, url: &str) -> Answer {
        self.json(&format!("GET {url}"), &Value::Null).await
    }

    /// Makes a namespace with these labels.
    pub(crate) async fn namespace(&self, name: &str, labels: Value) {
        let namespace = json!({"metadata": {"name": name, "labels": labels}});
        let answer = self.json("POST /api/v1/namespaces", &namespace).await;
        assert_eq!(answer.code, 201, "{}", answer.text);
    }

    /// Makes an object and returns it.
    pub(crate) async fn create(&self, url: &str, object: Value) -> Value {
        let answer = self.json(&format!("POST {url}"), &object).await;
        assert_eq!(answer.code, 201, "{}", answer.text);
        answer.object()
    }

    /// Stores what no client may write.
    pub(crate) async fn store(&self, key: &str, object: &Value) {
        let change = Change::Put(serde_json::to_vec(object).unwrap().into());
        self.store.commit(key, Precondition::Absent, change).await.unwrap();
    }

    /// Asks again and again until `url` answers with `code`.
    pub(crate) async fn eventually(&self, url: &str, code: u16) -> Answer {
        for _ in 0..500 {
            let answer = self.get(url).await;
            if answer.code == code {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{url} never answered {code}");
    }
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn object(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The texts of the `Warning` headers, as they stand there.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let text = |value: &hyper::header::HeaderValue| String::from_utf8(value.as_bytes().to_vec()).unwrap();
        self.headers.get_all("warning").iter().map(text).collect()
    }

    /// The events of a watch that has ended.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A pod that every level lets through.
pub(crate) fn pod(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [
        {"name": "c", "image": "busybox"}
    ]}})
}
