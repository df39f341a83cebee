//! Values into rows.

use sqlx::SqliteConnection;

use super::details::EventDetails;
use crate::id::PaymentKey;
use crate::ledger::{
    Decision, Discrepancy, Event, EvidenceRecord, Payment, Refund, Reversal, Target, Transition,
    Verdict,
};
use crate::store::{ClaimedEvent, Delivery, StoreError};
use crate::time::Timestamp;

/// Writes a decision: evidence, rows, log and outbox.
pub(super) async fn decision(
    tx: &mut SqliteConnection,
    key: &PaymentKey,
    decision: &Decision,
) -> Result<(), StoreError> {
    if let Some(record) = &decision.evidence {
        evidence(tx, key, record).await?;
    }
    if let Some(row) = &decision.payment {
        payment(tx, row).await?;
    }
    for row in &decision.refunds {
        refund(tx, key, row).await?;
    }
    for row in &decision.discrepancies {
        discrepancy(tx, key, row).await?;
    }
    for row in &decision.transitions {
        transition(tx, key, row).await?;
    }
    for row in &decision.events {
        event(tx, row).await?;
    }
    Ok(())
}

async fn payment(tx: &mut SqliteConnection, row: &Payment) -> Result<(), StoreError> {
    // What was agreed (amount, currency, the signed bytes …) is written once and never again.
    sqlx::query(
        "INSERT INTO ucanpay_payment (provider, reference, merchant, amount, currency, subject, description, state,
             late, reversal, late_policy, expires_at, closed_at, gateway_number, pay_link, trouble, created_at, paid_at, next_check_at, lease_until,
             request_path, request_body, request_key, version, events)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (provider, reference) DO UPDATE SET
             state = excluded.state, late = excluded.late, reversal = excluded.reversal,
             expires_at = excluded.expires_at, closed_at = excluded.closed_at,
             gateway_number = excluded.gateway_number, pay_link = excluded.pay_link, trouble = excluded.trouble,
             paid_at = excluded.paid_at, next_check_at = excluded.next_check_at,
             lease_until = excluded.lease_until, version = excluded.version, events = excluded.events",
    )
    .bind(row.key.provider.as_str())
    .bind(row.key.reference.as_str())
    .bind(&row.merchant)
    .bind(row.amount.cents())
    .bind(row.currency.as_str())
    .bind(row.subject.as_str())
    .bind(row.description.as_str())
    .bind(row.state.as_str())
    .bind(row.late)
    .bind(row.reversal.map(Reversal::as_str))
    .bind(row.late_policy.as_str())
    .bind(row.expires_at.as_millis())
    .bind(row.closed_at.map(Timestamp::as_millis))
    .bind(&row.gateway_number)
    .bind(row.pay_link.as_deref())
    .bind(&row.trouble)
    .bind(row.created_at.as_millis())
    .bind(row.paid_at.map(Timestamp::as_millis))
    .bind(row.schedule.next_check_at.map(Timestamp::as_millis))
    .bind(row.schedule.lease_until.map(Timestamp::as_millis))
    .bind(&row.request.path)
    .bind(&*row.request.body)
    .bind(&row.request.key)
    .bind(signed(row.version))
    .bind(signed(row.events))
    .execute(tx)
    .await?;
    Ok(())
}

/// Changes the row, or makes it. The payment is part of the condition: a number that another payment has is never
/// changed from here, it fails the transaction.
async fn refund(
    tx: &mut SqliteConnection,
    key: &PaymentKey,
    row: &Refund,
) -> Result<(), StoreError> {
    let changed = sqlx::query(
        "UPDATE ucanpay_refund
            SET state = ?, gateway_number = ?, trouble = ?, next_check_at = ?, lease_until = ?, version = ?
          WHERE provider = ? AND number = ? AND reference = ?",
    )
    .bind(row.state.as_str())
    .bind(&row.gateway_number)
    .bind(&row.trouble)
    .bind(row.schedule.next_check_at.map(Timestamp::as_millis))
    .bind(row.schedule.lease_until.map(Timestamp::as_millis))
    .bind(signed(row.version))
    .bind(key.provider.as_str())
    .bind(row.number.as_str())
    .bind(row.reference.as_str())
    .execute(&mut *tx)
    .await?;
    if changed.rows_affected() == 1 {
        return Ok(());
    }
    let request = row.request.as_ref();
    sqlx::query(
        "INSERT INTO ucanpay_refund (provider, number, reference, amount, reason, state, gateway_number, trouble,
             created_at, next_check_at, lease_until, request_path, request_body, request_key, version)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(key.provider.as_str())
    .bind(row.number.as_str())
    .bind(row.reference.as_str())
    .bind(row.amount.cents())
    .bind(row.reason.as_str())
    .bind(row.state.as_str())
    .bind(&row.gateway_number)
    .bind(&row.trouble)
    .bind(row.created_at.as_millis())
    .bind(row.schedule.next_check_at.map(Timestamp::as_millis))
    .bind(row.schedule.lease_until.map(Timestamp::as_millis))
    .bind(request.map(|request| &*request.path))
    .bind(request.map(|request| &*request.body))
    .bind(request.map(|request| &*request.key))
    .bind(signed(row.version))
    .execute(tx)
    .await?;
    Ok(())
}

