//! The gate: whether an attempt may leave now.
//!
//! After "too many requests" the gateway wants to be left alone, and whoever asks all the same prolongs the block. So one
//! gate stands before all calls of a merchant account: [`GateLayer`] asks it before each attempt and tells it what came
//! back. It is closed by INVALID_REQ_TOO_MUCH and FREQUENCY_LIMITED, for 60 s at least, and by HTTP 429, for as long as
//! that says. Attempts that were on their way when it closed are the only ones the gateway still sees.
//!
//! | the gate is closed … | what a call does |
//! |---|---|
//! | [`WhenClosed::FailFast`] | it fails at once: `NotSent`, with [`HeldBack::Closed`] as its source and the rest of the block in `Error::retry_after` |
//! | [`WhenClosed::Wait`] | it waits, if the block ends early enough for the call to be answered in its total time; otherwise it fails at once, likewise |
//!
//! Whoever has waited looks again before it leaves: another call may have met a new block meanwhile. Those who waited for
//! the same block come back spread over a second; under a [`RateLimit`], one by one.

mod clock;
mod held_back;
mod layer;
mod limit;
mod state;

pub use clock::Clock;
pub use held_back::HeldBack;
pub use layer::{GateLayer, Gated};
pub use limit::RateLimit;
pub use state::GateState;

use crate::Error;
use crate::hint::{LONGEST, ONE_MINUTE};
use crate::measure::{self, GateWait};
use clock::TokioClock;
use limit::{Queue, nanoseconds};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;
use tower::util::rng::{HasherRng, Rng};
use tracing::Instrument;
use ucanpay_core::ErrorClass;

/// The farthest ahead at which a block that is shared can end: the hour for which a gate closes at most, and the minute by
/// which the clocks of machines may differ.
pub const LONGEST_BLOCK: Duration = LONGEST.saturating_add(ONE_MINUTE);

/// Those who waited for the end of a block come back within this time.
const SPREAD: Duration = Duration::from_secs(1);

/// How long a call that met a block waits for the block to be shared. The writing itself goes on without it.
const SHARING: Duration = Duration::from_secs(1);

/// What a call does that finds the gate closed.
///
/// ```
/// use std::time::Duration;
/// use ucanpay_transport::{Client, Gate, WhenClosed};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
/// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| {
/// #     let answer = http::Response::builder().status(429).header("retry-after", "5");
/// #     std::future::ready(Ok::<_, std::io::Error>(answer.body(bytes::Bytes::new()).unwrap()))
/// # });
/// let gate = Gate::default();
/// let page = Client::builder(merchant.clone()).gate(gate.clone()).build_with(http.clone())?;
/// let job = Client::builder(merchant).gate(gate.when_closed(WhenClosed::Wait)).build_with(http)?;
///
/// // The gateway answers 429, with `Retry-After: 5`.
/// assert!(page.call(&query).await.unwrap_err().held_back().is_none());
/// assert!(page.call(&query).await.unwrap_err().held_back().is_some()); // at once
/// let started = tokio::time::Instant::now();
/// assert!(job.call(&query).await.unwrap_err().held_back().is_none()); // sent after the wait
/// assert!(started.elapsed() >= Duration::from_secs(5));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenClosed {
    /// It fails at once. The default: whoever waits in front of a page is better told than kept.
    #[default]
    FailFast,
    /// It waits for the gate to open, unless the call would then surely leave too late. For work that nobody watches.
    Wait,
}

/// Holds back calls while the gateway wants to be left alone. Cheap to clone; all clones open and close together.
///
/// One account, one gate: two [`Client`](crate::Client)s of the same merchant are given clones of it.
///
/// ```
/// use ucanpay_transport::{Client, Gate, HeldBack};
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
/// let gate = Gate::default();
/// let shop = Client::builder(merchant.clone()).gate(gate.clone()).build_with(http.clone())?;
/// let jobs = Client::builder(merchant).gate(gate).build_with(http)?;
/// let error = shop.call(&query).await.unwrap_err(); // answered FREQUENCY_LIMITED
/// assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(60));
/// let error = jobs.call(&query).await.unwrap_err();
/// assert!(matches!(error.held_back(), Some(HeldBack::Closed { .. })));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Gate {
    shared: Arc<Shared>,
    when_closed: WhenClosed,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    state: Option<Arc<dyn GateState>>,
    queue: Option<Queue>,
    /// The uptime, in nanoseconds, until which this process knows the gate to be closed.
    closed_until: AtomicU64,
}

