//! How fast real manifests are judged, beside what reading their YAML alone takes.
//!
//! `cargo bench -p podsec-manifest -- [FOLDER]`; without a folder, `$PODSEC_SHARED/corpus`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use podsec_manifest::input::{Input, Judgement, Kustomizations, check_inputs, search};
use podsec_manifest::report::{Concise, Human, Json, Renderer, Sarif, Summary};
use podsec_manifest::{FileReport, Kept, Source, Templates};
use podsec_standards::{Level, Policy, Version};

fn main() {
    let named = env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = || env::var_os("PODSEC_SHARED").map_or_else(|| workspace.join("../shared"), PathBuf::from);
    let folder = named.map_or_else(|| shared().join("corpus"), PathBuf::from);
    let inputs = search(std::slice::from_ref(&folder));
    let bytes: u64 = inputs.iter().map(size).sum();
    if bytes == 0 {
        println!("skipped: no manifests in {}", folder.display());
        return;
    }
    println!("{} files, {:.1} MB", inputs.len(), megabytes(bytes));

    let parsing = best(|| {
        for input in &inputs {
            if let Ok(source) = input.source() {
                podsec_yaml::documents(&source.text).for_each(drop);
            }
        }
        0
    });
    print("parse YAML on one core", bytes, parsing);
    for (name, renderer) in [
        ("check, report thrown away", None),
        ("check, human report", Some(0)),
        ("check, concise report", Some(1)),
        ("check, JSON report", Some(2)),
        ("check, SARIF report", Some(3)),
    ] {
        let renderer = || -> Option<Box<dyn Renderer>> {
            Some(match renderer? {
                0 => Box::new(Human::new(false)),
                1 => Box::new(Concise),
                2 => Box::new(Json),
                _ => Box::new(Sarif::default()),
            })
        };
        print(name, bytes, best(|| check(&inputs, renderer().as_deref())));
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
        println!("at most {} of memory in all of these", peak.trim());
    }
}

fn check(inputs: &[Input], renderer: Option<&dyn Renderer>) -> usize {
    let policy = Policy::new(Level::Restricted, Version::Latest);
    let mut summary = Summary::default();
    let mut out = io::BufWriter::new(io::sink());
    let mut assembly = renderer.map(Renderer::assembly);
    let render = |source: &Source, report: FileReport, documents: &[Kept<'_>]| {
        let mut part = Vec::new();
        if let Some(renderer) = renderer {
            renderer.source_with(source, &report, documents, &mut part).expect("every report has a form");
        }
        let bytes = part.len();
        ((report, part), bytes)
    };
    let kept = renderer.is_some_and(Renderer::wants_documents);
    let judgement = Judgement {
        templates: &Templates::default(),
        policies: &policy,
        kustomizations: &Kustomizations::default(),
        today: jiff::civil::Date::constant(2026, 1, 1),
        keeps: kept,
    };
    let result: io::Result<()> = check_inputs(inputs, &judgement, render, |(report, part)| {
        summary.add(report);
        assembly.as_mut().map_or(Ok(()), |assembly| assembly.add(report, part, &mut out))
    });
    result.expect("a sink takes everything");
    summary.pods
}

/// One run: how long it took, and how long all its threads worked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    time: Duration,
    worked: Duration,
    pods: usize,
}

/// The best of five: whatever else the machine does only slows down.
fn best(mut run: impl FnMut() -> usize) -> Run {
    (0..5)
        .map(|_| {
            let (begun, before) = (Instant::now(), worked());
            let pods = run();
            Run { time: begun.elapsed(), worked: worked().saturating_sub(before), pods }
        })
        .min()
        .expect("five runs")
}

/// How long this process has worked on all cores, as Linux counts it: in hundredths of a second.
fn worked() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or("").split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn print(name: &str, bytes: u64, Run { time, worked, pods }: Run) {
    let seconds = time.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = pods as f64 / seconds;
    println!(
        "{name:26} {:7.1} ms  {:6.1} MB/s  {rate:9.0} pods/s  {:5} ms of work",
        seconds * 1e3,
        megabytes(bytes) / seconds,
        worked.as_millis()
    );
}

fn size(input: &Input) -> u64 {
    match input {
        Input::File { path, .. } => path.metadata().map_or(0, |metadata| metadata.len()),
        _ => 0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
