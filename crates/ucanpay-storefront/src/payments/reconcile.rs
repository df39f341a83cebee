//! The reconciler: rows nobody called about are asked for, on their schedule.
//!
//! It runs on any number of machines at once: a row is leased before it is asked for.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::{Id, JoinSet};

use super::{Payments, words};
use crate::id::{PaymentKey, ProviderId};
use crate::ledger::{Block, LEASE, Lease};
use crate::measure;
use crate::store::StoreError;

/// How many calls of one account are out at once. Another account's are not among them: a gateway that is slow holds up its
/// own rows only.
const AT_ONCE: usize = 16;

/// How often rows that have become due are looked for while calls are out.
const LOOK: Duration = Duration::from_secs(1);

/// What one pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReconcileReport {
    /// Rows whose time had come, and for which a call was made.
    pub asked: usize,
}

impl Payments {
    /// One pass: takes the rows whose time has come and makes the next call for each, until none is left or the
    /// [call budget](Payments::with_call_budget) is spent. A blocked account has none.
    ///
    /// [`Payments::run`] does this every second; call it from a job of your own instead if you prefer.
    ///
    /// ```
    /// # #[cfg(feature = "mock")]
    /// # {
    /// # use std::sync::Arc;
    /// # use ucanpay_storefront::provider::ScriptedProvider;
    /// # use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let gateway = ScriptedProvider::new();
    /// # let registry = PaymentRegistry::builder().register(gateway.clone()).build()?;
    /// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
    /// # use std::time::Duration;
    /// # use ucanpay_storefront::{ManualClock, Timestamp};
    /// # let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_795_509_000_000)));
    /// # let payments = payments.with_clock(clock.clone());
    /// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    /// use ucanpay_storefront::PaymentState;
    ///
    /// gateway.pay(&key.reference)?; // and the notification is lost
    /// clock.advance(Duration::from_secs(15));
    /// let report = payments.reconcile().await?;
    /// assert_eq!(report.asked, 1);
    /// let view = payments.payment(&key).await?.expect("it was recorded");
    /// assert_eq!(view.payment.state, PaymentState::Paid);
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`StoreError`] if the ledger cannot be read or written. Rows already taken come again after their lease.
    pub async fn reconcile(&self) -> Result<ReconcileReport, StoreError> {
        self.reconcile_while(|| true).await
    }

    /// A pass that takes no further row once `go_on` says no. A slow call holds up only its own row: the places of its
    /// account's others are filled as they become free.
    pub(super) async fn reconcile_while(
        &self,
        go_on: impl Fn() -> bool + Send,
    ) -> Result<ReconcileReport, StoreError> {
        let mut report = ReconcileReport::default();
        let mut calls = JoinSet::new();
        let mut out: HashMap<Id, &ProviderId> = HashMap::new();
        loop {
            for account in self.shared.registry.ids().take_while(|_| go_on()) {
                let taken = out.values().filter(|of| **of == account).count();
                let room = AT_ONCE.saturating_sub(taken);
                if room == 0 {
                    continue;
                }
                for (key, lease) in self.claim_some(account, room).await? {
                    let this = self.clone();
                    report.asked += 1;
                    let call = calls.spawn(async move { this.advance(&key, lease).await });
                    out.insert(call.id(), account);
                }
            }
            if calls.is_empty() {
                return Ok(report);
            }
            tokio::select! {
                biased;
                Some(called) = calls.join_next_with_id() => match called {
                    Ok((id, result)) => {
                        out.remove(&id);
                        drop(result?);
                    }
                    Err(error) => {
                        out.remove(&error.id());
                        tracing::error!(reason = words(&error), "a call broke off");
                    }
                },
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Rows of an account whose time has come, as far as its budget reaches; none while it is blocked.
    async fn claim_some(
        &self,
        account: &ProviderId,
        room: usize,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
        let now = self.now();
        let until = self.store().blocked_until(account).await?;
        if until.is_some_and(|until| Block::rest(until, now).is_some()) {
            return Ok(Vec::new());
        }
        let taken = self.shared.budget.take(account, room, now);
        let calls = u32::try_from(taken).unwrap_or(u32::MAX);
        let claimed = match calls {
            0 => Ok(Vec::new()),
            calls => {
                let until = now.after(LEASE);
                self.store().claim_due(account, now, until, calls).await
            }
        };
        let needed = claimed.as_ref().map_or(0, Vec::len);
        measure::reconciled(account, needed);
        self.shared
            .budget
            .put_back(account, taken.saturating_sub(needed), now);
        claimed
    }
}