/// Sets up a [`Gate`].
///
/// ```
/// use std::time::Duration;
/// use ucanpay_transport::{Gate, RateLimit, WhenClosed};
///
/// let gate = Gate::builder()
///     .rate_limit(RateLimit::new(10, Duration::from_secs(1)).with_burst(5))
///     .when_closed(WhenClosed::Wait)
///     .build();
/// assert!(format!("{gate:?}").contains("when_closed: Wait"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct GateBuilder {
    clock: Option<Arc<dyn Clock>>,
    state: Option<Arc<dyn GateState>>,
    limit: Option<RateLimit>,
    when_closed: WhenClosed,
}

impl Default for Gate {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl Gate {
    /// A gate of one's own; [`GateBuilder::build`] ends it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ucanpay_transport::{Gate, RateLimit};
    ///
    /// let gate = Gate::builder().rate_limit(RateLimit::new(10, Duration::from_secs(1))).build();
    /// assert!(format!("{gate:?}").contains("spacing: 100ms"));
    /// ```
    pub fn builder() -> GateBuilder {
        GateBuilder::default()
    }

    /// The same gate, with another rule for the calls that find it closed: a page fails fast where a job in the
    /// background waits.
    ///
    /// ```
    /// use ucanpay_transport::{Gate, WhenClosed};
    ///
    /// let for_pages = Gate::default();
    /// let for_jobs = for_pages.clone().when_closed(WhenClosed::Wait); // one block, two rules
    /// assert!(format!("{for_pages:?}").contains("when_closed: FailFast"));
    /// assert!(format!("{for_jobs:?}").contains("when_closed: Wait"));
    /// ```
    #[must_use]
    pub fn when_closed(mut self, rule: WhenClosed) -> Self {
        self.when_closed = rule;
        self
    }

    fn uptime(&self) -> Duration {
        self.shared.clock.uptime()
    }

    /// How long the gate stays closed, by the memory of this process and by the shared state. `None`: it is open, and
    /// was so at the very end of this function.
    async fn closed_for(&self) -> Result<Option<Duration>, HeldBack> {
        let shared = match &self.shared.state {
            Some(state) => {
                let until = state.blocked_until().await.map_err(HeldBack::State)?;
                until.and_then(|until| until.duration_since(self.shared.clock.now()).ok())
            }
            None => None,
        };
        let closed_until = Duration::from_nanos(self.shared.closed_until.load(SeqCst));
        let known = closed_until.saturating_sub(self.uptime());
        Ok(shared
            .filter(|wait| *wait <= LONGEST_BLOCK)
            .max(Some(known))
            .filter(|wait| !wait.is_zero()))
    }

    /// Comes back when the gate is open, or says why not. Nothing that has to wait leaves after the uptime `end`.
    async fn opened(&self, end: Option<Duration>) -> Result<(), HeldBack> {
        let Some(rest) = self.closed_for().await? else {
            return Ok(());
        };
        let waiting = GateWait::begin("block");
        let result = self.wait_for_the_end(rest, end).await;
        waiting.end(&result);
        result
    }

