//! Values into rows.

use sqlx::PgConnection;

use crate::id::{PaymentKey, Reference, RefundNumber};
use crate::ledger::{
    Block, Decision, Discrepancy, Event, EvidenceRecord, Lease, Payment, Refund, Reversal, Target,
    Transition,
};
use crate::provider::FrozenRequest;
use crate::store::delivery::EndedDelivery;
use crate::store::details::EventDetails;
use crate::store::{ClaimedEvent, Delivery, StoreError, Unparking};
use crate::time::Timestamp;

/// Writes a decision: evidence, rows, log and outbox. `known` says whether the payment stood in the ledger when it was
/// loaded: a new one is only ever inserted, so that two who record the same number at once cannot write over each other.
pub(super) async fn decision(
    tx: &mut PgConnection,
    key: &PaymentKey,
    decision: &Decision,
    known: bool,
) -> Result<(), StoreError> {
    if let Some(record) = &decision.evidence {
        evidence(tx, key, record).await?;
    }
    match &decision.payment {
        Some(row) if known => change_payment(tx, row).await?,
        Some(row) => new_payment(tx, row).await?,
        None => {}
    }
    for row in &decision.refunds {
        refund(tx, key, row).await?;
    }
    if let Some((target, request)) = &decision.renewed {
        renew(tx, key, target, request).await?;
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
    if let Some(row) = &decision.block {
        block(tx, row).await?;
    }
    Ok(())
}

async fn new_payment(tx: &mut PgConnection, row: &Payment) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ucanpay_payment (provider, reference, merchant, amount, currency, subject, description, state,
             late, reversal, late_policy, expires_at, closed_at, gateway_number, pay_link, trouble, created_at, paid_at,
             next_check_at, lease_until, request_path, request_body, request_key, version, events)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
             $23, $24, $25)",
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
    .bind(row.trouble.as_deref().map(held))
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

/// What was agreed (amount, currency, the signed bytes …) was written once, and never again.
async fn change_payment(tx: &mut PgConnection, row: &Payment) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE ucanpay_payment SET
             state = $3, late = $4, reversal = $5, expires_at = $6, closed_at = $7, gateway_number = $8,
             pay_link = $9, trouble = $10, paid_at = $11, next_check_at = $12, lease_until = $13, version = $14,
             events = $15
          WHERE provider = $1 AND reference = $2",
    )
    .bind(row.key.provider.as_str())
    .bind(row.key.reference.as_str())
    .bind(row.state.as_str())
    .bind(row.late)
    .bind(row.reversal.map(Reversal::as_str))
    .bind(row.expires_at.as_millis())
    .bind(row.closed_at.map(Timestamp::as_millis))
    .bind(&row.gateway_number)
    .bind(row.pay_link.as_deref())
    .bind(row.trouble.as_deref().map(held))
    .bind(row.paid_at.map(Timestamp::as_millis))
    .bind(row.schedule.next_check_at.map(Timestamp::as_millis))
    .bind(row.schedule.lease_until.map(Timestamp::as_millis))
    .bind(signed(row.version))
    .bind(signed(row.events))
    .execute(tx)
    .await?;
    Ok(())
}

/// Changes the row, or makes it. The payment is part of the condition: a number that another payment has is never
/// changed from here, it fails the transaction.
async fn refund(tx: &mut PgConnection, key: &PaymentKey, row: &Refund) -> Result<(), StoreError> {
    let changed = sqlx::query(
        "UPDATE ucanpay_refund
            SET state = $4, gateway_number = $5, trouble = $6, next_check_at = $7, lease_until = $8, submissions = $9,
                version = $10, failed_at = $11, confirmed_at = $12
          WHERE provider = $1 AND number = $2 AND reference = $3",
    )
    .bind(key.provider.as_str())
    .bind(row.number.as_str())
    .bind(row.reference.as_str())
    .bind(row.state.as_str())
    .bind(&row.gateway_number)
    .bind(row.trouble.as_deref().map(held))
    .bind(row.schedule.next_check_at.map(Timestamp::as_millis))
    .bind(row.schedule.lease_until.map(Timestamp::as_millis))
    .bind(i64::from(row.submissions))
    .bind(signed(row.version))
    .bind(row.failed_at.map(Timestamp::as_millis))
    .bind(row.confirmed_at.map(Timestamp::as_millis))
    .execute(&mut *tx)
    .await?;
    if changed.rows_affected() == 1 {
        return Ok(());
    }
    let request = row.request.as_ref();
    sqlx::query(
        "INSERT INTO ucanpay_refund (provider, number, reference, amount, reason, state, gateway_number, trouble,
             created_at, next_check_at, lease_until, submissions, request_path, request_body, request_key, version,
             failed_at, confirmed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
    )
    .bind(key.provider.as_str())
    .bind(row.number.as_str())
    .bind(row.reference.as_str())
    .bind(row.amount.cents())
    .bind(row.reason.as_str())
    .bind(row.state.as_str())
    .bind(&row.gateway_number)
    .bind(row.trouble.as_deref().map(held))
    .bind(row.created_at.as_millis())
    .bind(row.schedule.next_check_at.map(Timestamp::as_millis))
    .bind(row.schedule.lease_until.map(Timestamp::as_millis))
    .bind(i64::from(row.submissions))
    .bind(request.map(|request| &*request.path))
    .bind(request.map(|request| &*request.body))
    .bind(request.map(|request| &*request.key))
    .bind(signed(row.version))
    .bind(row.failed_at.map(Timestamp::as_millis))
    .bind(row.confirmed_at.map(Timestamp::as_millis))
    .execute(tx)
    .await?;
    Ok(())
}

