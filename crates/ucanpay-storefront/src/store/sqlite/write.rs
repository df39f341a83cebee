//! Values into rows: each statement writes the rows of a whole batch.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::SqliteConnection;

use super::rows::{
    ChangedPayment, DiscrepancyRow, EventRow, EvidenceRow, NewPayment, RefundRow, TransitionRow,
    json,
};
use crate::id::PaymentKey;
use crate::ledger::{
    Block, Decision, Discrepancy, Event, EvidenceRecord, Payment, Refund, Target, Transition,
};
use crate::provider::FrozenRequest;
use crate::store::delivery::EndedDelivery;
use crate::store::{ClaimedEvent, Delivery, StoreError, Unparking};
use crate::time::Timestamp;

/// The sum of many decisions. Of a row that several of them changed, the last word counts; evidence, log and outbox hold
/// every word.
#[derive(Default)]
pub(super) struct Changes {
    new_payments: BTreeMap<PaymentKey, Payment>,
    payments: BTreeMap<PaymentKey, Payment>,
    refunds: Vec<(PaymentKey, Refund)>,
    discrepancies: Vec<(PaymentKey, Discrepancy)>,
    renewed: Vec<(PaymentKey, Target, FrozenRequest)>,
    evidence: Vec<(PaymentKey, EvidenceRecord)>,
    transitions: Vec<(PaymentKey, Transition)>,
    events: Vec<Event>,
    blocks: Vec<Block>,
}

impl Changes {
    /// Adds a decision. `is_new`: before it, there was no payment of this key.
    pub(super) fn add(&mut self, key: &PaymentKey, is_new: bool, decision: Decision) {
        if let Some(payment) = decision.payment {
            let rows = match is_new || self.new_payments.contains_key(key) {
                true => &mut self.new_payments,
                false => &mut self.payments,
            };
            rows.insert(key.clone(), payment);
        }
        for refund in decision.refunds {
            let there = |(other, row): &&mut (PaymentKey, Refund)| {
                row.number == refund.number && other.provider == key.provider
            };
            // In the order they were first written: it is the order of refunds recorded in the same millisecond.
            match self.refunds.iter_mut().find(there) {
                Some((_, row)) => *row = refund,
                None => self.refunds.push((key.clone(), refund)),
            }
        }
        // One that is opened and closed again is written twice, in this order.
        let discrepancies = decision.discrepancies.into_iter();
        self.discrepancies
            .extend(discrepancies.map(|row| (key.clone(), row)));
        let renewed = decision.renewed.into_iter();
        self.renewed
            .extend(renewed.map(|(target, request)| (key.clone(), target, request)));
        let evidence = decision.evidence.into_iter();
        self.evidence
            .extend(evidence.map(|record| (key.clone(), record)));
        let transitions = decision.transitions.into_iter();
        self.transitions
            .extend(transitions.map(|transition| (key.clone(), transition)));
        self.events.extend(decision.events);
        self.blocks.extend(decision.block);
    }
}

/// Writes all changes, with one statement for each table.
pub(super) async fn changes(
    tx: &mut SqliteConnection,
    changes: &Changes,
) -> Result<(), StoreError> {
    let new_payments: Vec<_> = changes
        .new_payments
        .values()
        .map(NewPayment::from)
        .collect();
    unfold(tx, NEW_PAYMENT, &new_payments).await?;
    let payments: Vec<_> = changes
        .payments
        .values()
        .map(ChangedPayment::from)
        .collect();
    unfold(tx, PAYMENT, &payments).await?;
    let refunds: Vec<_> = changes
        .refunds
        .iter()
        .map(|(key, row)| RefundRow::new(key, row))
        .collect();
    unfold(tx, REFUND, &refunds).await?;
    for (key, target, request) in &changes.renewed {
        renew(tx, key, target, request).await?;
    }
    let discrepancies: Vec<_> = changes
        .discrepancies
        .iter()
        .map(|(key, row)| DiscrepancyRow::new(key, row))
        .collect();
    unfold(tx, DISCREPANCY, &discrepancies).await?;
    let evidence: Vec<_> = changes
        .evidence
        .iter()
        .map(|(key, row)| EvidenceRow::new(key, row))
        .collect();
    unfold(tx, EVIDENCE, &evidence).await?;
    let transitions: Vec<_> = changes
        .transitions
        .iter()
        .map(|(key, row)| TransitionRow::new(key, row))
        .collect();
    unfold(tx, TRANSITION, &transitions).await?;
    let (of_payments, unmatched): (Vec<_>, Vec<_>) = changes
        .events
        .iter()
        .partition(|event| event.reference.is_some());
    let of_payments: Result<Vec<_>, _> = of_payments.into_iter().map(EventRow::new).collect();
    unfold(tx, EVENT, &of_payments?).await?;
    let unmatched: Result<Vec<_>, _> = unmatched.into_iter().map(EventRow::new).collect();
    let unmatched = unmatched?;
    if !unmatched.is_empty() {
        execute(tx, UNMATCHED_EVENT, &unmatched).await?;
    }
    // Rare: a statement each.
    for row in &changes.blocks {
        block(tx, row).await?;
    }
    Ok(())
}

