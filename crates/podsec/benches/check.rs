//! `podsec check` as people run it: the whole process, cold start and report included, over real manifests.
//!
//! `cargo bench -p podsec --bench check -- [FOLDER]`; without a folder, `$PODSEC_SHARED/corpus`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

fn main() {
    let named = env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = || env::var_os("PODSEC_SHARED").map_or_else(|| workspace.join("../shared"), PathBuf::from);
    let folder = named.map_or_else(|| shared().join("corpus"), PathBuf::from);
    let report = env::temp_dir().join(format!("podsec-bench-{}.json", std::process::id()));
    if !folder.is_dir() {
        println!("skipped: no folder {}", folder.display());
        return;
    }
    let bytes = megabytes(&folder);
    println!(
        "podsec check over {bytes:.1} MB, the whole process; target: 120 MB/s on two cores, less than 80 MB. The yardstick is \
         this process reading the same files and looking at each byte once, on one core; work is the time of all cores."
    );
    let seconds = (0..5).map(|_| look(&folder)).min().expect("five runs").as_secs_f64();
    println!("yardstick {:6.1} ms  {:6.1} MB/s", seconds * 1e3, bytes / seconds);
    for format in ["concise", "human", "json", "sarif", "junit", "html"] {
        let before = worked();
        let best = (0..5).map(|_| run(&folder, format, &report)).min().expect("five runs");
        let work = worked().saturating_sub(before) / 5;
        let memory = (0..3).map(|_| peak(&folder, format, &report)).max().unwrap_or(0);
        let pods = pods(&report, format);
        let seconds = best.as_secs_f64();
        let rate = pods.map_or_else(String::new, |pods| format!("  {:9.0} pods/s", pods / seconds));
        println!(
            "{format:8} {:7.1} ms  {:6.1} MB/s  {:4} ms of work  {memory:4} MB{rate}",
            seconds * 1e3,
            bytes / seconds,
            work.as_millis()
        );
    }
    // It is only a file in the folder for such.
    let _ = fs::remove_file(report);
}

fn start(folder: &Path, format: &str, report: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_podsec"))
        .args(["check", "--level", "restricted", "--format", format, "--output"])
        .arg(report)
        .arg(folder)
        .stderr(Stdio::null())
        .spawn()
        .expect("podsec was built")
}

fn run(folder: &Path, format: &str, report: &Path) -> Duration {
    let begun = Instant::now();
    let status = start(folder, format, report).wait().expect("it was started");
    assert!(status.code().is_some(), "{status}");
    begun.elapsed()
}

/// How long it takes to read all files and to add up their bytes.
fn look(folder: &Path) -> Duration {
    let begun = Instant::now();
    let mut sum = 0;
    visit(folder, &mut |path| {
        sum += fs::read(path).unwrap_or_default().iter().map(|byte| u64::from(*byte)).sum::<u64>();
    });
    assert!(sum > 0, "nothing in {}", folder.display());
    begun.elapsed()
}

/// How long the processes that this one waited for have worked on all cores, as Linux counts it: in hundredths of a
/// second.
fn worked() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or("").split_whitespace();
    let ticks: u64 = fields.skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The largest resident set, in megabytes, as Linux tells it while the process lives.
fn peak(folder: &Path, format: &str, report: &Path) -> u64 {
    let mut child = start(folder, format, report);
    let mut peak = 0;
    while child.try_wait().is_ok_and(|status| status.is_none()) {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes =
            line.and_then(|line| line.split_whitespace().next()).and_then(|text| text.parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0) / 1024);
        sleep(Duration::from_millis(2));
    }
    peak
}

/// The number of pods, which two of the formats tell in their last line.
fn pods(report: &Path, format: &str) -> Option<f64> {
    let text = fs::read_to_string(report).ok()?;
    let line = text.lines().last().filter(|_| matches!(format, "concise" | "human"))?;
    line.split(' ').next()?.parse().ok()
}

fn megabytes(folder: &Path) -> f64 {
    let mut bytes = 0;
    visit(folder, &mut |path| bytes += path.metadata().map_or(0, |metadata| metadata.len()));
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let bytes = bytes as f64;
    bytes / 1e6
}

/// Every manifest below a folder.
fn visit(folder: &Path, each: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            visit(&path, each);
        } else if path
            .extension()
            .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
        {
            each(&path);
        }
    }
}
