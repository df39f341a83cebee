//! How many notifications a second are settled durably on SQLite, 64 at once: shared commits against a transaction for
//! each.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use ucanpay_storefront::ledger::{Command, Outcome, Verdict};
use ucanpay_storefront::{PaymentStore, SqliteStore};

use crate::by_hand::OneByOne;
use crate::race::{AT_ONCE, Rounds, Settle, run};
use crate::told::{AT, key, new_payment, paid, reference};

const NOTIFICATIONS: usize = 6_400;
const ROUNDS: usize = 5;

pub(crate) async fn compare() {
    let mut rounds = Rounds::default();
    for round in 0..ROUNDS {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Shared::open(folder.path()).await);
        let loop_ = Arc::new(OneByOne::open(folder.path()).await);
        let (ours, theirs) = if round % 2 == 0 {
            let ours = run(store, NOTIFICATIONS, reference).await;
            (ours, run(loop_, NOTIFICATIONS, reference).await)
        } else {
            let theirs = run(loop_, NOTIFICATIONS, reference).await;
            (run(store, NOTIFICATIONS, reference).await, theirs)
        };
        rounds.add(ours, theirs);
    }
    let what = format!("durable settle on SQLite, {AT_ONCE} at once, {NOTIFICATIONS} a round");
    rounds.report(
        "settle sqlite",
        &what,
        ["shared commits", "one transaction each"],
    );
}

/// Ours.
pub(crate) struct Shared(pub(crate) SqliteStore);

impl Shared {
    pub(crate) async fn open(folder: &Path) -> Self {
        let url = format!("sqlite://{}", folder.join("shared.sqlite").display());
        let store = SqliteStore::open(&url).await.unwrap();
        let recorded = (0..NOTIFICATIONS).map(|number| {
            let store = store.clone();
            async move {
                let command = Command::Create(new_payment(), AT);
                store
                    .apply(&key(&reference(number)), command, AT)
                    .await
                    .unwrap();
            }
        });
        let tasks: Vec<_> = recorded.map(tokio::spawn).collect();
        for task in tasks {
            task.await.unwrap();
        }
        Self(store)
    }
}

#[async_trait]
impl Settle for Shared {
    async fn settle(&self, reference: &str) {
        let fact = Box::new(paid(reference));
        let command = Command::Observe(fact, None);
        let applied = self.0.apply(&key(reference), command, AT).await.unwrap();
        assert_eq!(applied.outcome, Outcome::Observed(Verdict::Applied));
    }
}
