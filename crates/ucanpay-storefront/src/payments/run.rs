//! What happens by itself: asking the gateway, telling the shop, and hearing what other instances do.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::{EventHandler, Payments, words};
use crate::measure;
use crate::store::StoreError;

/// How often each looks for work that nobody woke it for.
const TICK: Duration = Duration::from_secs(1);

/// How often the ledger is counted, where anybody wants to know.
const MEASURE: Duration = Duration::from_secs(15);

impl Payments {
    /// Runs the reconciler and delivers events until `shutdown` ends; then finishes what is under way and returns. On
    /// PostgreSQL it keeps one connection besides, by which it hears at once what other instances commit.
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
    /// let handler = on_paid(move |order| {
    ///     let ticket = folder.join(format!("{order}.ticket"));
    ///     async move { std::fs::write(ticket, "one latte") }
    /// });
    /// # let shutdown = async {
    /// #     while !ticket.exists() { tokio::task::yield_now().await; }
    /// # };
    /// payments.run(Arc::new(handler), shutdown).await; // `shutdown` ends with a signal, say
    /// assert!(ticket.exists()); // A17 was paid
    /// # Ok(()) }
    /// # main().unwrap();
    /// # }
    /// ```
    pub async fn run(
        &self,
        handler: Arc<dyn EventHandler>,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        let (stop, stopped) = watch::channel(false);
        let reconciler = self.keep_reconciling(stopped.clone());
        let outbox = self.keep_delivering(&handler, stopped.clone());
        let listening = self.keep_listening(stopped.clone());
        let measuring = self.keep_measuring(stopped);
        let shutdown = async {
            shutdown.await;
            // The loops hold a receiver until they end.
            let _ = stop.send(true);
        };
        tokio::join!(reconciler, outbox, listening, measuring, shutdown);
    }

    async fn keep_reconciling(&self, mut stopped: watch::Receiver<bool>) {
        while !*stopped.borrow() {
            let go_on = || !*stopped.borrow();
            note_trouble(self.reconcile_while(go_on).await.map(drop));
            pause(&self.shared.wake.reconciler, &mut stopped).await;
        }
    }

    async fn keep_delivering(
        &self,
        handler: &Arc<dyn EventHandler>,
        mut stopped: watch::Receiver<bool>,
    ) {
        while !*stopped.borrow() {
            let go_on = || !*stopped.borrow();
            note_trouble(self.deliver_while(handler, go_on).await);
            pause(&self.shared.wake.outbox, &mut stopped).await;
        }
    }

    /// What waits in the ledger, for the recorder of the feature `metrics`.
    async fn keep_measuring(&self, mut stopped: watch::Receiver<bool>) {
        while measure::ENABLED && !*stopped.borrow() {
            note_trouble(self.health().await.map(|health| measure::gauges(&health)));
            tokio::select! {
                () = tokio::time::sleep(MEASURE) => {}
                _ = stopped.changed() => {}
            }
        }
    }
}

/// The rows wait in the ledger: the next tick tries again.
fn note_trouble(result: Result<(), StoreError>) {
    if let Err(error) = result {
        tracing::error!(reason = words(&error), "the ledger is not available");
    }
}

/// In a fixed order, as wherever the histories of the tests come by: left to chance, no seed would play one again.
async fn pause(wake: &Notify, stopped: &mut watch::Receiver<bool>) {
    tokio::select! {
        biased;
        _ = stopped.changed() => {}
        () = wake.notified() => {}
        () = tokio::time::sleep(TICK) => {}
    }
}
