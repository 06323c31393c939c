//! What a service has said, for as long as that holds.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::opinion::Opinion;

/// Answers by the question, as it was sent.
#[derive(Default)]
pub(super) struct Answers(Mutex<HashMap<Vec<u8>, (Opinion, Instant)>>);

impl Answers {
    /// The answer to a question that was asked a moment ago.
    pub(super) fn get(&self, question: &[u8]) -> Option<Opinion> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(question).filter(|(_, end)| Instant::now() < *end).map(|(opinion, _)| opinion.clone())
    }

    /// Remembers an answer. Long questions, which clients can make as they like, are asked anew.
    pub(super) fn keep(&self, question: Vec<u8>, opinion: Opinion, ttl: Duration) {
        if question.len() > LONGEST || ttl.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.retain(|_, (_, end)| now < *end);
        }
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(question, (opinion, now + ttl));
    }
}

/// The bytes of a question.
const LONGEST: usize = 10_000;
/// As many answers as kube-apiserver keeps.
const MOST: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_holds_for_its_time_and_there_are_not_too_many() {
        let answers = Answers::default();
        let allow = || Opinion::Allow(String::new());
        answers.keep(b"a".to_vec(), allow(), Duration::from_secs(5));
        answers.keep(b"never".to_vec(), allow(), Duration::ZERO);
        answers.keep(vec![b'x'; LONGEST + 1], allow(), Duration::from_secs(5));
        assert_eq!((answers.get(b"a"), answers.get(b"never")), (Some(allow()), None));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(answers.get(b"a"), None);
        for number in 0..2 * MOST {
            answers.keep(number.to_le_bytes().to_vec(), allow(), Duration::from_secs(5));
        }
        assert!(answers.0.lock().unwrap().len() <= MOST);
    }
}
