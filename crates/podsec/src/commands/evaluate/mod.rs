//! `podsec evaluate`: the standards on JSON Lines, for any language and for comparing engines.

mod question;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;
use clap::Args;
use podsec_standards::{Level, Policy, Version, Violation, evaluate};
use serde::Serialize;

use question::Question;

/// Judge pods and workloads given as JSON Lines on standard input.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The number of threads that judge; all cores when left out.
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
}

/// Judges standard input until it ends.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let cores = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let threads = arguments.threads.unwrap_or_else(cores).get();
    match judge_lines(io::stdin(), io::stdout().lock(), threads)? {
        Outcome::AllJudged => Ok(ExitCode::SUCCESS),
        Outcome::SomeBad => Ok(ExitCode::from(2)),
    }
}

/// Whether every line could be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    AllJudged,
    SomeBad,
}

/// A few lines on their way to a judge, and where the answers are awaited.
struct Batch {
    first_line: u64,
    lines: Vec<u8>,
    answers: Sender<(Vec<u8>, Outcome)>,
}

/// One thread reads, some judge, and this one writes. The reader hands what it has read to the judges and its
/// place in the queue to the writer; both queues are short, so memory does not grow with the input.
fn judge_lines(input: impl Read + Send, mut output: impl Write, threads: usize) -> anyhow::Result<Outcome> {
    let (to_judges, batches) = sync_channel::<Batch>(threads);
    let (to_writer, awaited) = sync_channel::<Receiver<(Vec<u8>, Outcome)>>(2 * threads);
    let batches = Mutex::new(batches);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| judge_batches(&batches));
        }
        let reader = scope.spawn(move || read_batches(input, &to_judges, &to_writer));
        let mut outcome = Outcome::AllJudged;
        for answers in awaited {
            let Ok((answers, of_batch)) = answers.recv() else {
                anyhow::bail!("a judging thread ended early")
            };
            if of_batch == Outcome::SomeBad {
                outcome = Outcome::SomeBad;
            }
            match output.write_all(&answers).and_then(|()| output.flush()) {
                // Whoever reads has seen enough, as `head` has.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(outcome),
                written => written.context("cannot write the answers")?,
            }
        }
        match reader.join() {
            Ok(read) => read.context("cannot read standard input").map(|()| outcome),
            Err(_) => anyhow::bail!("the reading thread ended early"),
        }
    })
}

/// Cuts the input into batches of whole lines: whatever one read brings, so that a slow writer on the other
/// side gets its answers line by line.
fn read_batches(
    input: impl Read,
    to_judges: &SyncSender<Batch>,
    to_writer: &SyncSender<Receiver<(Vec<u8>, Outcome)>>,
) -> io::Result<()> {
    let mut input = BufReader::with_capacity(READ_SIZE, input);
    let mut lines = Vec::new();
    let mut first_line = 1;
    loop {
        let read = input.fill_buf()?;
        let (size, ended) = (read.len(), read.is_empty());
        match read.iter().rposition(|byte| *byte == b'\n') {
            None if !ended => {
                // Of a line that is too long only as much is kept as shows it.
                let room = (MAX_LINE + 1).saturating_sub(lines.len());
                lines.extend_from_slice(read.get(..room).unwrap_or(read));
                input.consume(size);
                continue;
            }
            last => {
                let whole = last.map_or(0, |last| last + 1);
                lines.extend_from_slice(read.get(..whole).unwrap_or(read));
                input.consume(whole);
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        let count = lines.split_inclusive(|byte| *byte == b'\n').count() as u64;
        let (answers, awaited) = channel();
        let batch = Batch { first_line, lines: std::mem::take(&mut lines), answers };
        first_line += count;
        // When the writer has stopped there is nobody left to read for.
        if to_writer.send(awaited).is_err() || to_judges.send(batch).is_err() {
            return Ok(());
        }
    }
}

fn judge_batches(batches: &Mutex<Receiver<Batch>>) {
    loop {
        let next = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Batch { first_line, lines, answers }) = next else { return };
        let mut written = Vec::with_capacity(2 * lines.len());
        let mut outcome = Outcome::AllJudged;
        for (number, line) in (first_line..).zip(lines.split(|byte| *byte == b'\n')) {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if let Err(problem) = judge(line, &mut written) {
                outcome = Outcome::SomeBad;
                write_line(&mut written, &Problem { error: format!("line {number}: {problem}") });
            }
        }
        // The writer is gone when it could not write; the answers are of no use then.
        let _ = answers.send((written, outcome));
    }
}

/// Judges one line and writes the verdict, or says what is wrong with the line.
fn judge(line: &[u8], written: &mut Vec<u8>) -> Result<(), String> {
    if line.len() > MAX_LINE {
        return Err(format!("longer than {} MiB", MAX_LINE >> 20));
    }
    let question = Question::read(line)?;
    let level =
        question.level.parse::<Level>().map_err(|error| format!("level {:?}: {error}", question.level))?;
    let version = match &question.version {
        Some(text) => text.parse::<Version>().map_err(|error| format!("version {text:?}: {error}"))?,
        None => Version::Latest,
    };
    let pod = question::pod(question.pod.get())?;
    let evaluation = evaluate(Policy::new(level, version), &pod);
    write_line(
        written,
        &Answer {
            allowed: evaluation.is_allowed(),
            reasons: evaluation.violations.iter().map(Violation::reason).collect(),
            details: evaluation.violations.iter().map(Violation::detail).collect(),
            violations: &evaluation.violations,
        },
    );
    Ok(())
}

/// A line of the output.
#[derive(Serialize)]
struct Answer<'a> {
    allowed: bool,
    reasons: Vec<&'static str>,
    details: Vec<String>,
    violations: &'a [Violation<'a>],
}

