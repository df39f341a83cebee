//! The shop is told.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ucanpay_storefront::ledger::{Event, EventKind};
use ucanpay_storefront::{EventHandler, HandlerError, ParkedError};

use crate::await_points::cut::Cutting;
use crate::shop::{Shop, shops};

/// Remembers what it was told; fails, or panics, on the first `PaymentSucceeded` of A1.
#[derive(Default)]
struct Kitchen {
    told: Mutex<Vec<(String, &'static str)>>,
    stumbled: Mutex<u32>,
}

#[async_trait]
impl EventHandler for Kitchen {
    async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
        let reference = event.reference.as_ref().unwrap().to_string();
        if reference == "A1" && event.kind == EventKind::PaymentSucceeded {
            let nth = {
                let mut stumbled = self.stumbled.lock().unwrap();
                *stumbled += 1;
                *stumbled
            };
            match nth {
                1 => return Err("the printer is out of paper".into()),
                2 => panic!("the printer is on fire"),
                _ => {}
            }
        }
        let told = (event.id.clone(), event.kind.as_str());
        self.told.lock().unwrap().push(told);
        Ok(())
    }
}

#[tokio::test]
async fn a_handler_that_fails_is_told_again_in_order_and_holds_up_nobody_else() {
    for shop in shops().await {
        let kitchen = Arc::new(Kitchen::default());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = {
            let (payments, kitchen) = (shop.payments.clone(), kitchen.clone());
            tokio::spawn(async move {
                let stopped = async {
                    let _ = stopped.await;
                };
                payments.run(kitchen, stopped).await;
            })
        };
        for reference in ["A1", "A2"] {
            shop.paid(reference, 450).await;
            let refund = format!("R-{reference}");
            shop.refund(reference, &refund, 100).await.unwrap();
        }
        let events = |reference: &str| -> Vec<&'static str> {
            let told = kitchen.told.lock().unwrap();
            let ours = told.iter().filter(|(id, _)| id.contains(reference));
            ours.map(|(_, kind)| *kind).collect()
        };
        let all = [
            "payment_created",
            "action_required",
            "payment_succeeded",
            "refund_requested",
        ];
        until(|| events("A2") == all).await;
        assert_eq!(events("A1"), all[..2], "later events of A1 wait");
        // The waits are on the shop's clock: one second, then two.
        until(|| {
            shop.clock.advance(Duration::from_millis(100));
            events("A1") == all
        })
        .await;
        stop.send(()).unwrap();
        running.await.unwrap();
        shop.check().await;
    }
}

async fn until(holds: impl Fn() -> bool) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not happen within twenty seconds");
}

/// Never comes back.
struct Asleep;

#[async_trait]
impl EventHandler for Asleep {
    async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
        if event.reference.as_ref().unwrap().as_str() == "A1" {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_is_given_up_after_half_a_minute_and_does_not_stop_the_end() {
    // The memory store needs no real time, so tokio's clock may stand still here.
    let shop = Shop::in_memory();
    shop.start("A1", 450).await.unwrap();
    shop.start("A2", 450).await.unwrap();
    let begun = tokio::time::Instant::now();
    let stopped = tokio::time::sleep(Duration::from_secs(5));
    shop.payments.run(Arc::new(Asleep), stopped).await;
    let took = begun.elapsed().as_secs();
    assert!((29..33).contains(&took), "{took}");
    let waiting = shop.events().await;
    assert!(
        waiting
            .iter()
            .all(|event| event.reference.as_ref().unwrap().as_str() == "A1"),
        "A2 was told: {waiting:?}"
    );
}

/// Takes nothing about a payment of A1 while the printer is broken.
#[derive(Default)]
struct Printer {
    broken: AtomicBool,
    printed: Mutex<Vec<String>>,
}

#[async_trait]
impl EventHandler for Printer {
    async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
        let is_a1 = event.reference.as_ref().unwrap().as_str() == "A1";
        if is_a1 && self.broken.load(Ordering::SeqCst) {
            return Err("out of paper".into());
        }
        self.printed.lock().unwrap().push(event.id.clone());
        Ok(())
    }
}

impl Printer {
    fn printed(&self, reference: &str) -> usize {
        let printed = self.printed.lock().unwrap();
        printed.iter().filter(|id| id.contains(reference)).count()
    }
}

/// Runs the shop until `holds`, with its clock going on.
async fn runs_until(shop: &Shop, printer: &Arc<Printer>, holds: impl AsyncFn() -> bool) {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (payments, handler) = (shop.payments.clone(), Arc::clone(printer));
    let running = tokio::spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        payments.run(handler, stopped).await;
    });
    for _ in 0..2_000 {
        if holds().await {
            stop.send(()).unwrap();
            running.await.unwrap();
            return;
        }
        shop.clock.advance(Duration::from_millis(500));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within twenty seconds");
}

