//! Where the gate has its time from.

use async_trait::async_trait;
use std::fmt;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A source of time. The default is the machine's, as tokio has it: a test that pauses tokio's clock drives it.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time of day, by which machines tell each other when a block ends. It may jump, forward and back.
    fn now(&self) -> SystemTime;

    /// The time since some fixed moment of this process. It only grows, so a block that this process has seen itself
    /// lasts as long as it should, whatever happens to the time of day.
    fn uptime(&self) -> Duration;

    /// Comes back after `wait`, or later. Dropping the future is safe.
    async fn sleep(&self, wait: Duration);
}

/// tokio's clock, and a time of day that goes with it.
#[derive(Debug)]
pub(super) struct TokioClock {
    started: Instant,
}

impl TokioClock {
    pub(super) fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

#[async_trait]
impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        let (machine, tokio) = (std::time::Instant::now(), Instant::now().into_std());
        let now = SystemTime::now();
        // Zero, unless a test has paused tokio's clock or moved it on.
        let shifted = match tokio.checked_duration_since(machine) {
            Some(ahead) => now.checked_add(ahead),
            None => now.checked_sub(machine.duration_since(tokio)),
        };
        shifted.unwrap_or(now)
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_of_day_goes_with_a_clock_that_a_test_moves() {
        let clock = TokioClock::start();
        let (day, uptime) = (clock.now(), clock.uptime());
        clock.sleep(Duration::from_secs(3600)).await;
        assert_eq!((clock.uptime() - uptime).as_secs(), 3600);
        let passed = clock.now().duration_since(day).unwrap().as_secs_f64();
        assert!((passed - 3600.0).abs() < 1.0, "{passed}");
    }
}
