//! How many notifications a second are settled durably, 64 at once: shared commits against a transaction for each.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tempfile::TempDir;
use ucanpay_storefront::ledger::{Command, Outcome, Verdict};
use ucanpay_storefront::{PaymentStore, SqliteStore};

use crate::by_hand::OneByOne;
use crate::median;
use crate::told::{AT, key, new_payment, paid, reference};

const AT_ONCE: usize = 64;
pub(crate) const NOTIFICATIONS: usize = 6_400;
const ROUNDS: usize = 5;

pub(crate) async fn compare() {
    let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Shared::open(folder.path()).await);
        let loop_ = Arc::new(OneByOne::open(folder.path()).await);
        let (a, b) = if round % 2 == 0 {
            let a = run(store, reference).await;
            (a, run(loop_, reference).await)
        } else {
            let b = run(loop_, reference).await;
            (run(store, reference).await, b)
        };
        ratios.push(a.per_second / b.per_second);
        ours.push(a);
        theirs.push(b);
    }
    println!(
        "durable settle on SQLite, {AT_ONCE} at once, {NOTIFICATIONS} notifications, {ROUNDS} rounds"
    );
    for (name, runs) in [("shared commits", ours), ("one transaction each", theirs)] {
        let rate = median(runs.iter().map(|run| run.per_second).collect());
        let p50 = median(runs.iter().map(|run| run.percentile(50)).collect());
        let p99 = median(runs.iter().map(|run| run.percentile(99)).collect());
        println!("  {name:<22} {rate:>8.0}/s   p50 {p50:>7.2} ms   p99 {p99:>7.2} ms");
    }
    let (low, high) = spread(&ratios);
    let ratio = median(ratios);
    println!("  ratio {ratio:.2} ({low:.2} to {high:.2}); asked for: at least 4");
}

/// Settles one notification, durably.
#[async_trait]
pub(crate) trait Settle: Send + Sync + 'static {
    async fn settle(&self, reference: &str);
}

pub(crate) struct Run {
    pub(crate) per_second: f64,
    latencies: Vec<Duration>,
}

impl Run {
    /// In milliseconds.
    fn percentile(&self, percent: usize) -> f64 {
        let at = (self.latencies.len() - 1) * percent / 100;
        self.latencies[at].as_secs_f64() * 1e3
    }
}

/// Settles many payments, as many at once as there are callers; `reference` names the payment of each number from 0.
pub(crate) async fn run(
    ledger: Arc<impl Settle>,
    reference: impl Fn(usize) -> String + Clone + Send + 'static,
) -> Run {
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let callers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (ledger, next) = (Arc::clone(&ledger), Arc::clone(&next));
            let reference = reference.clone();
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                loop {
                    let number = next.fetch_add(1, Relaxed);
                    if number >= NOTIFICATIONS {
                        return latencies;
                    }
                    let begun = Instant::now();
                    ledger.settle(&reference(number)).await;
                    latencies.push(begun.elapsed());
                }
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for caller in callers {
        latencies.extend(caller.await.unwrap());
    }
    let per_second = NOTIFICATIONS as f64 / started.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Run {
        per_second,
        latencies,
    }
}

/// Ours.
pub(crate) struct Shared(pub(crate) SqliteStore);

impl Shared {
    async fn open(folder: &Path) -> Self {
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

fn spread(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(0.0, f64::max);
    (low, high)
}