/// Runs a statement that unfolds `rows`, if there are any. Each must have been written: one that was not would be lost.
async fn unfold<T: Serialize>(
    tx: &mut SqliteConnection,
    sql: &'static str,
    rows: &[T],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let written = execute(tx, sql, rows).await?;
    if usize::try_from(written) == Ok(rows.len()) {
        Ok(())
    } else {
        Err(StoreError::Corrupt {
            what: "row that another payment has, or that is not there",
        })
    }
}

async fn execute<T: Serialize>(
    tx: &mut SqliteConnection,
    sql: &'static str,
    rows: &[T],
) -> Result<u64, StoreError> {
    let done = sqlx::query(sql).bind(json(rows)?).execute(tx).await?;
    Ok(done.rows_affected())
}

const NEW_PAYMENT: &str = "
INSERT INTO ucanpay_payment (provider, reference, merchant, amount, currency, subject, description, state, late,
    reversal, late_policy, expires_at, closed_at, gateway_number, pay_link, trouble, created_at, paid_at, next_check_at, lease_until,
    request_path, request_body, request_key, version, events)
SELECT value->>'provider', value->>'reference', value->>'merchant', value->>'amount', value->>'currency',
    value->>'subject', value->>'description', value->>'state', value->>'late', value->>'reversal',
    value->>'late_policy', value->>'expires_at', value->>'closed_at', value->>'gateway_number', value->>'pay_link', value->>'trouble',
    value->>'created_at', value->>'paid_at', value->>'next_check_at', value->>'lease_until',
    value->>'request_path', unhex(value->>'request_body'), value->>'request_key', value->>'version', value->>'events'
FROM json_each(?)";

pub(super) const PAYMENT: &str = "
UPDATE ucanpay_payment SET
    state = new.value->>'state', late = new.value->>'late', reversal = new.value->>'reversal',
    expires_at = new.value->>'expires_at', closed_at = new.value->>'closed_at', gateway_number = new.value->>'gateway_number',
    pay_link = new.value->>'pay_link', trouble = new.value->>'trouble', paid_at = new.value->>'paid_at',
    next_check_at = new.value->>'next_check_at', lease_until = new.value->>'lease_until',
    version = new.value->>'version', events = new.value->>'events'
FROM json_each(?) AS new
WHERE provider = new.value->>'provider' AND reference = new.value->>'reference'";

// A number that another payment has is never changed from here: it writes no row, and that fails the transaction.
const REFUND: &str = "
INSERT INTO ucanpay_refund (provider, number, reference, amount, reason, state, gateway_number, trouble, created_at,
    failed_at, confirmed_at, next_check_at, lease_until, submissions, request_path, request_body, request_key, version)
SELECT value->>'provider', value->>'number', value->>'reference', value->>'amount', value->>'reason', value->>'state',
    value->>'gateway_number', value->>'trouble', value->>'created_at', value->>'failed_at', value->>'confirmed_at',
    value->>'next_check_at', value->>'lease_until', value->>'submissions',
    value->>'request_path', unhex(value->>'request_body'), value->>'request_key', value->>'version'
FROM json_each(?) WHERE true
ON CONFLICT (provider, number) DO UPDATE SET
    state = excluded.state, gateway_number = excluded.gateway_number, trouble = excluded.trouble,
    failed_at = excluded.failed_at, confirmed_at = excluded.confirmed_at, next_check_at = excluded.next_check_at, lease_until = excluded.lease_until, submissions = excluded.submissions,
    version = excluded.version
WHERE reference = excluded.reference";

// Opened once; after that only its end is written.
const DISCREPANCY: &str = "
INSERT INTO ucanpay_discrepancy (provider, reference, number, kind, note, evidence, opened_at, closed_at, closing_note)
SELECT value->>'provider', value->>'reference', value->>'number', value->>'kind', value->>'note', value->>'evidence',
    value->>'opened_at', value->>'closed_at', value->>'closing_note'
FROM json_each(?) WHERE true
ON CONFLICT (provider, reference, number) DO UPDATE SET
    closed_at = excluded.closed_at, closing_note = excluded.closing_note";

// A copy is counted. What it once proved it still proves; what it proves only now, it proves from now on.
const EVIDENCE: &str = "
INSERT INTO ucanpay_evidence (provider, digest, reference, source, verdict, note, signed_text, signature, signing_key,
    received_at, seen)
