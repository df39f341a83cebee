//! When an unsettled row is asked for next.
//!
//! The first question comes 15 s after the row was recorded. While a buyer may be standing in front of the page the
//! interval stays under a minute, so that a payment whose notifications are all lost is still seen within a minute;
//! then it widens with the row's age.
//!
//! What ended without the money having moved is watched for six hours, because what moves it may have been under way: a
//! closed payment for the buyer's payment, a failed refund for a repeat of its call, a paid payment whose reversal was
//! refused for an earlier attempt at it. Every two minutes at first, every ten after ten minutes, every hour after one. Then
//! it rests.
//!
//! A settled row is asked about as well where a message casts doubt on it. A call that brings no answer ends neither that nor
//! the watch: the question is put off, and asked again.
//!
//! A clock that was ahead and is set back leaves moments behind that lie too far in the future to be meant. They do not
//! count: the row is due, the lease is free. The clocks of two machines are never quite the same, so what lies a little
//! too far is meant: it was written by another, whose clock is ahead.
//!
//! What this cannot tell: a clock that is set back by less than the longest wait, six hours, leaves moments that may have
//! been meant. Those rows wait longer by as much, unless a notification or `refresh` comes first; leases are free after
//! two minutes. To tell them apart, each row would have to say when its next question was set.

use std::time::Duration;

use crate::time::Timestamp;

/// When a row is asked for next, and who is asking at this moment.
///
/// ```
/// use std::time::Duration;
/// use ucanpay_storefront::Timestamp;
/// use ucanpay_storefront::ledger::Schedule;
///
/// let now = Timestamp::from_millis(1_795_509_000_000);
/// let mut row = Schedule { next_check_at: Some(now), lease_until: None };
/// assert!(row.due(now));
/// row.lease_until = Some(now.after(Duration::from_secs(60))); // somebody took it
/// assert!(row.leased(now) && !row.due(now));
/// assert!(row.due(now.after(Duration::from_secs(60))), "they did not come back");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Not before this moment; `None` once nothing more is expected.
    pub next_check_at: Option<Timestamp>,
    /// Somebody is at it until then; their result counts only while this stands unchanged.
    pub lease_until: Option<Timestamp>,
}

/// The longest a caller may be at one row. Longer than a call with all its retries and the query after it, so that
/// nobody else starts the same call meanwhile; if the process dies, the row is free again after it.
pub(crate) const LEASE: Duration = Duration::from_secs(60);

/// No question is ever put off longer.
const FARTHEST: Duration = Duration::from_secs(6 * HOUR);

/// How far the clock of another machine may be ahead of ours before what it wrote is taken for a mistake.
pub(super) const SKEW: Duration = Duration::from_secs(MINUTE);

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

impl Schedule {
    /// Its time has come, and nobody is at it.
    pub fn due(&self, now: Timestamp) -> bool {
        let waits = |at| at > now && at <= Self::farthest_check(now);
        self.next_check_at.is_some_and(|at| !waits(at)) && !self.leased(now)
    }

    /// Somebody is at it right now.
    pub fn leased(&self, now: Timestamp) -> bool {
        self.lease_until
            .is_some_and(|until| until > now && until <= Self::farthest_lease(now))
    }

    /// No next question that is meant lies after this moment.
    pub(crate) fn farthest_check(now: Timestamp) -> Timestamp {
        now.after(FARTHEST).after(SKEW)
    }

    /// No lease that is meant ends after this moment.
    pub(crate) fn farthest_lease(now: Timestamp) -> Timestamp {
        now.after(LEASE).after(SKEW)
    }

    /// The next question about a row that ended at `ended`, not sooner than `hold` from now; `None` once it has been
    /// watched long enough.
    pub(super) fn watch(
        ended: Timestamp,
        now: Timestamp,
        hold: Option<Duration>,
    ) -> Option<Timestamp> {
        let wait = match now.since(ended).as_secs() {
            ..600 => 2 * MINUTE,
            600..HOUR => 10 * MINUTE,
            HOUR..WATCH => HOUR,
            _ => return None,
        };
        let wait = Duration::from_secs(wait).max(hold.unwrap_or_default());
        Some(now.after(wait.min(FARTHEST)))
    }

    /// The next question for a row recorded at `created`, not sooner than `hold` from now.
    pub(super) fn ask_again(
        created: Timestamp,
        now: Timestamp,
        hold: Option<Duration>,
    ) -> Option<Timestamp> {
        let wait = interval(now.since(created)).max(hold.unwrap_or_default());
        Some(now.after(wait.min(FARTHEST)))
    }
}

/// How long what ended is watched.
const WATCH: u64 = 6 * HOUR;

/// The wait before the next question, by the row's age.
fn interval(age: Duration) -> Duration {
    Duration::from_secs(match age.as_secs() {
        ..120 => 15,
        120..1_800 => 45,
        1_800..7_200 => 5 * MINUTE,
        7_200..86_400 => 30 * MINUTE,
        _ => 6 * HOUR,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buyer_in_front_of_the_page_never_waits_a_minute_and_old_rows_rest() {
        let mut last = Duration::ZERO;
        for age in [0, 119, 120, 1_799, 1_800, 7_200, 86_400, 10_000_000] {
            let wait = interval(Duration::from_secs(age));
            assert!(wait >= last, "intervals only widen");
            assert!(age >= 1_800 || wait < Duration::from_secs(60));
            last = wait;
        }
    }

    #[test]
    fn a_gateway_that_asks_for_quiet_gets_it() {
        let now = Timestamp::from_millis(0);
        let next = Schedule::ask_again(now, now, Some(Duration::from_secs(60)));
        assert_eq!(next, Some(now.after(Duration::from_secs(60))));
    }
}
