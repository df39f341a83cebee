//! The rate limit: attempts queue, first come first served, and leave one by one.
//!
//! Only the one at the front looks at the clock. It takes its turn in the last step, with no await behind it, so whoever
//! is dropped, in the queue or at the front, leaves nothing behind: the next one moves up.

use super::{Clock, HeldBack};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// How many attempts may leave in how much time. By default they leave evenly spaced.
///
/// ```
/// use std::time::Duration;
/// use ucanpay_transport::{Client, Gate, RateLimit};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
/// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| async {
/// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"NOAUTH"}"#);
/// #     Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer))
/// # });
/// let limit = RateLimit::new(2, Duration::from_secs(1));
/// let gate = Gate::builder().rate_limit(limit).build();
/// let client = Client::builder(merchant).gate(gate).build_with(http)?;
/// let started = tokio::time::Instant::now();
/// for _ in 0..5 {
///     assert!(client.call(&query).await.is_err()); // answered NOAUTH
/// }
/// assert_eq!(started.elapsed().as_secs(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    spacing: Duration,
    burst: u32,
}

impl RateLimit {
    /// At most `attempts` in each `period`, evenly spaced; 0 counts as 1. A period of zero limits nothing.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ucanpay_transport::RateLimit;
    ///
    /// // Evenly spaced, so these two are the same.
    /// assert_eq!(RateLimit::new(60, Duration::from_secs(60)), RateLimit::new(1, Duration::from_secs(1)));
    /// ```
    pub fn new(attempts: u32, period: Duration) -> Self {
        Self {
            spacing: period / attempts.max(1),
            burst: 1,
        }
    }

    /// Up to `burst` attempts may leave at once after a quiet time; 0 counts as 1. The steady rate stays the same.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ucanpay_transport::{Client, Gate, RateLimit};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| async {
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"NOAUTH"}"#);
    /// #     Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer))
    /// # });
    /// let limit = RateLimit::new(1, Duration::from_secs(1)).with_burst(3);
    /// let gate = Gate::builder().rate_limit(limit).build();
    /// let client = Client::builder(merchant).gate(gate).build_with(http)?;
    /// let started = tokio::time::Instant::now();
    /// for seconds in [0, 0, 0, 1, 2] {
    ///     assert!(client.call(&query).await.is_err()); // answered NOAUTH
    ///     assert_eq!(started.elapsed().as_secs(), seconds);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_burst(mut self, burst: u32) -> Self {
        self.burst = burst.max(1);
        self
    }
}

/// Those who wait for their turn under one limit.
#[derive(Debug)]
pub(super) struct Queue {
    limit: RateLimit,
    /// tokio's mutex is fair: it is the queue.
    front: Mutex<()>,
    /// In the queue, the front included.
    length: AtomicU32,
    /// The uptime, in nanoseconds, at which the limit would be unused again. Written from the front alone.
    unused_at: AtomicU64,
}

impl Queue {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            front: Mutex::default(),
            length: AtomicU32::new(0),
            unused_at: AtomicU64::new(0),
        }
    }

    /// Queues up and comes back at the front; fails at once if the turn would surely not come before the uptime `end`.
    pub(super) async fn join(
        &self,
        clock: &dyn Clock,
        end: Option<Duration>,
    ) -> Result<Front<'_>, HeldBack> {
        let ahead = self.length.fetch_add(1, Relaxed);
        let place = Place(&self.length);
        self.in_time(ahead, clock, end)?;
        let (head, waited) = match self.front.try_lock() {
            Ok(head) => (head, false),
            Err(_) => (self.front.lock().await, true),
        };
        Ok(Front {
            queue: self,
            waited,
            _head: head,
            _place: place,
        })
    }

    /// How long until the turn of the one who has `ahead` others in front, if it comes before `end`. Whoever has nothing
    /// to wait for is not too late.
    fn in_time(
        &self,
        ahead: u32,
        clock: &dyn Clock,
        end: Option<Duration>,
    ) -> Result<Duration, HeldBack> {
        let (now, due) = (clock.uptime(), self.due_after(ahead));
        let rest = due.saturating_sub(now);
        if !rest.is_zero() && end.is_some_and(|end| due >= end) {
            return Err(HeldBack::Crowded { rest });
        }
        Ok(rest)
    }

    /// The uptime at which the next may leave, once `ahead` others have left.
    fn due_after(&self, ahead: u32) -> Duration {
        let RateLimit { spacing, burst } = self.limit;
        Duration::from_nanos(self.unused_at.load(Relaxed))
            .saturating_add(spacing.saturating_mul(ahead))
            .saturating_sub(spacing.saturating_mul(burst - 1))
    }
}

/// A place in the queue. Dropped, it is free.
struct Place<'a>(&'a AtomicU32);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// The front of the queue, as long as this lives.
pub(super) struct Front<'a> {
    queue: &'a Queue,
    waited: bool,
    _head: MutexGuard<'a, ()>,
    _place: Place<'a>,
}

impl Front<'_> {
    /// Whether others had to go first.
    pub(super) fn waited(&self) -> bool {
        self.waited
    }

    /// Waits for the turn and takes it, if it comes before the uptime `end`. Returns whether there was anything to wait
    /// for, in the queue or here.
    pub(super) async fn leave(
        self,
        clock: &dyn Clock,
        end: Option<Duration>,
    ) -> Result<bool, HeldBack> {
        let mut waited = self.waited;
        loop {
            let rest = self.queue.in_time(0, clock, end)?;
            if rest.is_zero() {
                let now = clock.uptime();
                let unused_at = Duration::from_nanos(self.queue.unused_at.load(Relaxed));
                let unused_at = unused_at.max(now).saturating_add(self.queue.limit.spacing);
                self.queue.unused_at.store(nanoseconds(unused_at), Relaxed);
                return Ok(waited);
            }
            clock.sleep(rest).await;
            waited = true;
        }
    }
}

/// As many as fit: five centuries.
pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