/// A line of the output for a bad one of the input.
#[derive(Serialize)]
struct Problem {
    error: String,
}

fn write_line(written: &mut Vec<u8>, line: &impl Serialize) {
    // Writing text to memory does not fail.
    let _ = serde_json::to_writer(&mut *written, line);
    written.push(b'\n');
}

/// As large as what a pipe holds, many times over.
const READ_SIZE: usize = 1 << 18;

/// Kubernetes takes no larger request.
const MAX_LINE: usize = 3 << 20;

#[cfg(test)]
mod tests {
    use super::{MAX_LINE, Outcome, judge_lines};

    #[test]
    fn answers_come_in_order_whatever_the_number_of_threads() {
        let line = |privileged: bool| {
            format!(
                "{{\"level\":\"baseline\",\"version\":\"v1.30\",\"pod\":{{\"spec\":{{\"containers\":[{{\"name\":\"a\",\
                 \"securityContext\":{{\"privileged\":{privileged}}}}}]}}}}}}\n"
            )
        };
        let input: String = (0..20_000).map(|number| line(number % 3 == 0)).collect();
        for threads in [1, 2, 7] {
            let (output, outcome) = answers(input.as_bytes(), threads);
            assert_eq!(outcome, Outcome::AllJudged);
            assert_eq!(output.lines().count(), 20_000);
            for (number, answer) in output.lines().enumerate() {
                assert_eq!(
                    answer.starts_with(r#"{"allowed":false,"reasons":["privileged"]"#),
                    number % 3 == 0
                );
            }
        }
    }

    #[test]
    fn a_verdict_says_all_there_is_to_say() {
        let input =
            br#"{"level":"restricted","version":"v1.8","pod":{"spec":{"containers":[{"name":"a"}]}}}"#;
        let (output, _) = answers(input, 1);
        assert_eq!(
            output,
            concat!(
                r#"{"allowed":false,"reasons":["allowPrivilegeEscalation != false","runAsNonRoot != true"],"#,
                r#""details":["container \"a\" must set securityContext.allowPrivilegeEscalation=false","#,
                r#""pod or container \"a\" must set securityContext.runAsNonRoot=true"],"#,
                r#""violations":[{"check":"allowPrivilegeEscalation","revision":"v1.8","level":"restricted","#,
                r#""reason":"allowPrivilegeEscalation != false","#,
                r#""detail":"container \"a\" must set securityContext.allowPrivilegeEscalation=false","#,
                r#""fields":[{"container":"a","path":"spec.containers[0].securityContext.allowPrivilegeEscalation","#,
                r#""actual":null,"allowed":["false"]}]},"#,
                r#"{"check":"runAsNonRoot","revision":"v1.0","level":"restricted","reason":"runAsNonRoot != true","#,
                r#""detail":"pod or container \"a\" must set securityContext.runAsNonRoot=true","#,
                r#""fields":[{"container":"a","path":"spec.containers[0].securityContext.runAsNonRoot","#,
                r#""actual":null,"allowed":["true"]}]}]}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_bad_line_is_answered_with_its_number_and_what_is_wrong_and_the_rest_is_judged() {
        let input = concat!(
            "\n",
            r#"{"level":"baseline","pod":{}}"#,
            "\n",
            r#"{"level":"Baseline","pod":{}}"#,
            "\r\n",
            r#"{"level":"baseline","version":"1.30","pod":{}}"#,
            "\n \n",
            r#"{"level":"baseline","pod":{"spec":{"hostPID":"yes"}}}"#,
            "\n",
            r#"{"level":"baseline","pod":null}{}"#,
            "\n",
            r#"{"level":"baseline"}"#,
            "\n",
            "\u{feff}{}\n",
            r#"{"level":"baseline","pod":[]}"#,
        );
        let (output, outcome) = answers(input.as_bytes(), 2);
        assert_eq!(outcome, Outcome::SomeBad);
        assert_eq!(
            output.lines().collect::<Vec<_>>(),
            [
                r#"{"allowed":true,"reasons":[],"details":[],"violations":[]}"#,
                r#"{"error":"line 3: level \"Baseline\": must be one of privileged, baseline, restricted"}"#,
                r#"{"error":"line 4: version \"1.30\": must be \"latest\" or \"v1.x\""}"#,
                r#"{"error":"line 6: pod.spec.hostPID: expected a boolean, found the string \"yes\""}"#,
                r#"{"error":"line 7: trailing characters at column 32"}"#,
                r#"{"error":"line 8: missing field `pod` at column 20"}"#,
                r#"{"error":"line 9: expected value at column 1"}"#,
                r#"{"error":"line 10: pod: expected a pod, found a list"}"#,
            ]
        );
    }

    #[test]
    fn a_line_without_end_takes_no_more_memory_than_the_longest() {
        let mut input = vec![b' '; MAX_LINE + 10_000_000];
        input.insert(0, b'x');
        input.extend_from_slice(b"\n{\"level\":\"baseline\",\"pod\":{}}\n");
        let (output, _) = answers(&input, 1);
        assert_eq!(
            output.lines().collect::<Vec<_>>(),
            [
                r#"{"error":"line 1: longer than 3 MiB"}"#,
                r#"{"allowed":true,"reasons":[],"details":[],"violations":[]}"#
            ]
        );
    }

    fn answers(input: &[u8], threads: usize) -> (String, Outcome) {
        let mut output = Vec::new();
        let outcome = judge_lines(input, &mut output, threads).unwrap();
        (String::from_utf8(output).unwrap(), outcome)
    }
}
