//! One block for all (rule 10): the gateway takes no calls of a merchant account for a while, whoever makes them.
//!
//! The trouble of the call that was told so and the block are committed together; every instance looks before each call.

use std::time::Duration;

use super::schedule::SKEW;
use crate::id::ProviderId;
use crate::time::Timestamp;

/// A block lasts no longer than this from now, whatever a gateway says or a clock did.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The gateway takes no calls of an account until a moment.
///
/// ```
/// use std::time::Duration;
/// use ucanpay_storefront::Timestamp;
/// use ucanpay_storefront::ledger::Block;
///
/// let now = Timestamp::from_millis(1_795_509_000_000);
/// let until = now.after(Duration::from_secs(60)); // as it stands in the account's row
/// assert_eq!(Block::rest(until, now), Some(Duration::from_secs(60)));
/// assert_eq!(Block::rest(until, until), None);
/// let next_year = now.after(Duration::from_secs(365 * 24 * 60 * 60));
/// assert_eq!(Block::rest(next_year, now), None, "the clock was set back since");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The account.
    pub account: ProviderId,
    /// The end of it.
    pub until: Timestamp,
    /// When it was learnt of.
    pub at: Timestamp,
}

impl Block {
    pub(super) fn new(account: ProviderId, wait: Duration, now: Timestamp) -> Self {
        Self {
            account,
            until: now.after(wait.min(LONGEST)),
            at: now,
        }
    }

    /// A block that stands in the ledger and ends later than this did not come from this clock: it was set back since.
    pub fn farthest(&self) -> Timestamp {
        farthest(self.at)
    }

    /// Whether it takes the place of the one that stands: none is ever shortened.
    pub(crate) fn replaces(&self, standing: Option<Timestamp>) -> bool {
        standing.is_none_or(|standing| self.until > standing || standing > self.farthest())
    }

    /// How long a block that ends at `until` still lasts; `None` if it is over, or if its end lies so far ahead that the
    /// clock must have been set back since.
    pub fn rest(until: Timestamp, now: Timestamp) -> Option<Duration> {
        let counts = until > now && until <= farthest(now);
        counts.then(|| until.since(now))
    }
}

/// The longest block, as a machine whose clock is a little ahead would write it.
fn farthest(now: Timestamp) -> Timestamp {
    now.after(LONGEST).after(SKEW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(seconds: u64, now: Timestamp) -> Block {
        let account = ProviderId::new("test").unwrap();
        Block::new(account, Duration::from_secs(seconds), now)
    }

    #[test]
    fn a_block_is_never_shortened_and_never_longer_than_an_hour() {
        let now = Timestamp::from_millis(1_000_000);
        let minute = block(60, now);
        assert!(minute.replaces(None));
        assert!(block(61, now).replaces(Some(minute.until)));
        assert!(!block(59, now).replaces(Some(minute.until)));
        assert!(!block(60, now).replaces(Some(minute.until)));
        assert_eq!(block(86_400, now).until, now.after(LONGEST));
        let behind = Timestamp::from_millis(now.as_millis() - 2_000);
        assert!(Block::rest(block(86_400, now).until, behind).is_some());
    }

    #[test]
    fn a_clock_set_back_leaves_no_block_behind_that_lasts_more_than_an_hour() {
        let before = Timestamp::from_millis(100_000_000);
        let standing = block(60, before).until;
        let now = Timestamp::from_millis(0);
        assert_eq!(Block::rest(standing, before), Some(Duration::from_secs(60)));
        assert_eq!(Block::rest(standing, standing), None);
        assert_eq!(Block::rest(standing, now), None);
        assert!(block(60, now).replaces(Some(standing)));
    }
}
