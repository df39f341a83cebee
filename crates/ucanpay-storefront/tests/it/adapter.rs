//! What UCanPay's error names mean to the ledger: none of them settles anything, some show another road, some ask for a
//! person. And what is sent again.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;
use tower::service_fn;
use ucanpay_core::{Amount, Merchant, MerchantId, PrivateKey, PublicKey};
use ucanpay_storefront::provider::{
    Cancellation, Effect, PaymentIntent, ProviderErrorKind as Kind, RefundInquiry, RefundIntent,
};
use ucanpay_storefront::{
    PaymentProvider, Reference, RefundNumber, UcanpayProvider, UcanpaySettings,
};
use ucanpay_transport::{Client, RetryPolicy};

fn fixture(name: &str) -> Vec<u8> {
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/keys");
    std::fs::read(PathBuf::from(keys).join(name)).unwrap()
}

fn merchant() -> Merchant {
    Merchant::new(
        MerchantId::new("2000000010").unwrap(),
        PrivateKey::from_bytes(&fixture("merchant-2048.pkcs8.pem")).unwrap(),
        [PublicKey::from_bytes(&fixture("platform-2048.pub.pem")).unwrap()],
    )
    .unwrap()
}

/// A provider whose gateway answers every call with this unsigned name.
fn answered_by(name: &'static str) -> UcanpayProvider {
    let gateway = service_fn(move |_: Request<Bytes>| async move {
        let body = format!(r#"{{"code":"{name}","msg":"no"}}"#);
        Ok::<_, std::io::Error>(Response::new(Bytes::from(body)))
    });
    let settings = UcanpaySettings::new("https://shop.example").unwrap();
    let client = Client::builder(merchant()).retry(RetryPolicy::never());
    UcanpayProvider::new(client.build_with(gateway).unwrap(), settings)
}

fn intent() -> PaymentIntent {
    let start = crate::shop::start("A1", 450);
    PaymentIntent {
        reference: Reference::new("A1").unwrap(),
        amount: start.amount,
        currency: start.currency,
        subject: start.subject,
        description: start.description,
    }
}

fn refund() -> RefundIntent {
    RefundIntent {
        reference: Reference::new("A1").unwrap(),
        gateway_number: "G1".into(),
        total: Amount::new(450).unwrap(),
        number: RefundNumber::new("R1").unwrap(),
        amount: Amount::new(100).unwrap(),
        reason: "spilt".into(),
    }
}

#[tokio::test]
async fn the_names_that_answer_a_close_or_a_reverse_settle_nothing() {
    use Cancellation::{Close, Reverse};
    let intent = intent();
    for (name, how, kind, waits) in [
        ("ORDERPAID", Close, Kind::NotThisWay, false),
        ("ORDERPAID", Reverse, Kind::NotThisWay, false),
        ("TRADE_OVERDUE", Reverse, Kind::NotThisWay, false),
        ("ORDERCLOSED", Close, Kind::AskFirst, false),
        ("ERROR", Reverse, Kind::AskFirst, false),
        ("SYSTEMERROR", Close, Kind::AskFirst, false),
        ("NOTENOUGH", Reverse, Kind::Refused, false),
        ("INVALID_REQ_TOO_MUCH", Reverse, Kind::Blocked, true),
    ] {
        let provider = answered_by(name);
        let answer = provider.cancel_payment(&intent, Some("G1"), how).await;
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}");
        assert_eq!(error.retry_after().is_some(), waits, "{name}");
    }
}

