//! The shop is told what happened: at least once, in order within a payment.

use std::error::Error as StdError;
use std::sync::Arc;

use async_trait::async_trait;

use super::{LEASE, Payments, words};
use crate::ledger::Event;
use crate::store::{ClaimedEvent, Delivery, StoreError};

/// What an [`EventHandler`] fails with.
pub type HandlerError = Box<dyn StdError + Send + Sync>;

/// The shop's side of the outbox: fulfil, write the mail, print the ticket.
#[async_trait]
pub trait EventHandler: Send + Sync + 'static {
    /// Takes an event. It may come again, under the same [`id`](Event::id): after an error, and after a crash between
    /// its end and the note that it was delivered. Later events of the same payment wait for it; other payments do not.
    async fn handle(&self, event: &Event) -> Result<(), HandlerError>;
}

/// How many events are taken at once.
const AT_ONCE: u32 = 32;

impl Payments {
    /// Delivers what waits, until nothing does. A handler that fails is tried again after 1 s, doubling up to ten
    /// minutes.
    pub(super) async fn deliver(&self, handler: &Arc<dyn EventHandler>) -> Result<(), StoreError> {
        loop {
            let now = self.now();
            let claimed = self
                .store
                .claim_events(now, now.after(LEASE), AT_ONCE)
                .await?;
            if claimed.is_empty() {
                return Ok(());
            }
            for event in claimed {
                let delivery = match hand_over(handler, &event).await {
                    Ok(()) => Delivery::Delivered(self.now()),
                    Err(error) => {
                        tracing::warn!(
                            event = event.event.id,
                            reason = words(&*error),
                            "event not taken"
                        );
                        Delivery::Later(self.now().after(event.back_off()))
                    }
                };
                self.store.settle_event(&event, delivery).await?;
            }
        }
    }
}

/// In a task of its own, so that a handler that panics has merely failed.
async fn hand_over(
    handler: &Arc<dyn EventHandler>,
    event: &ClaimedEvent,
) -> Result<(), HandlerError> {
    let (handler, event) = (Arc::clone(handler), event.event.clone());
    tokio::spawn(async move { handler.handle(&event).await }).await?
}
