//! What is kept about one payment, read: the statements, which every database understands as they are, and their rows.
//!
//! Each takes the account and the payment's number.

use super::StoreError;
use super::row::{self, Columns, corrupt};
use crate::ledger::{
    EventFate, EvidenceRecord, KeptEvent, KeptEvidence, PaymentState, RefundState, Transition,
    Verdict,
};
use crate::provider::{Evidence, Source};

pub(super) const TRANSITIONS: &str = "
SELECT refund, version, from_state, to_state, cause, evidence, at FROM ucanpay_transition
 WHERE provider = $1 AND reference = $2 ORDER BY id";

pub(super) const EVIDENCE: &str = "
SELECT digest, reference, source, verdict, note, signed_text, signature, signing_key, received_at, seen
  FROM ucanpay_evidence WHERE provider = $1 AND reference = $2 ORDER BY received_at, digest";

pub(super) const EVENTS: &str = "
SELECT id, provider, reference, sequence, kind, details, created_at, delivered_at, skip_note, attempts, parked_at,
       trouble
  FROM ucanpay_outbox WHERE provider = $1 AND reference = $2 ORDER BY sequence";

pub(super) fn transition(row: &impl Columns) -> Result<Transition, StoreError> {
    let refund = row.optional_text("refund")?;
    let refund = refund.map(row::refund_number).transpose()?;
    let state = |word: &str| {
        let found = match refund {
            None => PaymentState::from_word(word).map(PaymentState::as_str),
            Some(_) => RefundState::from_word(word).map(RefundState::as_str),
        };
        found.ok_or_else(|| corrupt("ucanpay_transition.to_state"))
    };
    let from = row.optional_text("from_state")?;
    let from = from.as_deref().map(state).transpose()?;
    let to = state(&row.text("to_state")?)?;
    let cause = row.text("cause")?;
    let mut causes = Transition::CAUSES.iter().copied();
    let cause = causes.find(|word| *word == cause);
    Ok(Transition {
        version: row::unsigned(row, "version")?,
        from,
        to,
        cause: cause.ok_or_else(|| corrupt("ucanpay_transition.cause"))?,
        evidence: row.optional_text("evidence")?,
        at: row::moment(row, "at")?,
        refund,
    })
}

pub(super) fn evidence(row: &impl Columns) -> Result<KeptEvidence, StoreError> {
    let signed = row.optional_bytes("signed_text")?.unwrap_or_default();
    let verdict = Verdict::from_word(&row.text("verdict")?, row.optional_text("note")?);
    let record = EvidenceRecord {
        digest: row.text("digest")?,
        reference: row.optional_text("reference")?,
        source: Source::from_word(&row.text("source")?)
            .ok_or_else(|| corrupt("ucanpay_evidence.source"))?,
        verdict: verdict.ok_or_else(|| corrupt("ucanpay_evidence.verdict"))?,
        evidence: Evidence {
            signed_text: String::from_utf8(signed)
                .map_err(|_| corrupt("ucanpay_evidence.signed_text"))?,
            signature: row.text("signature")?,
            key: row.text("signing_key")?,
        },
        at: row::moment(row, "received_at")?,
    };
    let seen = row::unsigned(row, "seen")?;
    Ok(KeptEvidence { record, seen })
}

pub(super) fn event(row: &impl Columns) -> Result<KeptEvent, StoreError> {
    let gone = row::optional_moment(row, "delivered_at")?;
    let parked = row::optional_moment(row, "parked_at")?;
    let fate = match (gone, row.optional_text("skip_note")?, parked) {
        (Some(at), Some(note), _) => EventFate::Skipped(at, note.into()),
        (Some(at), None, _) => EventFate::Delivered(at),
        (None, _, Some(since)) => {
            EventFate::Parked(since, row.optional_text("trouble")?.unwrap_or_default())
        }
        (None, _, None) => EventFate::Waiting,
    };
    Ok(KeptEvent {
        event: row::event(row)?,
        attempts: row::attempts(row)?,
        fate,
    })
}
