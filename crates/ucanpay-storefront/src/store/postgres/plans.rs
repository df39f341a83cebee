//! The plans of the hot statements, asked of a ledger large enough for an index to pay.

use sqlx::postgres::{PgArguments, PgPool};
use sqlx::{Arguments as _, AssertSqlSafe};

use super::{PostgresStore, read, write};
use crate::store::{census, history};

private_postgres::tests! {
    every_hot_statement_uses_an_index;
}

/// Twenty thousand settled payments and their delivered events; a few of each still wait.
const FILL: &str = "
    INSERT INTO ucanpay_payment (provider, reference, merchant, amount, currency, subject, description, state,
        late, late_policy, expires_at, gateway_number, created_at, paid_at, next_check_at, request_path,
        request_body, request_key, version, events)
    SELECT 'p', 'A' || n, 'm', 450, 'CAD', 's', 'd', CASE WHEN n % 1000 = 0 THEN 'created' ELSE 'paid' END,
        false, 'review', n, 'G' || n, n, CASE WHEN n % 1000 = 0 THEN NULL ELSE n END,
        CASE WHEN n % 1000 = 0 THEN n END, '/', '', 'k', 1, 1
      FROM generate_series(1, 20000) AS n;
    INSERT INTO ucanpay_refund (provider, number, reference, amount, reason, state, created_at, next_check_at, submissions, version)
    SELECT 'p', 'R' || n, 'A' || n, 1, 'r', 'succeeded', n, CASE WHEN n % 1000 = 0 THEN n END, 1, 1
      FROM generate_series(1, 20000) AS n;
    INSERT INTO ucanpay_discrepancy (provider, reference, number, kind, note, opened_at, closed_at, closing_note)
    SELECT 'p', 'A' || n, 1, 'mismatch', 'm', n, CASE WHEN n % 1000 = 0 THEN NULL ELSE n END,
        CASE WHEN n % 1000 = 0 THEN NULL ELSE 'seen' END
      FROM generate_series(1, 20000) AS n;
    INSERT INTO ucanpay_outbox (id, provider, reference, sequence, kind, details, created_at, delivered_at,
        next_attempt_at)
    SELECT 'p/A' || n || '/1', 'p', 'A' || n, 1, 'payment_created', '{}', n,
        CASE WHEN n % 1000 = 0 THEN NULL ELSE n END, n
      FROM generate_series(1, 20000) AS n;
    INSERT INTO ucanpay_transition (provider, reference, version, to_state, cause, at)
    SELECT 'p', 'A' || n, 1, 'created', 'intent', n FROM generate_series(1, 20000) AS n;
    INSERT INTO ucanpay_evidence (provider, digest, reference, source, verdict, signed_text, signature, signing_key,
        received_at, seen)
    SELECT 'p', 'D' || n, 'A' || n, 'answer', 'applied', '', '', 'k', n, 1 FROM generate_series(1, 20000) AS n;
    ANALYZE;";

async fn every_hot_statement_uses_an_index() {
    let url = private_postgres::database().await;
    let store = PostgresStore::open(&url).await.unwrap();
    sqlx::raw_sql(FILL).execute(&store.pool).await.unwrap();
    for sql in [
        read::PAYMENT,
        read::PAYMENT_FOR_UPDATE,
        read::REFUNDS,
        read::REFUNDS_FOR_UPDATE,
        read::DISCREPANCIES,
        read::GATEWAY_NUMBER_OWNER,
        read::REFUND_OWNER,
        history::TRANSITIONS,
        history::EVIDENCE,
        history::EVENTS,
    ] {
        assert_indexed(&store.pool, sql, &["p", "A7"], &[], &[]).await;
    }
    for sql in [read::DUE_PAYMENTS, read::DUE_REFUNDS] {
        assert_indexed(&store.pool, sql, &[], &[30_000, 90_000, 40_000, 64], &["p"]).await;
    }
    let waiting = read::WAITING_EVENTS;
    assert_indexed(
        &store.pool,
        waiting,
        &[],
        &[30_000, 90_000, 40_000, 64],
        &[],
    )
    .await;
    for sql in [read::RECENT, read::UNDER_REVIEW, read::PARKED_EVENTS] {
        assert_indexed(&store.pool, sql, &[], &[50], &[]).await;
    }
    let ages = [30_000, 29_000, 28_000, 27_000, 26_000];
    for (sql, _) in census::BY_ACCOUNT {
        assert_indexed(&store.pool, sql, &[], &ages, &[]).await;
    }
    for sql in [census::PAID, census::RECOVERED] {
        assert_indexed(&store.pool, sql, &[], &[19_000], &[]).await;
    }
    for sql in [census::REVIEWS, census::UNDELIVERED, census::PARKED] {
        assert_indexed(&store.pool, sql, &[], &[], &[]).await;
    }
    let mut ended = PgArguments::default();
    ended.add(vec!["p/A7/1"]).unwrap();
    ended.add(vec![7_i64]).unwrap();
    for _ in ["delivered_at", "next_attempt_at", "parked_at"] {
        ended.add(vec![None::<i64>]).unwrap();
    }
    ended.add(vec![None::<String>]).unwrap();
    assert_plan(&store.pool, write::SETTLE_EVENTS, ended).await;
    store.close().await;
}

async fn assert_indexed(
    pool: &PgPool,
    sql: &str,
    texts: &[&str],
    numbers: &[i64],
    more_texts: &[&str],
) {
    let mut arguments = PgArguments::default();
    for text in texts {
        arguments.add(text).unwrap();
    }
    for number in numbers {
        arguments.add(number).unwrap();
    }
    for text in more_texts {
        arguments.add(text).unwrap();
    }
    assert_plan(pool, sql, arguments).await;
}

async fn assert_plan(pool: &PgPool, sql: &str, arguments: PgArguments) {
    let explain = AssertSqlSafe(format!("EXPLAIN {sql}"));
    let plan: Vec<String> = sqlx::query_scalar_with(explain, arguments)
        .fetch_all(pool)
        .await
        .unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("Index"), "{sql}\n{plan}");
    assert!(!plan.contains("Seq Scan"), "{sql}\n{plan}");
}
