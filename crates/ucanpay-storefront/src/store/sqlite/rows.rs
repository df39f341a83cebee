//! What is written, as JSON that one statement unfolds into many rows: each member is called like its column.

use serde::Serialize;

use crate::id::{PaymentKey, Reference, RefundNumber};
use crate::ledger::{Discrepancy, Event, EvidenceRecord, Payment, Refund, Reversal, Transition};
use crate::provider::FrozenRequest;
use crate::store::StoreError;
use crate::store::details::EventDetails;
use crate::time::Timestamp;

/// A payment that stands in the ledger: what can change of it.
#[derive(Serialize)]
pub(super) struct ChangedPayment<'a> {
    provider: &'a str,
    reference: &'a str,
    state: &'static str,
    late: bool,
    reversal: Option<&'static str>,
    expires_at: i64,
    closed_at: Option<i64>,
    gateway_number: Option<&'a str>,
    pay_link: Option<&'a str>,
    trouble: Option<&'a str>,
    paid_at: Option<i64>,
    next_check_at: Option<i64>,
    lease_until: Option<i64>,
    version: u64,
    events: u64,
}

/// A payment as it is recorded: also what was agreed, which is written once and never again.
#[derive(Serialize)]
pub(super) struct NewPayment<'a> {
    #[serde(flatten)]
    changing: ChangedPayment<'a>,
    merchant: &'a str,
    amount: i64,
    currency: &'a str,
    subject: &'a str,
    description: &'a str,
    late_policy: &'static str,
    created_at: i64,
    #[serde(flatten)]
    request: Request<'a>,
}

#[derive(Serialize)]
pub(super) struct RefundRow<'a> {
    provider: &'a str,
    number: &'a str,
    reference: &'a str,
    amount: i64,
    reason: &'a str,
    state: &'static str,
    gateway_number: Option<&'a str>,
    trouble: Option<&'a str>,
    created_at: i64,
    failed_at: Option<i64>,
    confirmed_at: Option<i64>,
    next_check_at: Option<i64>,
    lease_until: Option<i64>,
    submissions: u32,
    #[serde(flatten)]
    request: Option<Request<'a>>,
    version: u64,
}

/// A signed call. JSON has no bytes: the body stands in hexadecimal.
#[derive(Serialize)]
struct Request<'a> {
    request_path: &'a str,
    request_body: String,
    request_key: &'a str,
}

#[derive(Serialize)]
pub(super) struct DiscrepancyRow<'a> {
    provider: &'a str,
    reference: &'a str,
    number: u32,
    kind: &'static str,
    note: &'a str,
    evidence: Option<&'a str>,
    opened_at: i64,
    closed_at: Option<i64>,
    closing_note: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct EvidenceRow<'a> {
    provider: &'a str,
    digest: &'a str,
    reference: Option<&'a str>,
    source: &'static str,
    verdict: &'static str,
    note: Option<&'a str>,
    signed_text: &'a str,
    signature: &'a str,
    signing_key: &'a str,
    received_at: i64,
}

#[derive(Serialize)]
pub(super) struct TransitionRow<'a> {
    provider: &'a str,
    reference: &'a str,
    refund: Option<&'a str>,
    version: u64,
    from_state: Option<&'static str>,
    to_state: &'static str,
    cause: &'static str,
    evidence: Option<&'a str>,
    at: i64,
}

#[derive(Serialize)]
pub(super) struct EventRow<'a> {
    id: &'a str,
    provider: &'a str,
    reference: Option<&'a str>,
    sequence: u64,
    kind: &'static str,
    details: String,
    created_at: i64,
}

impl<'a> From<&'a Payment> for ChangedPayment<'a> {
    fn from(row: &'a Payment) -> Self {
        Self {
            provider: row.key.provider.as_str(),
            reference: row.key.reference.as_str(),
            state: row.state.as_str(),
            late: row.late,
            reversal: row.reversal.map(Reversal::as_str),
            expires_at: row.expires_at.as_millis(),
            closed_at: row.closed_at.map(Timestamp::as_millis),
            gateway_number: row.gateway_number.as_deref(),
            pay_link: row.pay_link.as_deref(),
            trouble: row.trouble.as_deref(),
            paid_at: row.paid_at.map(Timestamp::as_millis),
            next_check_at: row.schedule.next_check_at.map(Timestamp::as_millis),
            lease_until: row.schedule.lease_until.map(Timestamp::as_millis),
            version: row.version,
            events: row.events,
        }
    }
}

impl<'a> From<&'a Payment> for NewPayment<'a> {
    fn from(row: &'a Payment) -> Self {
        Self {
            changing: row.into(),
            merchant: &row.merchant,
            amount: row.amount.cents(),
            currency: row.currency.as_str(),
            subject: row.subject.as_str(),
            description: row.description.as_str(),
            late_policy: row.late_policy.as_str(),
            created_at: row.created_at.as_millis(),
            request: Request::from(&row.request),
        }
    }
}