    async fn wait_for_the_end(
        &self,
        mut rest: Duration,
        end: Option<Duration>,
    ) -> Result<(), HeldBack> {
        loop {
            let left = end.map_or(Duration::MAX, |end| end.saturating_sub(self.uptime()));
            if self.when_closed == WhenClosed::FailFast || rest >= left {
                let until = self.shared.clock.now() + rest;
                return Err(HeldBack::Closed { until, rest });
            }
            // Somewhere in the second after the block, or in half of what the call has left then.
            let spread = SPREAD.min((left - rest) / 2);
            let wait = rest + spread.mul_f64(HasherRng::new().next_f64());
            tracing::debug!(?wait, "waiting for the gate to open");
            self.shared.clock.sleep(wait).await;
            match self.closed_for().await? {
                Some(longer) => rest = longer,
                None => return Ok(()),
            }
        }
    }

    /// Comes back when the gate is open and, under a rate limit, it is the attempt's turn. Returns whether time has
    /// passed since the gate was last seen open.
    async fn pass(&self, end: Option<Duration>) -> Result<bool, HeldBack> {
        self.opened(end).await?;
        let Some(queue) = &self.shared.queue else {
            return Ok(false);
        };
        let waiting = GateWait::begin("rate");
        let result = self.turn(queue, end).await;
        match result {
            Ok(false) => waiting.forget(),
            _ => waiting.end(&result),
        }
        result
    }

    async fn turn(&self, queue: &Queue, end: Option<Duration>) -> Result<bool, HeldBack> {
        let clock = &*self.shared.clock;
        let front = queue.join(clock, end).await?;
        if front.waited() {
            // If the gate has closed, those who queue learn it now, and not one by one at their turns.
            self.opened(end).await?;
        }
        front.leave(clock, end).await
    }

    /// Takes in how an attempt ended: closes the gate if the gateway wants to be left alone. Back by the uptime `end`, so
    /// that what the gateway said is not lost to the call's total time.
    async fn learn(&self, error: &Error, end: Option<Duration>) {
        let blocked = error
            .gateway()
            .is_some_and(|gateway| gateway.code().class() == ErrorClass::Blocked);
        let wait = match error {
            Error::RateLimited { retry_after, .. } => *retry_after,
            Error::Rejected { retry_after, .. } if blocked => retry_after.unwrap_or(ONE_MINUTE),
            _ => return,
        };
        self.close(wait, end).await;
    }

    /// Closes the gate: in this process at once, and in the shared state by a task that nobody can drop.
    async fn close(&self, wait: Duration, end: Option<Duration>) {
        let wait = wait.min(LONGEST);
        let until = nanoseconds(self.uptime().saturating_add(wait));
        self.shared.closed_until.fetch_max(until, SeqCst);
        measure::gate_closed();
        tracing::warn!(
            ?wait,
            "the gateway wants to be left alone: the gate is closed"
        );
        let Some(state) = self.shared.state.clone() else {
            return;
        };
        let until = self.shared.clock.now() + wait;
        let share = async move {
            if let Err(error) = state.block(until).await {
                tracing::error!(%error, "the block could not be shared: it holds in this process alone");
            }
        };
        let shared = tokio::spawn(share.in_current_span());
        // What the gateway said is not kept from the caller by a slow store.
        let left = end.map_or(SHARING, |end| end.saturating_sub(self.uptime()));
        let _ = tokio::time::timeout(left.min(SHARING), shared).await;
    }
}

impl GateBuilder {
    /// What calls do that find the gate closed. The default is [`WhenClosed::FailFast`].
    ///
    /// ```
    /// use ucanpay_transport::{Gate, WhenClosed};
    ///
    /// let gate = Gate::builder().when_closed(WhenClosed::Wait).build();
    /// assert!(format!("{gate:?}").contains("when_closed: Wait"));
    /// ```
    #[must_use]
    pub fn when_closed(mut self, rule: WhenClosed) -> Self {
        self.when_closed = rule;
        self
    }

