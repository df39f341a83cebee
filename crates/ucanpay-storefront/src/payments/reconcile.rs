//! The reconciler: rows nobody called about are asked for, on their schedule.
//!
//! It runs on any number of machines at once: a row is leased before it is asked for.

use tokio::task::JoinSet;

use super::{LEASE, Payments, words};
use crate::ledger::PaymentState;
use crate::store::StoreError;

/// How many rows are asked for at once.
const AT_ONCE: u32 = 16;

/// What one pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReconcileReport {
    /// Rows whose time had come.
    pub asked: usize,
    /// Payments among them that turned out to be paid.
    pub paid: usize,
}

impl Payments {
    /// One pass: takes the rows whose time has come and makes the next call for each, until none is left.
    ///
    /// [`Payments::run`] does this every second; call it from a job of your own instead if you prefer.
    ///
    /// # Errors
    /// [`StoreError`] if the ledger cannot be read or written. Rows already taken come again after their lease.
    pub async fn reconcile(&self) -> Result<ReconcileReport, StoreError> {
        let mut report = ReconcileReport::default();
        loop {
            let now = self.now();
            let due = self.store.claim_due(now, now.after(LEASE), AT_ONCE).await?;
            if due.is_empty() {
                return Ok(report);
            }
            let mut calls = JoinSet::new();
            for (key, lease) in due {
                let this = self.clone();
                calls.spawn(async move { this.advance(&key, lease).await });
            }
            while let Some(called) = calls.join_next().await {
                report.asked += 1;
                match called {
                    Ok(Ok(Some(view))) if view.payment.state == PaymentState::Paid => {
                        report.paid += 1;
                    }
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return Err(error),
                    Err(error) => tracing::error!(reason = words(&error), "a call broke off"),
                }
            }
        }
    }
}
