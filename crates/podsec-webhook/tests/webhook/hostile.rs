//! Clients that are slow, broken or worse: none of them harms another, and none takes more than its share.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::api_server::ApiServer;
use crate::client::post;
use crate::reviews::{allowed, baseline_pod, review_of};
use crate::running::Running;

async fn with_a_team(change: impl FnOnce(&mut podsec_webhook::Options)) -> Running {
    let api_server = ApiServer::start().await;
    api_server.set_namespace("team", &[("pod-security.kubernetes.io/enforce", "baseline")]);
    Running::start(api_server, change).await
}

/// Clients have little time.
fn hurried(options: &mut podsec_webhook::Options) {
    options.limits.handshake = Duration::from_millis(300);
    options.limits.first_request = Duration::from_millis(300);
    options.limits.headers = Duration::from_millis(300);
}

async fn answers(running: &Running) {
    let (status, answer) = running.client.review(review_of("team", &baseline_pod())).await;
    assert!(status.is_success() && allowed(&answer));
}

/// Waits until the other side has closed, and returns what it said.
async fn said_until_closed<S: tokio::io::AsyncRead + Unpin>(socket: &mut S) -> Vec<u8> {
    let mut said = Vec::new();
    // A connection that is torn down says nothing more, either.
    let _ =
        timeout(Duration::from_secs(10), socket.read_to_end(&mut said)).await.expect("it is never closed");
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_says_nothing_or_too_little_is_cut_off() {
    let running = with_a_team(hurried).await;
    let began = Instant::now();
    let mut silent = TcpStream::connect(running.client.address()).await.unwrap();
    let mut half_handshake = TcpStream::connect(running.client.address()).await.unwrap();
    half_handshake.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    let mut silent_after_handshake = running.client.socket().await.unwrap();
    let mut half_headers = running.client.socket().await.unwrap();
    half_headers.write_all(b"POST / HTTP/1.1\r\nhost: localhost\r\n").await.unwrap();
    let mut half_preface = running.client.socket().await.unwrap();
    half_preface.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    said_until_closed(&mut silent).await;
    said_until_closed(&mut half_handshake).await;
    said_until_closed(&mut silent_after_handshake).await;
    said_until_closed(&mut half_headers).await;
    said_until_closed(&mut half_preface).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    answers(&running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_drip_are_cut_off() {
    let running = with_a_team(hurried).await;
    let mut socket = running.client.socket().await.unwrap();
    let began = Instant::now();
    let head = b"POST / HTTP/1.1\r\nhost: localhost\r\nx-long: ";
    while socket.write_all(head).await.is_ok() && socket.flush().await.is_ok() {
        assert!(began.elapsed() < Duration::from_secs(5), "never cut off");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    answers(&running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_is_closed() {
    let running = with_a_team(|options| {
        options.limits.unauthenticated_idle = Duration::from_millis(500);
    })
    .await;
    let mut connection = running.client.http2().await.unwrap();
    connection.review(review_of("team", &baseline_pod())).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(connection.review(review_of("team", &baseline_pod())).await.is_err());
    answers(&running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_body_is_given_up_when_the_request_says() {
    let running = with_a_team(|_| {}).await;
    let half = |length: usize| {
        format!(
            "POST /?timeout=300ms HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{{"
        )
    };
    let mut stalled = running.client.socket().await.unwrap();
    stalled.write_all(half(1000).as_bytes()).await.unwrap();
    let mut cut = running.client.socket().await.unwrap();
    cut.write_all(half(1000).as_bytes()).await.unwrap();
    cut.shutdown().await.unwrap();
    drop(cut);
    let said = String::from_utf8(said_until_closed(&mut stalled).await).unwrap();
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    assert!(said.ends_with("the request body did not arrive in time\n"), "{said}");
    let body_bytes = async || running.client.metric("podsec_webhook_body_bytes").await;
    running.eventually("free again", async || body_bytes().await < 0.5).await;
    answers(&running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_garbage_requests_are_refused_one_by_one() {
    let running = with_a_team(|_| {}).await;
    let whole = review_of("team", &baseline_pod());
    let mut random = Random(0x5eed);
    let connection = running.client.http2().await.unwrap();
    let mut refused = 0;
    for _ in 0..250 {
        let batch: Vec<_> = (0..40)
            .map(|_| {
                let mut body = whole.clone();
                for _ in 0..=random.below(3) {
                    let place = random.below(body.len());
                    match random.below(3) {
                        0 => body[place] = u8::try_from(random.below(256)).unwrap(),
                        1 => body.truncate(place + 1),
                        _ => body.insert(place, b"{}[]\",:\\0e\xff\x00"[random.below(12)]),
                    }
                }
                let mut connection = connection.clone();
                tokio::spawn(async move { connection.review(body).await })
            })
            .collect();
        for answer in batch {
            let (status, _) = answer.await.unwrap().expect("an answer");
            assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&status), "{status}");
            refused += usize::from(status == StatusCode::BAD_REQUEST);
        }
    }
    assert!(refused > 5000, "only {refused} refused");
    for garbage in [&b"\x00\x00\x00"[..], b"GET / HTTP/9.9\r\n\r\n", b"POST  \r\n\r\n", &[b'a'; 10_000]] {
        let mut socket = running.client.socket().await.unwrap();
        // The server may hang up before it has read all.
        let _ = socket.write_all(garbage).await;
        let _ = socket.shutdown().await;
        said_until_closed(&mut socket).await;
    }
    answers(&running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_long_bodies_at_once_on_one_connection_stay_within_bounds() {
    let _alone = MEMORY.lock().await;
    let running = with_a_team(|_| {}).await;
    let mut pod = baseline_pod();
    pod["metadata"]["annotations"] = json!({"long": "x".repeat(3 * 1024 * 1024 - 2000)});
    let body = Bytes::from(review_of("team", &pod));
    assert!(body.len() < 3 * 1024 * 1024);
    drop(pod);
    let connection = running.client.http2().await.unwrap();
    let before = resident_megabytes();
    let began = Instant::now();
    let requests: Vec<_> = (0..100)
        .map(|_| {
            let (mut connection, body) = (connection.clone(), body.clone());
            tokio::spawn(async move { connection.review(body).await })
        })
        .collect();
    let mut peak = before;
    let mut reviewed = 0;
    for request in requests {
        let (status, answer) =
            timeout(Duration::from_secs(30), request).await.expect("a stall").unwrap().unwrap();
        match status {
            StatusCode::OK => {
                assert!(allowed(&answer));
                reviewed += 1;
            }
            status => assert_eq!(status, StatusCode::TOO_MANY_REQUESTS),
        }
        peak = peak.max(resident_megabytes());
    }
    assert!(reviewed > 0);
    assert!(peak - before < 64, "{before} MB before, {peak} MB at most");
    assert!(began.elapsed() < Duration::from_secs(20));
    answers(&running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_nested_a_million_levels_deep_is_an_error_like_any_other() {
    let running = with_a_team(|_| {}).await;
    let review = String::from_utf8(review_of("team", &baseline_pod())).unwrap();
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    for (place, field) in [("\"spec\":", "unknown"), ("\"request\":", "more"), ("\"metadata\":", "spec")] {
        let with = |depth| review.replacen(place, &format!("\"{field}\":{},{place}", nested(depth)), 1);
        let (status, answer) = running.client.review(with(5000).into_bytes()).await;
        assert!(status.is_success() && (field == "spec" || allowed(&answer)), "{field} is ignored");
        let (status, _) = running.client.review(with(700_000).into_bytes()).await;
        assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&status), "{status}");
        answers(&running).await;
    }
    let unclosed = "{\"request\":".repeat(200_000);
    assert_eq!(running.client.review(unclosed.into_bytes()).await.0, StatusCode::BAD_REQUEST);
    answers(&running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_too_many_takes_the_place_of_the_one_that_is_idle_for_the_longest_time() {
    let running = with_a_team(|options| options.limits.unauthenticated = 3).await;
    let mut first = running.client.http2().await.unwrap();
    let mut others = Vec::new();
    for _ in 0..6 {
        first.review(review_of("team", &baseline_pod())).await.unwrap();
        others.push(running.client.socket().await.unwrap());
    }
    first.review(review_of("team", &baseline_pod())).await.unwrap();
    for other in &mut others[..4] {
        said_until_closed(other).await;
    }
    let evicted = running.client.get("/metrics").await.1;
    let evicted = String::from_utf8_lossy(&evicted).into_owned();
    assert!(evicted.contains("podsec_connections_closed_total{reason=\"evicted\"} "), "{evicted}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_bodies_that_are_announced_and_never_sent_stop_no_review() {
    let _alone = MEMORY.lock().await;
    let running = with_a_team(|_| {}).await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        let mut socket = running.client.socket().await.unwrap();
        let head = "POST /?timeout=30s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                    content-length: 3145727\r\n\r\n";
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.flush().await.unwrap();
        silent.push(socket);
    }
    for _ in 0..100 {
        answers(&running).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_stop_before_their_last_byte_stop_no_review() {
    let _alone = MEMORY.lock().await;
    let running = with_a_team(|options| options.load.reviews = 16).await;
    let mut stalled = Vec::new();
    for _ in 0..40 {
        let mut socket = running.client.socket().await.unwrap();
        let head = "POST /?timeout=30s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                    content-length: 1048577\r\n\r\n";
        socket.write_all(head.as_bytes()).await.unwrap();
        // Whoever makes room for the next is told so, and may be gone.
        let _ = socket.write_all(&vec![b' '; 1 << 20]).await;
        let _ = socket.flush().await;
        stalled.push(socket);
        answers(&running).await;
    }
    assert!(running.client.metric("podsec_webhook_body_bytes").await > 1e6, "they hold what they sent");
    answers(&running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_connections_and_a_thousand_bare_ones_lock_nobody_out() {
    let _alone = MEMORY.lock().await;
    let running = with_a_team(|_| {}).await;
    let mut idle = Vec::new();
    for _ in 0..1024 {
        idle.push(running.client.socket().await.unwrap());
    }
    let mut bare = Vec::new();
    for _ in 0..1100 {
        bare.push(TcpStream::connect(running.client.address()).await.unwrap());
    }
    for _ in 0..10 {
        answers(&running).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_review_too_many_is_refused_at_once() {
    let _alone = MEMORY.lock().await;
    let running = with_a_team(|options| options.load.reviews = 0).await;
    let mut connection = running.client.http2().await.unwrap();
    let request = post("https://localhost/", "application/json", review_of("team", &baseline_pod()).into());
    let (status, text) = connection.send(request).await.unwrap();
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(&text[..], b"too many reviews at the moment, try again\n");
}

/// The memory of bodies and of the process is shared by all tests of a process: those that fill or measure it take turns.
static MEMORY: Mutex<()> = Mutex::const_new(());

fn resident_megabytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}
