//! The block after too many bad requests in a row (reference: INVALID_REQ_TOO_MUCH, "try again in one minute").
//!
//! The reference does not say how many are too many, nor whether the block holds for the calls whose tables do not have
//! the name: open points. Here the number is a switch, and the block holds for every call.

use serde::{Deserialize, Serialize};

use crate::refusal::ErrorName;
use crate::switches::Switches;

/// How long nothing is answered.
const BLOCK_MS: i64 = 60_000;

/// How many requests in a row were bad, and until when the merchant is blocked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Guard {
    bad_in_a_row: u32,
    blocked_until: Option<i64>,
}

impl Guard {
    pub(crate) fn blocks(self, now: i64) -> bool {
        self.blocked_until.is_some_and(|until| now < until)
    }

    /// A block that begins now.
    pub(crate) fn blocking(now: i64) -> Self {
        Self {
            bad_in_a_row: 0,
            blocked_until: Some(now.saturating_add(BLOCK_MS)),
        }
    }

    /// The guard after a request was answered like this.
    pub(crate) fn after(self, refusal: Option<ErrorName>, switches: Switches, now: i64) -> Self {
        let Some(limit) = switches.block_after else {
            return self;
        };
        if !refusal.is_some_and(ErrorName::is_the_request_s_own_fault) {
            return Self::default();
        }
        let bad_in_a_row = self.bad_in_a_row.saturating_add(1);
        if bad_in_a_row >= limit.get() {
            return Self::blocking(now);
        }
        Self {
            bad_in_a_row,
            blocked_until: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn switches(block_after: u32) -> Switches {
        Switches {
            block_after: NonZeroU32::new(block_after),
            ..Switches::default()
        }
    }

    #[test]
    fn the_last_of_so_many_bad_requests_in_a_row_is_followed_by_a_minute_s_block() {
        let bad = Some(ErrorName::SignError);
        let mut guard = Guard::default();
        for _ in 0..2 {
            guard = guard.after(bad, switches(3), 0);
            assert!(!guard.blocks(0));
        }
        guard = guard.after(bad, switches(3), 1000);
        assert!(guard.blocks(1000) && guard.blocks(60_999));
        assert!(!guard.blocks(61_000));
        guard = guard.after(bad, switches(3), 61_000);
        assert!(!guard.blocks(61_000), "it counts from the start again");
    }

    #[test]
    fn a_request_that_is_in_order_breaks_the_row_even_when_it_is_refused() {
        let bad = Some(ErrorName::LackParams);
        for answer in [None, Some(ErrorName::OrderPaid)] {
            let mut guard = Guard::default().after(bad, switches(2), 0);
            guard = guard.after(answer, switches(2), 0);
            guard = guard.after(bad, switches(2), 0);
            assert!(!guard.blocks(0), "{answer:?}");
        }
    }

    #[test]
    fn without_a_number_nothing_is_counted() {
        let guard = Guard::default().after(Some(ErrorName::SignError), Switches::default(), 0);
        assert_eq!(guard, Guard::default());
    }
}
