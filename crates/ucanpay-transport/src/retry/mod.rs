//! Which outcomes are sent again, and when.
//!
//! The same bytes go out again, never a new request: every call of the gateway is made idempotent by the merchant's
//! own numbers, and "the same request again" is the reference's cure for SYSTEMERROR.
//!
//! Which outcomes those are stands in [`table`]; how often and how soon, here.
//!
//! The waits before the second, third … attempt are random between zero and a bound that doubles each time ("full
//! jitter"), so that merchants cut off together do not come back together. All clones of a client share one budget of
//! retries, so that a gateway in trouble does not get threefold the calls for it.

mod table;

pub use table::{Again, Outcome, RETRY_TABLE, RetryRule};

use crate::{Error, measure};
use http::Request;
use std::sync::Arc;
use std::time::Duration;
use tower::retry::Policy;
use tower::retry::budget::{Budget, TpsBudget};
use tower::util::rng::{HasherRng, Rng};

/// The budget counts the calls of this time.
const BUDGET_WINDOW: Duration = Duration::from_secs(10);

/// How often and how soon the same bytes are sent again, by [`RETRY_TABLE`]. By default 3 attempts, with waits below 250
/// and 500 ms; and for all calls together one retry in a second, and one more for each five answers.
///
/// It is a [`tower::retry::Policy`] over the outcomes of [`Verify`](crate::Verify). Clones share the budget.
///
/// ```
/// use std::time::Duration;
/// use ucanpay_transport::{Client, RetryPolicy};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
/// # let count = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
/// # let counted = count.clone();
/// # let http = tower::service_fn(move |_: http::Request<bytes::Bytes>| {
/// #     counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
/// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"SYSTEMERROR"}"#);
/// #     std::future::ready(Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer)))
/// # });
/// # let requests = || count.load(std::sync::atomic::Ordering::SeqCst);
/// let policy = RetryPolicy::default()
///     .with_max_attempts(4)
///     .with_waits(Duration::from_millis(100), Duration::from_secs(1))
///     .with_budget(10, 20);
/// let client = Client::builder(merchant).retry(policy).build_with(http)?; // one that answers SYSTEMERROR
/// assert!(client.call(&query).await.is_err());
/// assert_eq!(requests(), 4);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    max_attempts: u32,
    first_wait: Duration,
    longest_wait: Duration,
    budget: Arc<TpsBudget>,
    /// Of the call at hand: `tower` clones the policy for each.
    repeats: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            first_wait: Duration::from_millis(250),
            longest_wait: Duration::from_secs(5),
            budget: budget(1, 20),
            repeats: 0,
        }
    }
}

