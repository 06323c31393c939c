//! Recorded writes of every built-in kind, played against the server: the same code, the same causes, the same words
//! and the same stored object as Kubernetes 1.36 answers.
//!
//! `conformance/validation/shares.tsv` holds how many cases of each file are answered alike; none of its numbers may
//! fall. `PODSEC_CASES=core_Pod,apps_` plays some files only, `PODSEC_DIFFERENCES=FOLDER` writes what differs into a file
//! there for each of them, and `PODSEC_SHARES=write` writes the shares down as they are.

#[path = "../cluster/mod.rs"]
mod cluster;
mod matching;
mod play;
mod real_objects;
mod recording;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use play::Share;
use recording::Recording;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_are_answered_as_kubernetes_answers_them() {
    let only = env::var("PODSEC_CASES").unwrap_or_default();
    let wanted = |name: &str| only.is_empty() || only.split(',').any(|part| name.contains(part));
    let files: Vec<PathBuf> = recording::files(&folder()).filter(|path| wanted(&name(path))).collect();
    assert!(!files.is_empty(), "no file of {} matches PODSEC_CASES={only}", folder().display());
    let differences = env::var_os("PODSEC_DIFFERENCES").map(PathBuf::from);
    let tasks: Vec<_> = files
        .into_iter()
        .map(|path| (name(&path), tokio::spawn(async move { play::play(&Recording::read(&path)).await })))
        .collect();
    let mut shares = BTreeMap::new();
    for (name, task) in tasks {
        let (share, different) = task.await.expect("a file is played to its end");
        if let Some(folder) = &differences {
            fs::create_dir_all(folder).expect("the folder for differences can be made");
            fs::write(folder.join(&name), different.join("\n") + "\n").expect("differences can be written");
        }
        shares.insert(name, share);
    }
    judge(&shares);
}

/// The telling ones of the objects below, one line each with what Kubernetes 1.36.2 answered.
#[tokio::test]
async fn real_objects_are_answered_as_kubernetes_does_and_written_again_without_a_change() {
    let mut text = String::new();
    flate2::read::GzDecoder::new(&include_bytes!("../data/real_objects.jsonl.gz")[..])
        .read_to_string(&mut text)
        .expect("a recording");
    let cases: Vec<(String, String)> = text
        .lines()
        .map(|line| {
            let case: serde_json::Value = serde_json::from_str(line).expect("JSON");
            (serde_json::json!({"id": case["id"], "object": case["object"]}).to_string(), line.to_owned())
        })
        .collect();
    let namespaces = real_objects::namespaces(&cases);
    let outcome = real_objects::play(namespaces, cases).await;
    assert!(outcome.stored > 90, "{} objects were stored", outcome.stored);
    assert!(outcome.changes.is_empty(), "{}", outcome.changes.join("\n"));
    assert!(outcome.differences.is_empty(), "{}", outcome.differences.join("\n"));
}

/// All recorded objects of real manifests; `make conformance` names the folder that holds them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs recordings/corpus of $PODSEC_SHARED, and xz"]
async fn the_corpus_is_answered_as_kubernetes_does_and_written_again_without_a_change() {
    let folder = podsec_testing::recorded::corpus().join("../recordings/corpus");
    let read = |name: &str| {
        let output = std::process::Command::new("xz").arg("-dc").arg(folder.join(name)).output();
        let output = output.expect("xz is installed");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("JSON Lines")
    };
    let summary = fs::read_to_string(folder.join("summary.json")).expect("a summary");
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("JSON");
    let namespaces: Vec<String> = serde_json::from_value(summary["namespaces"].clone()).expect("names");
    let (objects, answers) = (read("objects.jsonl.xz"), read("answers.jsonl.xz"));
    let cases: Vec<(&str, &str)> = objects.lines().zip(answers.lines()).collect();
    let tasks: Vec<_> = cases
        .chunks(cases.len().div_ceil(4))
        .map(|cases| {
            let cases = cases.iter().map(|(object, answer)| ((*object).to_owned(), (*answer).to_owned()));
            tokio::spawn(real_objects::play(namespaces.clone(), cases.collect()))
        })
        .collect();
    let mut all = real_objects::Outcome::default();
    for task in tasks {
        let outcome = task.await.expect("all objects are played");
        all.differences.extend(outcome.differences);
        all.changes.extend(outcome.changes);
        all.stored += outcome.stored;
    }
    assert!(all.stored > 7000, "{} objects were stored", all.stored);
    assert!(all.changes.is_empty(), "{} changes\n{}", all.changes.len(), all.changes.join("\n"));
    // Namespaces that existed there, labels of jobs that a dry run does not read back, errors in the order of Go's maps.
    let known = 300;
    let different = all.differences;
    assert!(different.len() <= known, "{} differences\n{}", different.len(), different.join("\n"));
}

/// Prints the shares, and fails where one is below what it was.
#[expect(clippy::print_stdout, reason = "the shares are what the test is run for")]
fn judge(shares: &BTreeMap<String, Share>) {
    let path = folder().join("shares.tsv");
    let mut known = read_shares(&path);
    let mut fallen = Vec::new();
    let mut total = Share::default();
    for (name, share) in shares {
        total.add(share);
        println!("{}", share.line(name));
        let before = known.get(name).copied().unwrap_or_default();
        if !share.is_at_least(&before) {
            fallen.push(format!("{}\nwas {}", share.line(name), before.line(name)));
        }
    }
    println!("{}", total.line("all"));
    if env::var("PODSEC_SHARES").is_ok_and(|value| value == "write") {
        known.extend(shares.iter().map(|(name, share)| (name.clone(), *share)));
        let mut text = String::from("file\tcases\tcode\tcauses\twhole\n");
        for (name, Share { cases, code, causes, whole }) in &known {
            writeln!(text, "{name}\t{cases}\t{code}\t{causes}\t{whole}").expect("a String takes all");
        }
        fs::write(&path, text).expect("the shares can be written");
    }
    assert!(fallen.is_empty(), "fewer cases are answered as Kubernetes does:\n{}", fallen.join("\n"));
}

fn read_shares(path: &Path) -> BTreeMap<String, Share> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().skip(1).map(|line| {
        let mut cells = line.split('\t');
        let name = cells.next().expect("a name").to_owned();
        let mut number = || cells.next().and_then(|cell| cell.parse().ok()).expect("four numbers");
        (name, Share { cases: number(), code: number(), causes: number(), whole: number() })
    });
    lines.collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/validation")
}

fn name(path: &Path) -> String {
    let name = path.file_name().expect("a file").to_string_lossy();
    name.trim_end_matches(".jsonl.gz").to_owned()
}
