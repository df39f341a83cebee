//! Is this verified message about exactly this payment?
//!
//! Verified says only that the gateway signed it. Matched says that merchant, number, amount and currency are the
//! ledger's, and the gateway's number too once it is known (protocol, end of section 2). Only a matched message moves a
//! payment.

use ucanpay_core::Amount;

use super::model::{Payment, Refund};
use crate::id::Reference;
use crate::provider::{Claim, Fact, RefundClaim};

/// The first member in which a message is not about this payment, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mismatch(String);

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Compares every member that the message states; one that it should have stated and did not is a mismatch too.
///
/// `owner` is the payment that already has the gateway's number stated here, if any has.
pub(super) fn payment(
    payment: &Payment,
    fact: &Fact,
    owner: Option<&Reference>,
) -> Result<(), Mismatch> {
    if let Some(member) = fact.missing.first() {
        return Err(Mismatch(format!("the message does not state {member}")));
    }
    compare("merchant", &payment.merchant, fact.merchant.as_deref())?;
    compare(
        "number",
        payment.key.reference.as_str(),
        fact.reference.as_deref(),
    )?;
    compare_amounts("amount", payment.amount, fact.amount)?;
    compare(
        "currency",
        payment.currency.as_str(),
        fact.currency.as_deref(),
    )?;
    if let Some(known) = &payment.gateway_number {
        compare("gateway's number", known, fact.gateway_number.as_deref())?;
    }
    match owner {
        Some(owner) if *owner != payment.key.reference => Err(Mismatch(format!(
            "the gateway's number belongs to payment {owner}"
        ))),
        _ => Ok(()),
    }
}

/// Compares the members that name a refund. The gateway's own number is none of them: a refund that failed and was asked
/// for again may have another.
pub(super) fn refund(refund: &Refund, claim: &RefundClaim) -> Result<(), Mismatch> {
    compare(
        "refund number",
        refund.number.as_str(),
        claim.number.as_deref(),
    )?;
    compare_amounts("refund amount", refund.amount, claim.amount)
}

/// The refund that a claim speaks of.
pub(super) fn refund_claim(claim: &Claim) -> Option<&RefundClaim> {
    match claim {
        Claim::RefundAccepted(claim) | Claim::Refund(claim, _) => Some(claim),
        Claim::Placed | Claim::Payment(_) => None,
    }
}

fn compare_amounts(member: &str, ours: Amount, stated: Option<Amount>) -> Result<(), Mismatch> {
    match stated {
        Some(stated) if stated != ours => {
            let (ours, stated) = (ours.cents().to_string(), stated.cents().to_string());
            compare(member, &ours, Some(&stated))
        }
        _ => Ok(()),
    }
}

fn compare(member: &str, ours: &str, stated: Option<&str>) -> Result<(), Mismatch> {
    match stated {
        Some(stated) if stated != ours => {
            // The gateway bounds these members at 64 characters; what is longer is cut, so that a note stays a note.
            let stated: String = stated.chars().take(64).collect();
            Err(Mismatch(format!(
                "the {member} is {stated} in the message and {ours} in the ledger"
            )))
        }
        _ => Ok(()),
    }
}
