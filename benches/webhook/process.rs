//! A server in a process of its own, and what the kernel says about it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) struct Process {
    child: Child,
    pub(crate) port: u16,
}

/// What a process has spent.
pub(crate) struct ProcessorTime {
    pub(crate) total: Duration,
    /// The kernel's part, less exact.
    pub(crate) system: Duration,
}

impl Process {
    /// Starts this program as one of the servers, which says where it listens.
    pub(crate) fn start(server: &str, folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(server)
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().unwrap() }
    }

    pub(crate) fn resident_megabytes(&self) -> f64 {
        self.status("VmRSS:")
    }

    pub(crate) fn peak_megabytes(&self) -> f64 {
        self.status("VmHWM:")
    }

    /// The processor time of all threads since the start.
    pub(crate) fn processor_time(&self) -> ProcessorTime {
        let folder = PathBuf::from(format!("/proc/{}", self.child.id()));
        let threads = std::fs::read_dir(folder.join("task")).unwrap();
        let nanoseconds = threads
            .map(|thread| {
                let times = std::fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
                times.split(' ').next().unwrap().parse::<u64>().unwrap()
            })
            .sum();
        let stat = std::fs::read_to_string(folder.join("stat")).unwrap();
        // What follows the name, which may hold anything: the thirteenth is the system time in ticks of the kernel,
        // hundredths of a second.
        let ticks: u64 = stat.rsplit_once(") ").unwrap().1.split(' ').nth(12).unwrap().parse().unwrap();
        ProcessorTime { total: Duration::from_nanos(nanoseconds), system: Duration::from_millis(10 * ticks) }
    }

    fn status(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
