//! Time as the ledger sees it: a value handed in by a [`Clock`], never read from the system inside a rule.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment: whole milliseconds since the Unix epoch, UTC.
///
/// ```
/// use std::time::Duration;
/// use ucanpay_storefront::Timestamp;
///
/// let opens = Timestamp::from_millis(1_795_509_000_000);
/// let closes = opens.after(Duration::from_secs(9 * 60 * 60));
/// assert_eq!(closes.to_string(), "2026-11-24T17:30:00Z");
/// assert_eq!(closes.before(Duration::from_secs(9 * 60 * 60)), opens);
/// assert_eq!(closes.since(opens).as_secs(), 9 * 60 * 60);
/// assert_eq!(opens.since(closes), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment this many milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment moved into the future; stops at the end of time instead of wrapping.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// This moment moved into the past; stops at the beginning of time instead of wrapping.
    #[must_use]
    pub fn before(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// How long ago `earlier` was; zero if it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

/// As RFC 3339 has it, in UTC: `2026-11-24T08:30:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => moment.fmt(f),
            // Before the year -9999 or after 9999.
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// Where the ledger gets its time. Injected, so that a test can drive hours in a moment.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use ucanpay_storefront::{Clock, ManualClock, Timestamp};
///
/// /// A machine whose clock is a minute ahead of the others.
/// #[derive(Debug)]
/// struct Ahead(Arc<dyn Clock>);
///
/// impl Clock for Ahead {
///     fn now(&self) -> Timestamp {
///         self.0.now().after(Duration::from_secs(60))
///     }
/// }
///
/// let others = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
/// assert_eq!(Ahead(others).now().as_millis(), 60_000); // for Payments::with_clock
/// ```
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
///
/// ```
/// use ucanpay_storefront::{Clock, SystemClock, Timestamp};
///
/// let written = Timestamp::from_millis(1_767_225_600_000); // 2026-01-01
/// assert!(SystemClock.now() > written);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(0).after(since_epoch)
    }
}

/// A clock that stands still until it is told to move.
///
/// ```
/// use std::time::Duration;
/// use ucanpay_storefront::{Clock, ManualClock, Timestamp};
///
/// let clock = ManualClock::at(Timestamp::from_millis(1_795_509_000_000));
/// clock.advance(Duration::from_secs(15));
/// assert_eq!(clock.now().to_string(), "2026-11-24T08:30:15Z");
/// clock.set_back(Duration::from_secs(60));
/// assert_eq!(clock.now().to_string(), "2026-11-24T08:29:15Z");
/// ```
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock standing at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let mut now = self.lock();
        *now = now.after(by);
    }

    /// Moves the clock back, as a corrected system clock does.
    pub fn set_back(&self, by: Duration) {
        let mut now = self.lock();
        *now = now.before(by);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Timestamp> {
        // A plain number cannot be left half-written, so a poisoned lock still holds a good value.
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_utc_and_the_end_of_time_as_a_number() {
        let at = Timestamp::from_millis(1_795_509_000_250);
        assert_eq!(at.to_string(), "2026-11-24T08:30:00.25Z");
        assert_eq!(
            Timestamp::from_millis(i64::MAX).to_string(),
            format!("{} ms", i64::MAX)
        );
    }

    #[test]
    fn time_moves_forward_and_never_wraps() {
        let clock = ManualClock::at(Timestamp::from_millis(5));
        clock.advance(Duration::from_secs(2));
        assert_eq!(clock.now().as_millis(), 2005);
        assert_eq!(
            clock.now().since(Timestamp::from_millis(5)),
            Duration::from_secs(2)
        );
        assert_eq!(Timestamp::from_millis(5).since(clock.now()), Duration::ZERO);
        assert_eq!(
            Timestamp::from_millis(i64::MAX)
                .after(Duration::MAX)
                .as_millis(),
            i64::MAX
        );
    }
}
