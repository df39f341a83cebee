//! The ledger's invariants, asked of the tables themselves: each query finds the rows that break one. In SQL
//! that both databases understand.

use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;

const BROKEN: &[(&str, &str)] = &[
    (
        "2: paid, and exactly one PaymentSucceeded",
        "SELECT reference FROM ucanpay_payment AS p
          WHERE CASE WHEN state = 'paid' THEN 1 ELSE 0 END <> (SELECT count(*) FROM ucanpay_outbox AS o WHERE o.provider = p.provider
                 AND o.reference = p.reference AND o.kind = 'payment_succeeded')",
    ),
    (
        "3: paid, and verified evidence kept for it",
        "SELECT reference FROM ucanpay_payment AS p WHERE state = 'paid' AND NOT EXISTS
            (SELECT 1 FROM ucanpay_transition AS t JOIN ucanpay_evidence AS e
                 ON e.provider = t.provider AND e.digest = t.evidence
              WHERE t.provider = p.provider AND t.reference = p.reference AND t.refund IS NULL
                AND t.to_state = 'paid' AND e.reference = p.reference AND e.verdict = 'applied')",
    ),
    (
        "4: paid after it was closed, and a LatePayment was told",
        "SELECT reference FROM ucanpay_payment AS p WHERE
            CASE WHEN state = 'paid' AND closed_at IS NOT NULL THEN 1 ELSE 0 END <> (SELECT count(*) FROM ucanpay_outbox AS o WHERE o.provider = p.provider
                AND o.reference = p.reference AND o.kind = 'late_payment')",
    ),
    (
        "4: closed by evidence that says so, and nothing kept for it says paid",
        "SELECT reference FROM ucanpay_payment AS p WHERE state = 'closed' AND (closed_at IS NULL OR EXISTS
            (SELECT 1 FROM ucanpay_transition AS t WHERE t.provider = p.provider
                AND t.reference = p.reference AND t.refund IS NULL AND t.to_state = 'paid'))",
    ),
    (
        "6: every move of a payment is in the table",
        "SELECT from_state || ' to ' || to_state FROM ucanpay_transition
          WHERE refund IS NULL AND from_state IS NOT NULL AND from_state <> to_state
            AND (from_state = 'paid' OR (from_state = 'closed' AND to_state <> 'paid')
                OR (from_state = 'expired' AND to_state NOT IN ('closed', 'paid'))
                OR to_state = 'created')",
    ),
    (
        "6: versions rise by one from 1, each move starts where the last one ended",
        "SELECT reference FROM (SELECT reference, version, from_state,
                lag(to_state) OVER w AS last_state, row_number() OVER w AS nth FROM ucanpay_transition
              WINDOW w AS (PARTITION BY provider, reference, coalesce(refund, '') ORDER BY id)) AS moves
          WHERE version <> nth OR from_state IS DISTINCT FROM last_state",
    ),
    (
        "6: replaying the log gives the payment",
        "SELECT reference FROM ucanpay_payment AS p WHERE state || ' ' || version IS DISTINCT FROM
            (SELECT to_state || ' ' || version FROM ucanpay_transition AS t WHERE t.provider = p.provider
                AND t.reference = p.reference AND t.refund IS NULL ORDER BY id DESC LIMIT 1)",
    ),
    (
        "6: replaying the log gives the refund",
        "SELECT number FROM ucanpay_refund AS r WHERE state || ' ' || version IS DISTINCT FROM
            (SELECT to_state || ' ' || version FROM ucanpay_transition AS t WHERE t.provider = r.provider
                AND t.refund = r.number ORDER BY id DESC LIMIT 1)",
    ),
    (
        "7: no move to failed or closed without evidence",
        "SELECT reference FROM ucanpay_transition WHERE to_state IN ('failed', 'closed')
            AND from_state IS DISTINCT FROM to_state AND evidence IS NULL",
    ),
    (
        "8: evidence that did not fit, and a discrepancy that was opened for it or stood open",
        "SELECT e.reference FROM ucanpay_evidence AS e WHERE e.verdict = 'review' AND NOT EXISTS
            (SELECT 1 FROM ucanpay_discrepancy AS d WHERE d.provider = e.provider AND d.note = e.note
                AND d.opened_at <= e.received_at)",
    ),
    (
        "8: one ReviewRequired for each discrepancy",
        "SELECT reference FROM ucanpay_payment AS p WHERE
            (SELECT count(*) FROM ucanpay_discrepancy AS d WHERE d.provider = p.provider
                AND d.reference = p.reference) <>
            (SELECT count(*) FROM ucanpay_outbox AS o WHERE o.provider = p.provider
                AND o.reference = p.reference AND o.kind = 'review_required')",
    ),
    (
        "8: no message opens the same discrepancy twice",
        "SELECT reference FROM ucanpay_discrepancy WHERE evidence IS NOT NULL
          GROUP BY provider, reference, kind, note, evidence HAVING count(*) > 1",
    ),
    (
        "9: the refunds that did not fail fit into the payment, or somebody is told",
        "SELECT reference FROM ucanpay_payment AS p WHERE amount <
            (SELECT coalesce(sum(amount), 0) FROM ucanpay_refund AS r WHERE r.provider = p.provider
                AND r.reference = p.reference AND r.state <> 'failed'
                AND (r.state <> 'closed' OR EXISTS (SELECT 1 FROM ucanpay_discrepancy AS d WHERE d.provider = p.provider
                    AND d.reference = p.reference AND d.kind = 'refund_closed' AND d.closed_at IS NULL)))
            AND NOT EXISTS (SELECT 1 FROM ucanpay_discrepancy AS d WHERE d.provider = p.provider
                AND d.reference = p.reference AND d.kind = 'refunded_too_much')",
    ),
    (
        "12: each payment's events are numbered without a gap",
        "SELECT reference FROM ucanpay_payment AS p WHERE events <>
            (SELECT count(*) FROM ucanpay_outbox AS o WHERE o.provider = p.provider AND o.reference = p.reference)
            OR events <> (SELECT coalesce(max(sequence), 0) FROM ucanpay_outbox AS o
                WHERE o.provider = p.provider AND o.reference = p.reference)",
    ),
    (
        "13: what is unsettled is asked for again",
        "SELECT reference FROM ucanpay_payment WHERE (state NOT IN ('paid', 'closed') OR reversal = 'requested')
            AND next_check_at IS NULL
         UNION ALL SELECT number FROM ucanpay_refund
          WHERE state NOT IN ('succeeded', 'failed', 'closed') AND next_check_at IS NULL",
    ),
];

