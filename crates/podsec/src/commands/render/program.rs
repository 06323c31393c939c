//! A program of the user's own that prints manifests: run within bounds of time and memory.

use std::ffi::OsString;
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Why a program printed nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is none of that name.
    Absent,
    /// It was run, and this came of it.
    Failed(String),
}

/// What a program prints. It reads nothing from the terminal.
pub(super) fn printed(program: &str, arguments: &[OsString]) -> Result<String, Failure> {
    let said = arguments.first().map(|first| first.to_string_lossy().into_owned()).unwrap_or_default();
    let failed = |what: &str| Failure::Failed(format!("{program} {said} {what}"));
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::Absent,
        _ => failed(&format!("cannot be run: {error}")),
    })?;
    let read = |from: Option<Box<dyn Read + Send>>, most: u64| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What is left of a broken pipe is what was printed; the program's own exit code says the rest.
            let _ = from.map(|from| from.take(most + 1).read_to_end(&mut bytes));
            bytes
        })
    };
    let printed = read(child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>), MOST_BYTES);
    let errors = read(child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>), MOST_ERRORS);
    let deadline = Instant::now() + LONGEST;
    let mut pause = Duration::from_millis(1);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => {
                thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            ended => {
                // It may have ended meanwhile; then there is nothing to stop.
                let _ = child.kill();
                let _ = child.wait();
                return Err(match ended {
                    Err(error) => failed(&format!("cannot be waited for: {error}")),
                    _ => failed(&format!("took longer than {} seconds", LONGEST.as_secs())),
                });
            }
        }
    };
    let (printed, errors) = (printed.join().unwrap_or_default(), errors.join().unwrap_or_default());
    if printed.len() as u64 > MOST_BYTES {
        return Err(failed(&format!("printed more than {} MB", MOST_BYTES >> 20)));
    }
    if !status.success() {
        return Err(failed(&format!("failed: {}", String::from_utf8_lossy(&errors).trim())));
    }
    String::from_utf8(printed).map_err(|_| failed("printed what is not UTF-8"))
}

/// Far more than any chart makes.
const MOST_BYTES: u64 = 64 << 20;
const MOST_ERRORS: u64 = 64 << 10;

/// Kustomize may fetch what it builds on.
const LONGEST: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<String, Failure> {
        printed("sh", &["-c".into(), script.into()])
    }

    #[test]
    fn what_a_program_prints_or_why_it_does_not_is_told() {
        assert!(matches!(shell("echo a"), Ok(text) if text == "a\n"));
        assert!(matches!(shell("echo b >&2; exit 3"), Err(Failure::Failed(why)) if why == "sh -c failed: b"));
        assert!(matches!(shell("printf '\\377'"), Err(Failure::Failed(why)) if why.ends_with("not UTF-8")));
        assert!(matches!(printed("no-such-program-here", &[]), Err(Failure::Absent)));
    }

    #[test]
    fn a_program_that_prints_without_end_is_stopped() {
        assert!(matches!(shell("yes"), Err(Failure::Failed(why)) if why.contains("more than 64 MB")));
    }
}
