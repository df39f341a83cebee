//! Payments, facts and commands to try a store with.

use std::time::Duration;

use ucanpay_core::{Amount, Currency};

use crate::id::{PaymentKey, ProviderId, Reference, RefundNumber};
use crate::ledger::{Command, LatePolicy, Lease, NewPayment, NewRefund, Target};
use crate::provider::{
    Claim, Evidence, Fact, FrozenRequest, PaymentStatus, RefundClaim, RefundLimits, RefundStatus,
    Source,
};
use crate::time::Timestamp;

/// The moment at which every check begins.
pub(super) const BEGIN: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// What every payment costs, in cents.
pub(super) const CENTS: i64 = 450;

const MERCHANT: &str = "2000000010";

pub(super) fn account(name: &str) -> ProviderId {
    ProviderId::new(name).expect("a literal that keeps the rule")
}

pub(super) fn key(account: &str, reference: &str) -> PaymentKey {
    PaymentKey {
        provider: self::account(account),
        reference: Reference::new(reference).expect("a literal that keeps the rule"),
    }
}

pub(super) fn number(text: &str) -> RefundNumber {
    RefundNumber::new(text).expect("a literal that keeps the rule")
}

pub(super) fn cents(cents: i64) -> Amount {
    Amount::new(cents).expect("a literal that keeps the rule")
}

pub(super) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The moment so many seconds after the beginning.
pub(super) fn at(count: u64) -> Timestamp {
    BEGIN.after(seconds(count))
}

pub(super) fn request(text: &str) -> FrozenRequest {
    FrozenRequest {
        path: "/order".into(),
        // Not text: a store keeps bytes.
        body: [text.as_bytes(), &[0, 159, 146, 150]].concat().into(),
        key: "key".into(),
    }
}

pub(super) fn create(amount: i64, late_policy: LatePolicy, now: Timestamp) -> Command {
    let new = NewPayment {
        merchant: MERCHANT.into(),
        amount: cents(amount),
        currency: Currency::CAD,
        subject: "café 'crème'".into(),
        description: "one \"latte\"; \u{1F6D2}".into(),
        expires_at: now.after(seconds(600)),
        late_policy,
        request: request("order"),
    };
    Command::Create(new, now.after(seconds(60)))
}

pub(super) fn request_refund(refund: &RefundNumber, amount: i64, now: Timestamp) -> Command {
    let new = NewRefund {
        number: refund.clone(),
        amount: cents(amount),
        reason: "spilt".into(),
        request: request("refund"),
        limits: RefundLimits {
            count: 10,
            window: seconds(86_400),
        },
        under: None,
    };
    Command::RequestRefund(new, now.after(seconds(60)))
}

/// A fact that matches the payment. `text` tells it from others: the same text is a copy.
pub(super) fn fact(key: &PaymentKey, source: Source, claim: Claim, text: &str) -> Fact {
    Fact {
        source,
        merchant: Some(MERCHANT.into()),
        reference: Some(key.reference.to_string()),
        gateway_number: Some(format!("G-{}", key.reference)),
        amount: Some(cents(CENTS)),
        currency: Some(Currency::CAD.as_str().to_owned()),
        pay_link: Some(format!("https://pay.example/{}", key.reference).into()),
        claim,
        missing: Vec::new(),
        evidence: Evidence {
            signed_text: format!("{}&{text}", key.reference),
            signature: "c2ln".into(),
            key: "key".into(),
        },
    }
}

pub(super) fn refund_claim(refund: &RefundNumber, amount: i64) -> RefundClaim {
    RefundClaim {
        number: Some(refund.to_string()),
        gateway_number: Some(format!("R-{refund}")),
        amount: Some(cents(amount)),
    }
}

/// A genuine notification that the payment is paid.
pub(super) fn paid(key: &PaymentKey) -> Command {
    let claim = Claim::Payment(PaymentStatus::Paid);
    Command::Observe(
        Box::new(fact(key, Source::Notification, claim, "paid")),
        None,
    )
}

/// A genuine notification that the refund succeeded.
pub(super) fn refunded(key: &PaymentKey, refund: &RefundNumber, amount: i64) -> Command {
    let claim = Claim::Refund(refund_claim(refund, amount), RefundStatus::Succeeded);
    Command::Observe(
        Box::new(fact(key, Source::Notification, claim, "refunded")),
        None,
    )
}

/// The lease that a payment's creation at this moment gives.
pub(super) fn first_lease(now: Timestamp) -> Lease {
    Lease {
        target: Target::Payment,
        until: now.after(seconds(60)),
        due: Some(now.after(seconds(15))),
    }
}
