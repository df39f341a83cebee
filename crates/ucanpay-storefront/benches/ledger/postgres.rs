//! How many notifications a second are settled on PostgreSQL, with 64 connections: the store against a bare loop that
//! issues the same statements.
//!
//! One server with the durability of a shop's, one database, its tables emptied and filled before each turn. Each side has
//! a pool of its own, of the same size and with the same hooks. That both issue the same statements is not taken on
//! trust: after each round the server is asked what each side had it prepare, and how often it was executed.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use private_postgres::Cluster;
use sqlx::{Connection as _, PgConnection, PgPool, Row as _};
use ucanpay_storefront::ledger::{Command, Outcome, Verdict};
use ucanpay_storefront::{PaymentStore, PostgresStore};

use crate::bare::Bare;
use crate::race::{AT_ONCE, Rounds, Run, Settle, run};
use crate::told::{AT, PROVIDER, key, paid, reference};

const NOTIFICATIONS: usize = 1_600;
/// Settled before each measured turn, so that every connection has prepared every statement.
const WARM_UP: usize = 10 * AT_ONCE;
const ROUNDS: usize = 15;

pub(crate) async fn compare() {
    if !private_postgres::WANTED {
        figures::not_measured(
            "settle postgres",
            "PostgreSQL's initdb and pg_ctl are not installed",
        );
        return;
    }
    let server = Cluster::durable();
    let (our_pool, their_pool) = (pool(&server).await, pool(&server).await);
    let store = PostgresStore::from_pool(our_pool.clone()).await.unwrap();
    let ours = Arc::new(Store(store));
    let theirs = Arc::new(Bare(their_pool.clone()));
    let mut owner = PgConnection::connect(&server.url()).await.unwrap();
    let mut rounds = Rounds::default();
    let mut statements = BTreeMap::new();
    for round in 0..ROUNDS {
        if round % 2 == 0 {
            let run = turn(&ours, &mut owner).await;
            rounds.add(run, turn(&theirs, &mut owner).await);
        } else {
            let run = turn(&theirs, &mut owner).await;
            rounds.add(turn(&ours, &mut owner).await, run);
        }
        statements = executed(&our_pool).await;
        let theirs = executed(&their_pool).await;
        assert_eq!(statements, theirs, "bare.rs must issue what the store does");
    }
    println!(
        "durable settle on PostgreSQL, {AT_ONCE} connections, {NOTIFICATIONS} notifications, {ROUNDS} rounds; {} \
         statements for each, beside BEGIN and COMMIT",
        statements.values().sum::<i64>()
            / i64::try_from(ROUNDS * (WARM_UP + NOTIFICATIONS)).unwrap()
    );
    let what = format!("durable settle on PostgreSQL, {AT_ONCE} at once");
    rounds.report("settle postgres", &what, ["the store", "the same, bare"]);
}

async fn pool(server: &Cluster) -> PgPool {
    let connections = u32::try_from(AT_ONCE).unwrap();
    PostgresStore::pool_options()
        .max_connections(connections)
        .min_connections(connections)
        .connect(&server.url())
        .await
        .unwrap()
}

/// Settles the payments of freshly filled tables.
pub(crate) async fn turn(ledger: &Arc<impl Settle>, owner: &mut PgConnection) -> Run {
    sqlx::raw_sql(EMPTY).execute(&mut *owner).await.unwrap();
    for sql in FILL {
        sqlx::query(sql)
            .bind(i64::try_from(WARM_UP + NOTIFICATIONS).unwrap())
            .bind(PROVIDER)
            .bind(AT.as_millis())
            .execute(&mut *owner)
            .await
            .unwrap();
    }
    // What the server would otherwise begin to do in the middle of a turn.
    for sql in ["VACUUM ANALYZE", "CHECKPOINT"] {
        sqlx::raw_sql(sql).execute(&mut *owner).await.unwrap();
    }
    let warm_up = |number| reference(NOTIFICATIONS + number);
    run(Arc::clone(ledger), WARM_UP, warm_up).await;
    run(Arc::clone(ledger), NOTIFICATIONS, reference).await
}

const EMPTY: &str =
    "TRUNCATE ucanpay_payment, ucanpay_refund, ucanpay_evidence, ucanpay_discrepancy,
    ucanpay_transition, ucanpay_outbox";

/// As many payments that await their buyer; each with the log and the delivered events of its past.
const FILL: [&str; 3] = [
    "INSERT INTO ucanpay_payment (provider, reference, merchant, amount, currency, subject, description, state, late,
         late_policy, expires_at, gateway_number, created_at, next_check_at, request_path, request_body, request_key,
         version, events)
     SELECT $2, 'BENCH' || lpad(n::text, 8, '0'), '2000000010', 450, 'CAD', 'coffee', 'one latte', 'awaiting_payment',
         false, 'review', $3 + 7200000, 'UBENCH' || lpad(n::text, 8, '0'), $3 - n, $3 + n, '/payment/unifiedorder',
         convert_to(repeat('x', 700), 'UTF8'), 'SHA256:0123456789abcdef', 2, 2
       FROM generate_series(0, $1 - 1) AS n",
    "INSERT INTO ucanpay_transition (provider, reference, version, to_state, cause, at)
     SELECT $2, 'BENCH' || lpad(n::text, 8, '0'), v, 'created', 'intent', $3
       FROM generate_series(0, $1 - 1) AS n CROSS JOIN generate_series(1, 2) AS v",
    "INSERT INTO ucanpay_outbox (id, provider, reference, sequence, kind, details, created_at, delivered_at, attempts,
         next_attempt_at)
     SELECT $2 || '/BENCH' || lpad(n::text, 8, '0') || '/' || s, $2, 'BENCH' || lpad(n::text, 8, '0'), s,
         'payment_created', '{\"amount\":450}', $3, $3, 1, $3
       FROM generate_series(0, $1 - 1) AS n CROSS JOIN generate_series(1, 2) AS s",
];

/// The statements on the ledger's tables that the connections of a pool have prepared, and how often they ran.
async fn executed(pool: &PgPool) -> BTreeMap<String, i64> {
    let mut connections = Vec::new();
    for _ in 0..AT_ONCE {
        connections.push(pool.acquire().await.unwrap());
    }
    let mut executed = BTreeMap::new();
    for connection in &mut connections {
        let question = "SELECT statement, generic_plans + custom_plans FROM pg_prepared_statements";
        let rows = sqlx::raw_sql(question).fetch_all(&mut **connection).await;
        for row in rows.unwrap() {
            let statement: String = row.get(0);
            if statement.contains("ucanpay_") {
                let words: Vec<&str> = statement.split_whitespace().collect();
                *executed.entry(words.join(" ")).or_default() += row.get::<i64, _>(1);
            }
        }
    }
    executed
}

/// Ours.
pub(crate) struct Store(pub(crate) PostgresStore);

#[async_trait]
impl Settle for Store {
    async fn settle(&self, reference: &str) {
        let fact = Box::new(paid(reference));
        let command = Command::Observe(fact, None);
        let applied = self.0.apply(&key(reference), command, AT).await.unwrap();
        assert_eq!(applied.outcome, Outcome::Observed(Verdict::Applied));
    }
}
