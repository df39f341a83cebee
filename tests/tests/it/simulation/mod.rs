//! Whole histories: gateway, buyers, two instances of a shop and a clock, in one process, by chance.
//!
//! Every edge of the network may fail, processes die between any two steps, people do what people do. Then the faults end,
//! eleven hours pass, and what stands in the ledger is compared with what happened at the gateway.
//!
//! A history that fails names its seed; `UCANPAY_HISTORY=seed cargo test -p ucanpay-tests simulation` plays that one again.
//! `UCANPAY_HISTORIES=20000` plays more of them.

mod check;
mod dice;
mod mortal;
mod world;

use std::collections::BTreeMap;

use ucanpay_core::PrivateKey;

use world::{Keys, World};

/// How many things happen in a history.
const EVENTS: usize = 200;
const HISTORIES: u64 = 100;

/// What must have happened somewhere, or the histories prove less than they seem to.
const WANTED: &[&str] = &[
    "a process died",
    "a process died between a commit and what should have followed",
    "two instances at work at once",
    "a notification was sent",
    "an order was closed",
    "an order was paid when it was to be closed",
    "a close stayed open",
    "a reversal was asked for",
    "a refund was asked for",
    "a refund that failed was asked for again",
    "a person looked at what did not fit",
    "paid",
    "paid after it was closed",
    "closed",
    "refunded",
    "reversed after it was paid",
    "found paid by asking",
    "call.drop",
    "call.delay",
    "call.truncate",
    "call.lost_answer",
    "call.system_error_done",
    "call.system_error_not_done",
    "call.too_many_requests",
    "call.block",
    "call.corrupt_signature",
    "notification.drop",
    "notification.delay",
    "notification.duplicate",
    "notification.reorder",
    "notification.corrupt",
    "notification.truncate",
    "notification.wrong_amount",
    "buyer.late_payment",
    "refund.stuck",
    "refund.fail",
    "refund.close",
];

fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().expect("a whole number"))
}

#[test]
fn after_any_history_the_ledger_agrees_with_the_gateway() {
    let keys = Keys {
        merchant: PrivateKey::generate(1024).unwrap(),
        platform: PrivateKey::generate(1024).unwrap(),
    };
    let seeds = match setting("UCANPAY_HISTORY") {
        Some(seed) => seed..seed + 1,
        None => 0..setting("UCANPAY_HISTORIES").unwrap_or(HISTORIES),
    };
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let all = seeds.end - seeds.start > 1;
    for seed in seeds {
        // A runtime each: what a dead process has left undone ends with it.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let history = async {
            let mut world = World::new(seed, &keys).await;
            for _ in 0..EVENTS {
                world.happen().await;
            }
            world.come_to_rest().await;
            check::check(&mut world).await;
            world.seen
        };
        let played =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(history)));
        let Ok(saw) = played else {
            panic!("history {seed} ends badly: UCANPAY_HISTORY={seed} plays it again");
        };
        for what in saw {
            *seen.entry(what).or_default() += 1;
        }
    }
    println!("{seen:#?}");
    let missing: Vec<_> = WANTED
        .iter()
        .filter(|what| !seen.contains_key(**what))
        .collect();
    assert!(!all || missing.is_empty(), "never happened: {missing:?}");
}