SELECT value->>'provider', value->>'digest', value->>'reference', value->>'source', value->>'verdict', value->>'note',
    value->>'signed_text', value->>'signature', value->>'signing_key', value->>'received_at', 1
FROM json_each(?) WHERE true
ON CONFLICT (provider, digest) DO UPDATE SET
    seen = seen + 1, verdict = iif(excluded.verdict = 'applied', excluded.verdict, verdict)";

const TRANSITION: &str = "
INSERT INTO ucanpay_transition (provider, reference, refund, version, from_state, to_state, cause, evidence, at)
SELECT value->>'provider', value->>'reference', value->>'refund', value->>'version', value->>'from_state',
    value->>'to_state', value->>'cause', value->>'evidence', value->>'at'
FROM json_each(?)";

const EVENT: &str = "
INSERT INTO ucanpay_outbox (id, provider, reference, sequence, kind, details, created_at, next_attempt_at)
SELECT value->>'id', value->>'provider', value->>'reference', value->>'sequence', value->>'kind', value->>'details',
    value->>'created_at', value->>'created_at'
FROM json_each(?)";

// Only an unmatched message, which belongs to no payment, can tell the same thing twice.
const UNMATCHED_EVENT: &str = "
INSERT OR IGNORE INTO ucanpay_outbox (id, provider, reference, sequence, kind, details, created_at, next_attempt_at)
SELECT value->>'id', value->>'provider', value->>'reference', value->>'sequence', value->>'kind', value->>'details',
    value->>'created_at', value->>'created_at'
FROM json_each(?)";

/// Once in a merchant's life: no statement for many.
async fn renew(
    tx: &mut SqliteConnection,
    key: &PaymentKey,
    target: &Target,
    request: &FrozenRequest,
) -> Result<(), StoreError> {
    let (sql, number) = match target {
        Target::Payment => (
            "UPDATE ucanpay_payment SET request_path = ?, request_body = ?, request_key = ?
              WHERE provider = ? AND reference = ?",
            key.reference.as_str(),
        ),
        Target::Refund(number) => (
            "UPDATE ucanpay_refund SET request_path = ?, request_body = ?, request_key = ?
              WHERE provider = ? AND number = ?",
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

/// Writes how deliveries ended. An event whose lease is another one's by now is left alone.
pub(super) async fn settle_events(
    tx: &mut SqliteConnection,
    ended: &[(ClaimedEvent, Delivery)],
) -> Result<(), StoreError> {
    let rows: Vec<_> = ended.iter().map(EndedDelivery::from).collect();
    execute(tx, SETTLE_EVENTS, &rows).await?;
    Ok(())
}

pub(super) const SETTLE_EVENTS: &str = "
UPDATE ucanpay_outbox SET
    delivered_at = ended.value->>'delivered_at', next_attempt_at = ifnull(ended.value->>'next_attempt_at', next_attempt_at),
    attempts = attempts + 1, lease_until = NULL, parked_at = ended.value->>'parked_at', trouble = ended.value->>'trouble'
FROM json_each(?) AS ended
WHERE ucanpay_outbox.id = ended.value->>'id' AND lease_until = ended.value->>'lease_until'";

/// Says whether the event was parked.
pub(super) async fn unpark_event(
    tx: &mut SqliteConnection,
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
                .bind(note.as_str())
                .execute(tx)
                .await?
        }
    };
    Ok(unparked.rows_affected() == 1)
}

const RELEASE_EVENT: &str = "
UPDATE ucanpay_outbox SET parked_at = NULL, attempts = 0, next_attempt_at = ?2
 WHERE id = ?1 AND delivered_at IS NULL AND parked_at IS NOT NULL";

const SKIP_EVENT: &str = "
UPDATE ucanpay_outbox SET parked_at = NULL, delivered_at = ?2, skip_note = ?3
 WHERE id = ?1 AND delivered_at IS NULL AND parked_at IS NOT NULL";

/// The later end stands, unless it lies too far ahead to be meant.
const BLOCK: &str = "
INSERT INTO ucanpay_account (provider, blocked_until) VALUES (?1, ?2)
ON CONFLICT (provider) DO UPDATE SET blocked_until = excluded.blocked_until
 WHERE excluded.blocked_until > ucanpay_account.blocked_until OR ucanpay_account.blocked_until > ?3";

async fn block(tx: &mut SqliteConnection, block: &Block) -> Result<(), StoreError> {
    sqlx::query(BLOCK)
        .bind(block.account.as_str())
        .bind(block.until.as_millis())
        .bind(block.farthest().as_millis())
        .execute(tx)
        .await?;
    Ok(())
}
