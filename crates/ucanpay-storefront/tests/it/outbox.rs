//! The shop is told.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use ucanpay_storefront::ledger::{Event, EventKind};
use ucanpay_storefront::{EventHandler, HandlerError};

use crate::shop::shops;

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
        shop.paid("A1", 450).await;
        shop.paid("A2", 450).await;
        let events = |reference: &str| -> Vec<&'static str> {
            let told = kitchen.told.lock().unwrap();
            let ours = told.iter().filter(|(id, _)| id.contains(reference));
            ours.map(|(_, kind)| *kind).collect()
        };
        let all = ["payment_created", "action_required", "payment_succeeded"];
        until(|| events("A2") == all).await;
        assert_eq!(events("A1"), all[..2], "A1 waits for its first delivery");
        // The wait doubles on the shop's clock: one second, then two.
        for _ in 0..2 {
            shop.clock.advance(Duration::from_secs(3));
            tokio::time::sleep(Duration::from_millis(1_100)).await;
        }
        until(|| events("A1") == all).await;
        stop.send(()).unwrap();
        running.await.unwrap();
        shop.check().await;
    }
}

async fn until(holds: impl Fn() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it did not happen within five seconds");
}
