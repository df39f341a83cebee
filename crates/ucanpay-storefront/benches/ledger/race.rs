//! Two ledgers that settle the same notifications, many at once, in turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use figures::{Turns, median};

/// Callers, and for PostgreSQL connections.
pub(crate) const AT_ONCE: usize = 64;

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

/// Settles so many payments, as many at once as there are callers; `reference` names the payment of each number from 0.
pub(crate) async fn run(
    ledger: Arc<impl Settle>,
    notifications: usize,
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
                    if number >= notifications {
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
    let per_second = notifications as f64 / started.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Run {
        per_second,
        latencies,
    }
}

/// The rounds of both.
#[derive(Default)]
pub(crate) struct Rounds {
    ours: Vec<Run>,
    theirs: Vec<Run>,
}

impl Rounds {
    pub(crate) fn add(&mut self, ours: Run, theirs: Run) {
        self.ours.push(ours);
        self.theirs.push(theirs);
    }

    pub(crate) fn report(&self, row: &str, what: &str, [ours, theirs]: [&str; 2]) {
        for (name, runs) in [(ours, &self.ours), (theirs, &self.theirs)] {
            let percentile = |percent| {
                let times: Vec<f64> = runs.iter().map(|run| run.percentile(percent)).collect();
                median(&times)
            };
            let (p50, p99) = (percentile(50), percentile(99));
            println!("  {name:<22} p50 {p50:>7.2} ms   p99 {p99:>7.2} ms");
        }
        let mut turns = Turns::default();
        for (ours, theirs) in self.ours.iter().zip(&self.theirs) {
            turns.add(ours.per_second, theirs.per_second);
        }
        turns.report(row, what, "/s");
    }
}
