//! How many notifications a second are settled durably on SQLite, 64 at once.
//!
//! The store's shared commits and a hand-written loop, one transaction for each notification with the same statements' worth of
//! rows and the same durability, take turns within one run, each on a file of its own; their medians are divided. Signatures
//! are left out: this is about the ledger. `cargo bench -p ucanpay-storefront`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints, and a panic is its report"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tempfile::TempDir;
use ucanpay_core::{Amount, Currency};
use ucanpay_storefront::ledger::{Command, NewPayment, Outcome, Verdict};
use ucanpay_storefront::provider::{Claim, Evidence, Fact, FrozenRequest, PaymentStatus, Source};
use ucanpay_storefront::{PaymentKey, PaymentStore, ProviderId, Reference, SqliteStore, Timestamp};

const AT_ONCE: usize = 64;
const NOTIFICATIONS: usize = 6_400;
const ROUNDS: usize = 5;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(compare());
}

async fn compare() {
    let (mut ratios, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Shared::open(folder.path()).await);
        let loop_ = Arc::new(OneByOne::open(folder.path()).await);
        let (a, b) = if round % 2 == 0 {
            let a = run(store).await;
            (a, run(loop_).await)
        } else {
            let b = run(loop_).await;
            (run(store).await, b)
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
trait Settle: Send + Sync + 'static {
    async fn settle(&self, reference: &str);
}

struct Run {
    per_second: f64,
    latencies: Vec<Duration>,
}

impl Run {
    /// In milliseconds.
    fn percentile(&self, percent: usize) -> f64 {
        let at = (self.latencies.len() - 1) * percent / 100;
        self.latencies[at].as_secs_f64() * 1e3
    }
}

async fn run(ledger: Arc<impl Settle>) -> Run {
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let callers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (ledger, next) = (Arc::clone(&ledger), Arc::clone(&next));
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
struct Shared(SqliteStore);

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

/// What one would write by hand: the same rows in tables of the same shape, a transaction for each notification.
struct OneByOne(SqlitePool);

impl OneByOne {
    async fn open(folder: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(folder.join("by-hand.sqlite"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .unwrap();
        let tables = include_str!("../migrations/sqlite/0001_ledger.sql");
        sqlx::raw_sql(tables).execute(&pool).await.unwrap();
        // The same rows as ours: copied from a ledger that ours wrote.
        let ours = folder.join("shared.sqlite");
        let mut connection = pool.acquire().await.unwrap();
        sqlx::query("ATTACH ? AS ours")
            .bind(ours.to_str().unwrap())
            .execute(&mut *connection)
            .await
            .unwrap();
        for table in ["payment", "transition", "outbox"] {
            let sql = format!("INSERT INTO ucanpay_{table} SELECT * FROM ours.ucanpay_{table}");
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .execute(&mut *connection)
                .await
                .unwrap();
        }
        sqlx::query("DETACH ours")
            .execute(&mut *connection)
            .await
            .unwrap();
        drop(connection);
        Self(pool)
    }
}

#[async_trait]
impl Settle for OneByOne {
    async fn settle(&self, reference: &str) {
        let fact = paid(reference);
        let mut tx = self.0.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let (state, amount, version, events): (String, i64, i64, i64) = sqlx::query_as(
            "SELECT state, amount, version, events FROM ucanpay_payment WHERE provider = ? AND reference = ?",
        )
        .bind(PROVIDER)
        .bind(reference)
        .fetch_one(&mut *tx)
        .await
        .unwrap();
        assert!(state != "paid" && amount == 450);
        sqlx::query(
            "INSERT INTO ucanpay_evidence (provider, digest, reference, source, verdict, signed_text, signature,
                 signing_key, received_at, seen) VALUES (?, ?, ?, 'notification', 'applied', ?, ?, ?, ?, 1)",
        )
        .bind(PROVIDER)
        .bind(format!("{reference}-digest-of-sixty-four-characters-as-a-sha-256-has"))
        .bind(reference)
        .bind(&fact.evidence.signed_text)
        .bind(&fact.evidence.signature)
        .bind(&fact.evidence.key)
        .bind(AT.as_millis())
        .execute(&mut *tx)
        .await
        .unwrap();
        sqlx::query(
            "UPDATE ucanpay_payment SET state = 'paid', paid_at = ?, gateway_number = ?, next_check_at = NULL,
                 version = version + 1, events = events + 1 WHERE provider = ? AND reference = ?",
        )
        .bind(AT.as_millis())
        .bind(&fact.gateway_number)
        .bind(PROVIDER)
        .bind(reference)
        .execute(&mut *tx)
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO ucanpay_transition (provider, reference, version, from_state, to_state, cause, at)
             VALUES (?, ?, ?, ?, 'paid', 'notification', ?)",
        )
        .bind(PROVIDER)
        .bind(reference)
        .bind(version + 1)
        .bind(state)
        .bind(AT.as_millis())
        .execute(&mut *tx)
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO ucanpay_outbox (id, provider, reference, sequence, kind, details, created_at, next_attempt_at)
             VALUES (?, ?, ?, ?, 'payment_succeeded', '{\"amount\":450}', ?, ?)",
        )
        .bind(format!("{PROVIDER}/{reference}/{}", events + 1))
        .bind(PROVIDER)
        .bind(reference)
        .bind(events + 1)
        .bind(AT.as_millis())
        .bind(AT.as_millis())
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }
}

const PROVIDER: &str = "ucanpay";
const AT: Timestamp = Timestamp::from_millis(1_772_366_400_000);

fn reference(number: usize) -> String {
    format!("BENCH{number:08}")
}

fn key(reference: &str) -> PaymentKey {
    PaymentKey {
        provider: ProviderId::new(PROVIDER).unwrap(),
        reference: Reference::new(reference).unwrap(),
    }
}

fn new_payment() -> NewPayment {
    NewPayment {
        merchant: "2000000010".to_owned(),
        amount: Amount::new(450).unwrap(),
        currency: Currency::CAD,
        subject: "coffee".into(),
        description: "one latte".into(),
        request: FrozenRequest {
            path: "/payment/unifiedorder".to_owned(),
            body: vec![b'x'; 700].into(),
            key: "SHA256:0123456789abcdef".to_owned(),
        },
    }
}

fn paid(reference: &str) -> Fact {
    let gateway_number = format!("U{reference}");
    Fact {
        source: Source::Notification,
        merchant: Some("2000000010".to_owned()),
        reference: Some(reference.to_owned()),
        gateway_number: Some(gateway_number.clone()),
        amount: Some(Amount::new(450).unwrap()),
        currency: Some("CAD".to_owned()),
        pay_link: None,
        claim: Claim::Payment(PaymentStatus::Paid),
        missing: Vec::new(),
        evidence: Evidence {
            signed_text: format!(
                "body=coffee&currency=CAD&deviceNo=till-1&merchantId=2000000010&nonceStr=5K8264ILTKCH16CQ25S&outTradeNo={reference}&sceneType=NATIVE&signType=RSA&timeEnd=2026-03-01T12:00:04&totalAmt=450&tradeStatus=SUCCESS&ucpOrderNo={gateway_number}"
            ),
            signature: "A".repeat(344),
            key: "SHA256:fedcba9876543210".to_owned(),
        },
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn spread(values: &[f64]) -> (f64, f64) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(0.0, f64::max);
    (low, high)
}
