//! `Received`: messages of unknown kind, verified by public keys alone.

use ucanpay_core::{
    MessageKind, ReadError, Received, ReceivedError, SignatureScheme, SignedSet, Untrusted,
};

use crate::fixtures::{envelope, merchant, private_key, public_key, signed_data, vectors};

fn received(body: &[u8]) -> Result<Received, ReceivedError> {
    let keys = [public_key("platform-2048")];
    let verified = Received::verify(
        body,
        &keys,
        SignatureScheme::DOCUMENTED,
        SignedSet::DOCUMENTED,
        None,
    )?;
    Ok(verified.into_inner())
}

#[test]
fn it_takes_and_refuses_what_the_merchant_does() {
    for case in vectors("notifications")["cases"].as_array().unwrap() {
        let body = case["body"].as_str().unwrap().as_bytes();
        let expected = merchant().verify_notification(body).is_ok();
        // Members without an envelope are no notification, but a message.
        let expected = expected || case["name"] == "bare data without an envelope";
        let received = received(body);
        assert_eq!(received.is_ok(), expected, "{}: {received:?}", case["name"]);
    }
}

#[test]
fn the_kind_follows_from_the_members_that_only_one_kind_has() {
    for (data, kind) in [
        (
            r#"{"outTradeNo":"A1","totalAmt":1,"tradeStatus":"SUCCESS"}"#,
            MessageKind::Answer,
        ),
        (
            r#"{"merchantId":"2","outTradeNo":"A1","tradeStatus":"CLOSED"}"#,
            MessageKind::Answer,
        ),
        (
            r#"{"refundStatus":"SUCCESS","totalRefundAmt":0}"#,
            MessageKind::Answer,
        ),
        (
            r#"{"outTradeNo":"A1","ucpOrderNo":"7"}"#,
            MessageKind::Answer,
        ),
        (
            r#"{"merchantId":"2","currency":"CAD","totalAmt":1,"ucpOrderNo":"7","outTradeNo":"A1","tradeStatus":"SUCCESS"}"#,
            MessageKind::PaymentNotification,
        ),
        (
            r#"{"merchantId":"2","currency":"CAD","totalAmt":1,"refundAmt":1,"ucpOrderNo":"7","outTradeNo":"A1","outRefundNo":"R","ucpRefundNo":"8","refundStatus":"SUCCESS"}"#,
            MessageKind::RefundNotification,
        ),
    ] {
        assert_eq!(received(&envelope(data)).unwrap().kind(), kind, "{data}");
        let alone = signed_data(&private_key("platform-2048"), data);
        assert_eq!(
            received(alone.as_bytes()).unwrap().kind(),
            MessageKind::Object
        );
    }
}

#[test]
fn it_names_the_merchant_and_the_reason_of_a_refusal() {
    let named = received(&envelope(r#"{"merchantId":"2000000010"}"#)).unwrap();
    assert_eq!(named.merchant_id(), Some("2000000010"));
    let unnamed = received(&envelope(r#"{"merchantId":""}"#)).unwrap();
    assert_eq!(unnamed.merchant_id(), None);

    let error = received(br#"{"code":1,"msg":"SYSTEMERROR"}"#).unwrap_err();
    assert_eq!(error, ReceivedError::Untrusted(Untrusted::NoData));
    let error = received(br#"{"a":1}"#).unwrap_err();
    assert_eq!(error, ReceivedError::Untrusted(Untrusted::NoSignature));
    let amount = envelope(r#"{"totalAmt":1.5}"#);
    assert!(matches!(
        received(&amount),
        Err(ReceivedError::Malformed(ReadError::Invalid {
            member: "totalAmt",
            ..
        }))
    ));
}
