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

    const NOW: Timestamp = Timestamp::from_millis(1_795_509_000_000);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_buyer_in_front_of_the_page_never_waits_a_minute_and_old_rows_rest() {
        let half_hour = [(0, 15), (119, 15), (120, 45), (1_799, 45)];
        let later = [(1_800, 300), (7_199, 300), (7_200, 1_800), (86_399, 1_800)];
        let rest = [(86_400, 21_600), (10_000_000, 21_600)];
        for (age, wait) in half_hour.into_iter().chain(later).chain(rest) {
            let next = Schedule::ask_again(NOW, NOW.after(seconds(age)), None);
            assert_eq!(next, Some(NOW.after(seconds(age + wait))), "{age} s");
        }
    }

    #[test]
    fn what_ended_is_watched_for_six_hours() {
        let often = [(0, 120), (599, 120), (600, 600), (3_599, 600)];
        let seldom = [(3_600, 3_600), (21_599, 3_600)];
        for (since, wait) in often.into_iter().chain(seldom) {
            let next = Schedule::watch(NOW, NOW.after(seconds(since)), None);
            assert_eq!(next, Some(NOW.after(seconds(since + wait))), "{since} s");
        }
        assert_eq!(Schedule::watch(NOW, NOW.after(seconds(21_600)), None), None);
    }

    #[test]
    fn a_gateway_that_asks_for_quiet_gets_it_and_no_more_than_six_hours_of_it() {
        let hold = |hold| {
            let hold = Some(seconds(hold));
            (
                Schedule::ask_again(NOW, NOW, hold),
                Schedule::watch(NOW, NOW, hold),
            )
        };
        let after = |wait| Some(NOW.after(seconds(wait)));
        assert_eq!(hold(1), (after(15), after(120)));
        assert_eq!(hold(150), (after(150), after(150)));
        assert_eq!(hold(30_000), (after(21_600), after(21_600)));
    }

    #[test]
    fn a_moment_too_far_ahead_to_be_meant_does_not_count() {
        let next_check_at = |at| Schedule {
            next_check_at: at,
            lease_until: None,
        };
        let due = |at| next_check_at(Some(at)).due(NOW);
        let millisecond = Duration::from_millis(1);
        assert!(!next_check_at(None).due(NOW));
        assert!(due(NOW) && !due(NOW.after(millisecond)));
        // Six hours, and a minute for another machine's clock.
        let farthest = NOW.after(seconds(21_660));
        assert!(!due(farthest) && due(farthest.after(millisecond)));

        let lease_until = |until| Schedule {
            next_check_at: Some(NOW),
            lease_until: Some(until),
        };
        let leased = |until| lease_until(until).leased(NOW);
        assert!(!leased(NOW) && leased(NOW.after(millisecond)));
        // A minute, and another for that clock.
        let farthest = NOW.after(seconds(120));
        assert!(leased(farthest) && !leased(farthest.after(millisecond)));
        assert!(!lease_until(farthest).due(NOW) && lease_until(NOW).due(NOW));
    }
}
