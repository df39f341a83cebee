//! The shops' database, looked into from outside while they run. A connection for each look, closed again: what a killed
//! shop has left behind is found by the next shop, not by us.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use super::invariants;

/// By its URL.
pub(super) enum Ledger {
    Sqlite(String),
    Postgres(String),
}

/// Runs one statement on either database.
macro_rules! ask {
    ($ledger:expr, $query:ident($sql:expr), $end:ident) => {{
        let sql: String = $sql.into();
        match $ledger {
            Ledger::Sqlite(url) => {
                let mut connection = SqliteConnection::connect(url).await.unwrap();
                let asked = sqlx::$query(AssertSqlSafe(sql)).$end(&mut connection).await;
                let _ = connection.close().await;
                asked.unwrap()
            }
            Ledger::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let asked = sqlx::$query(AssertSqlSafe(sql)).$end(&mut connection).await;
                let _ = connection.close().await;
                asked.unwrap()
            }
        }
    }};
}

impl Ledger {
    pub(super) fn url(&self) -> &str {
        match self {
            Self::Sqlite(url) | Self::Postgres(url) => url,
        }
    }

    /// For [`kept`](Self::kept), which would otherwise read all evidence at each look.
    pub(super) async fn index_signatures(&self) {
        let sql = "CREATE INDEX crash_signature ON ucanpay_evidence (signature)";
        let _: Vec<String> = ask!(self, query_scalar(sql), fetch_all);
    }

    /// Those of these messages that are kept as notifications.
    pub(super) async fn kept(&self, messages: &[String]) -> HashSet<String> {
        let mut kept = HashSet::new();
        for some in messages.chunks(500) {
            // Base64: nothing in it needs quoting.
            let list = some.join("','");
            let sql = format!(
                "SELECT signature FROM ucanpay_evidence WHERE source = 'notification' AND signature IN ('{list}')"
            );
            let rows: Vec<String> = ask!(self, query_scalar(sql), fetch_all);
            kept.extend(rows);
        }
        kept
    }

    /// How often the shop was told this, by payment.
    pub(super) async fn told(&self, kind: &str) -> BTreeMap<String, i64> {
        let sql = format!(
            "SELECT reference, count(*) FROM ucanpay_outbox WHERE kind = '{kind}' GROUP BY reference"
        );
        let rows: Vec<(String, i64)> = ask!(self, query_as(sql), fetch_all);
        rows.into_iter().collect()
    }

    /// The tickets that orders were given.
    pub(super) async fn tickets(&self) -> BTreeMap<String, i64> {
        let sql = "SELECT order_no, ticket FROM shop_order WHERE ticket IS NOT NULL";
        let rows: Vec<(String, i64)> = ask!(self, query_as(sql), fetch_all);
        rows.into_iter().collect()
    }

    /// Each refund: its payment, its number, its cents, its state.
    pub(super) async fn refunds(&self) -> Vec<(String, String, i64, String)> {
        let sql = "SELECT reference, number, amount, state FROM ucanpay_refund ORDER BY number";
        ask!(self, query_as(sql), fetch_all)
    }

    /// Waits until so many payments are told to be paid.
    pub(super) async fn until_paid(&self, payments: usize, within: Duration) {
        let since = Instant::now();
        loop {
            let paid = self.told("payment_succeeded").await.len();
            if paid >= payments {
                return;
            }
            assert!(since.elapsed() < within, "{paid} of {payments} are paid");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until every event is delivered and every refund has its result.
    pub(super) async fn until_at_rest(&self, within: Duration) {
        let since = Instant::now();
        let sql = "SELECT (SELECT count(*) FROM ucanpay_outbox WHERE delivered_at IS NULL)
            + (SELECT count(*) FROM ucanpay_refund WHERE state NOT IN ('succeeded', 'failed', 'closed'))";
        loop {
            let (waiting,): (i64,) = ask!(self, query_as(sql), fetch_one);
            if waiting == 0 {
                return;
            }
            assert!(since.elapsed() < within, "{waiting} things still wait");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// As if a minute had passed with all shops dead: what they had taken up is free again.
    pub(super) async fn let_the_leases_of_the_dead_end(&self) {
        for table in ["ucanpay_payment", "ucanpay_refund", "ucanpay_outbox"] {
            let sql = format!("UPDATE {table} SET lease_until = NULL RETURNING provider");
            let _: Vec<String> = ask!(self, query_scalar(sql), fetch_all);
        }
    }

    pub(super) async fn check_invariants(&self) {
        match self {
            Self::Sqlite(url) => invariants::check_sqlite(url).await,
            Self::Postgres(url) => invariants::check_postgres(url).await,
        }
    }
}
