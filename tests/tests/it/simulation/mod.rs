//! Whole histories: gateway, buyers, two instances of a shop and a clock, in one process, by chance.
//!
//! Every edge of the network may fail, processes die between any two steps, people do what people do. Then the faults end,
//! eleven hours pass, and what stands in the ledger is compared with what happened at the gateway.
//!
//! After each command that an instance gives the ledger, what it did is held against the laws (`laws/`), and each call
//! that leaves against what is committed (`watched.rs`).
//!
//! A history that fails names its seed; `UCANPAY_SEED=seed cargo test -p ucanpay-tests simulation -- --nocapture` plays that
//! one again, and tells all that happens in it.
//! `UCANPAY_PROVE_HISTORIES=20000` plays more of them. `cargo xtask mutants` breaks the ledger to see the histories find it.

mod audit;
mod check;
mod dice;
mod laws;
mod line;
mod mortal;
mod proofs;
mod seen;
mod steps;
mod stores;
mod watched;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use tokio::runtime::Runtime;
use ucanpay_core::PrivateKey;

use stores::{Apart, Stores};
use world::{Keys, OPEN_POINTS, World};

/// How many things happen in a history.
const EVENTS: usize = 200;
const HISTORIES: u64 = 1_000;

/// What must have happened somewhere, or the histories prove less than they seem to.
const WANTED: &[&str] = &[
    "a process died",
    "a process died between a commit and what should have followed",
    "a process died between a call and its answer",
    "a caller went away",
    "several things at once",
    "something came between a request and its answer",
    "the database failed",
    "the database failed to say that it had committed",
    "the gateway learnt of a new key",
    "the shop was started anew with a new key",
    "an old notification was sent again",
    "the gateway took another amount",
    "money went back through the portal",
    "an order was closed in the portal",
    "an end that nobody tells",
    "a refund whose money went back another way",
    "an order was reversed in the portal",
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
    "a late payment that waits for a person",
    "a late payment that a person has seen",
    "a late payment that went back by itself",
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
    "refund.not_enough",
    "refund.account_closed",
    "refund.limited",
    "refund.error",
];

fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().expect("a whole number"))
}

fn keys() -> Keys {
    Keys {
        merchant: PrivateKey::generate(1024).unwrap(),
        former: PrivateKey::generate(1024).unwrap(),
        platform: PrivateKey::generate(1024).unwrap(),
    }
}

/// A runtime whose clock stands still. One for each history: what a dead process has left undone ends with it.
fn still() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap()
}

/// Plays the history of this seed; what was seen in it.
fn play(seed: u64, keys: &Keys, stores: &Stores) -> BTreeSet<String> {
    still().block_on(history(seed, keys, stores)).seen.all()
}

/// The world at the end of the history of this seed.
async fn history(seed: u64, keys: &Keys, stores: &Stores) -> Arc<World> {
    let world = World::new(seed, keys, stores.open(seed)).await;
    for _ in 0..EVENTS {
        world.happen().await;
        kept(&world);
    }
    world.come_to_rest().await;
    kept(&world);
    world.audit.note("all has come to rest".into());
    check::check(&world).await;
    kept(&world);
    world
}

fn kept(world: &World) {
    if let Err(broken) = world.audit.verdict() {
        panic!("{broken}");
    }
}

/// After so many histories it is said how far they are.
const TOLD_EVERY: u64 = 1_000;

/// Plays the histories of these seeds, two at a time, and says how often each thing was seen.
fn play_each(
    seeds: Range<u64>,
    play: impl Fn(u64, &Keys) -> BTreeSet<String> + Sync,
) -> BTreeMap<String, u64> {
    let keys = keys();
    let next = AtomicU64::new(seeds.start);
    let (seen, failed) = (Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, SeqCst);
            if seed >= seeds.end || !failed.lock().unwrap().is_empty() {
                return;
            }
            if seed > seeds.start && seed.is_multiple_of(TOLD_EVERY) {
                println!("{seed} of {}", seeds.end);
            }
            match catch_unwind(AssertUnwindSafe(|| play(seed, &keys))) {
                Err(_) => failed.lock().unwrap().push(seed),
                Ok(saw) => {
                    let mut seen = seen.lock().unwrap();
                    for what in saw {
                        *seen.entry(what).or_default() += 1;
                    }
                }
            }
        }
    };
    std::thread::scope(|threads| {
        let other = threads.spawn(work);
        work();
        other.join().unwrap();
    });
    if let Some(seed) = failed.into_inner().unwrap().first() {
        panic!("history {seed} ends badly: UCANPAY_SEED={seed} plays it again");
    }
    seen.into_inner().unwrap()
}

/// Names the one history to be played.
const SEED: &str = "UCANPAY_SEED";

/// The seed that is asked for, or so many from the first on.
fn seeds(count: u64) -> Range<u64> {
    match setting(SEED) {
        Some(seed) => seed..seed + 1,
        None => 0..count,
    }
}

#[test]
fn after_any_history_the_ledger_agrees_with_the_gateway() {
    let seeds = seeds(setting("UCANPAY_PROVE_HISTORIES").unwrap_or(HISTORIES));
    let histories = seeds.end - seeds.start;
    let seen = play_each(seeds, |seed, keys| play(seed, keys, &Stores::Memory));
    println!("{seen:#?}");
    let open_points = OPEN_POINTS.iter().map(|(setting, _)| setting);
    let missing: Vec<_> = WANTED
        .iter()
        .chain(open_points)
        .filter(|what| !seen.contains_key(**what))
        .collect();
    assert!(
        histories < HISTORIES || missing.is_empty(),
        "never happened: {missing:?}"
    );
    println!(
        "proved: histories count={histories} events={EVENTS} kinds={}",
        seen.len()
    );
}

/// Else no history that fails could be looked into. No time, order or chance of the machine's own comes into one.
#[test]
fn the_same_seed_plays_the_same_history_again() {
    for seed in seeds(20) {
        let end = || {
            let world = still().block_on(history(seed, &keys(), &Stores::Memory));
            (world.audit.happened(), world.dice.next())
        };
        assert_eq!(end(), end(), "history {seed}");
    }
}

#[test]
fn and_so_it_does_on_sqlite() {
    let count = setting("UCANPAY_PROVE_HISTORIES_ON_SQLITE").unwrap_or(8);
    let stores = Stores::Sqlite(Apart::new());
    play_each(seeds(count), |seed, keys| play(seed, keys, &stores));
    println!("proved: histories_on_sqlite count={count} events={EVENTS}");
}

private_postgres::tests! {
    and_so_it_does_on_postgresql;
}

async fn and_so_it_does_on_postgresql() {
    let count = setting("UCANPAY_PROVE_HISTORIES_ON_POSTGRESQL").unwrap_or(4);
    let played = tokio::task::spawn_blocking(move || {
        let stores = Stores::Postgres(Apart::new());
        play_each(seeds(count), |seed, keys| play(seed, keys, &stores));
    });
    played.await.unwrap();
    println!("proved: histories_on_postgresql count={count} events={EVENTS}");
}
