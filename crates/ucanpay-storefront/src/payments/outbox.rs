//! The shop is told what happened: at least once, in order within a payment.

use std::error::Error as StdError;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::{JoinError, JoinSet};

use super::{Payments, words};
use crate::id::PaymentKey;
use crate::ledger::{Event, LEASE};
use crate::measure;
use crate::store::{ClaimedEvent, Delivery, StoreError};

/// What an [`EventHandler`] fails with.
pub type HandlerError = Box<dyn StdError + Send + Sync>;

/// The shop's side of the outbox: fulfil, write the mail, print the ticket.
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
/// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
/// # gateway.pay(&key.reference)?;
/// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
/// # use std::path::PathBuf;
/// # use async_trait::async_trait;
/// # let folder = tempfile::tempdir()?;
/// use ucanpay_storefront::ledger::{Event, EventKind};
/// use ucanpay_storefront::{EventHandler, HandlerError};
///
/// /// A ticket for each paid order, in this folder. Told again, it writes the same one.
/// struct Tickets(PathBuf);
///
/// #[async_trait]
/// impl EventHandler for Tickets {
///     async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
///         if let (EventKind::PaymentSucceeded, Some(order)) = (event.kind, &event.reference) {
///             std::fs::write(self.0.join(format!("{order}.ticket")), &event.id)?;
///         }
///         Ok(())
///     }
/// }
///
/// let ticket = folder.path().join("A17.ticket");
/// let ledger = payments.spawn(Tickets(folder.path().to_owned()));
/// # while !ticket.exists() { tokio::time::sleep(std::time::Duration::from_millis(5)).await; }
/// ledger.stop().await;
/// assert!(!std::fs::read_to_string(ticket)?.is_empty());
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
#[async_trait]
pub trait EventHandler: Send + Sync + 'static {
    /// Takes an event. It may come again, under the same [`id`](Event::id): after an error, and after a crash between
    /// its end and the note that it was delivered. Later events of the same payment wait for it; other payments do not.
    ///
    /// After [many failures in a row](Payments::with_delivery_attempts) the event is parked: a person finds it among the
    /// [parked events](Payments::parked_events), and releases or skips it.
    ///
    /// It has 30 seconds; then its future is dropped, and the event comes again.
    async fn handle(&self, event: &Event) -> Result<(), HandlerError>;
}

/// How many events are out at once, each of another payment.
const AT_ONCE: usize = 16;

/// How long a handler may take: well within the lease, so that nobody else hands over the same event meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a delivery is tried before the event is parked: with the waits between, about two hours.
pub(super) const ATTEMPTS: NonZeroU32 = NonZeroU32::new(20).unwrap();

/// How often waiting events are looked for while others are out.
const LOOK: Duration = Duration::from_secs(1);

impl Payments {
    /// Delivers what waits, until nothing does or `go_on` says no. A handler that fails is tried again after 1 s,
    /// doubling up to ten minutes. When the ledger is not available nothing more is handed out, and what is out is waited
    /// for: its end may be noted by then.
    pub(super) async fn deliver_while(
        &self,
        handler: &Arc<dyn EventHandler>,
        go_on: impl Fn() -> bool + Send,
    ) -> Result<(), StoreError> {
        let mut deliveries = JoinSet::new();
        let mut trouble = None;
        loop {
            let room = u32::try_from(AT_ONCE - deliveries.len()).unwrap_or(0);
            if room > 0 && trouble.is_none() && go_on() {
                let now = self.now();
                let claimed = self.store().claim_events(now, now.after(LEASE), room);
                match claimed.await {
                    Ok(events) => {
                        for event in events {
                            let handler = Arc::clone(handler);
                            deliveries.spawn(async move {
                                let handled = hand_over(handler, event.event.clone()).await;
                                (event, handled)
                            });
                        }
                    }
                    Err(error) => trouble = Some(error),
                }
            }
            if deliveries.is_empty() {
                return trouble.map_or(Ok(()), Err);
            }
            let mut ended = Vec::new();
            tokio::select! {
                biased;
                Some(delivery) = deliveries.join_next() => {
                    ended.push(delivery);
                    // Those that have ended by now share a commit.
                    ended.extend(std::iter::from_fn(|| deliveries.try_join_next()));
                }
                () = tokio::time::sleep(LOOK) => continue,
            }
            if let Err(error) = self.settle(ended).await {
                trouble.get_or_insert(error);
            }
        }
    }

    /// Notes how deliveries ended, and then tells who waits for news of their payments: the handler may have written
    /// something that a page shows beside the payment, whether or not that could be noted.
    async fn settle(&self, ended: Vec<Result<Handled, JoinError>>) -> Result<(), StoreError> {
        let mut noted = Vec::with_capacity(ended.len());
        for delivery in ended {
            match delivery {
                Ok((event, handled)) => {
                    let delivery = self.outcome(&event, handled);
                    noted.push((event, delivery));
                }
                Err(error) => tracing::error!(reason = words(&error), "a delivery broke off"),
            }
        }
        let settled = self.store().settle_events(&noted).await;
        for (claimed, delivery) in noted {
            let Event {
                provider,
                reference,
                ..
            } = claimed.event;
            if matches!(delivery, Delivery::Delivered(_))
                && let Some(reference) = reference
            {
                let key = PaymentKey {
                    provider,
                    reference,
                };
                self.shared.listeners.tell(&key);
                self.signal(&key);
            }
        }
        settled
    }

    fn outcome(&self, event: &ClaimedEvent, handled: Result<(), String>) -> Delivery {
        let (result, delivery) = match handled {
            Ok(()) => ("delivered", Delivery::Delivered(self.now())),
            Err(reason) => {
                let id = &event.event.id;
                if event.attempts.saturating_add(1) < self.shared.delivery_attempts.get() {
                    tracing::warn!(event = id, reason, "event not taken");
                    let again = self.now().after(event.back_off());
                    ("failed", Delivery::Later(again))
                } else {
                    tracing::error!(event = id, reason, "event parked: release or skip it");
                    ("parked", Delivery::Parked(self.now(), reason))
                }
            }
        };
        measure::event(event.event.kind, result);
        delivery
    }
}

/// An event, and what its handler came to, in words.
type Handled = (ClaimedEvent, Result<(), String>);

/// In a task of its own, so that a handler that panics, or whose error does when it is asked for its words, has merely
/// failed; and one that hangs is given up.
async fn hand_over(handler: Arc<dyn EventHandler>, event: Event) -> Result<(), String> {
    let mut task = tokio::spawn(async move {
        let handled = handler.handle(&event).await;
        handled.map_err(|error| words(&*error))
    });
    match tokio::time::timeout(PATIENCE, &mut task).await {
        Ok(Ok(handled)) => handled,
        Ok(Err(panicked)) => Err(words(&panicked)),
        Err(elapsed) => {
            task.abort();
            Err(words(&elapsed))
        }
    }
}
