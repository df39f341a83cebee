//! Where the gate has its time from.

use async_trait::async_trait;
use std::fmt;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A source of time. The default is the machine's, as tokio has it: a test that pauses tokio's clock drives it.
///
/// A clock that a test moves on:
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering::SeqCst}};
/// use std::time::{Duration, SystemTime};
/// use ucanpay_transport::{Client, Clock, Gate};
///
/// #[derive(Debug, Default)]
/// struct Seconds(AtomicU64);
///
/// #[async_trait::async_trait]
/// impl Clock for Seconds {
///     fn now(&self) -> SystemTime {
///         SystemTime::UNIX_EPOCH + self.uptime()
///     }
///     fn uptime(&self) -> Duration {
///         Duration::from_secs(self.0.load(SeqCst))
///     }
///     async fn sleep(&self, wait: Duration) {
///         self.0.fetch_add(wait.as_secs() + 1, SeqCst); // nobody waits
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
/// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| async {
/// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"FREQUENCY_LIMITED"}"#);
/// #     Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer))
/// # });
/// let clock = Arc::new(Seconds::default());
/// let gate = Gate::builder().clock(clock.clone()).build();
/// let client = Client::builder(merchant).gate(gate).build_with(http)?; // one that answers FREQUENCY_LIMITED
/// let held_back = async || client.call(&query).await.unwrap_err().held_back().is_some();
/// assert!(!held_back().await);
/// assert!(held_back().await);
/// clock.0.fetch_add(60, SeqCst);
/// assert!(!held_back().await); // it was sent
/// # Ok(())
/// # }
/// ```
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
