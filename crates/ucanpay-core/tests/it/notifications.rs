//! `notifications.json`, and what a notification must have.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use ucanpay_core::{
    Amount, Digest, Merchant, MerchantId, Notification, NotificationError, PublicKey, ReadError,
    RefundStatus, TradeStatus, Untrusted, VerifiedBy, Verifier,
};

use crate::fixtures::{envelope, merchant, private_key, public_key, vectors, verifiers};

const PAYMENT: &str = r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"ucpOrderNo":"563465342654643","outTradeNo":"VEC20260301A","tradeStatus":"SUCCESS"}"#;
const REFUND: &str = r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"refundAmt":1,"ucpOrderNo":"563465342654643","outTradeNo":"VEC20260301A","outRefundNo":"R1","ucpRefundNo":"7700","refundStatus":"success"}"#;

#[test]
fn every_accepted_vector_is_accepted_and_every_refused_one_is_refused() {
    let vectors = vectors("notifications");
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() > 60, "{}", cases.len());
    for verifier in verifiers(&public_key("platform-2048")) {
        let signer = private_key("merchant-2048").signer();
        let id = MerchantId::new("2000000010").unwrap();
        let merchant = Merchant::with_signer(id, signer, vec![verifier]).unwrap();
        for case in cases {
            let body = case["body"].as_str().unwrap().as_bytes();
            let result = merchant.verify_notification(body);
            let expected = case["expect"].as_str().unwrap();
            let verdict = if result.is_ok() {
                "accepted"
            } else {
                "refused"
            };
            assert_eq!(verdict, expected, "{}: {result:?}", case["name"]);
        }
    }
}

#[test]
fn a_payment_notification_is_read_in_full() {
    let vectors = vectors("notifications");
    let body = vectors["cases"][0]["body"].as_str().unwrap();
    let verified = merchant().verify_notification(body.as_bytes()).unwrap();
    assert!(
        verified
            .signed_text()
            .starts_with("body=coffee&currency=CAD&")
    );
    assert_eq!(
        verified.key().to_string(),
        public_key("platform-2048").fingerprint().as_str()
    );
    let whole: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        verified.signature(),
        whole["data"]["sign"].as_str().unwrap()
    );
    let payment = verified.into_payment().unwrap().into_inner();
    assert_eq!(payment.merchant_id, "2000000010");
    assert_eq!(payment.total_amount, Amount::new(450).unwrap());
    assert_eq!(payment.trade_status, TradeStatus::Success);
    assert_eq!(payment.device_no.as_deref(), Some("till-1"));
    assert_eq!(payment.scene.as_deref(), Some("NATIVE"));
    assert_eq!(payment.description.as_deref(), Some("coffee"));
    assert_eq!(payment.time_end.unwrap().as_str(), "2026-03-01T12:00:04");
}

#[test]
fn a_refund_notification_is_read_and_absent_members_stay_absent() {
    let verified = merchant().verify_notification(&envelope(REFUND)).unwrap();
    assert!(verified.clone().into_payment().is_none());
    let refund = verified.into_refund().unwrap();
    assert_eq!(refund.refund_status, RefundStatus::Success);
    assert_eq!(refund.refund_amount.cents(), 1);
    assert_eq!(refund.out_refund_no, "R1");
    assert_eq!(refund.refund_time, None);
    assert_eq!(refund.device_no, None);
}

#[test]
fn each_required_member_is_required_even_under_a_genuine_signature() {
    let merchant = merchant();
    for message in [PAYMENT, REFUND] {
        assert!(merchant.verify_notification(&envelope(message)).is_ok());
        let members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(message).unwrap();
        for name in members.keys() {
            for replacement in [None, Some(serde_json::Value::Null), Some("".into())] {
                let mut members = members.clone();
                match replacement {
                    Some(value) => members.insert(name.clone(), value),
                    None => members.remove(name),
                };
                let data = serde_json::to_string(&members).unwrap();
                let error = merchant.verify_notification(&envelope(&data)).unwrap_err();
                assert!(
                    matches!(
                        error,
                        NotificationError::Malformed(
                            ReadError::Missing { .. } | ReadError::UnclearStatus
                        )
                    ),
                    "{name}: {error:?}"
                );
            }
        }
    }
}

#[test]
fn during_a_rotation_either_platform_key_is_taken_and_named() {
    let merchant = Merchant::new(
        MerchantId::new("2000000010").unwrap(),
        private_key("merchant-2048"),
        [public_key("platform-1024"), public_key("platform-2048")],
    )
    .unwrap();
    let verified = merchant.verify_notification(&envelope(PAYMENT)).unwrap();
    assert_eq!(
        verified.key(),
        &VerifiedBy::PlatformKey(public_key("platform-2048").fingerprint().clone())
    );
    assert!(matches!(&*verified, Notification::Payment(_)));
}

#[test]
fn a_refusal_says_why() {
    let merchant = merchant();
    let refused = |body: &str| merchant.verify_notification(body.as_bytes()).unwrap_err();
    let untrusted = |why| NotificationError::Untrusted(why);
    assert_eq!(refused(r#"{"code":0}"#), untrusted(Untrusted::NoData));
    assert_eq!(refused(r#"{"data":{}}"#), untrusted(Untrusted::NoSignature));
    assert_eq!(
        refused(r#"{"data":{"sign":"a"}}"#),
        untrusted(Untrusted::BadSignatureText)
    );
    assert_eq!(
        refused(r#"{"data":{"sign":"AAAA","signType":"MD5"}}"#),
        untrusted(Untrusted::WrongSignType)
    );
    assert_eq!(
        refused(r#"{"data":{"sign":"AAAA"}}"#),
        untrusted(Untrusted::NoMatchingKey { keys: 1 })
    );
}

/// A verifier of somebody's own that looks at the number only: however many zeros stand before it, it is the same.
#[derive(Debug)]
struct OfTheNumber(Arc<dyn Verifier>);

impl Verifier for OfTheNumber {
    fn verify(&self, digest: Digest, message: &[u8], signature: &[u8]) -> bool {
        let length = self.public_key().bits().div_ceil(8);
        let zeros = signature.len().saturating_sub(length);
        signature[..zeros].iter().all(|byte| *byte == 0)
            && self.0.verify(digest, message, &signature[zeros..])
    }

    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    fn backend(&self) -> &'static str {
        "of the number"
    }
}

#[test]
fn one_message_has_one_signature_even_if_a_verifier_would_take_longer_ones() {
    let lenient = Arc::new(OfTheNumber(public_key("platform-2048").verifier()));
    let signer = private_key("merchant-2048").signer();
    let id = MerchantId::new("2000000010").unwrap();
    let merchant = Merchant::with_signer(id, signer, vec![lenient]).unwrap();
    let genuine = String::from_utf8(envelope(PAYMENT)).unwrap();
    let verified = merchant.verify_notification(genuine.as_bytes()).unwrap();
    let sign = verified.signature();
    for zeros in [1, 2, 3, 64] {
        let longer = [vec![0; zeros], STANDARD.decode(sign).unwrap()].concat();
        let body = genuine.replace(sign, &STANDARD.encode(longer));
        let result = merchant.verify_notification(body.as_bytes());
        assert!(
            matches!(result, Err(NotificationError::Untrusted(_))),
            "{zeros}: {result:?}"
        );
    }
}
