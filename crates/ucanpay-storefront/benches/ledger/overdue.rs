//! What it costs to ask about payments that are overdue, where a thousand are and where a hundred thousand are: the ledger's
//! share of it, without the gateway's calls.

use std::time::{Duration, Instant};

use figures::Turns;
use tempfile::TempDir;
use tokio::task::JoinSet;
use ucanpay_storefront::ledger::{Command, Lease, Outcome, Verdict};
use ucanpay_storefront::provider::{Fact, Source};
use ucanpay_storefront::{PaymentKey, PaymentStore};

use crate::race::AT_ONCE;
use crate::scale::Table;
use crate::told::{AT, key, paid};

const FEW: usize = 1_000;
const MANY: usize = 100_000;
const TURNS: usize = 3;

pub(crate) async fn compare() {
    println!("{FEW} and {MANY} overdue payments on SQLite, {AT_ONCE} asked about at once");
    let mut turns = Turns::default();
    for _ in 0..TURNS {
        let folder = TempDir::new().unwrap();
        let few = ask_all(&Table::filled(&folder, "few", FEW).await, FEW).await;
        let many = ask_all(&Table::filled(&folder, "many", MANY).await, MANY).await;
        turns.add(many, few);
    }
    turns.report("scale overdue", "overdue payments found paid", "/s");
}

/// Claims what is due and takes in that it is paid, until nothing is due; how many a second.
async fn ask_all(table: &Table, rows: usize) -> f64 {
    let now = AT.after(Duration::from_secs(24 * 3_600));
    let until = now.after(Duration::from_secs(60));
    let account = key("A1").provider;
    let at_once = u32::try_from(AT_ONCE).unwrap();
    let store = table.store();
    let (begun, mut found) = (Instant::now(), 0);
    loop {
        let due = store.claim_due(&account, now, until, at_once).await;
        let due = due.unwrap();
        if due.is_empty() {
            break;
        }
        found += due.len();
        let mut asked = JoinSet::new();
        for (key, lease) in due {
            let store = store.clone();
            asked.spawn(async move { take_in(&store, key, lease).await });
        }
        asked.join_all().await;
    }
    assert_eq!(found, rows, "each was found once");
    rows as f64 / begun.elapsed().as_secs_f64()
}

async fn take_in(store: &impl PaymentStore, key: PaymentKey, lease: Lease) {
    let fact = Fact {
        source: Source::Query,
        ..paid(key.reference.as_str())
    };
    let observe = Command::Observe(Box::new(fact), Some(lease));
    let now = AT.after(Duration::from_secs(24 * 3_600));
    let applied = store.apply(&key, observe, now).await.unwrap();
    assert_eq!(applied.outcome, Outcome::Observed(Verdict::Applied));
}
