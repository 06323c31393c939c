//! A line on the terminal that says how far the work is, when it takes longer than a moment.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Draws the share of the inputs that are judged, from the second second on and only on a terminal.
pub(crate) struct Progress {
    all: usize,
    done: usize,
    begun: Instant,
    drawn: Option<Instant>,
    /// Whether the line is there now.
    shown: bool,
    wanted: bool,
}

impl Progress {
    pub(crate) fn new(all: usize) -> Self {
        let wanted = io::stderr().is_terminal();
        Self { all, done: 0, begun: Instant::now(), drawn: None, shown: false, wanted }
    }

    /// One more input is done.
    pub(crate) fn advance(&mut self) {
        self.done += 1;
        let now = Instant::now();
        let is_due = self.drawn.is_none_or(|drawn| now - drawn > REDRAWN);
        if self.wanted && is_due && now - self.begun > SILENCE {
            self.drawn = Some(now);
            self.shown = true;
            let filled = self.done * WIDTH / self.all.max(1);
            let bar: String = (0..WIDTH).map(|place| if place < filled { '█' } else { '░' }).collect();
            // A terminal that is gone has nobody who looks at it.
            let _ = write!(io::stderr(), "\r{bar} {}/{} files", self.done, self.all);
        }
    }

    /// Takes the line away, before something else is written.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

const SILENCE: Duration = Duration::from_secs(1);
const REDRAWN: Duration = Duration::from_millis(100);
const WIDTH: usize = 30;
