//! The ledger's invariants, asked of the tables themselves: each query finds the rows that break one. In SQL
//! that both databases understand. And asked of one payment's history, on any store.

use sqlx::postgres::PgPool;
use sqlx::sqlite::SqlitePool;
use ucanpay_storefront::ledger::{DiscrepancyKind, EventKind, History, Verdict};
use ucanpay_storefront::{PaymentState, RefundState, Reversal};

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
                AND t.reference = r.reference AND t.refund = r.number ORDER BY id DESC LIMIT 1)",
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

/// The same of one payment's history, for every store: what the tables say of all payments at the end of a test, this says
/// of one at any moment.
pub(crate) fn check_history(history: &History) {
    let (view, payment) = (&history.view, &history.view.payment);
    let told = |kind: EventKind| {
        let events = history.events.iter();
        events.filter(|kept| kept.event.kind == kind).count()
    };
    let applied = |digest: &Option<String>| {
        let mut kept = history.evidence.iter();
        kept.any(|kept| {
            Some(&kept.record.digest) == digest.as_ref() && kept.record.verdict == Verdict::Applied
        })
    };
    let paid = payment.state == PaymentState::Paid;
    let is_open = |kind| view.open_discrepancies().any(|row| row.kind == kind);

    // 2, 4
    assert_eq!(told(EventKind::PaymentSucceeded), usize::from(paid));
    let late = paid && payment.closed_at.is_some();
    assert_eq!(told(EventKind::LatePayment), usize::from(late));
    assert_eq!(payment.late, late);

    // 3, 6, 7: the log of each row.
    let rows = view.refunds.iter().map(|refund| Some(&refund.number));
    for row in rows.chain([None]) {
        let moves: Vec<_> = history
            .transitions
            .iter()
            .filter(|step| step.refund.as_ref() == row)
            .collect();
        let mut last = None;
        for (step, version) in moves.iter().zip(1..) {
            assert_eq!((step.version, step.from), (version, last));
            last = Some(step.to);
            let moved = step.from != Some(step.to);
            if moved && (step.to == "failed" || step.to == "closed") {
                assert!(applied(&step.evidence), "7: {step:?}");
            }
            if moved && row.is_none() {
                assert!(step.to != "paid" || applied(&step.evidence), "3: {step:?}");
                let allowed = match step.from {
                    Some("paid") => false,
                    Some("closed") => step.to == "paid",
                    Some("expired") => matches!(step.to, "closed" | "paid"),
                    _ => step.from.is_none() || step.to != "created",
                };
                assert!(allowed, "6: {step:?}");
            }
            if moved && row.is_some() {
                assert_ne!(step.from, Some("succeeded"), "6: {step:?}");
            }
        }
        let stands = match row {
            None => (payment.state.as_str(), payment.version),
            Some(number) => {
                let refund = view.refund(number).expect("a refund");
                (refund.state.as_str(), refund.version)
            }
        };
        let ends = moves.last().map(|step| (step.to, step.version));
        assert_eq!(ends, Some(stands), "6: replaying the log gives the row");
    }

    // 8
    assert_eq!(told(EventKind::ReviewRequired), view.discrepancies.len());
    for (nth, row) in view.discrepancies.iter().enumerate() {
        let twice = view.discrepancies[..nth].iter().any(|other| {
            row.evidence.is_some()
                && (&other.kind, &other.note, &other.evidence)
                    == (&row.kind, &row.note, &row.evidence)
        });
        assert!(!twice, "8: {row:?}");
    }

    // 9
    let unseen = is_open(DiscrepancyKind::RefundClosed);
    let reserved = view.refunds.iter().filter(|refund| match refund.state {
        RefundState::Failed => false,
        RefundState::Closed => unseen,
        _ => true,
    });
    let reserved: i64 = reserved.map(|refund| refund.amount.cents()).sum();
    let raised = |kind| view.discrepancies.iter().any(|row| row.kind == kind);
    assert!(
        reserved <= payment.amount.cents() || raised(DiscrepancyKind::RefundedTooMuch),
        "9: {reserved} cents"
    );
    let stopped = matches!(payment.reversal, Some(Reversal::Requested | Reversal::Done));
    let left = if stopped || !paid || is_open(DiscrepancyKind::UnexplainedReturn) {
        0
    } else {
        (payment.amount.cents() - reserved).max(0)
    };
    assert_eq!(view.refundable(), left, "9");

    let under_way = view
        .refunds
        .iter()
        .filter(|refund| !refund.state.is_settled());
    assert!(under_way.count() <= 1, "rule 8: refunds go one at a time");

    // 12
    for (kept, nth) in history.events.iter().zip(1..) {
        assert_eq!(kept.event.sequence, nth, "12");
    }
    assert_eq!(payment.events, history.events.len() as u64, "12");

    // 13
    let expected = !payment.state.is_settled() || payment.reversal == Some(Reversal::Requested);
    assert!(!expected || payment.schedule.next_check_at.is_some(), "13");
    for refund in &view.refunds {
        let asked = refund.schedule.next_check_at.is_some();
        assert!(asked || refund.state.is_settled(), "13: {refund:?}");
    }
}

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
