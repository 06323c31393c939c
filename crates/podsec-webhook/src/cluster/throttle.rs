//! How often the API server is asked: a token bucket, as client-go has one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Lets `burst` calls through at once and `rate` a second after them.
#[derive(Debug)]
pub(crate) struct Throttle {
    interval: Duration,
    burst: u32,
    /// When the bucket would be full if nobody called any more.
    full_at: Mutex<Instant>,
}

impl Throttle {
    /// No limit when `rate`, in calls a second, is not positive.
    pub(crate) fn new(rate: f32, burst: u32) -> Self {
        let interval = if rate > 0.0 {
            Duration::try_from_secs_f32(1.0 / rate).unwrap_or(Duration::MAX)
        } else {
            Duration::ZERO
        };
        Self { interval, burst: burst.max(1), full_at: Mutex::new(Instant::now()) }
    }

    /// Waits for this caller's turn. Turns are given in the order of the calls; one that is given up is lost.
    pub(crate) async fn turn(&self) {
        if let Some(turn) = self.take(Instant::now()) {
            sleep_until(turn).await;
        }
    }

    /// When the caller may go on; none for at once.
    fn take(&self, now: Instant) -> Option<Instant> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let base = (*full_at).max(now);
        *full_at = base.checked_add(self.interval).unwrap_or(base);
        let turn = full_at.checked_sub(self.interval.saturating_mul(self.burst))?;
        (turn > now).then_some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_through_and_the_rest_at_the_rate() {
        let throttle = Throttle::new(10.0, 3);
        let now = Instant::now();
        let delays: Vec<_> = (0..5)
            .map(|_| throttle.take(now).map_or(0, |turn| turn.duration_since(now).as_millis()))
            .collect();
        assert_eq!(delays, [0, 0, 0, 100, 200]);
        assert_eq!(throttle.take(now + Duration::from_mins(1)), None);
    }

    #[test]
    fn without_a_rate_nobody_waits() {
        let throttle = Throttle::new(0.0, 0);
        let now = Instant::now();
        assert!((0..1000).all(|_| throttle.take(now).is_none()));
    }
}
