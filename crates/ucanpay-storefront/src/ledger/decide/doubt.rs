//! Why a message is not applied, in the words by which a person is told.
//!
//! A discrepancy is opened once for its words, so they name what the message is about and what it says: what is open about
//! one refund, or about what was said before, hides nothing else.

use std::fmt::Display;

use crate::id::RefundNumber;
use crate::ledger::discrepancy::DiscrepancyKind;
use crate::provider::{Claim, PaymentStatus, RefundClaim, RefundStatus};

/// Why a fact is not applied, and somebody must look.
pub(super) struct Doubt {
    pub(super) kind: DiscrepancyKind,
    pub(super) note: String,
}

impl Doubt {
    pub(super) fn new(kind: DiscrepancyKind, note: impl Into<String>) -> Self {
        let note = note.into();
        Self { kind, note }
    }

    pub(super) fn mismatch(claim: &Claim, mismatch: &impl Display) -> Self {
        let note = format!("{}, but {mismatch}", said(claim));
        Self::new(DiscrepancyKind::Mismatch, note)
    }
}

/// What a message says, as far as it matters to whoever looks.
fn said(claim: &Claim) -> String {
    use PaymentStatus as P;
    use RefundStatus as R;
    match claim {
        Claim::Placed | Claim::Payment(P::NotPaid | P::Paying | P::Failed) => "not paid".into(),
        Claim::Payment(P::Paid) => "paid".into(),
        Claim::Payment(P::PaidAndReturned) => "paid and returned".into(),
        Claim::Payment(P::Closed) => "closed".into(),
        Claim::Payment(P::Reversed) => "reversed".into(),
        Claim::Payment(P::Other(word)) => quoted(word),
        Claim::RefundAccepted(claim) => format!("{}: under way", named(claim)),
        Claim::Refund(claim, status) => {
            let word = match status {
                R::Processing => "under way".into(),
                R::Succeeded => "succeeded".into(),
                R::Failed => "failed".into(),
                R::Closed => "closed".into(),
                R::Other(word) => quoted(word),
            };
            format!("{}: {word}", named(claim))
        }
    }
}

/// How a note about a refund begins. A number that none of ours can have is quoted, so that it passes for no other, and
/// stands with the gateway's.
pub(super) fn named(claim: &RefundClaim) -> String {
    let stated = claim.number.as_deref().unwrap_or_default();
    match RefundNumber::new(stated) {
        Ok(number) => format!("refund {number}"),
        Err(_) => {
            let theirs = claim.gateway_number.as_deref().unwrap_or_default();
            format!(
                "refund {}, the gateway's {}",
                quoted(stated),
                quoted(theirs)
            )
        }
    }
}

/// In quotation marks. What is longer than the gateway's own bound of 64 characters is cut, so that a note stays a note.
pub(super) fn quoted(stated: &str) -> String {
    let cut: String = stated.chars().take(64).collect();
    let more = if cut.len() < stated.len() { "…" } else { "" };
    format!("{cut:?}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(number: Option<&str>, theirs: Option<&str>) -> RefundClaim {
        RefundClaim {
            number: number.map(str::to_owned),
            gateway_number: theirs.map(str::to_owned),
            amount: None,
        }
    }

    #[test]
    fn a_number_that_is_none_of_ours_passes_for_no_other() {
        let long = "9".repeat(65);
        let claims = [
            claim(Some("R1"), None),
            claim(Some("R1:"), None),
            claim(Some("R1: x"), None),
            claim(Some("\"R1\""), None),
            claim(Some(&long), None),
            claim(Some(&long[..64]), None),
            claim(Some("\u{0}"), None),
            claim(Some(""), Some("W1")),
            claim(None, Some("W2")),
            claim(None, None),
        ];
        let names: Vec<_> = claims.iter().map(|claim| named(claim) + ": ").collect();
        assert_eq!(names[0], "refund R1: ");
        assert_eq!(names[2], "refund \"R1: x\", the gateway's \"\": ");
        for (at, name) in names.iter().enumerate() {
            assert!(!name.contains('\u{0}'));
            let others = names.iter().enumerate().filter(|(other, _)| *other != at);
            for (_, other) in others {
                assert!(
                    !format!("{other}it failed").starts_with(name),
                    "{name} {other}"
                );
            }
        }
    }
}
