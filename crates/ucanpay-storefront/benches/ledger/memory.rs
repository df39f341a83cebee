//! A million notifications through [`Payments`] on SQLite: whether the process holds more memory after them than after
//! the first hundred thousand. It ends with an error if it does.
//!
//! The mix: each payment is started, then notified ten times, one notification that settles it and nine copies; 256
//! payments are under way at once. The outbox is delivered meanwhile, to a handler that counts; before each figure is read,
//! all of it was. The figures are the process's own as the kernel counts them, SQLite's and the runtime's memory included; where there is no `/proc` it
//! says so and only counts the notifications.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use figures::Memory;
use tempfile::TempDir;
use tokio::sync::oneshot;
use ucanpay_storefront::ledger::Event;
use ucanpay_storefront::provider::{
    Capabilities, NotificationTopic, RawNotification, RefundLimits, Reply,
};
use ucanpay_storefront::{
    EventHandler, HandlerError, MockPaymentProvider, PaymentRegistry, Payments, ProviderId,
    Reference, SqliteStore, StartPayment,
};

use crate::told::{MERCHANT, PROVIDER, new_payment, paid, placed, reference};

const AT_ONCE: usize = 256;
const COPIES: usize = 10;
const STEP: usize = 100_000;
const STEPS: usize = 10;
/// No delivery takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the heap of a running process moves by: above it, something was kept.
const MEBIBYTES: u64 = 8;

pub(crate) async fn measure() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shop.sqlite").display());
    let store = SqliteStore::open(&url).await.unwrap();
    let registry = PaymentRegistry::builder()
        .register(provider())
        .build()
        .unwrap();
    let payments = Payments::new(Arc::new(store), registry);
    println!(
        "memory over {} notifications on SQLite, {AT_ONCE} payments at once, each notified {COPIES} times",
        STEP * STEPS
    );
    let told = Arc::new(Counting::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = {
        let (payments, told) = (payments.clone(), Arc::clone(&told));
        let handler: Arc<dyn EventHandler> = told;
        tokio::spawn(async move {
            payments.run(handler, async { drop(stopped.await) }).await;
        })
    };
    let begun = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let mut first = None;
    for step in 1..=STEPS {
        notify(&payments, &next, step * STEP / COPIES).await;
        delivered(&told, step * STEP / COPIES * EVENTS).await;
        let Some(memory) = Memory::now() else {
            continue;
        };
        println!(
            "  after {:>9}: {:>4} MiB resident, {:>4} MiB at the most",
            step * STEP,
            memory.resident >> 10,
            memory.peak >> 10
        );
        let first = first.get_or_insert(memory);
        if step == STEPS {
            let grown = |now: u64, then: u64| now.saturating_sub(then) >> 10;
            let resident = grown(memory.resident, first.resident);
            let peak = grown(memory.peak, first.peak);
            figures::report(
                "ledger memory",
                "grown since the first hundred thousand",
                memory.mebibytes() - first.mebibytes(),
                "MiB",
            );
            assert!(resident <= MEBIBYTES && peak <= MEBIBYTES, "it grows");
        }
    }
    if first.is_none() {
        figures::not_measured("ledger memory", "there is no /proc/self/status here");
    }
    stop.send(()).unwrap();
    running.await.unwrap();
    println!("  delivered: {} events", told.0.load(Relaxed));
    println!("  taken: {:.0} s", begun.elapsed().as_secs_f64());
}

/// What a payment tells: it was created, it can be paid, it was paid.
const EVENTS: usize = 3;

/// Counts what it is told.
#[derive(Default)]
pub(crate) struct Counting(AtomicUsize);

#[async_trait]
impl EventHandler for Counting {
    async fn handle(&self, _: &Event) -> Result<(), HandlerError> {
        self.0.fetch_add(1, Relaxed);
        Ok(())
    }
}

/// Waits until so many events were delivered.
pub(crate) async fn delivered(told: &Counting, events: usize) {
    let mut last = (0, Instant::now());
    loop {
        let now = told.0.load(Relaxed);
        if now >= events {
            return;
        }
        if now > last.0 {
            last = (now, Instant::now());
        }
        assert!(
            last.1.elapsed() < PATIENCE,
            "{now} of {events} were delivered"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Starts payments up to this number, and brings the notifications of each.
async fn notify(payments: &Payments, next: &Arc<AtomicUsize>, end: usize) {
    let callers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (payments, next) = (payments.clone(), Arc::clone(next));
            tokio::spawn(async move {
                while let Ok(number) = next.fetch_update(Relaxed, Relaxed, |number| {
                    (number < end).then_some(number + 1)
                }) {
                    buy(&payments, &reference(number)).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

async fn buy(payments: &Payments, reference: &str) {
    let new = new_payment();
    let start = StartPayment {
        provider: None,
        reference: Reference::new(reference).unwrap(),
        amount: new.amount,
        currency: new.currency,
        subject: new.subject,
        description: new.description,
        expires_after: None,
    };
    let view = payments.start(start).await.unwrap();
    assert!(view.payment.pay_link.is_some());
    for _ in 0..COPIES {
        let body = reference.to_owned();
        let notification = RawNotification::new(NotificationTopic::Payment, body);
        let receipt = payments.handle_notification(notification).await.unwrap();
        assert_eq!(receipt.reply().body, "SUCCESS");
    }
}

/// A gateway in this process. The body of its notifications is the number of the payment.
pub(crate) fn provider() -> MockPaymentProvider {
    let mut provider = MockPaymentProvider::new();
    provider
        .expect_id()
        .return_const(ProviderId::new(PROVIDER).unwrap());
    provider.expect_merchant().return_const(MERCHANT.to_owned());
    provider.expect_capabilities().returning(|| {
        Capabilities::new(RefundLimits {
            count: 10,
            window: Duration::from_secs(1),
        })
    });
    provider
        .expect_prepare_payment()
        .returning(|_| Ok(new_payment().request));
    provider
        .expect_create_payment()
        .returning(|intent, _| Ok(placed(intent.reference.as_str())));
    provider
        .expect_parse_notification()
        .returning(|raw| Ok(paid(std::str::from_utf8(&raw.body).unwrap())));
    provider.expect_acknowledge().returning(|_| Reply {
        content_type: "text/plain",
        body: "SUCCESS".to_owned(),
    });
    provider
}