/// Of these only the ones that are surely not done free the money; but each that will be said again for ever asks for a person.
#[tokio::test]
async fn the_names_that_answer_a_refund_say_who_has_to_act() {
    for (name, kind, effect) in [
        ("SYSTEMERROR", Kind::AskFirst, Effect::Unknown),
        ("BIZERR_NEED_RETRY", Kind::Later, Effect::None),
        ("ORDER_NOT_READY", Kind::Later, Effect::None),
        ("INVALID_REQ_TOO_MUCH", Kind::Blocked, Effect::None),
        ("FREQUENCY_LIMITED", Kind::Blocked, Effect::None),
        ("INVALID_REQUEST", Kind::Refused, Effect::Unknown),
        ("REFUND_FEE_MISMATCH", Kind::Refused, Effect::Unknown),
        ("TRADE_OVERDUE", Kind::Refused, Effect::Unknown),
        ("ERROR", Kind::Refused, Effect::Unknown),
        ("NOTENOUGH", Kind::Refused, Effect::None),
        ("USER_ACCOUNT_ABNORMAL", Kind::Refused, Effect::None),
        ("PARAM_ERROR", Kind::Refused, Effect::None),
        ("REQUIRE_POST_METHOD", Kind::Refused, Effect::None),
        ("SIGNERROR", Kind::BadSignature, Effect::None),
        ("NEVER_HEARD_OF", Kind::AskFirst, Effect::Unknown),
    ] {
        let provider = answered_by(name);
        let request = provider.prepare_refund(&refund()).unwrap();
        let error = provider.refund_payment(&request).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, effect), "{name}");
    }
}

#[tokio::test]
async fn the_names_that_answer_an_order_or_a_query_settle_nothing() {
    for name in [
        "ORDERPAID",
        "ORDERCLOSED",
        "OUT_TRADE_NO_USED",
        "INVALID_REQUEST",
        "SYSTEMERROR",
    ] {
        let provider = answered_by(name);
        let request = provider.prepare_payment(&intent()).unwrap();
        let answer = provider.create_payment(&intent(), &request).await;
        let error = answer.unwrap_err();
        let found = (error.kind(), error.effect());
        assert_eq!(found, (Kind::AskFirst, Effect::Unknown), "{name}");
    }
    for name in ["ORDERNOTEXIST", "SYSTEMERROR"] {
        let answer = answered_by(name).query_payment(&intent(), None).await;
        assert_eq!(answer.unwrap_err().kind(), Kind::AskFirst, "{name}");
    }
    for name in ["REFUNDNOTEXIST", "INVALID_REQUEST", "SYSTEMERROR"] {
        let inquiry = RefundInquiry {
            reference: Reference::new("A1").unwrap(),
            gateway_number: None,
            number: RefundNumber::new("R1").unwrap(),
            refund_gateway_number: None,
        };
        let answer = answered_by(name).query_refund(&inquiry).await;
        assert_eq!(answer.unwrap_err().kind(), Kind::AskFirst, "{name}");
    }
}

/// The members of what is sent, in the order in which it is sent.
type Sent = Arc<Mutex<Vec<Value>>>;

#[tokio::test]
async fn what_is_sent_again_in_a_call_of_its_own_has_a_nonce_of_its_own_where_that_is_set() {
    for fresh in [false, true] {
        let sent = Sent::default();
        let seen = Arc::clone(&sent);
        let gateway = service_fn(move |request: Request<Bytes>| {
            let body = serde_json::from_slice(request.body()).unwrap();
            seen.lock().unwrap().push(body);
            async { Err::<Response<Bytes>, _>(std::io::Error::other("gone")) }
        });
        let mut client = Client::builder(merchant()).retry(RetryPolicy::never());
        if fresh {
            client = client.fresh_nonce_on_retry();
        }
        let settings = UcanpaySettings::new("https://shop.example").unwrap();
        let provider = UcanpayProvider::new(client.build_with(gateway).unwrap(), settings);
        let order = provider.prepare_payment(&intent()).unwrap();
        let refund = provider.prepare_refund(&refund()).unwrap();
        for _ in 0..2 {
            provider
                .create_payment(&intent(), &order)
                .await
                .unwrap_err();
        }
        for _ in 0..2 {
            provider.refund_payment(&refund).await.unwrap_err();
        }
        for pair in sent.lock().unwrap().chunks_mut(2) {
            assert_eq!(pair[0]["nonceStr"] != pair[1]["nonceStr"], fresh);
            assert_eq!(pair[0]["sign"] != pair[1]["sign"], fresh);
            // All else is the same.
            for body in &mut *pair {
                for member in ["nonceStr", "sign"] {
                    body.as_object_mut().unwrap().remove(member);
                }
            }
            assert_eq!(pair[0], pair[1]);
        }
    }
}
