//! The shop is told.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use ucanpay_storefront::ledger::{Event, EventKind};
use ucanpay_storefront::{EventHandler, HandlerError};

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