impl<'a> RefundRow<'a> {
    pub(super) fn new(key: &'a PaymentKey, row: &'a Refund) -> Self {
        Self {
            provider: key.provider.as_str(),
            number: row.number.as_str(),
            reference: row.reference.as_str(),
            amount: row.amount.cents(),
            reason: row.reason.as_str(),
            state: row.state.as_str(),
            gateway_number: row.gateway_number.as_deref(),
            trouble: row.trouble.as_deref(),
            created_at: row.created_at.as_millis(),
            failed_at: row.failed_at.map(Timestamp::as_millis),
            confirmed_at: row.confirmed_at.map(Timestamp::as_millis),
            next_check_at: row.schedule.next_check_at.map(Timestamp::as_millis),
            lease_until: row.schedule.lease_until.map(Timestamp::as_millis),
            submissions: row.submissions,
            request: row.request.as_ref().map(Request::from),
            version: row.version,
        }
    }
}

impl<'a> From<&'a FrozenRequest> for Request<'a> {
    fn from(request: &'a FrozenRequest) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digits = request
            .body
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 0xf])
            .map(|digit| char::from(DIGITS[usize::from(digit)]));
        Self {
            request_path: &request.path,
            request_body: digits.collect(),
            request_key: &request.key,
        }
    }
}

impl<'a> DiscrepancyRow<'a> {
    pub(super) fn new(key: &'a PaymentKey, row: &'a Discrepancy) -> Self {
        let closed = row.closed.as_ref();
        Self {
            provider: key.provider.as_str(),
            reference: key.reference.as_str(),
            number: row.number,
            kind: row.kind.as_str(),
            note: &row.note,
            evidence: row.evidence.as_deref(),
            opened_at: row.opened_at.as_millis(),
            closed_at: closed.map(|closed| closed.at.as_millis()),
            closing_note: closed.map(|closed| closed.note.as_str()),
        }
    }
}

impl<'a> EvidenceRow<'a> {
    pub(super) fn new(key: &'a PaymentKey, row: &'a EvidenceRecord) -> Self {
        Self {
            provider: key.provider.as_str(),
            digest: &row.digest,
            reference: row.reference.as_deref(),
            source: row.source.as_str(),
            verdict: row.verdict.as_str(),
            note: row.verdict.note(),
            signed_text: &row.evidence.signed_text,
            signature: &row.evidence.signature,
            signing_key: &row.evidence.key,
            received_at: row.at.as_millis(),
        }
    }
}

impl<'a> TransitionRow<'a> {
    pub(super) fn new(key: &'a PaymentKey, row: &'a Transition) -> Self {
        Self {
            provider: key.provider.as_str(),
            reference: key.reference.as_str(),
            refund: row.refund.as_ref().map(RefundNumber::as_str),
            version: row.version,
            from_state: row.from,
            to_state: row.to,
            cause: row.cause,
            evidence: row.evidence.as_deref(),
            at: row.at.as_millis(),
        }
    }
}

impl<'a> EventRow<'a> {
    pub(super) fn new(row: &'a Event) -> Result<Self, StoreError> {
        Ok(Self {
            id: &row.id,
            provider: row.provider.as_str(),
            reference: row.reference.as_ref().map(Reference::as_str),
            sequence: row.sequence,
            kind: row.kind.as_str(),
            details: EventDetails::json(row)?,
            created_at: row.at.as_millis(),
        })
    }
}

/// The rows as JSON. SQLite would cut a text off at U+0000, which the other databases do not hold either: what a message
/// puts there is kept as U+FFFD, the sign for what cannot be shown.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    const NUL: &str = "\\u0000";
    let json = serde_json::to_string(value).map_err(|_| StoreError::Corrupt {
        what: "row to be written",
    })?;
    if !json.contains(NUL) {
        return Ok(json);
    }
    let mut kept = String::with_capacity(json.len());
    let mut rest = json.as_str();
    while let Some(at) = rest.find(NUL) {
        let (before, after) = (&rest[..at], &rest[at + NUL.len()..]);
        kept.push_str(before);
        // After an odd number of backslashes this one is text, not the start of an escape.
        let backslashes = kept.bytes().rev().take_while(|&b| b == b'\\').count();
        kept.push_str(if backslashes % 2 == 0 {
            "\u{fffd}"
        } else {
            NUL
        });
        rest = after;
    }
    kept.push_str(rest);
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_character_is_kept_as_what_cannot_be_shown_and_what_only_looks_like_it_stays() {
        for (text, kept) in [
            ("a\0b\0", "a\u{fffd}b\u{fffd}"),
            ("\\\0", "\\\u{fffd}"),
            ("\\u0000", "\\u0000"),
            ("\\\\u0000\0", "\\\\u0000\u{fffd}"),
            ("\u{1}café", "\u{1}café"),
        ] {
            let json = json(&[text]).unwrap();
            let read: [String; 1] = serde_json::from_str(&json).unwrap();
            assert_eq!(read[0], kept, "{text:?}");
        }
    }
}
