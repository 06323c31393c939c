//! A `podsec serve` of its own for each test: any free port, in memory, stopped when dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) struct Server {
    process: Child,
    stage: TempDir,
}

impl Server {
    /// Starts the server with `arguments` beside those that keep it to itself, and waits until it is ready.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let stage = tempfile::tempdir().expect("a temporary folder");
        let log = fs::File::create(stage.path().join("server.log")).expect("the server's log");
        let process = Command::new(env!("CARGO_BIN_EXE_podsec"))
            .args(["serve", "--in-memory", "--secure-port", "0", "--kubeconfig-out", "kubeconfig"])
            .args(arguments)
            .current_dir(stage.path())
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("podsec starts");
        let mut server = Self { process, stage };
        server.wait_until_ready();
        server
    }

    /// The folder the server runs in.
    pub(crate) fn folder(&self) -> &Path {
        self.stage.path()
    }

    /// The kubeconfig that reaches this server as its administrator.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.stage.path().join("kubeconfig")
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while fs::metadata(self.kubeconfig()).map_or(true, |file| file.len() == 0) {
            let ended = self.process.try_wait().expect("the server's state");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "podsec serve did not become ready:\n{}",
                fs::read_to_string(self.stage.path().join("server.log")).unwrap_or_default()
            );
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the server has ended by itself, which the test will have noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