/// A1 with its first event parked, and A2 told of everything.
async fn parked(mut shop: Shop) -> (Shop, Arc<Printer>) {
    let printer = Arc::new(Printer::default());
    printer.broken.store(true, Ordering::SeqCst);
    shop.payments = shop
        .payments
        .with_delivery_attempts(NonZeroU32::new(3).unwrap());
    for reference in ["A1", "A2"] {
        shop.paid(reference, 450).await;
    }
    runs_until(&shop, &printer, async || {
        let parked = shop.payments.parked_events(9).await.unwrap();
        !parked.is_empty() && printer.printed("A2") == 3
    })
    .await;
    (shop, printer)
}

#[tokio::test]
async fn an_event_that_keeps_failing_is_parked_and_holds_up_its_own_payment_only() {
    for shop in shops().await {
        let (shop, printer) = parked(shop).await;
        let parked = shop.payments.parked_events(9).await.unwrap();
        let [event] = parked.as_slice() else {
            panic!("one event is parked: {parked:?}");
        };
        assert_eq!(event.event.id, "test/A1/1");
        assert_eq!((event.attempts, &*event.trouble), (3, "out of paper"));
        // However long it waits: it is not tried again by itself, and the later ones of A1 stay behind it.
        printer.broken.store(false, Ordering::SeqCst);
        shop.clock.advance(Duration::from_secs(86_400));
        assert!(shop.events().await.is_empty());
        shop.check().await;
    }
}

