//! The suite for stores: met by all of ours, and sharp enough to find a wrapper that breaks any one promise.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tempfile::TempDir;
use ucanpay_storefront::conformance::{self, Standing};
use ucanpay_storefront::ledger::{
    Applied, Census, Command, History, Lease, Outcome, PaymentView, Target,
};
use ucanpay_storefront::store::{ClaimedEvent, Delivery, ParkedEvent, Signals, Unparking};
use ucanpay_storefront::{
    MemoryStore, PaymentKey, PaymentStore, PostgresStore, ProviderId, SqliteStore, StoreError,
    Timestamp,
};

#[tokio::test]
async fn the_memory_store_meets_every_expectation() {
    let report = conformance::store(async || MemoryStore::new()).await;
    report.assert_met();
    assert!(report.expectations().len() > 20, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_store_meets_every_expectation() {
    let folder = TempDir::new().unwrap();
    let count = Mutex::new(0);
    let report = conformance::store(async || {
        let nth = {
            let mut count = count.lock().unwrap();
            *count += 1;
            *count
        };
        let file = folder.path().join(format!("{nth}.sqlite"));
        let url = format!("sqlite://{}", file.display());
        SqliteStore::open(&url).await.unwrap()
    })
    .await;
    report.assert_met();
}

/// Where there is no PostgreSQL, `postgres::on_postgres::every_test` is listed as ignored, with the reason.
#[tokio::test(flavor = "multi_thread")]
async fn the_postgres_store_meets_every_expectation() {
    if private_postgres::WANTED {
        let report = conformance::store(async || {
            let url = private_postgres::database().await;
            PostgresStore::open(&url).await.unwrap()
        })
        .await;
        report.assert_met();
    }
}

/// One promise broken, all others kept.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// Every command is carried out twice.
    AppliesTwice,
    /// A command is answered, and nothing is written.
    ForgetsFacts,
    /// No event is ever given out.
    ForgetsTheOutbox,
    /// A row that somebody has is given out again.
    IgnoresLeases,
    /// An event that somebody has is given out again.
    IgnoresEventLeases,
    /// The last word on a block counts, whatever stood there.
    ShortensBlocks,
    /// Rows of all accounts are given out.
    MixesAccounts,
    /// A failed delivery is forgotten.
    DropsFailedEvents,
    /// Of deliveries that end together, only the first is noted.
    SettlesOneEvent,
    /// Skipped is released.
    SkipsNothing,
    /// The oldest come first.
    OldestFirst,
    /// A limit is not kept.
    NoLimit,
    /// A copy of a message is not seen.
    ForgetsCopies,
    /// The view in an answer is of before.
    OldView,
    /// The census counts nothing.
    CountsNothing,
}

#[derive(Debug)]
struct Faulty {
    inner: MemoryStore,
    fault: Fault,
    block: Mutex<Option<Timestamp>>,
    seen: Mutex<HashSet<String>>,
}

impl Faulty {
    fn with(fault: Fault) -> Self {
        Self {
            inner: MemoryStore::new(),
            fault,
            block: Mutex::default(),
            seen: Mutex::default(),
        }
    }
}

#[async_trait]
impl PaymentStore for Faulty {
    async fn apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        let before = self.inner.load(key).await?.map(Arc::new);
        match (self.fault, &command) {
            (Fault::AppliesTwice, Command::Observe(..)) => {
                self.inner.apply(key, command.clone(), now).await?;
            }
            (Fault::ForgetsFacts, Command::Observe(..)) => {
                let shadow = MemoryStore::new();
                return shadow.apply(key, command, now).await;
            }
            (Fault::IgnoresLeases, Command::Claim(Target::Payment, until)) if before.is_some() => {
                let until = *until;
                let mut applied = self.inner.apply(key, command, now).await?;
                let (target, due) = (Target::Payment, None);
                applied.outcome = Outcome::Claimed(Lease { target, until, due });
                return Ok(applied);
            }
            (
                Fault::ShortensBlocks,
                Command::GiveUp {
                    block: Some(wait), ..
                },
            ) => {
                *self.block.lock().unwrap() = Some(now.after(*wait));
            }
            (Fault::ForgetsCopies, Command::Observe(fact, None)) => {
                let text = fact.evidence.signed_text.clone();
                if !self.seen.lock().unwrap().insert(text) {
                    let outcome = Outcome::Noted;
                    let (view, events) = (before, false);
                    return Ok(applied(outcome, view, events));
                }
            }
            _ => {}
        }
        let mut applied = self.inner.apply(key, command, now).await?;
        if self.fault == Fault::OldView {
            applied.view = before;
        }
        Ok(applied)
    }

    async fn load(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError> {
        self.inner.load(key).await
    }

    async fn history(&self, key: &PaymentKey) -> Result<Option<History>, StoreError> {
        self.inner.history(key).await
    }

    async fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        match self.fault {
            Fault::CountsNothing => Ok(Census::default()),
            _ => self.inner.census(now).await,
        }
    }

    async fn recent(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        let mut views = match self.fault {
            Fault::NoLimit => self.inner.recent(u32::MAX).await?,
            _ => self.inner.recent(limit).await?,
        };
        if self.fault == Fault::OldestFirst {
            views.reverse();
        }
        Ok(views)
    }

    async fn under_review(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        self.inner.under_review(limit).await
    }

    async fn blocked_until(&self, account: &ProviderId) -> Result<Option<Timestamp>, StoreError> {
        match self.fault {
            Fault::ShortensBlocks => Ok(*self.block.lock().unwrap()),
            _ => self.inner.blocked_until(account).await,
        }
    }

    async fn claim_due(
        &self,
        account: &ProviderId,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
        let mut rows = self.inner.claim_due(account, now, until, limit).await?;
        if self.fault == Fault::MixesAccounts {
            for other in ["one", "two"] {
                let other = ProviderId::new(other).unwrap();
                rows.extend(self.inner.claim_due(&other, now, until, limit).await?);
            }
        }
        Ok(rows)
    }

    async fn claim_events(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedEvent>, StoreError> {
        match self.fault {
            Fault::ForgetsTheOutbox => Ok(Vec::new()),
            Fault::IgnoresEventLeases => self.inner.claim_events(now, now, limit).await,
            _ => self.inner.claim_events(now, until, limit).await,
        }
    }

    async fn settle_events(&self, ended: &[(ClaimedEvent, Delivery)]) -> Result<(), StoreError> {
        let mut ended = ended.to_vec();
        match self.fault {
            Fault::DropsFailedEvents => {
                for (_, delivery) in &mut ended {
                    if let Delivery::Later(at) = *delivery {
                        *delivery = Delivery::Delivered(at);
                    }
                }
            }
            Fault::SettlesOneEvent => ended.truncate(1),
            _ => {}
        }
        self.inner.settle_events(&ended).await
    }

    async fn parked_events(&self, limit: u32) -> Result<Vec<ParkedEvent>, StoreError> {
        self.inner.parked_events(limit).await
    }

    fn signals(&self) -> Option<Arc<dyn Signals>> {
        self.inner.signals()
    }

    async fn unpark_event(
        &self,
        id: &str,
        unparking: Unparking,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let unparking = match self.fault {
            Fault::SkipsNothing => Unparking::Release,
            _ => unparking,
        };
        self.inner.unpark_event(id, unparking, now).await
    }
}

fn applied(outcome: Outcome, view: Option<Arc<PaymentView>>, events: bool) -> Applied {
    Applied {
        outcome,
        view,
        events,
    }
}

#[tokio::test]
async fn a_store_that_breaks_one_promise_is_found_by_the_expectation_that_says_so() {
    let walk = "hundreds of commands leave what they leave in the model";
    for (fault, names) in [
        (
            Fault::AppliesTwice,
            vec![walk, "of many copies of one notification, one counts"],
        ),
        (
            Fault::ForgetsFacts,
            vec![walk, "many payments paid at once are all paid"],
        ),
        (
            Fault::ForgetsTheOutbox,
            vec![
                walk,
                "the events of a payment come one after the other, those of others beside them",
            ],
        ),
        (
            Fault::IgnoresLeases,
            vec![
                walk,
                "a leased row is nobody else's until the lease ends",
                "of many who claim one row, one has it",
            ],
        ),
        (
            Fault::IgnoresEventLeases,
            vec![
                walk,
                "an event is one claimer's until the lease ends, and then another's",
            ],
        ),
        (
            Fault::ShortensBlocks,
            vec!["a block is noted and never shortened"],
        ),
        (
            Fault::MixesAccounts,
            vec![
                walk,
                "rows are claimed when they are due, for their account, longest due first",
            ],
        ),
        (
            Fault::DropsFailedEvents,
            vec![
                walk,
                "a failed delivery comes again, counted, and not before its time",
            ],
        ),
        (
            Fault::SettlesOneEvent,
            vec![walk, "deliveries that end together end each in its own way"],
        ),
        (
            Fault::SkipsNothing,
            vec!["a parked event waits for a person, and the payment's later ones behind it"],
        ),
        (
            Fault::OldestFirst,
            vec![walk, "lists are in order and as long as was asked for"],
        ),
        (
            Fault::NoLimit,
            vec!["lists are in order and as long as was asked for"],
        ),
        (
            Fault::ForgetsCopies,
            vec![
                walk,
                "of many copies of one notification, one counts",
                "a message of no payment is told once",
            ],
        ),
        (Fault::OldView, vec![walk]),
        (Fault::CountsNothing, vec![walk]),
    ] {
        let report = conformance::store(async || Faulty::with(fault)).await;
        let found: Vec<_> = report.not_met().collect();
        for name in names {
            assert!(
                found.contains(&name),
                "{fault:?} was not found by {name:?}: {report}"
            );
        }
        let whole = report.expectations().iter();
        assert!(
            whole.filter(|one| one.standing == Standing::Met).count() > 0,
            "{fault:?} is found by everything: {report}"
        );
    }
}
