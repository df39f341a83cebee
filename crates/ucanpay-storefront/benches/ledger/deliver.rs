//! How many events a second the shop is told on SQLite, where its handler takes them at once, beside how many payments a
//! second were settled in the burst that they come from.

use std::sync::Arc;
use std::time::Instant;

use figures::Turns;
use tempfile::TempDir;
use tokio::sync::oneshot;
use ucanpay_storefront::{EventHandler, PaymentRegistry, Payments};

use crate::memory::{Counting, delivered, provider};
use crate::race::{AT_ONCE, run};
use crate::settle::Shared;
use crate::told::reference;

const NOTIFICATIONS: usize = 6_400;
const ROUNDS: usize = 5;
/// What each payment tells: it was created, it was paid.
const EVENTS: usize = 2;

pub(crate) async fn compare() {
    println!(
        "{NOTIFICATIONS} payments settled on SQLite, {AT_ONCE} at once, and then their events delivered"
    );
    let mut turns = Turns::default();
    for _ in 0..ROUNDS {
        let folder = TempDir::new().unwrap();
        let shared = Arc::new(Shared::open(folder.path()).await);
        let settled = run(Arc::clone(&shared), NOTIFICATIONS, reference).await;
        turns.add(deliver(&shared).await, settled.per_second);
    }
    turns.report("deliver sqlite", "events delivered, payments settled", "/s");
}

/// How many events a second are delivered until none waits.
async fn deliver(shared: &Shared) -> f64 {
    let registry = PaymentRegistry::builder()
        .register(provider())
        .build()
        .unwrap();
    let payments = Payments::new(Arc::new(shared.0.clone()), registry);
    let told = Arc::new(Counting::default());
    let handler: Arc<dyn EventHandler> = Arc::clone(&told) as _;
    let (stop, stopped) = oneshot::channel::<()>();
    let begun = Instant::now();
    let running = tokio::spawn(async move {
        payments.run(handler, async { drop(stopped.await) }).await;
    });
    delivered(&told, NOTIFICATIONS * EVENTS).await;
    let taken = begun.elapsed();
    stop.send(()).unwrap();
    running.await.unwrap();
    (NOTIFICATIONS * EVENTS) as f64 / taken.as_secs_f64()
}
