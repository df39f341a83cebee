//! What the same work costs with ten thousand and with a million payments in the table, each with its log and its events.

use std::sync::Arc;
use std::time::{Duration, Instant};

use figures::Turns;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use ucanpay_storefront::{PaymentStore, SqliteStore};

use crate::race::{AT_ONCE, Settle, run};
use crate::settle::Shared;
use crate::told::{AT, PROVIDER, key, reference};

const SMALL: usize = 10_000;
const LARGE: usize = 1_000_000;
const SINGLES: usize = 400;
const CLAIMS: usize = 200;
const TURNS: usize = 9;
const A_TURN: usize = 1_000;

pub(crate) async fn compare() {
    let folder = TempDir::new().unwrap();
    let small = Table::filled(&folder, "small", SMALL).await;
    let large = Table::filled(&folder, "large", LARGE).await;
    println!("the ledger on SQLite with {SMALL} and with {LARGE} payments");
    let ones = in_turns(
        SINGLES,
        async |number| small.settle_one(number).await,
        async |number| large.settle_one(number).await,
    );
    ones.await
        .report("scale one", "one settlement, alone", "ms");
    let claims = in_turns(
        CLAIMS,
        async |number| small.claim(number).await,
        async |number| large.claim(number).await,
    );
    claims
        .await
        .report("scale claim", "16 due rows claimed", "ms");
    // The small table has no more than this many payments left to settle.
    const { assert!(SINGLES + TURNS * A_TURN <= SMALL) };
    let batches = in_turns(
        TURNS,
        async |turn| small.settle_many(turn).await,
        async |turn| large.settle_many(turn).await,
    );
    let what = format!("settled {AT_ONCE} at once");
    batches.await.report("scale batched", &what, "/s");
}

/// Measures both so many times, the large table's against the small one's; each goes first every other time.
async fn in_turns(
    turns: usize,
    few: impl AsyncFn(usize) -> f64,
    many: impl AsyncFn(usize) -> f64,
) -> Turns {
    let mut measured = Turns::default();
    for turn in 0..turns {
        let (few, many) = if turn % 2 == 0 {
            let few = few(turn).await;
            (few, many(turn).await)
        } else {
            let many = many(turn).await;
            (few(turn).await, many)
        };
        measured.add(many, few);
    }
    measured
}

pub(crate) struct Table {
    ledger: Arc<Shared>,
    rows: usize,
}

impl Table {
    pub(crate) async fn filled(folder: &TempDir, name: &str, rows: usize) -> Self {
        let file = folder.path().join(format!("{name}.sqlite"));
        let store = SqliteStore::open(&format!("sqlite://{}", file.display()))
            .await
            .unwrap();
        let mut connection = SqliteConnectOptions::new()
            .filename(&file)
            .pragma("cache_size", "-200000")
            .connect()
            .await
            .unwrap();
        for sql in FILL {
            sqlx::query(sql)
                .bind(i64::try_from(rows).unwrap())
                .bind(PROVIDER)
                .bind(AT.as_millis())
                .execute(&mut connection)
                .await
                .unwrap();
        }
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        Self {
            ledger: Arc::new(Shared(store)),
            rows,
        }
    }

    pub(crate) fn store(&self) -> SqliteStore {
        self.ledger.0.clone()
    }

    /// Payments all over the table, none twice: the stride is prime, and does not divide the number of rows.
    fn scattered(rows: usize, number: usize) -> String {
        reference(number * 7_919 % rows)
    }

    async fn settle_one(&self, number: usize) -> f64 {
        let reference = Self::scattered(self.rows, number);
        let begun = Instant::now();
        self.ledger.settle(&reference).await;
        milliseconds(begun)
    }

    /// The rows fall due one each millisecond.
    async fn claim(&self, number: usize) -> f64 {
        let ripe = u64::try_from(16 * number + 15).unwrap();
        let now = AT.after(Duration::from_millis(ripe));
        let until = now.after(Duration::from_secs(60));
        let account = key("A1").provider;
        let begun = Instant::now();
        let claimed = self
            .ledger
            .0
            .claim_due(&account, now, until, 16)
            .await
            .unwrap();
        let taken = milliseconds(begun);
        assert!(!claimed.is_empty());
        taken
    }

    async fn settle_many(&self, turn: usize) -> f64 {
        let (rows, before) = (self.rows, SINGLES + turn * A_TURN);
        let reference = move |number| Self::scattered(rows, before + number);
        run(Arc::clone(&self.ledger), A_TURN, reference)
            .await
            .per_second
    }
}

fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

/// As many payments that await their buyer; each with the log and the delivered events of its past.
const FILL: [&str; 3] = [
    "WITH RECURSIVE row(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM row WHERE n + 1 < ?1)
     INSERT INTO ucanpay_payment (provider, reference, merchant, amount, currency, subject, description, state,
         late, late_policy, expires_at, gateway_number, created_at, next_check_at, request_path,
         request_body, request_key, version, events)
     SELECT ?2, printf('BENCH%08d', n), '2000000010', 450, 'CAD', 'coffee', 'one latte', 'awaiting_payment', 0, 'review', ?3 + 7200000,
         printf('UBENCH%08d', n), ?3 - n, ?3 + n, '/payment/unifiedorder', randomblob(700),
         'SHA256:0123456789abcdef', 2, 2 FROM row",
    "WITH RECURSIVE row(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM row WHERE n + 1 < ?1)
     INSERT INTO ucanpay_transition (provider, reference, version, to_state, cause, at)
     SELECT ?2, printf('BENCH%08d', n), v, 'created', 'intent', ?3
       FROM row CROSS JOIN (SELECT 1 AS v UNION ALL SELECT 2)",
    "WITH RECURSIVE row(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM row WHERE n + 1 < ?1)
     INSERT INTO ucanpay_outbox (id, provider, reference, sequence, kind, details, created_at, delivered_at,
         attempts, next_attempt_at)
     SELECT printf('%s/BENCH%08d/%d', ?2, n, s), ?2, printf('BENCH%08d', n), s, 'payment_created',
         '{\"amount\":450}', ?3, ?3, 1, ?3
       FROM row CROSS JOIN (SELECT 1 AS s UNION ALL SELECT 2)",
];
