//! Changes and ends under load: no request fails and no answer is wrong.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use podsec_admission::{Admission, ClusterError, Configuration, NamespaceLabels};
use podsec_https::Limits;
use podsec_webhook::cluster::{Answer, Live, Namespaces};
use podsec_webhook::tls::{ServingCertificate, TlsOptions, server_config};
use podsec_webhook::{Load, Metrics, Webhook};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::api_server::ApiServer;
use crate::authority::Authority;
use crate::client::{Client, post};
use crate::running::Running;
use crate::{allowed, baseline_pod, review_of};

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
        let authority = Authority::new();
        let pair = authority.issue(2100);
        let certificate = ServingCertificate::from_pem(pair.certificate.as_bytes(), pair.key.as_bytes());
        let certificate = Arc::new(certificate.unwrap());
        let tls = Arc::new(server_config(Arc::clone(&certificate), &TlsOptions::default()).unwrap());
        let namespaces = Arc::new(Namespaces::default());
        namespaces.insert("team", NamespaceLabels::default());
        let webhook = Arc::new(Webhook::new(
            defaulting_to("baseline"),
            namespaces,
            Arc::new(Nowhere),
            Arc::new(Metrics::default()),
            Load::default(),
        ));
        let listener = TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).await.unwrap();
        let client = Client::new(listener.local_addr().unwrap(), &authority);
        let (stop, stopped) = oneshot::channel::<()>();
        let handler = Arc::clone(&webhook);
        tokio::spawn(podsec_https::serve(listener, tls, handler, Limits::default(), async {
            drop(stopped.await);
        }));
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
                if index % 2 == 0 {
                    http2_until_the_end(&client, &answered).await;
                } else {
                    http1_until_the_end(&client, &answered).await;
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

/// Asks on one connection after the other until nobody listens. A request that the server says it has not begun is
/// sent again, as every HTTP/2 client does.
async fn http2_until_the_end(client: &Client, answered: &AtomicUsize) {
    while let Ok(mut connection) = client.http2().await {
        loop {
            match connection.review(review_of("team", &baseline_pod())).await {
                Ok((status, _)) => assert!(status.is_success()),
                Err(error) => {
                    let unsent = error.is_canceled() || error.is_closed() || is_goaway(&error);
                    assert!(unsent, "a request that was begun failed: {error:?}");
                    break;
                }
            }
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Asks on one connection after the other until nobody listens. The server says with each answer whether the
/// connection goes on.
async fn http1_until_the_end(client: &Client, answered: &AtomicUsize) {
    while let Ok(mut connection) = client.http1().await {
        while !connection.is_closed() {
            let request = post("/", "application/json", review_of("team", &baseline_pod()).into());
            match connection.send(request).await {
                Ok((status, _)) => assert!(status.is_success()),
                Err(error) => {
                    assert!(
                        error.is_canceled() || error.is_closed(),
                        "a request that was sent failed: {error:?}"
                    );
                    break;
                }
            }
            answered.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    }
}

/// Whether the connection ended in peace: GOAWAY without an error.
fn is_goaway(error: &hyper::Error) -> bool {
    format!("{error:?}").contains("GoAway(b\"\", NO_ERROR")
}