async fn renew(
    tx: &mut PgConnection,
    key: &PaymentKey,
    target: &Target,
    request: &FrozenRequest,
) -> Result<(), StoreError> {
    let (sql, number) = match target {
        Target::Payment => (
            "UPDATE ucanpay_payment SET request_path = $1, request_body = $2, request_key = $3
              WHERE provider = $4 AND reference = $5",
            key.reference.as_str(),
        ),
        Target::Refund(number) => (
            "UPDATE ucanpay_refund SET request_path = $1, request_body = $2, request_key = $3
              WHERE provider = $4 AND number = $5",
            number.as_str(),
        ),
    };
    sqlx::query(sql)
        .bind(&request.path)
        .bind(&*request.body)
        .bind(&request.key)
        .bind(key.provider.as_str())
        .bind(number)
        .execute(tx)
        .await?;
    Ok(())
}

/// Opened once; after that only its end is written.
async fn discrepancy(
    tx: &mut PgConnection,
    key: &PaymentKey,
    row: &Discrepancy,
) -> Result<(), StoreError> {
    let closed = row.closed.as_ref();
    sqlx::query(
        "INSERT INTO ucanpay_discrepancy (provider, reference, number, kind, note, evidence, opened_at, closed_at,
             closing_note)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (provider, reference, number) DO UPDATE SET
             closed_at = excluded.closed_at, closing_note = excluded.closing_note",
    )
    .bind(key.provider.as_str())
    .bind(key.reference.as_str())
    .bind(i64::from(row.number))
    .bind(row.kind.as_str())
    .bind(held(&row.note))
    .bind(&row.evidence)
    .bind(row.opened_at.as_millis())
    .bind(closed.map(|closed| closed.at.as_millis()))
    .bind(closed.map(|closed| held(closed.note.as_str())))
    .execute(tx)
    .await?;
    Ok(())
}

/// A copy is counted. What it once proved it still proves; what it proves only now, it proves from now on.
async fn evidence(
    tx: &mut PgConnection,
    key: &PaymentKey,
    row: &EvidenceRecord,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ucanpay_evidence AS kept (provider, digest, reference, source, verdict, note, signed_text,
             signature, signing_key, received_at, seen)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1)
         ON CONFLICT (provider, digest) DO UPDATE SET seen = kept.seen + 1,
             verdict = CASE WHEN excluded.verdict = 'applied' THEN excluded.verdict ELSE kept.verdict END",
    )
    .bind(key.provider.as_str())
    .bind(&row.digest)
    .bind(row.reference.as_deref().map(held))
    .bind(row.source.as_str())
    .bind(row.verdict.as_str())
    .bind(row.verdict.note().map(held))
    .bind(row.evidence.signed_text.as_bytes())
    .bind(&row.evidence.signature)
    .bind(&row.evidence.key)
    .bind(row.at.as_millis())
    .execute(tx)
    .await?;
    Ok(())
}

