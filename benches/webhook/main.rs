//! The webhook under load, beside a bare HTTPS server of the same libraries that reads each body and answers a fixed
//! JSON, and beside the webhook's own listener doing the same: what is between the two listeners is what ours gains,
//! what is between ours and the webhook is what a review costs.
//!
//! All run as processes of their own with one worker thread, one after the other in turns, against the same load:
//! HTTP/2, 32 reviews of 10 KB in flight. The webhook is the whole one, with an API server behind it whose namespaces
//! it caches.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints its figures or breaks off")]

mod echo;
mod listener;
mod load;
mod process;
mod review;

use std::path::{Path, PathBuf};

use load::{Figures, Load};
use podsec_testing::api_server::ApiServer;
use podsec_testing::authority::Authority;
use process::Process;
use tokio::runtime::Builder;

const NAMESPACES: usize = 10_000;
const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // As in the real program, where what is not logged costs next to nothing.
    tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::new()).unwrap();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["echo", folder] => runtime.block_on(echo::serve(Path::new(folder))),
        ["listener", folder] => runtime.block_on(listener::serve(Path::new(folder))),
        ["webhook", folder] => runtime.block_on(webhook(Path::new(folder))),
        _ => runtime.block_on(compare()),
    }
}

/// Runs the webhook with the files of a folder.
async fn webhook(folder: &Path) {
    let options = podsec_webhook::Options {
        secure_port: 0,
        tls_cert_file: folder.join("tls.crt"),
        tls_private_key_file: folder.join("tls.key"),
        kubeconfig: Some(folder.join("kubeconfig")),
        ..podsec_webhook::Options::default()
    };
    let server = podsec_webhook::Server::start(options).await.unwrap();
    println!("{}", server.address().port());
    server.serve(std::future::pending()).await;
}

async fn compare() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let pair = authority.issue(2100);
    std::fs::write(folder.path().join("tls.crt"), &pair.certificate).unwrap();
    std::fs::write(folder.path().join("tls.key"), &pair.key).unwrap();
    let api_server = ApiServer::start().await;
    api_server.set_namespace("strict", review::RESTRICTED);
    api_server.write_kubeconfig(&folder.path().join("kubeconfig"));

    let folder: PathBuf = folder.path().into();
    let idle = Process::start("webhook", &folder);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    println!("webhook, idle, 1 namespace: {:.1} MB resident", idle.resident_megabytes());
    drop(idle);

    for index in 1..NAMESPACES {
        api_server.set_namespace(&format!("team-{index}"), review::RESTRICTED);
    }
    let echo = Process::start("echo", &folder);
    let listener = Process::start("listener", &folder);
    let webhook = Process::start("webhook", &folder);
    load::wait_for_namespaces(&authority, webhook.port, NAMESPACES).await;
    println!("webhook, idle, {NAMESPACES} namespaces: {:.1} MB resident", webhook.resident_megabytes());

    let (allowed, forbidden) = (review::allowed(), review::forbidden());
    let load = Load::new(&authority);
    let mut rows = [
        ("bare HTTPS echo", &echo, allowed.clone(), Vec::new()),
        ("the webhook's listener", &listener, allowed.clone(), Vec::new()),
        ("webhook, pods allowed", &webhook, allowed, Vec::new()),
        ("webhook, pods forbidden", &webhook, forbidden, Vec::new()),
    ];
    load.check(webhook.port, &rows[2].2, true).await;
    load.check(webhook.port, &rows[3].2, false).await;
    for _ in 0..ROUNDS {
        for (_, process, body, figures) in &mut rows {
            figures.push(load.run(process, body).await);
        }
    }
    println!("reviews of {} and {} bytes\n", rows[2].2.len(), rows[3].2.len());
    print_table(
        rows.map(|(name, process, _, figures)| (name, Figures::median(&figures), process.peak_megabytes())),
    );
}

fn print_table(rows: [(&str, Figures, f64); 4]) {
    println!(
        "{:<26}{:>10}{:>7}{:>8}{:>8}{:>7}{:>9}{:>10}{:>7}{:>7}{:>9}",
        "",
        "answers/s",
        "ratio",
        "p50 µs",
        "p99 µs",
        "ratio",
        "CPU µs",
        "of kernel",
        "ratio",
        "more",
        "peak MB"
    );
    let baseline = rows[0].1;
    for (name, figures, peak) in rows {
        println!(
            "{name:<26}{:>10.0}{:>7.2}{:>8.0}{:>8.0}{:>7.2}{:>9.1}{:>10.1}{:>7.2}{:>+7.1}{:>9.1}",
            figures.rate,
            figures.rate / baseline.rate,
            figures.p50,
            figures.p99,
            figures.p99 / baseline.p99,
            figures.processor,
            figures.system,
            figures.processor / baseline.processor,
            figures.processor - baseline.processor,
            peak
        );
    }
}
