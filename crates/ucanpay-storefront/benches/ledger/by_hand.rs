//! The yardstick: what one would write by hand, the same rows in tables of the same shape, a transaction for each
//! notification, on one writing connection with the same durability.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::race::Settle;
use crate::told::{AT, PROVIDER, paid};

pub(crate) struct OneByOne(SqlitePool);

impl OneByOne {
    pub(crate) async fn open(folder: &Path) -> Self {
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
        let tables = include_str!("../../migrations/sqlite/0001_ledger.sql");
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