async fn transition(
    tx: &mut PgConnection,
    key: &PaymentKey,
    row: &Transition,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ucanpay_transition (provider, reference, refund, version, from_state, to_state, cause, evidence,
             at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(key.provider.as_str())
    .bind(key.reference.as_str())
    .bind(row.refund.as_ref().map(RefundNumber::as_str))
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

async fn event(tx: &mut PgConnection, row: &Event) -> Result<(), StoreError> {
    // Only an unmatched message, which belongs to no payment, can tell the same thing twice.
    let sql = if row.reference.is_none() {
        "INSERT INTO ucanpay_outbox
             (id, provider, reference, sequence, kind, details, created_at, next_attempt_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (id) DO NOTHING"
    } else {
        "INSERT INTO ucanpay_outbox
             (id, provider, reference, sequence, kind, details, created_at, next_attempt_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)"
    };
    sqlx::query(sql)
        .bind(&row.id)
        .bind(row.provider.as_str())
        .bind(row.reference.as_ref().map(Reference::as_str))
        .bind(signed(row.sequence))
        .bind(row.kind.as_str())
        .bind(EventDetails::json(row)?)
        .bind(row.at.as_millis())
        .execute(tx)
        .await?;
    Ok(())
}

/// Leases rows that the transaction holds locked.
pub(super) async fn leases(
    tx: &mut PgConnection,
    rows: &[(PaymentKey, Lease)],
    until: Timestamp,
) -> Result<(), StoreError> {
    let (mut payments, mut refunds) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for (key, lease) in rows {
        let (of, number) = match &lease.target {
            Target::Payment => (&mut payments, key.reference.as_str()),
            Target::Refund(number) => (&mut refunds, number.as_str()),
        };
        of.0.push(key.provider.as_str());
        of.1.push(number);
    }
    for (sql, (providers, numbers)) in [
        (
            "UPDATE ucanpay_payment SET lease_until = $1
              WHERE (provider, reference) IN (SELECT * FROM unnest($2::text[], $3::text[]))",
            payments,
        ),
        (
            "UPDATE ucanpay_refund SET lease_until = $1
              WHERE (provider, number) IN (SELECT * FROM unnest($2::text[], $3::text[]))",
            refunds,
        ),
    ] {
        if !numbers.is_empty() {
            sqlx::query(sql)
                .bind(until.as_millis())
                .bind(providers)
                .bind(numbers)
                .execute(&mut *tx)
                .await?;
        }
    }
    Ok(())
}

/// Leases events that the transaction holds locked.
pub(super) async fn lease_events(
    tx: &mut PgConnection,
    events: &[ClaimedEvent],
    until: Timestamp,
) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = events.iter().map(|event| event.event.id.as_str()).collect();
    sqlx::query("UPDATE ucanpay_outbox SET lease_until = $1 WHERE id = ANY($2)")
        .bind(until.as_millis())
        .bind(ids)
        .execute(tx)
        .await?;
    Ok(())
}

/// Writes how deliveries ended. An event whose lease is another one's by now is left alone.
pub(super) async fn settle_events(
    tx: &mut PgConnection,
    ended: &[(ClaimedEvent, Delivery)],
) -> Result<(), StoreError> {
    let rows: Vec<_> = ended.iter().map(EndedDelivery::from).collect();
    sqlx::query(SETTLE_EVENTS)
        .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.lease_until).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.delivered_at).collect::<Vec<_>>())
        .bind(
            rows.iter()
                .map(|row| row.next_attempt_at)
                .collect::<Vec<_>>(),
        )
        .bind(rows.iter().map(|row| row.parked_at).collect::<Vec<_>>())
        .bind(
            rows.iter()
                .map(|row| row.trouble.map(held))
                .collect::<Vec<_>>(),
        )
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) const SETTLE_EVENTS: &str = "
UPDATE ucanpay_outbox AS event
   SET delivered_at = ended.delivered_at, next_attempt_at = coalesce(ended.next_attempt_at, event.next_attempt_at),
       attempts = event.attempts + 1, lease_until = NULL, parked_at = ended.parked_at, trouble = ended.trouble
  FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
    AS ended (id, lease_until, delivered_at, next_attempt_at, parked_at, trouble)
 WHERE event.id = ended.id AND event.lease_until = ended.lease_until";

/// Says whether the event was parked.
pub(super) async fn unpark_event(
    tx: &mut PgConnection,
    id: &str,
    unparking: Unparking,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let unparked = match unparking {
        Unparking::Release => {
            sqlx::query(RELEASE_EVENT)
                .bind(id)
                .bind(now.as_millis())
                .execute(tx)
                .await?
        }
        Unparking::Skip(note) => {
            sqlx::query(SKIP_EVENT)
                .bind(id)
                .bind(now.as_millis())
                .bind(held(note.as_str()))
                .execute(tx)
                .await?
        }
    };
    Ok(unparked.rows_affected() == 1)
}

const RELEASE_EVENT: &str = "
UPDATE ucanpay_outbox SET parked_at = NULL, attempts = 0, next_attempt_at = $2
 WHERE id = $1 AND delivered_at IS NULL AND parked_at IS NOT NULL";

const SKIP_EVENT: &str = "
UPDATE ucanpay_outbox SET parked_at = NULL, delivered_at = $2, skip_note = $3
 WHERE id = $1 AND delivered_at IS NULL AND parked_at IS NOT NULL";

/// PostgreSQL's text cannot hold U+0000. Where a text only says something to people, it is not worth failing for; the
/// signed text, which proves something, is kept as bytes.
fn held(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// PostgreSQL's integers are signed. Versions and counts start at 1 and rise by one: they stay far below the limit.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The later end stands, unless it lies too far ahead to be meant.
const BLOCK: &str = "
INSERT INTO ucanpay_account (provider, blocked_until) VALUES ($1, $2)
ON CONFLICT (provider) DO UPDATE SET blocked_until = excluded.blocked_until
 WHERE excluded.blocked_until > ucanpay_account.blocked_until OR ucanpay_account.blocked_until > $3";

async fn block(tx: &mut PgConnection, block: &Block) -> Result<(), StoreError> {
    sqlx::query(BLOCK)
        .bind(block.account.as_str())
        .bind(block.until.as_millis())
        .bind(block.farthest().as_millis())
        .execute(tx)
        .await?;
    Ok(())
}