pub(crate) async fn check_sqlite(url: &str) {
    let pool = SqlitePool::connect(url).await.unwrap();
    for (invariant, query) in BROKEN {
        let broken: Vec<Option<String>> =
            sqlx::query_scalar(*query).fetch_all(&pool).await.unwrap();
        assert_whole(invariant, &broken);
    }
    let integrity: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(integrity, "ok");
    pool.close().await;
}

pub(crate) async fn check_postgres(url: &str) {
    let pool = PgPool::connect(url).await.unwrap();
    for (invariant, query) in BROKEN {
        let broken: Vec<Option<String>> =
            sqlx::query_scalar(*query).fetch_all(&pool).await.unwrap();
        assert_whole(invariant, &broken);
    }
    assert_no_connection_waits_inside_a_transaction(&pool).await;
    pool.close().await;
}

/// Invariant 16. A connection may still be on its way back to its pool; it is given two seconds.
pub(crate) async fn assert_no_connection_waits_inside_a_transaction(pool: &PgPool) {
    let mut waiting = 0_i64;
    for _ in 0..40 {
        waiting = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
              WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        if waiting == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("invariant 16: {waiting} connections wait inside a transaction");
}

fn assert_whole(invariant: &str, broken: &[Option<String>]) {
    assert!(
        broken.is_empty(),
        "invariant {invariant}: broken by {broken:?}"
    );
}
