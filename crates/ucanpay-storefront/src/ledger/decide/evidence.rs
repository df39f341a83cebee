//! What is kept of a message: the proof, once for each distinct one.

use sha2::{Digest as _, Sha256};

use super::{Decision, EvidenceRecord, Verdict};
use crate::id::PaymentKey;
use crate::ledger::command::Outcome;
use crate::ledger::event::{Event, EventKind};
use crate::provider::Fact;
use crate::time::Timestamp;

/// A verified message about no payment of ours: kept, told, acknowledged. Sending it again would not change it.
pub(super) fn unmatched(key: &PaymentKey, fact: Fact, digest: String, now: Timestamp) -> Decision {
    let mut decision = Decision::unchanged(Outcome::Observed(Verdict::Unmatched), None);
    decision.events.push(Event {
        id: format!("{}/unmatched/{digest}", key.provider),
        provider: key.provider.clone(),
        reference: None,
        sequence: 0,
        kind: EventKind::NotificationUnmatched,
        amount: fact.amount.map(ucanpay_core::Amount::cents),
        refund: None,
        note: fact.reference.clone(),
        at: now,
    });
    decision.evidence = Some(record(fact, digest, Verdict::Unmatched, now));
    decision
}

pub(super) fn record(
    fact: Fact,
    digest: String,
    verdict: Verdict,
    now: Timestamp,
) -> EvidenceRecord {
    EvidenceRecord {
        digest,
        reference: fact.reference,
        source: fact.source,
        verdict,
        evidence: fact.evidence,
        at: now,
    }
}

/// SHA-256 over source and signed text, in hexadecimal.
pub(super) fn digest(fact: &Fact) -> String {
    let mut hash = Sha256::new();
    hash.update(fact.source.as_str());
    hash.update([0]);
    hash.update(&fact.evidence.signed_text);
    format!("{:x}", hash.finalize())
}
