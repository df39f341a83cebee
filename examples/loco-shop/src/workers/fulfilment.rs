//! What the shop does when an order is paid: it goes to the kitchen.
//!
//! Events come from the ledger's outbox, at least once; so each effect is one that can be had twice without harm.

use async_trait::async_trait;
use loco_rs::Result;
use loco_rs::app::AppContext;
use loco_rs::bgworker::BackgroundWorker;
use sea_orm::DatabaseConnection;
use ucanpay_loco::PaymentEvent;
use ucanpay_storefront::ledger::EventKind;

use crate::models::orders::Model as Order;

/// The kitchen's side of the outbox.
pub struct Fulfilment {
    db: DatabaseConnection,
}

#[async_trait]
impl BackgroundWorker<PaymentEvent> for Fulfilment {
    fn build(ctx: &AppContext) -> Self {
        Self { db: ctx.db.clone() }
    }

    async fn perform(&self, event: PaymentEvent) -> Result<()> {
        let Some(number) = &event.reference else {
            tracing::warn!(
                note = event.note,
                "a notification is about no order of ours"
            );
            return Ok(());
        };
        match event.kind {
            EventKind::PaymentSucceeded => {
                if Order::give_ticket(&self.db, number).await? {
                    tracing::info!(order = number, "paid: to the kitchen");
                }
            }
            // It stands in the ledger until somebody has looked: `cargo loco task ucanpay:review`.
            EventKind::MoneyReturned | EventKind::LatePayment | EventKind::ReviewRequired => {
                tracing::warn!(order = number, kind = %event.kind, note = event.note, "somebody must look");
            }
            _ => tracing::debug!(order = number, kind = %event.kind, "noted"),
        }
        Ok(())
    }
}