    /// At most so many attempts in so much time. The default is no limit. Those who have to wait for their turn do,
    /// whatever [`when_closed`](Self::when_closed) says, unless it would come too late.
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
    /// let gate = Gate::builder().rate_limit(RateLimit::new(1, Duration::from_secs(3))).build();
    /// let client = Client::builder(merchant).gate(gate).build_with(http)?;
    /// let started = tokio::time::Instant::now();
    /// let (one, two) = tokio::join!(client.call(&query), client.call(&query));
    /// assert!(one.is_err() && two.is_err()); // answered NOAUTH, both
    /// assert_eq!(started.elapsed().as_secs(), 3);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Where the block is kept besides, so that other machines and a restart know of it. The default is nowhere.
    ///
    /// ```
    /// # use std::{sync::{Arc, Mutex}, time::SystemTime};
    /// use ucanpay_transport::{Client, Gate, GateState};
    ///
    /// # #[derive(Debug, Default)]
    /// # struct Row(Mutex<Option<SystemTime>>);
    /// # #[async_trait::async_trait]
    /// # impl GateState for Row {
    /// #     async fn blocked_until(&self) -> Result<Option<SystemTime>, ucanpay_transport::BoxError> {
    /// #         Ok(*self.0.lock().unwrap())
    /// #     }
    /// #     async fn block(&self, until: SystemTime) -> Result<(), ucanpay_transport::BoxError> {
    /// #         *self.0.lock().unwrap() = Some(until);
    /// #         Ok(())
    /// #     }
    /// # }
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
    /// let row = Arc::new(Row::default()); // see `GateState`
    /// let gate = Gate::builder().state(row.clone()).build();
    /// let client = Client::builder(merchant.clone()).gate(gate).build_with(http.clone())?;
    /// assert!(client.call(&query).await.is_err()); // answered FREQUENCY_LIMITED
    ///
    /// // Another machine, or this one after a restart.
    /// let gate = Gate::builder().state(row).build();
    /// let client = Client::builder(merchant).gate(gate).build_with(http)?;
    /// assert!(client.call(&query).await.unwrap_err().held_back().is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn state(mut self, state: Arc<dyn GateState>) -> Self {
        self.state = Some(state);
        self
    }

    /// Where the time comes from. The default is tokio's clock and the machine's time of day.
    ///
    /// ```
    /// # use std::sync::{Arc, atomic::{AtomicU64, Ordering::SeqCst}};
    /// # use std::time::{Duration, SystemTime};
    /// use ucanpay_transport::{Client, Clock, Gate};
    ///
    /// # #[derive(Debug, Default)]
    /// # struct Seconds(AtomicU64);
    /// # #[async_trait::async_trait]
    /// # impl Clock for Seconds {
    /// #     fn now(&self) -> SystemTime { SystemTime::UNIX_EPOCH + self.uptime() }
    /// #     fn uptime(&self) -> Duration { Duration::from_secs(self.0.load(SeqCst)) }
    /// #     async fn sleep(&self, wait: Duration) { self.0.fetch_add(wait.as_secs() + 1, SeqCst); }
    /// # }
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
    /// let clock = Arc::new(Seconds::default()); // see `Clock`
    /// let gate = Gate::builder().clock(clock.clone()).build();
    /// let client = Client::builder(merchant).gate(gate).build_with(http)?;
    /// assert!(client.call(&query).await.is_err()); // answered FREQUENCY_LIMITED
    /// clock.0.fetch_add(20, SeqCst);
    /// let error = client.call(&query).await.unwrap_err();
    /// assert_eq!(error.retry_after(), Some(Duration::from_secs(40)));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The gate, open.
    ///
    /// ```
    /// use ucanpay_transport::{Client, Gate};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| async {
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"NOAUTH"}"#);
    /// #     Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer))
    /// # });
    /// let gate = Gate::builder().build(); // Gate::default() is the same
    /// let client = Client::builder(merchant).gate(gate).build_with(http)?;
    /// assert!(client.call(&query).await.unwrap_err().held_back().is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn build(self) -> Gate {
        let clock = self.clock.unwrap_or_else(|| Arc::new(TokioClock::start()));
        Gate {
            shared: Arc::new(Shared {
                clock,
                state: self.state,
                queue: self.limit.map(Queue::new),
                closed_until: AtomicU64::new(0),
            }),
            when_closed: self.when_closed,
        }
    }
}
