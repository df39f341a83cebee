//! The sandbox's time: asked for by everything that stamps, schedules or waits, so that a test can drive it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use tokio::sync::watch;

/// A wait looks at a running clock again at least this often, so that a clock that was set is noticed.
pub(crate) const LONGEST_NAP: Duration = Duration::from_secs(1);

/// A driven clock goes no further than the end of the year 9999, so that what is set for never stays ahead.
const LATEST: i64 = 253_402_300_799_999;

/// Where the sandbox takes its time from.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::PrivateKey;
/// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant_key = key.public_key().clone();
/// # use axum::{body::{Body, to_bytes}, http::Request};
/// # use tower::ServiceExt as _;
/// # let ask = async |sandbox: &Sandbox, request: Request<Body>| {
/// #     let answer = sandbox.router().oneshot(request).await.unwrap();
/// #     let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
/// #     serde_json::from_slice::<serde_json::Value>(&body).unwrap()
/// # };
/// # let get = async |sandbox: &Sandbox, path: &str| {
/// #     ask(sandbox, Request::get(path).body(Body::empty()).unwrap()).await
/// # };
/// use std::sync::Arc;
/// use ucanpay_sandbox::{Clock, Sandbox, SandboxConfig};
///
/// /// It is always noon of one day.
/// #[derive(Debug)]
/// struct Noon;
///
/// impl Clock for Noon {
///     fn now(&self) -> i64 {
///         1_772_366_400_000
///     }
/// }
///
/// let config = SandboxConfig::new("2000000010", merchant_key, platform_key).with_clock(Arc::new(Noon));
/// let sandbox = Sandbox::open(config).await?;
/// let clock = get(&sandbox, "/_sandbox/clock").await;
/// assert_eq!(clock["now"], "2026-03-01T12:00:00Z");
/// # Ok(()) }
/// ```
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Milliseconds since the Unix epoch, UTC.
    fn now(&self) -> i64;
}

/// The machine's own clock.
///
/// ```
/// use ucanpay_sandbox::{Clock, SystemClock};
///
/// assert!(SystemClock.now() > 1_767_225_600_000, "later than the beginning of 2026");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        ms_since_epoch(SystemTime::now())
    }
}

/// The time of one sandbox: it runs by itself, or stands until it is driven.
#[derive(Clone, Debug)]
pub(crate) enum Time {
    Running(Arc<dyn Clock>),
    Driven(watch::Sender<i64>),
}

impl Time {
    /// A clock that stands at this time.
    pub(crate) fn standing_at(start: SystemTime) -> Self {
        Self::Driven(watch::Sender::new(ms_since_epoch(start)))
    }

    /// Milliseconds since the Unix epoch, UTC.
    pub(crate) fn now(&self) -> i64 {
        match self {
            Self::Running(clock) => clock.now(),
            Self::Driven(now) => *now.borrow(),
        }
    }

    /// Moves a driven clock on; whether it was one.
    pub(crate) fn advance(&self, by: Duration) -> bool {
        let Self::Driven(now) = self else {
            return false;
        };
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        now.send_modify(|now| *now = now.saturating_add(by).min(LATEST));
        true
    }

    /// Completes when the clock shows this time or a later one.
    pub(crate) async fn until(&self, at: i64) {
        match self {
            Self::Running(clock) => loop {
                let Ok(left @ 1..) = u64::try_from(at.saturating_sub(clock.now())) else {
                    return;
                };
                tokio::time::sleep(Duration::from_millis(left).min(LONGEST_NAP)).await;
            },
            Self::Driven(now) => {
                // The sender is `self`: it cannot have gone.
                let _ = now.subscribe().wait_for(|now| *now >= at).await;
            }
        }
    }
}

fn ms_since_epoch(time: SystemTime) -> i64 {
    // A clock set before 1970 reads as 1970: the sandbox has nothing better to say about it.
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

/// The forms in which the reference prints times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeForm {
    /// `2021-01-29T03:55:56Z`: envelopes and `orderquery`.
    WithOffset,
    /// `2021-01-29T03:55:56`: the order's answer and `timeEnd`, as their samples have it.
    WithoutOffset,
    /// `20091225091010`: `refundSuccesTime`, as its table has it.
    Digits,
    /// `2021-01-29 03:55:10`: `refundTime`, as its sample has it.
    Spaced,
}

/// `2021-01-29T03:55:56Z`
pub(crate) fn rfc3339(ms: i64) -> String {
    written(ms, TimeForm::WithOffset)
}

pub(crate) fn written(ms: i64, form: TimeForm) -> String {
    let format = match form {
        TimeForm::WithOffset => "%Y-%m-%dT%H:%M:%SZ",
        TimeForm::WithoutOffset => "%Y-%m-%dT%H:%M:%S",
        TimeForm::Digits => "%Y%m%d%H%M%S",
        TimeForm::Spaced => "%Y-%m-%d %H:%M:%S",
    };
    // Only a clock beyond the year 9999 is out of range.
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
    at.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_on_a_driven_clock_ends_when_it_is_driven_there() {
        let time = Time::standing_at(UNIX_EPOCH);
        let waiting = tokio::spawn({
            let time = time.clone();
            async move { time.until(1000).await }
        });
        assert!(time.advance(Duration::from_millis(999)));
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
        assert!(time.advance(Duration::from_millis(1)));
        waiting.await.unwrap();
        assert!(time.advance(Duration::MAX));
        assert_eq!(time.now(), LATEST);
    }

    #[tokio::test]
    async fn a_running_clock_cannot_be_driven_and_a_wait_on_it_ends_in_time() {
        let time = Time::Running(Arc::new(SystemClock));
        assert!(!time.advance(Duration::from_secs(1)));
        let begun = std::time::Instant::now();
        time.until(time.now() + 50).await;
        assert!(begun.elapsed() >= Duration::from_millis(45));
    }

    #[test]
    fn a_time_is_written_in_each_of_the_reference_s_four_forms() {
        let at = 1_611_892_556_789;
        assert_eq!(written(at, TimeForm::WithOffset), "2021-01-29T03:55:56Z");
        assert_eq!(written(at, TimeForm::WithoutOffset), "2021-01-29T03:55:56");
        assert_eq!(written(at, TimeForm::Spaced), "2021-01-29 03:55:56");
        assert_eq!(written(at, TimeForm::Digits), "20210129035556");
    }
}
