//! The reconciler's call budget: a hundred thousand overdue rows do not hammer the gateway.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use crate::id::ProviderId;
use crate::time::Timestamp;

/// How many rows of one account the reconciler asks about in a second, unless set otherwise.
pub(super) const CALLS: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// A bucket of calls for each account, shared by all clones of a ledger. It holds one second's worth.
#[derive(Debug)]
pub(super) struct Budget {
    per_second: NonZeroU32,
    accounts: Mutex<HashMap<ProviderId, Bucket>>,
}

/// What is left, in thousandths of a call: a millisecond brings as many as there are calls in a second.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: u64,
    at: Timestamp,
}

const CALL: u64 = 1_000;

impl Budget {
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        Self {
            per_second,
            accounts: Mutex::default(),
        }
    }

    /// Takes as many calls of this account as may be made now, at most `wanted`.
    pub(super) fn take(&self, account: &ProviderId, wanted: usize, now: Timestamp) -> usize {
        self.with(account, now, |left, _| {
            let taken = usize::try_from(*left / CALL)
                .unwrap_or(usize::MAX)
                .min(wanted);
            *left -= milli(taken);
            taken
        })
    }

    /// Puts back what was taken and not needed.
    pub(super) fn put_back(&self, account: &ProviderId, calls: usize, now: Timestamp) {
        self.with(account, now, |left, full| {
            *left = left.saturating_add(milli(calls)).min(full);
        });
    }

    /// Works on what is left of a full bucket, after what the time since has brought.
    fn with<T>(
        &self,
        account: &ProviderId,
        now: Timestamp,
        work: impl FnOnce(&mut u64, u64) -> T,
    ) -> T {
        let per_second = u64::from(self.per_second.get());
        let full = per_second * CALL;
        // Two numbers, written together: a poisoned lock still holds good ones.
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = accounts.entry(account.clone()).or_insert(Bucket {
            left: full,
            at: now,
        });
        let passed = u64::try_from(now.since(bucket.at).as_millis()).unwrap_or(u64::MAX);
        bucket.left = bucket
            .left
            .saturating_add(passed.saturating_mul(per_second))
            .min(full);
        // A clock that was set back brings nothing, and goes on from there.
        bucket.at = now;
        work(&mut bucket.left, full)
    }
}

fn milli(calls: usize) -> u64 {
    u64::try_from(calls)
        .unwrap_or(u64::MAX)
        .saturating_mul(CALL)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_second_has_more_calls_than_the_budget_and_none_is_lost() {
        let budget = Budget::new(NonZeroU32::new(3).unwrap());
        let (one, two) = (
            ProviderId::new("one").unwrap(),
            ProviderId::new("two").unwrap(),
        );
        let begun = Timestamp::from_millis(1_000_000);
        assert_eq!(budget.take(&one, 16, begun), 3);
        assert_eq!(budget.take(&one, 16, begun), 0);
        assert_eq!(budget.take(&two, 2, begun), 2, "each account has its own");
        budget.put_back(&one, 1, begun);
        assert_eq!(budget.take(&one, 16, begun), 1);
        let (mut calls, mut now) = (0, begun);
        for _ in 0..1_000 {
            now = now.after(Duration::from_millis(10));
            calls += budget.take(&one, 16, now);
        }
        assert_eq!(calls, 30, "ten seconds");
        let later = now.after(Duration::from_secs(3_600));
        assert_eq!(budget.take(&one, 16, later), 3, "a rest is not saved up");
    }

    #[test]
    fn a_clock_set_back_stops_nothing() {
        let budget = Budget::new(NonZeroU32::new(3).unwrap());
        let one = ProviderId::new("one").unwrap();
        budget.take(&one, 3, Timestamp::from_millis(1_000_000));
        let back = Timestamp::from_millis(0);
        assert_eq!(budget.take(&one, 16, back), 0);
        assert_eq!(budget.take(&one, 16, back.after(Duration::from_secs(1))), 3);
    }
}