impl RetryPolicy {
    /// One attempt, whatever comes of it.
    ///
    /// ```
    /// use ucanpay_transport::{Client, RetryPolicy};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let count = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    /// # let counted = count.clone();
    /// # let http = tower::service_fn(move |_: http::Request<bytes::Bytes>| {
    /// #     counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"SYSTEMERROR"}"#);
    /// #     std::future::ready(Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer)))
    /// # });
    /// # let requests = || count.load(std::sync::atomic::Ordering::SeqCst);
    /// let client = Client::builder(merchant).retry(RetryPolicy::never()).build_with(http)?;
    /// assert!(client.call(&query).await.is_err()); // answered SYSTEMERROR
    /// assert_eq!(requests(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn never() -> Self {
        Self::default().with_max_attempts(1)
    }

    /// At most this many attempts in all; 0 counts as 1.
    ///
    /// ```
    /// use ucanpay_transport::{Client, RetryPolicy};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let count = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    /// # let counted = count.clone();
    /// # let http = tower::service_fn(move |_: http::Request<bytes::Bytes>| {
    /// #     counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"SYSTEMERROR"}"#);
    /// #     std::future::ready(Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer)))
    /// # });
    /// # let requests = || count.load(std::sync::atomic::Ordering::SeqCst);
    /// let policy = RetryPolicy::default().with_max_attempts(5);
    /// let client = Client::builder(merchant).retry(policy).build_with(http)?;
    /// assert!(client.call(&query).await.is_err()); // answered SYSTEMERROR
    /// assert_eq!(requests(), 5);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The bound of the first wait, which doubles with each further one up to `longest`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ucanpay_transport::{Client, RetryPolicy};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let http = tower::service_fn(|_: http::Request<bytes::Bytes>| async {
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"SYSTEMERROR"}"#);
    /// #     Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer))
    /// # });
    /// // In a test nobody waits.
    /// let policy = RetryPolicy::default().with_waits(Duration::ZERO, Duration::ZERO);
    /// let client = Client::builder(merchant).retry(policy).build_with(http)?;
    /// let started = tokio::time::Instant::now();
    /// assert!(client.call(&query).await.is_err()); // answered SYSTEMERROR, three times
    /// assert!(started.elapsed() < Duration::from_millis(10));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_waits(mut self, first: Duration, longest: Duration) -> Self {
        self.first_wait = first;
        self.longest_wait = longest;
        self
    }

    /// A budget of its own for this policy and its clones: `per_second` retries in each second (saved up for ten), and
    /// besides, for each 100 calls that were answered in the last ten seconds, `percent` more. A call whose retry is
    /// withheld ends with the outcome it has. Zero and zero: no retries.
    ///
    /// ```
    /// use ucanpay_transport::{Client, RetryPolicy};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let count = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    /// # let counted = count.clone();
    /// # let http = tower::service_fn(move |_: http::Request<bytes::Bytes>| {
    /// #     counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    /// #     let answer = bytes::Bytes::from_static(br#"{"code":1,"msg":"SYSTEMERROR"}"#);
    /// #     std::future::ready(Ok::<_, ucanpay_transport::BoxError>(http::Response::new(answer)))
    /// # });
    /// # let requests = || count.load(std::sync::atomic::Ordering::SeqCst);
    /// let policy = RetryPolicy::default().with_max_attempts(5).with_budget(0, 0);
    /// let client = Client::builder(merchant).retry(policy).build_with(http)?;
    /// assert!(client.call(&query).await.is_err()); // answered SYSTEMERROR
    /// assert_eq!(requests(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_budget(mut self, per_second: u32, percent: u32) -> Self {
        self.budget = budget(per_second, percent);
        self
    }

    /// The wait before the next attempt, where `random` is drawn from 0 … 1.
    fn wait(&self, random: f64) -> Duration {
        let bound = self
            .first_wait
            .saturating_mul(2_u32.saturating_pow(self.repeats))
            .min(self.longest_wait);
        bound.mul_f64(random.clamp(0.0, 1.0))
    }
}

/// Within the bounds beyond which `TpsBudget` would panic.
fn budget(per_second: u32, percent: u32) -> Arc<TpsBudget> {
    let per_second = per_second.min(1_000_000);
    let share = f32::from(u16::try_from(percent).unwrap_or(u16::MAX).min(10_000)) / 100.0;
    Arc::new(TpsBudget::new(BUDGET_WINDOW, per_second, share))
}

fn again(error: &Error) -> bool {
    Outcome::of(error).is_some_and(|outcome| outcome.rule().again == Again::Yes)
}

impl<B: Clone, T> Policy<Request<B>, T, Error> for RetryPolicy {
    type Future = tokio::time::Sleep;

    fn retry(
        &mut self,
        _request: &mut Request<B>,
        result: &mut Result<T, Error>,
    ) -> Option<Self::Future> {
        let error = match result {
            Ok(_) => {
                self.budget.deposit();
                return None;
            }
            Err(error) if again(error) => error,
            Err(_) => return None,
        };
        if self.repeats + 1 >= self.max_attempts {
            return None;
        }
        if !self.budget.withdraw() {
            measure::retry_withheld();
            tracing::debug!(%error, "not sent again: the budget of retries is spent");
            return None;
        }
        // A generator seeded anew each time: clones of one would all draw the same.
        let wait = self.wait(HasherRng::new().next_f64());
        self.repeats += 1;
        tracing::debug!(%error, ?wait, "sending the same bytes again");
        Some(tokio::time::sleep(wait))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_never_overflow() {
        let mut policy = RetryPolicy::default()
            .with_waits(Duration::from_millis(100), Duration::from_millis(350));
        let bounds = [100, 200, 350, 350];
        for (repeats, bound) in (0..).zip(bounds) {
            policy.repeats = repeats;
            assert_eq!(policy.wait(1.0), Duration::from_millis(bound));
            assert_eq!(policy.wait(0.0), Duration::ZERO);
        }
        policy.repeats = u32::MAX;
        assert_eq!(policy.wait(0.5), Duration::from_millis(175));
    }

    #[test]
    fn a_budget_of_any_size_can_be_set_up() {
        for number in [0, 1, 33, 100, 101, u32::MAX] {
            let _ = RetryPolicy::default().with_budget(number, number);
        }
    }
}
