//! What the ledger is told in all measurements: intents to record, and a notification for each.

use ucanpay_core::{Amount, Currency};
use ucanpay_storefront::ledger::NewPayment;
use ucanpay_storefront::provider::{Claim, Evidence, Fact, FrozenRequest, PaymentStatus, Source};
use ucanpay_storefront::{LatePolicy, PaymentKey, ProviderId, Reference, Timestamp};

pub(crate) const PROVIDER: &str = "ucanpay";
pub(crate) const MERCHANT: &str = "2000000010";
pub(crate) const AT: Timestamp = Timestamp::from_millis(1_772_366_400_000);

pub(crate) fn reference(number: usize) -> String {
    format!("BENCH{number:08}")
}

pub(crate) fn key(reference: &str) -> PaymentKey {
    PaymentKey {
        provider: ProviderId::new(PROVIDER).unwrap(),
        reference: Reference::new(reference).unwrap(),
    }
}

pub(crate) fn new_payment() -> NewPayment {
    NewPayment {
        merchant: MERCHANT.to_owned(),
        amount: Amount::new(450).unwrap(),
        currency: Currency::CAD,
        subject: "coffee".into(),
        description: "one latte".into(),
        expires_at: Timestamp::from_millis(AT.as_millis() + 7_200_000),
        late_policy: LatePolicy::Review,
        request: FrozenRequest {
            path: "/payment/unifiedorder".to_owned(),
            body: vec![b'x'; 700].into(),
            key: "SHA256:0123456789abcdef".to_owned(),
        },
    }
}

pub(crate) fn paid(reference: &str) -> Fact {
    let gateway_number = format!("U{reference}");
    Fact {
        source: Source::Notification,
        merchant: Some(MERCHANT.to_owned()),
        reference: Some(reference.to_owned()),
        gateway_number: Some(gateway_number.clone()),
        amount: Some(Amount::new(450).unwrap()),
        currency: Some("CAD".to_owned()),
        pay_link: None,
        claim: Claim::Payment(PaymentStatus::Paid),
        missing: Vec::new(),
        evidence: Evidence {
            signed_text: format!(
                "body=coffee&currency=CAD&deviceNo=till-1&merchantId={MERCHANT}&nonceStr=5K8264ILTKCH16CQ25S&outTradeNo={reference}&sceneType=NATIVE&signType=RSA&timeEnd=2026-03-01T12:00:04&totalAmt=450&tradeStatus=SUCCESS&ucpOrderNo={gateway_number}"
            ),
            signature: "A".repeat(344),
            key: "SHA256:fedcba9876543210".to_owned(),
        },
    }
}

/// The gateway's answer to the call that places the payment.
pub(crate) fn placed(reference: &str) -> Fact {
    Fact {
        source: Source::Answer,
        pay_link: Some(format!("https://pay.example/{reference}").into()),
        claim: Claim::Placed,
        evidence: Evidence {
            signed_text: format!("outTradeNo={reference}&resultCode=SUCCESS"),
            signature: "A".repeat(344),
            key: "SHA256:fedcba9876543210".to_owned(),
        },
        ..paid(reference)
    }
}
