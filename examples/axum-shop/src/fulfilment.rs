//! What the shop does when it is told that an order is paid: the order goes to the kitchen.
//!
//! Events come from the ledger's outbox, at least once; so each effect is one that can be had twice without harm.

use async_trait::async_trait;
use ucanpay_storefront::ledger::{Event, EventKind};
use ucanpay_storefront::{EventHandler, HandlerError};

use crate::orders::Orders;

/// The kitchen's side of the outbox.
#[derive(Debug)]
pub(crate) struct Fulfilment(pub(crate) Orders);

#[async_trait]
impl EventHandler for Fulfilment {
    async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
        let Some(number) = &event.reference else {
            tracing::warn!(
                note = event.note,
                "a notification is about no order of ours"
            );
            return Ok(());
        };
        match event.kind {
            EventKind::PaymentSucceeded => match self.0.fulfil(number).await? {
                Some(ticket) => tracing::info!(order = %number, ticket, "paid: to the kitchen"),
                None => tracing::warn!(order = %number, "a payment without an order was paid"),
            },
            // What is to be reviewed stands in the ledger, until somebody has looked.
            EventKind::MoneyReturned | EventKind::LatePayment => {
                tracing::warn!(order = %number, kind = %event.kind, note = event.note, "somebody must look");
                self.0.note(number, event).await?;
            }
            _ => tracing::debug!(order = %number, kind = %event.kind, "noted"),
        }
        Ok(())
    }
}
