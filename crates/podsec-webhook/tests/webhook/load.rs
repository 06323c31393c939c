//! Changes and ends under load: no request fails and no answer is wrong.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use podsec_admission::{Admission, ClusterError, Configuration, NamespaceLabels};
use podsec_transport::{Limits, Listener};
use podsec_webhook::cluster::{Answer, Live, Namespaces};
use podsec_webhook::tls::{ServingCertificate, TlsOptions, server_config};
use podsec_webhook::{Load, Metrics, Webhook};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::api_server::ApiServer;
use crate::authority::Authority;
use crate::client::Client;
use crate::faults::labelling;
use crate::reviews::{allowed, baseline_pod, review_of};
use crate::running::Running;
use crate::until_the_end::{http1, http2};

/// A webhook without files and without an API server, so that the test itself replaces what files would.
struct Bare {
    webhook: Arc<Webhook>,
    certificate: Arc<ServingCertificate>,
    authority: Authority,
    client: Client,
    _stop: oneshot::Sender<()>,
}

impl Bare {
    async fn start() -> Self {
        Self::with(Nowhere, Load::default()).await
    }

    async fn with(live: impl Live, load: Load) -> Self {
        let authority = Authority::new();
        let pair = authority.issue(2100);
        let certificate = ServingCertificate::from_pem(pair.certificate.as_bytes(), pair.key.as_bytes());
        let certificate = Arc::new(certificate.unwrap());
        let tls =
            Arc::new(server_config(Arc::clone(&certificate) as _, &TlsOptions::default(), None).unwrap());
        let namespaces = Arc::new(Namespaces::default());
        namespaces.insert("team", NamespaceLabels::default());
        let metrics = Arc::new(Metrics::default());
        let webhook = Arc::new(Webhook::new(
            defaulting_to("baseline"),
            namespaces,
            Arc::new(live),
            Arc::clone(&metrics),
            load,
        ));
        let socket = TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).await.unwrap();
        let client = Client::new(socket.local_addr().unwrap(), &authority);
        let (stop, stopped) = oneshot::channel::<()>();
        let handler = Arc::clone(&webhook);
        let metrics = metrics.connections().clone();
        let listener = Listener { socket, tls, limits: Limits::default(), metrics };
        tokio::spawn(listener.serve(handler, async { drop(stopped.await) }));
        Self { webhook, certificate, authority, client, _stop: stop }
    }
}

/// A cluster of which only the cache knows anything.
struct Nowhere;

impl Live for Nowhere {
    fn namespace<'a>(&'a self, name: &'a str) -> Answer<'a, NamespaceLabels> {
        Box::pin(async { Err(ClusterError::NotFound(name.to_owned())) })
    }

    fn pods<'a>(&'a self, _: &'a str) -> Answer<'a, Vec<Vec<u8>>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// A cluster with very many pods in each namespace.
struct Crowded;

impl Live for Crowded {
    fn namespace<'a>(&'a self, name: &'a str) -> Answer<'a, NamespaceLabels> {
        Nowhere.namespace(name)
    }

    fn pods<'a>(&'a self, _: &'a str) -> Answer<'a, Vec<Vec<u8>>> {
        Box::pin(async { Ok(vec![baseline_pod().to_string().into_bytes(); 10_000]) })
    }
}

fn defaulting_to(level: &str) -> Admission {
    let text = format!(
        "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\n\
         defaults: {{enforce: {level}}}\n"
    );
    Admission::new(Configuration::from_yaml(&text).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_rotations_of_the_certificate_fail_no_request() {
    let bare = Bare::start().await;
    let pairs: Vec<_> = (2101..2105).map(|year| bare.authority.issue(year)).collect();
    let done = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..2)
        .map(|_| {
            let (client, done, answered) = (bare.client.clone(), Arc::clone(&done), Arc::clone(&answered));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let mut connection = client.http2().await.expect("a handshake");
                    for _ in 0..3 {
                        let body = review_of("team", &baseline_pod());
                        let (_, answer) = connection.review(body).await.expect("an answer");
                        assert!(allowed(&answer));
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for pair in pairs.iter().cycle().take(1000) {
        bare.certificate.replace(pair.certificate.as_bytes(), pair.key.as_bytes()).unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    done.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    assert!(answered.load(Ordering::Relaxed) > 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_that_is_swapped_under_load_gives_no_wrong_answer() {
    let bare = Bare::start().await;
    let mut connection = bare.client.http2().await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let load = {
        let (mut connection, done) = (connection.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let (status, _) = connection.review(review_of("team", &baseline_pod())).await.unwrap();
                assert!(status.is_success());
            }
        })
    };
    for round in 0..200 {
        let strict = round % 2 == 0;
        bare.webhook.reconfigure(defaulting_to(if strict { "restricted" } else { "baseline" }));
        for _ in 0..5 {
            let (_, answer) = connection.review(review_of("team", &baseline_pod())).await.unwrap();
            assert_eq!(allowed(&answer), !strict, "asked after the swap");
        }
    }
    done.store(true, Ordering::Relaxed);
    load.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_told_to_stop_answers_whatever_was_sent() {
    let api_server = ApiServer::start().await;
    api_server.set_namespace("team", &[]);
    let mut running =
        Running::start(api_server, |options| options.shutdown_delay = Duration::from_millis(300)).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..8)
        .map(|index| {
            let (client, answered) = (running.client.clone(), Arc::clone(&answered));
            tokio::spawn(async move {
                let body = review_of("team", &baseline_pod());
                if index % 2 == 0 {
                    http2(&client, &body, &answered).await;
                } else {
                    http1(&client, &body, &answered).await;
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.stop();
    let before = answered.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(answered.load(Ordering::Relaxed) > before, "it serves on until nobody is sent here any more");
    running.stopped().await;
    for client in clients {
        client.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_of_very_many_existing_pods_holds_up_no_other_review_of_its_connection() {
    let patient =
        Load { existing_pods: usize::MAX, existing_pods_timeout: Duration::from_secs(10), ..Load::default() };
    let bare = Bare::with(Crowded, patient).await;
    let mut connection = bare.client.http2().await.unwrap();
    let mut other = connection.clone();
    let checking = tokio::spawn(async move { other.review(labelling("team")).await.unwrap() });
    let mut answered = 0;
    while !checking.is_finished() {
        connection.review(review_of("team", &baseline_pod())).await.unwrap();
        answered += 1;
    }
    let (_, answer) = checking.await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("app (and 9999 other pods)"), "{answer}");
    assert!(answered > 3, "{answered} reviews");
}
