//! What a merchant may decide otherwise than we do.

use std::sync::Arc;

use super::Payments;
use crate::ledger::LatePolicy;

/// What a merchant may decide. A message whose amount differs is always for review: there is no policy for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policies {
    /// A payment comes after it was closed. Default: [`LatePolicy::Review`]. Fixed for each payment when it is started.
    pub late_payment: LatePolicy,
    /// A genuine notification speaks of no payment here. Default: [`UnmatchedPolicy::AckAndRecord`].
    pub unmatched: UnmatchedPolicy,
}

/// What a genuine notification about no payment of ours is answered. It is recorded and told in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnmatchedPolicy {
    /// Acknowledged: sending it again would not change it.
    #[default]
    AckAndRecord,
    /// Refused, so that it comes again: for a ledger that may learn of its payments after the gateway.
    Nack,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            late_payment: LatePolicy::Review,
            unmatched: UnmatchedPolicy::default(),
        }
    }
}

impl Policies {
    /// The same with this policy for late payments.
    #[must_use]
    pub fn with_late_payment(mut self, policy: LatePolicy) -> Self {
        self.late_payment = policy;
        self
    }

    /// The same with this policy for unmatched notifications.
    #[must_use]
    pub fn with_unmatched(mut self, policy: UnmatchedPolicy) -> Self {
        self.unmatched = policy;
        self
    }
}

impl Payments {
    /// The same ledger with these policies.
    #[must_use]
    pub fn with_policies(mut self, policies: Policies) -> Self {
        Arc::make_mut(&mut self.shared).policies = policies;
        self
    }
}
