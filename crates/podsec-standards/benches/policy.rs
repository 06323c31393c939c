//! Time to read and judge a pod, on the pods recorded with Kubernetes' verdicts.
//!
//! Decoding the same bytes into `serde_json::Value` is measured beside it: the ratio to that holds on any
//! machine. The targets are 1,200 ns for decoding and evaluating a pod together, 0.33 of what `Value` takes, and
//! 250 ns, 0.07, for evaluating alone.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops at what is wrong"
)]
#![expect(clippy::cast_precision_loss, reason = "counts of pods and nanoseconds fit a float")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use podsec_standards::{Pod, Policy, evaluate};
use podsec_testing::recorded;
use serde::Deserialize;
use serde_json::value::RawValue;

fn main() {
    let recorded = recorded::text("pod-security/policy.jsonl");
    let cases: Vec<(Policy, &[u8])> = recorded.lines().map(case).collect();
    let pods: Vec<(Policy, Pod<'_>)> =
        cases.iter().map(|(policy, json)| (*policy, Pod::from_json(json).unwrap())).collect();
    let allowed: Vec<(Policy, Pod<'_>)> =
        pods.iter().filter(|(policy, pod)| evaluate(*policy, pod).is_allowed()).cloned().collect();
    let bytes: usize = cases.iter().map(|(_, json)| json.len()).sum();
    println!(
        "{} pods of {} bytes on average, {} of them allowed",
        cases.len(),
        bytes / cases.len(),
        allowed.len()
    );

    let value = fastest(&cases, |(_, json)| {
        black_box(serde_json::from_slice::<serde_json::Value>(black_box(json)).unwrap());
    });
    let print = |name: &str, nanoseconds: f64, target: &str| {
        println!("{name:<42}{nanoseconds:>8.0} ns a pod {:>7.2} of Value{target}", nanoseconds / value);
    };
    print("decode into serde_json::Value", value, "");
    let decode = fastest(&cases, |(_, json)| {
        black_box(Pod::from_json(black_box(json)).unwrap());
    });
    print("decode", decode, "");
    let judge = fastest(&pods, |(policy, pod)| {
        black_box(evaluate(*policy, black_box(pod)));
    });
    print("evaluate", judge, "    (target: 250 ns, 0.07)");
    let judge_allowed = fastest(&allowed, |(policy, pod)| {
        black_box(evaluate(*policy, black_box(pod)));
    });
    print("evaluate, allowed pods only", judge_allowed, "");
    let both = fastest(&cases, |(policy, json)| {
        let pod = Pod::from_json(black_box(json)).unwrap();
        black_box(evaluate(*policy, &pod));
    });
    print("decode and evaluate", both, "    (target: 1200 ns, 0.33)");
    let words = fastest(&cases, |(policy, json)| {
        let pod = Pod::from_json(black_box(json)).unwrap();
        black_box(evaluate(*policy, &pod).detail());
    });
    print("decode, evaluate and compose the message", words, "");
}

/// Nanoseconds for one of many things. Chunk by chunk the fastest of many rounds counts, since what disturbs a
/// measurement only adds to it.
fn fastest<T>(things: &[T], measured: impl Fn(&T)) -> f64 {
    let mut chunks: Vec<(&[T], Duration)> = things.chunks(50).map(|chunk| (chunk, Duration::MAX)).collect();
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        for (chunk, fastest) in &mut chunks {
            let start = Instant::now();
            chunk.iter().for_each(&measured);
            *fastest = start.elapsed().min(*fastest);
        }
    }
    let total: Duration = chunks.iter().map(|(_, fastest)| *fastest).sum();
    total.as_nanos() as f64 / things.len() as f64
}

#[derive(Deserialize)]
struct Case<'a> {
    level: &'a str,
    version: &'a str,
    #[serde(borrow)]
    pod: &'a RawValue,
}

fn case(line: &str) -> (Policy, &[u8]) {
    let case: Case<'_> = serde_json::from_str(line).unwrap();
    (Policy::new(case.level.parse().unwrap(), case.version.parse().unwrap()), case.pod.get().as_bytes())
}
