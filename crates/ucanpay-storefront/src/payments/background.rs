//! The ledger at work while the shop serves: one line at the start, one at the end.

use std::future::{Future, pending};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{EventHandler, HandlerError, Payments};
use crate::id::Reference;
use crate::ledger::{Event, EventKind};

/// The ledger at work in a task of its own; made by [`Payments::spawn`]. It goes on if this is dropped.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Finishes what is under way and takes up nothing new. What a shop does last, after its server has stopped: an event that
    /// is being delivered takes [half a minute](EventHandler::handle) at most, and so does each answer that is awaited; to
    /// end a payment takes up to four of them, one after the other.
    ///
    /// Not to call it loses nothing: what was cut off is taken up at the next start.
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
    /// # use std::sync::atomic::{AtomicBool, Ordering};
    /// # static BEGUN: AtomicBool = AtomicBool::new(false);
    /// use std::time::Duration;
    /// use ucanpay_storefront::{HandlerError, Reference, on_paid};
    ///
    /// async fn print(order: Reference) -> Result<(), HandlerError> {
    /// #     BEGUN.store(true, Ordering::Relaxed);
    ///     tokio::time::sleep(Duration::from_millis(50)).await; // a slow printer
    ///     println!("{order}");
    ///     Ok(())
    /// }
    ///
    /// let ledger = payments.spawn(on_paid(print));
    /// # while !BEGUN.load(Ordering::Relaxed) { tokio::task::yield_now().await; }
    /// ledger.stop().await; // waits for the printer, and notes that it is printed
    ///
    /// let timeline = payments.timeline(&key).await?.expect("it was recorded");
    /// assert!(timeline.entries.iter().all(|entry| !entry.to_string().ends_with("not delivered yet")));
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(reason = %error, "the ledger broke off");
        }
    }
}

impl Payments {
    /// Runs the reconciler and delivers events to `handler`, as [`run`](Self::run) does, in a task of its own: until it is
    /// [stopped](Running::stop), or the process ends.
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
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path().to_owned();
    /// # let key = payments.start(StartPayment::new("A17", 450, "one latte")?).await?.payment.key;
    /// use ucanpay_storefront::on_paid;
    ///
    /// let ticket = folder.join("A17.ticket");
    /// let ledger = payments.spawn(on_paid(move |order| {
    ///     let ticket = folder.join(format!("{order}.ticket"));
    ///     async move { std::fs::write(ticket, "") }
    /// }));
    /// // The shop serves. Somebody pays.
    /// # gateway.pay(&key.reference)?;
    /// # for note in gateway.notifications() { let _receipt = payments.handle_notification(note).await?; }
    /// # while !ticket.exists() { tokio::task::yield_now().await; }
    /// ledger.stop().await;
    /// assert!(ticket.exists());
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub fn spawn(&self, handler: impl EventHandler) -> Running {
        let (stop, mut stopped) = watch::channel(false);
        let ledger = self.clone();
        let task = tokio::spawn(async move {
            let told = async move {
                if stopped.wait_for(|stop| *stop).await.is_err() {
                    // Nobody is left who could stop it.
                    pending::<()>().await;
                }
            };
            ledger.run(Arc::new(handler), told).await;
        });
        Running { stop, task }
    }
}

/// A handler for a shop that wants to hear of paid orders alone: `fulfil` gets the order's number, at least once, so it
/// must bear to be told again. Every other event about a payment stands in its [`timeline`](Payments::timeline) all the same,
/// and what a person must look at in the [review queue](Payments::under_review). A genuine notification about no payment of
/// this ledger ([`NotificationUnmatched`](EventKind::NotificationUnmatched), as after a backup was restored) is a line in the
/// log only, and a row of the table of evidence: who wants to be told of it has a handler of their own.
///
/// A payment that came after its close is paid too, and so told; [`LatePolicy`](crate::LatePolicy) says what becomes of it.
/// So is one that proves to be paid while it is being [reversed](Payments::reverse).
///
/// When `fulfil` returns without an error the event is over. What it began must stand then on a disk, or in a database: a
/// channel, or a task, forgets with the process.
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
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path().to_owned();
/// use ucanpay_storefront::on_paid;
///
/// let ticket = folder.join("A17.ticket");
/// let ledger = payments.spawn(on_paid(move |order| {
///     let ticket = folder.join(format!("{order}.ticket"));
///     async move { std::fs::write(ticket, "one latte") } // told again, it writes the same one
/// }));
/// # while !ticket.exists() { tokio::task::yield_now().await; }
/// ledger.stop().await;
/// assert!(ticket.exists()); // A17 was paid
/// # Ok(()) }
/// # main().unwrap();
/// # }
/// ```
pub fn on_paid<F, T, E>(fulfil: F) -> impl EventHandler
where
    F: Fn(Reference) -> T + Send + Sync + 'static,
    T: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<HandlerError> + 'static,
{
    OnPaid(fulfil)
}

struct OnPaid<F>(F);

#[async_trait]
impl<F, T, E> EventHandler for OnPaid<F>
where
    F: Fn(Reference) -> T + Send + Sync + 'static,
    T: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<HandlerError> + 'static,
{
    async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
        match (event.kind, &event.reference) {
            (EventKind::PaymentSucceeded, Some(order)) => {
                (self.0)(order.clone()).await.map_err(Into::into)
            }
            _ => Ok(()),
        }
    }
}
