//! What UCanPay's error names mean for a close and a reverse: none of them settles anything, some show another road.

use std::path::PathBuf;

use bytes::Bytes;
use http::{Request, Response};
use tower::service_fn;
use ucanpay_core::{Merchant, MerchantId, PrivateKey, PublicKey};
use ucanpay_storefront::provider::{Cancellation, PaymentIntent, ProviderErrorKind as Kind};
use ucanpay_storefront::{PaymentProvider, Reference, UcanpayProvider, UcanpaySettings};
use ucanpay_transport::Client;

fn fixture(name: &str) -> Vec<u8> {
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/keys");
    std::fs::read(PathBuf::from(keys).join(name)).unwrap()
}

/// A provider whose gateway answers every call with this unsigned name.
fn answered_by(name: &'static str) -> UcanpayProvider {
    let merchant = Merchant::new(
        MerchantId::new("2000000010").unwrap(),
        PrivateKey::from_bytes(&fixture("merchant-2048.pkcs8.pem")).unwrap(),
        [PublicKey::from_bytes(&fixture("platform-2048.pub.pem")).unwrap()],
    )
    .unwrap();
    let gateway = service_fn(move |_: Request<Bytes>| async move {
        let body = format!(r#"{{"code":"{name}","msg":"no"}}"#);
        Ok::<_, std::io::Error>(Response::new(Bytes::from(body)))
    });
    let settings = UcanpaySettings::new("https://shop.example").unwrap();
    UcanpayProvider::new(Client::with_service(merchant, gateway), settings)
}

#[tokio::test]
async fn the_names_that_answer_a_close_or_a_reverse_settle_nothing() {
    use Cancellation::{Close, Reverse};
    let start = crate::shop::start("A1", 450);
    let intent = PaymentIntent {
        reference: Reference::new("A1").unwrap(),
        amount: start.amount,
        currency: start.currency,
        subject: start.subject,
        description: start.description,
    };
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