/// Opened once; after that only its end is written.
async fn discrepancy(
    tx: &mut SqliteConnection,
    key: &PaymentKey,
    row: &Discrepancy,
) -> Result<(), StoreError> {
    let closed = row.closed.as_ref();
    sqlx::query(
        "INSERT INTO ucanpay_discrepancy (provider, reference, number, kind, note, evidence, opened_at, closed_at,
             closing_note)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (provider, reference, number) DO UPDATE SET
             closed_at = excluded.closed_at, closing_note = excluded.closing_note",
    )
    .bind(key.provider.as_str())
    .bind(key.reference.as_str())
    .bind(row.number)
    .bind(row.kind.as_str())
    .bind(&row.note)
    .bind(&row.evidence)
    .bind(row.opened_at.as_millis())
    .bind(closed.map(|closed| closed.at.as_millis()))
    .bind(closed.map(|closed| closed.note.as_str()))
    .execute(tx)
    .await?;
    Ok(())
}

/// A copy is counted. What it once proved it still proves; what it proves only now, it proves from now on.
async fn evidence(
    tx: &mut SqliteConnection,
    key: &PaymentKey,
    row: &EvidenceRecord,
) -> Result<(), StoreError> {
    let note = match &row.verdict {
        Verdict::Review(reason) => Some(reason.as_str()),
        Verdict::Applied | Verdict::NothingNew | Verdict::Unmatched => None,
    };
    sqlx::query(
        "INSERT INTO ucanpay_evidence (provider, digest, reference, source, verdict, note, signed_text, signature,
             signing_key, received_at, seen)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
         ON CONFLICT (provider, digest) DO UPDATE SET seen = seen + 1,
             verdict = iif(excluded.verdict = 'applied', excluded.verdict, verdict)",
    )
    .bind(key.provider.as_str())
    .bind(&row.digest)
    .bind(&row.reference)
    .bind(row.source.as_str())
    .bind(row.verdict.as_str())
    .bind(note)
    .bind(&row.evidence.signed_text)
    .bind(&row.evidence.signature)
    .bind(&row.evidence.key)
    .bind(row.at.as_millis())
    .execute(tx)
    .await?;
    Ok(())
}

async fn transition(
    tx: &mut SqliteConnection,
    key: &PaymentKey,
    row: &Transition,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ucanpay_transition (provider, reference, refund, version, from_state, to_state, cause, evidence,
             at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(key.provider.as_str())
    .bind(key.reference.as_str())
    .bind(row.refund.as_ref().map(crate::id::RefundNumber::as_str))
    .bind(signed(row.version))
    .bind(row.from)
    .bind(row.to)
    .bind(row.cause)
    .bind(&row.evidence)
    .bind(row.at.as_millis())
    .execute(tx)
    .await?;
    Ok(())
}

async fn event(tx: &mut SqliteConnection, row: &Event) -> Result<(), StoreError> {
    let details = EventDetails {
        amount: row.amount,
        refund: row.refund.clone(),
        note: row.note.clone(),
    };
    let details = serde_json::to_string(&details).map_err(|_| StoreError::Corrupt {
        what: "event to be written",
    })?;
    // Only an unmatched message, which belongs to no payment, can tell the same thing twice.
    let sql = if row.reference.is_none() {
        "INSERT OR IGNORE INTO ucanpay_outbox
             (id, provider, reference, sequence, kind, details, created_at, next_attempt_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)"
    } else {
        "INSERT INTO ucanpay_outbox
             (id, provider, reference, sequence, kind, details, created_at, next_attempt_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)"
    };
    sqlx::query(sql)
        .bind(&row.id)
        .bind(row.provider.as_str())
        .bind(row.reference.as_ref().map(crate::id::Reference::as_str))
        .bind(signed(row.sequence))
        .bind(row.kind.as_str())
        .bind(details)
        .bind(row.at.as_millis())
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn lease(
    tx: &mut SqliteConnection,
    key: &PaymentKey,
    target: &Target,
    until: Timestamp,
) -> Result<(), StoreError> {
    let (sql, number) = match target {
        Target::Payment => (
            "UPDATE ucanpay_payment SET lease_until = ? WHERE provider = ? AND reference = ?",
            key.reference.as_str(),
        ),
        Target::Refund(number) => (
            "UPDATE ucanpay_refund SET lease_until = ? WHERE provider = ? AND number = ?",
            number.as_str(),
        ),
    };
    sqlx::query(sql)
        .bind(until.as_millis())
        .bind(key.provider.as_str())
        .bind(number)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn lease_event(
    tx: &mut SqliteConnection,
    id: &str,
    until: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE ucanpay_outbox SET lease_until = ? WHERE id = ?")
        .bind(until.as_millis())
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn settle_event(
    tx: &mut SqliteConnection,
    event: &ClaimedEvent,
    delivery: Delivery,
) -> Result<(), StoreError> {
    let (delivered, next) = match delivery {
        Delivery::Delivered(at) => (Some(at.as_millis()), None),
        Delivery::Later(at) => (None, Some(at.as_millis())),
    };
    sqlx::query(
        "UPDATE ucanpay_outbox
            SET delivered_at = ?1, next_attempt_at = ifnull(?2, next_attempt_at), attempts = attempts + 1,
                lease_until = NULL
          WHERE id = ?3 AND lease_until = ?4",
    )
    .bind(delivered)
    .bind(next)
    .bind(&event.event.id)
    .bind(event.lease_until.as_millis())
    .execute(tx)
    .await?;
    Ok(())
}

/// SQLite's integers are signed. Versions and counts start at 1 and rise by one: they stay far below the limit.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
