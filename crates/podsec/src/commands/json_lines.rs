//! JSON Lines in, JSON Lines out, in order: what `evaluate` and `cel` have in common.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;
use serde::Serialize;

/// Whether every line could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every one.
    AllRead,
    /// At least one could not.
    SomeBad,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::AllRead => Self::SUCCESS,
            Outcome::SomeBad => Self::from(2),
        }
    }
}

/// Answers one line, or says what is wrong with it; the answer that was begun is kept.
type Answer<'a> = dyn Fn(&[u8], &mut Vec<u8>) -> Result<(), String> + Sync + 'a;

/// What answers the lines, and under which key it is told what is wrong with one.
pub(crate) struct Lines<'a> {
    /// Answers one line.
    pub(crate) answer: &'a Answer<'a>,
    /// The key of the error of a line that cannot be read.
    pub(crate) error_key: &'static str,
}

/// A few lines on their way to a thread, and where the answers are awaited.
struct Batch {
    first_line: u64,
    lines: Vec<u8>,
    answers: Sender<(Vec<u8>, Outcome)>,
}

/// Answers every line of `input` in order, until it ends.
///
/// One thread reads, some answer, and this one writes. The reader hands what it has read to the threads that answer and its
/// place in the queue to the writer; both queues are short, so memory does not grow with the input.
///
/// # Errors
/// When the input cannot be read or the answers not be written.
pub(crate) fn run(
    input: impl Read + Send,
    mut output: impl Write,
    threads: usize,
    lines: &Lines<'_>,
) -> anyhow::Result<Outcome> {
    let (to_threads, batches) = sync_channel::<Batch>(threads);
    let (to_writer, awaited) = sync_channel::<Receiver<(Vec<u8>, Outcome)>>(2 * threads);
    let batches = Mutex::new(batches);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| answer_batches(&batches, lines));
        }
        let reader = scope.spawn(move || read_batches(input, &to_threads, &to_writer));
        let mut outcome = Outcome::AllRead;
        for answers in awaited {
            let Ok((answers, of_batch)) = answers.recv() else {
                anyhow::bail!("an answering thread ended early")
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
    to_threads: &SyncSender<Batch>,
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
        if to_writer.send(awaited).is_err() || to_threads.send(batch).is_err() {
            return Ok(());
        }
    }
}

fn answer_batches(batches: &Mutex<Receiver<Batch>>, all: &Lines<'_>) {
    loop {
        let next = batches.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Batch { first_line, lines, answers }) = next else { return };
        let mut written = Vec::with_capacity(2 * lines.len());
        let mut outcome = Outcome::AllRead;
        for (number, line) in (first_line..).zip(lines.split(|byte| *byte == b'\n')) {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let answered = if line.len() > MAX_LINE {
                Err(format!("longer than {} MiB", MAX_LINE >> 20))
            } else {
                (all.answer)(line, &mut written)
            };
            if let Err(problem) = answered {
                outcome = Outcome::SomeBad;
                write(&mut written, &BTreeMap::from([(all.error_key, format!("line {number}: {problem}"))]));
            }
        }
        // The writer is gone when it could not write; the answers are of no use then.
        let _ = answers.send((written, outcome));
    }
}

/// Writes one answer.
pub(crate) fn write(written: &mut Vec<u8>, answer: &impl Serialize) {
    // Writing text to memory does not fail.
    let _ = serde_json::to_writer(&mut *written, answer);
    written.push(b'\n');
}

/// The number of threads when none is asked for: one for each processor.
pub(crate) fn all_processors() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// As large as what a pipe holds, many times over.
const READ_SIZE: usize = 1 << 18;

/// Kubernetes takes no larger request.
pub(crate) const MAX_LINE: usize = 3 << 20;
