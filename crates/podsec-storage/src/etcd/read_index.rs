//! The newest revision of the cluster, asked for as seldom as can be.

use tokio::sync::{mpsc, oneshot};

use super::client::Client;
use super::message::RangeRequest;
use super::wire::{from_wire, unanswered};
use crate::{Error, Revision};

/// Answers how far the cluster is at the time of the question.
///
/// A linearizable read of etcd costs a round of its leader with the members. Reads that come while one is under way
/// share the next one: each of them began before it, so what it tells is new enough for all.
///
/// ```text
/// read 1 ──► round ────────────► 1
/// read 2 ────── waits ──► round ───────► 2, 3
/// read 3 ──────── waits ┘
/// ```
pub(super) struct ReadIndex {
    questions: mpsc::Sender<oneshot::Sender<Result<Revision, Error>>>,
}

impl ReadIndex {
    /// Starts the task that asks, which ends with this value.
    pub(super) fn start(client: Client) -> Self {
        let (questions, mut waiting) = mpsc::channel::<oneshot::Sender<_>>(QUESTIONS);
        tokio::spawn(async move {
            let mut asked = Vec::new();
            while waiting.recv_many(&mut asked, QUESTIONS).await > 0 {
                // Any key will do; the answer's header is what is asked for.
                let request =
                    RangeRequest { key: b"\0"[..].into(), count_only: true, ..RangeRequest::default() };
                let answer = client.range(request).await.map_err(unanswered);
                let answer =
                    answer.map(|response| from_wire(response.header.map_or(0, |header| header.revision)));
                for question in asked.drain(..) {
                    // Whoever has left does not wait for it.
                    let _ = question.send(answer.clone());
                }
            }
        });
        Self { questions }
    }

    /// The newest revision.
    pub(super) async fn newest(&self) -> Result<Revision, Error> {
        let (question, answer) = oneshot::channel();
        self.questions.send(question).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }
}

/// Reads that may wait for one round.
const QUESTIONS: usize = 1024;
