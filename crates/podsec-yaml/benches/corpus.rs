//! How fast real manifests are read: directly, and by granit.
//!
//! `cargo bench -p podsec-yaml -- [FOLDER]`; without a folder, `$PODSEC_SHARED/corpus`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, io};

fn main() {
    let named = env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = || env::var_os("PODSEC_SHARED").map_or_else(|| workspace.join("../shared"), PathBuf::from);
    let folder = named.map_or_else(|| shared().join("corpus"), PathBuf::from);
    let mut texts = Vec::new();
    if read(&folder, &mut texts).is_err() || texts.is_empty() {
        println!("skipped: no manifests in {}", folder.display());
        return;
    }
    let bytes: usize = texts.iter().map(String::len).sum();
    println!("{} files, {:.1} MB, on one core", texts.len(), megabytes(bytes));

    for (name, read) in [
        ("read", podsec_yaml::documents as fn(&str) -> podsec_yaml::Documents<'_>),
        ("read by granit alone", podsec_yaml::documents_by_granit),
    ] {
        let documents = || texts.iter().flat_map(|text| read(text));
        let time = best(|| documents().for_each(|document| drop(black_box(document))));
        let rate = megabytes(bytes) / time.as_secs_f64();
        println!("{name:22} {:7.1} ms  {rate:7.1} MB/s", time.as_secs_f64() * 1e3);
    }
}

fn read(folder: &Path, texts: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, texts)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            texts.push(podsec_yaml::decode(&fs::read(&path)?).into_owned());
        }
    }
    Ok(())
}

/// The best of five: whatever else the machine does only slows down.
fn best(mut run: impl FnMut()) -> Duration {
    let mut time = || {
        let begun = Instant::now();
        run();
        begun.elapsed()
    };
    (0..5).map(|_| time()).min().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