#[tokio::test]
async fn a_released_event_is_delivered_and_the_later_ones_after_it() {
    for shop in shops().await {
        let (shop, printer) = parked(shop).await;
        // Released too early, it gets its full count of attempts again, and is parked again.
        shop.payments.release_event("test/A1/1").await.unwrap();
        assert!(shop.payments.parked_events(9).await.unwrap().is_empty());
        runs_until(&shop, &printer, async || {
            !shop.payments.parked_events(9).await.unwrap().is_empty()
        })
        .await;
        assert_eq!(shop.payments.parked_events(9).await.unwrap()[0].attempts, 3);

        printer.broken.store(false, Ordering::SeqCst);
        shop.payments.release_event("test/A1/1").await.unwrap();
        runs_until(&shop, &printer, async || printer.printed("A1") == 3).await;
        let printed = printer.printed.lock().unwrap().clone();
        let in_order: Vec<_> = printed.iter().filter(|id| id.contains("A1")).collect();
        assert_eq!(in_order, ["test/A1/1", "test/A1/2", "test/A1/3"]);
        let again = shop.payments.release_event("test/A1/1").await;
        assert!(matches!(again, Err(ParkedError::NotParked)));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_skipped_event_is_never_delivered_and_the_later_ones_are() {
    for shop in shops().await {
        let (shop, printer) = parked(shop).await;
        let silent = shop.payments.skip_event("test/A1/1", "  ").await;
        assert!(matches!(silent, Err(ParkedError::EmptyNote)));
        let never_parked = shop.payments.skip_event("test/A1/2", "Ann").await;
        assert!(matches!(never_parked, Err(ParkedError::NotParked)));
        let never_parked = shop.payments.release_event("test/A1/2").await;
        assert!(matches!(never_parked, Err(ParkedError::NotParked)));
        let skip = shop.payments.skip_event("test/A1/1", "Ann: told by hand");
        skip.await.unwrap();
        let twice = shop.payments.skip_event("test/A1/1", "Ben").await;
        assert!(matches!(twice, Err(ParkedError::NotParked)));
        printer.broken.store(false, Ordering::SeqCst);
        runs_until(&shop, &printer, async || printer.printed("A1") == 2).await;
        assert!(
            !printer
                .printed
                .lock()
                .unwrap()
                .contains(&"test/A1/1".into())
        );
        shop.check().await;
    }
}

/// Waits until sixteen of them are at it, as many as are out at once.
struct Together {
    sixteen: tokio::sync::Barrier,
    told: AtomicUsize,
}

#[async_trait]
impl EventHandler for Together {
    async fn handle(&self, _: &Event) -> Result<(), HandlerError> {
        self.sixteen.wait().await;
        self.told.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn deliveries_that_end_together_are_noted_in_one_commit() {
    const EVENTS: usize = 32;
    let shop = Shop::on_sqlite().await;
    let counting = Cutting::over(&shop.store);
    let shop = Shop::with(counting.clone(), shop.gateway, shop.clock, shop.database);
    for number in 0..EVENTS / 2 {
        // It is created, and it can be paid.
        shop.start(&format!("A{number}"), 450).await.unwrap();
    }
    let handler = Arc::new(Together {
        sixteen: tokio::sync::Barrier::new(16),
        told: AtomicUsize::new(0),
    });
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = {
        let (payments, handler) = (shop.payments.clone(), handler.clone());
        tokio::spawn(async move {
            payments.run(handler, async { drop(stopped.await) }).await;
        })
    };
    until(|| handler.told.load(Ordering::SeqCst) == EVENTS).await;
    stop.send(()).unwrap();
    running.await.unwrap();
    assert!(shop.events().await.is_empty(), "all of them are noted");
    let notes = counting.calls("settle_events");
    assert!(
        (2..=EVENTS / 2).contains(&notes),
        "{EVENTS} ends in {notes} commits"
    );
    shop.check().await;
}

/// Fails on A1's first event with an error that cannot say what it is.
#[derive(Default)]
struct Wordless(AtomicUsize);

#[derive(Debug)]
struct NoWords;

impl std::fmt::Display for NoWords {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("no words for it")
    }
}

impl std::error::Error for NoWords {}

#[async_trait]
impl EventHandler for Wordless {
    async fn handle(&self, event: &Event) -> Result<(), HandlerError> {
        let first = event.id == "test/A1/1" && self.0.fetch_add(1, Ordering::SeqCst) == 0;
        if first { Err(NoWords.into()) } else { Ok(()) }
    }
}

#[tokio::test]
async fn an_error_that_panics_when_it_is_asked_for_its_words_is_a_failed_delivery() {
    for shop in shops().await {
        for reference in ["A1", "A2"] {
            shop.start(reference, 450).await.unwrap();
        }
        let handler = Arc::new(Wordless::default());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = {
            let (payments, handler) = (shop.payments.clone(), handler.clone());
            tokio::spawn(async move {
                payments.run(handler, async { drop(stopped.await) }).await;
            })
        };
        // Tried again after a second on the shop's clock.
        until(|| {
            shop.clock.advance(Duration::from_millis(100));
            handler.0.load(Ordering::SeqCst) == 2
        })
        .await;
        stop.send(()).unwrap();
        running.await.unwrap();
        let history = shop.store.history(&shop.key("A1")).await.unwrap().unwrap();
        assert_eq!(history.events[0].attempts, 2, "{:?}", history.events[0]);
        shop.check().await;
    }
}
