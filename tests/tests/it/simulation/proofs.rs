//! Two promises, each by the number: no lost notification loses a payment, and no refund is doubled.
//!
//! Small here; `cargo xtask prove` asks for more by the variables named in each.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use ucanpay_core::{Amount, Currency};
use ucanpay_storefront::StartPayment;

use super::stores::{Apart, Stores};
use super::world::{INSTANCES, World, reference};
use super::{check, kept, keys, play_each, setting, still};

/// Every notification of every payment is lost, the gateway blocks the account now and then, and nobody looks: the
/// reconciler alone finds each of them, within minutes, and calls nothing inside a block.
#[test]
fn every_payment_whose_notifications_are_all_lost_is_found_by_asking() {
    let count = setting("UCANPAY_PROVE_LOST_NOTIFICATIONS").unwrap_or(150);
    let stores = Stores::Sqlite(Apart::new());
    still().block_on(async {
        let world = World::new(1, &keys(), stores.open(1)).await;
        let faults = json!({"faults": [
            {"fault": "call.block", "chance": 0.003},
            {"fault": "call.lost_answer", "chance": 0.05},
        ]});
        world
            .control("POST", "/_sandbox/faults", &faults.to_string())
            .await;
        let orders = 1..=usize::try_from(count).unwrap();
        for number in orders.clone() {
            world.begin(number).await;
            world.pays_silently(number).await;
            world.advance(Duration::from_millis(200)).await;
        }
        let mut waited = 0;
        let found = || world.audit.paid();
        while found() < *orders.end() {
            waited += 1;
            assert!(waited < 20_000, "of {count} only {} are found", found());
            world.advance(Duration::from_secs(1)).await;
            // What the gateway had not heard of could not be paid yet.
            if waited % 60 == 0 {
                for number in orders.clone() {
                    world.pays_silently(number).await;
                }
            }
            for place in 0..INSTANCES {
                world.run(place).await;
            }
            kept(&world);
        }
        let plan = world.control("GET", "/_sandbox/faults", "").await;
        let blocks = plan["faults"][0]["happened"].as_u64().unwrap();
        // Chance, and little of it: in a small proof there may be none.
        assert!(blocks > 0 || count < 2_000, "the account was never blocked");
        println!(
            "proved: lost_notifications payments={count} found={} seconds={waited} blocks={blocks} calls_inside=0",
            found()
        );
    });
}

/// Refunds asked for at random, by two instances that die, of a gateway that fails them, closes them, loses its answers.
#[test]
fn no_sequence_of_refunds_returns_too_much_or_one_of_them_twice() {
    let count = setting("UCANPAY_PROVE_REFUND_SEQUENCES").unwrap_or(100);
    let seen: BTreeMap<String, u64> = play_each(0..count, |seed, keys| {
        still().block_on(async {
            let world = World::new(seed, keys, Stores::Memory.open(seed)).await;
            world.begin(1).await;
            world.control("POST", "/_sandbox/orders/A1/pay", "").await;
            world.notify().await;
            for _ in 0..40 {
                world.happen_to_refunds().await;
                kept(&world);
            }
            world.come_to_rest().await;
            kept(&world);
            check::check(&world).await;
            world.seen.all()
        })
    });
    for wanted in ["refunded", "a refund that failed was asked for again"] {
        assert!(count < 20 || seen.contains_key(wanted), "never: {wanted}");
    }
    println!("proved: refund_sequences count={count} over_refunded=0 doubled=0");
}

pub(super) fn order_of(number: usize) -> StartPayment {
    StartPayment {
        provider: None,
        reference: reference(number),
        amount: Amount::new(450).unwrap(),
        currency: Currency::CAD,
        subject: "coffee".into(),
        description: "one latte".into(),
        expires_after: None,
    }
}
