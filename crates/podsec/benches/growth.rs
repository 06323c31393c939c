//! How the time and the memory of `podsec check` grow with its input, where they once grew faster than it: a list on one
//! line, a stream of very many pods, and a pod of very many containers on one line.
//!
//! `cargo bench -p podsec --bench growth`

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::env;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

fn main() {
    let folder = env::temp_dir().join(format!("podsec-growth-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for temporary files");
    println!("podsec check, the whole process: input, time, memory at its peak, report");
    for (what, sizes, write) in [
        ("a List on one line, pods", [200, 400, 800], list as fn(&mut dyn Write, usize)),
        ("a stream of documents, pods", [97_000, 291_000, 970_000], stream),
        ("one pod on one line, containers", [5_000, 10_000, 20_000], containers),
    ] {
        for size in sizes {
            let path = folder.join("input.yaml");
            let mut file = BufWriter::new(File::create(&path).expect("room for a file"));
            write(&mut file, size);
            file.flush().expect("room for a file");
            drop(file);
            let input = length(&path);
            println!("{what}: {size}, {:.2} MB", megabytes(input));
            for format in ["human", "concise", "json", "html", "sarif", "junit", "gitlab"] {
                let report = folder.join("report");
                let (time, memory) = run(&path, format, &report);
                println!(
                    "  {format:8} {:7.2} s  {:5.1} times  {memory:5} MB  {:8.2} MB",
                    time.as_secs_f64(),
                    megabytes(length(&report)) / megabytes(input),
                    megabytes(length(&report)),
                );
            }
        }
    }
    // It is only a folder for such.
    let _ = fs::remove_dir_all(folder);
}

/// A List as `kubectl get --raw` prints it: pods of 7 KB, all in one line.
fn list(out: &mut dyn Write, pods: usize) {
    let field = |field| format!("\"example.org/annotation-{field}\":\"{field:080}\"");
    let fields = (0..60).map(field).collect::<Vec<_>>().join(",");
    let mut separator = "";
    let _ = write!(out, "{{\"apiVersion\":\"v1\",\"kind\":\"PodList\",\"items\":[");
    for pod in 0..pods {
        let _ = write!(
            out,
            "{separator}{{\"metadata\":{{\"name\":\"p{pod}\",\"annotations\":{{{fields}}}}},\"spec\":{{\"containers\":[\
             {{\"name\":\"a\",\"image\":\"b\"}},{{\"name\":\"c\",\"image\":\"d\",\"securityContext\":{{\"privileged\":true}}}}]}}}}"
        );
        separator = ",";
    }
    let _ = writeln!(out, "]}}");
}

fn stream(out: &mut dyn Write, pods: usize) {
    for pod in 0..pods {
        let _ = writeln!(
            out,
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p{pod:07}}}\nspec:\n  containers: [{{name: c, image: x}}]\n---"
        );
    }
}

fn containers(out: &mut dyn Write, containers: usize) {
    let _ = write!(out, "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [");
    for container in 0..containers {
        let _ = write!(out, "{{name: c{container}, image: x}}, ");
    }
    let _ = writeln!(out, "]}}");
}

/// How long a check takes, and its largest resident set in megabytes, as Linux tells it while the process lives.
fn run(input: &Path, format: &str, report: &Path) -> (Duration, u64) {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_podsec"))
        .args(["check", "--level", "restricted", "--format", format, "--output"])
        .args([report, input])
        .stderr(Stdio::null())
        .spawn()
        .expect("podsec was built");
    let mut peak = 0;
    while child.try_wait().is_ok_and(|status| status.is_none()) {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes =
            line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0) / 1024);
        sleep(Duration::from_millis(2));
    }
    (begun.elapsed(), peak)
}

fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
