//! What is signed is what is sent.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use ucanpay_core::{
    Amount, Currency, Description, DeviceNo, Digest, Fields, Merchant, MerchantId, Nonce,
    NotificationError, NotifyUrl, Operation, OrderQuery, OrderQueryAnswer, OutRefundNo, OutTradeNo,
    PublicKey, Refund, RefundQuery, RefundReason, RequestFields, SceneType, SignError,
    SignatureScheme, SignedRequest, Signer, SigningError, Subject, UcpOrderNo, UnifiedOrder,
    UnifiedOrderAnswer, Untrusted, Verifier, canonical_string,
};

use crate::fixtures::{merchant, private_key, public_key, vectors};

fn order() -> UnifiedOrder {
    UnifiedOrder {
        subject: Subject::new("café \"crème\" \\ 咖啡").unwrap(),
        description: Description::new("coffee").unwrap(),
        device_no: DeviceNo::default(),
        total_amount: Amount::new(450).unwrap(),
        scene: SceneType::Native,
        out_trade_no: OutTradeNo::new("A1").unwrap(),
        currency: Currency::CAD,
        notify_url: NotifyUrl::new("https://shop.example/ucanpay/payment").unwrap(),
    }
}

fn refund(refund_cents: i64) -> Refund {
    Refund {
        ucp_order_no: UcpOrderNo::new("563465342654643").unwrap(),
        out_trade_no: OutTradeNo::new("A1").unwrap(),
        out_refund_no: OutRefundNo::new("R1").unwrap(),
        total_amount: Amount::new(450).unwrap(),
        refund_amount: Amount::new(refund_cents).unwrap(),
        reason: RefundReason::new("商品已售完").unwrap(),
        notify_url: NotifyUrl::new("https://shop.example/ucanpay/refund").unwrap(),
    }
}

fn is_genuine<O: Operation>(request: &SignedRequest<O>) -> bool {
    let fields = Fields::parse(request.body()).unwrap();
    let canonical = canonical_string(&fields).unwrap();
    let sign = fields.get("sign").unwrap().signed_text().unwrap();
    let scheme = SignatureScheme::DOCUMENTED;
    public_key("merchant-2048").verifier().verify(
        scheme.digest,
        &scheme.message(&canonical, None),
        &STANDARD.decode(sign).unwrap(),
    )
}

#[test]
fn an_order_is_written_in_full_and_its_signature_verifies() {
    let nonce = Nonce::new("1yFc0NDHF3QdNxJjFkTMX9lKXdC7N737").unwrap();
    let request = merchant().sign(&order(), nonce).unwrap();
    assert!(is_genuine(&request));
    let mut body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    assert!(body.as_object_mut().unwrap().remove("sign").is_some());
    assert_eq!(
        body,
        serde_json::json!({
            "subject": "café \"crème\" \\ 咖啡", "body": "coffee", "deviceNo": "web", "totalAmt": 450,
            "sceneType": "NATIVE", "outTradeNo": "A1", "currency": "CAD",
            "notifyUrl": "https://shop.example/ucanpay/payment", "merchantId": "2000000010",
            "nonceStr": "1yFc0NDHF3QdNxJjFkTMX9lKXdC7N737", "signType": "RSA",
        })
    );
}

#[test]
fn the_same_call_with_the_same_nonce_is_the_same_bytes_and_frozen_bytes_stay() {
    let nonce = || Nonce::new("n1").unwrap();
    let first = merchant().sign(&order(), nonce()).unwrap();
    let second = merchant().sign(&order(), nonce()).unwrap();
    assert_eq!(first.body(), second.body());
    let frozen = SignedRequest::<UnifiedOrder>::frozen(first.clone().into_body());
    assert_eq!(frozen.body(), first.body());
    assert_eq!(frozen.path(), "/payment/unifiedorder");
}

#[test]
fn numbers_that_are_not_known_are_left_out_rather_than_empty() {
    let query = OrderQuery {
        out_trade_no: OutTradeNo::new("A1").unwrap(),
        ucp_order_no: None,
    };
    let request = merchant().sign(&query, Nonce::random()).unwrap();
    assert!(is_genuine(&request));
    assert_eq!(
        Fields::parse(request.body()).unwrap().get("ucpOrderNo"),
        None
    );
    let query = RefundQuery {
        out_trade_no: OutTradeNo::new("A1").unwrap(),
        ucp_order_no: None,
        ucp_refund_no: None,
        out_refund_no: OutRefundNo::new("R1").unwrap(),
    };
    let request = merchant().sign(&query, Nonce::random()).unwrap();
    assert!(is_genuine(&request));
    let names: Vec<String> = Fields::parse(request.body())
        .unwrap()
        .iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(
        names,
        [
            "outTradeNo",
            "outRefundNo",
            "merchantId",
            "nonceStr",
            "signType",
            "sign"
        ]
    );
}

#[test]
fn a_refund_of_more_than_the_order_is_refused_before_it_is_signed() {
    let request = merchant().sign(&refund(450), Nonce::random()).unwrap();
    assert!(is_genuine(&request));
    let error = merchant().sign(&refund(451), Nonce::random()).unwrap_err();
    let SignError::Field(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.member(), "refundAmt");
}

/// A call of someone's own that would write an ambiguous or a doubled member.
struct Careless(&'static str, &'static str);

impl Operation for Careless {
    const NAME: &'static str = "Careless";
    const PATH: &'static str = "/careless";
    type Answer = OrderQueryAnswer;

    fn write(&self, fields: &mut RequestFields) {
        fields.text(self.0, self.1);
    }
}

#[test]
fn an_operation_cannot_get_ambiguous_members_signed() {
    for (name, value) in [
        ("a", "1&b=2"),
        ("a&b", "1"),
        ("a=b", "1"),
        ("a", "b=c"),
        ("merchantId", "x"),
        ("sign", "x"),
    ] {
        let result = merchant().sign(&Careless(name, value), Nonce::random());
        assert!(
            matches!(result, Err(SignError::Members(_))),
            "{name}={value}"
        );
    }
    assert!(
        merchant()
            .sign(&Careless("a", "b c"), Nonce::random())
            .is_ok()
    );
}

#[test]
fn every_named_scheme_signs_requests_as_its_vector_says() {
    let vectors = vectors("signing");
    let vectors = vectors["vectors"].as_array().unwrap();
    let orders = vectors.iter().filter(|vector| {
        let name = vector["name"].as_str().unwrap();
        name.starts_with("unified order") && vector["key"] == "merchant-1024"
    });
    let mut seen = 0;
    for vector in orders {
        let scheme = SignatureScheme::by_name(vector["scheme"].as_str().unwrap()).unwrap();
        let merchant = Merchant::new(
            MerchantId::new("2000000010").unwrap(),
            private_key("merchant-1024"),
            [public_key("platform-2048")],
        )
        .unwrap()
        .with_scheme(scheme);
        let nonce = Nonce::new("1yFc0NDHF3QdNxJjFkTMX9lKXdC7N737").unwrap();
        let members: serde_json::Value =
            serde_json::from_str(vector["members"].as_str().unwrap()).unwrap();
        let text = |member: &str| members[member].as_str().unwrap();
        let order = UnifiedOrder {
            subject: Subject::new(text("subject")).unwrap(),
            description: Description::new(text("body")).unwrap(),
            device_no: DeviceNo::new(text("deviceNo")).unwrap(),
            total_amount: Amount::new(members["totalAmt"].as_i64().unwrap()).unwrap(),
            scene: text("sceneType").parse().unwrap(),
            out_trade_no: OutTradeNo::new(text("outTradeNo")).unwrap(),
            currency: Currency::new(text("currency")).unwrap(),
            notify_url: NotifyUrl::new(text("notifyUrl")).unwrap(),
        };
        let request = merchant.sign(&order, nonce).unwrap();
        let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(body["sign"], vector["sign"], "{}", vector["name"]);
        seen += 1;
    }
    assert_eq!(seen, 8);
}

#[test]
fn debug_of_a_request_and_of_a_merchant_shows_no_body_and_no_key() {
    let request = merchant().sign(&order(), Nonce::random()).unwrap();
    let shown = format!("{request:?} {:?}", merchant());
    assert!(
        !shown.contains("coffee") && !shown.contains("RsaPrivateKey"),
        "{shown}"
    );
}

#[test]
fn the_operations_name_their_answers() {
    fn answer_of<O: Operation<Answer = A>, A>() -> (&'static str, &'static str) {
        (O::NAME, O::PATH)
    }
    assert_eq!(
        answer_of::<UnifiedOrder, UnifiedOrderAnswer>(),
        ("UnifiedOrder", "/payment/unifiedorder")
    );
}

/// A key device that is out of order, and a verifier that takes anything.
#[derive(Debug)]
struct Broken(PublicKey);

impl Signer for Broken {
    fn sign(&self, _: Digest, _: &[u8]) -> Result<Vec<u8>, SigningError> {
        Err(SigningError::new("the device does not answer"))
    }

    fn public_key(&self) -> &PublicKey {
        &self.0
    }

    fn backend(&self) -> &'static str {
        "broken"
    }
}

impl Verifier for Broken {
    fn verify(&self, _: Digest, _: &[u8], _: &[u8]) -> bool {
        true
    }

    fn public_key(&self) -> &PublicKey {
        &self.0
    }

    fn backend(&self) -> &'static str {
        "broken"
    }
}

#[test]
fn a_key_device_that_fails_is_an_error_with_its_cause() {
    let merchant = Merchant::with_signer(
        MerchantId::new("2000000010").unwrap(),
        Arc::new(Broken(public_key("merchant-2048"))),
        vec![Arc::new(Broken(public_key("platform-2048")))],
    )
    .unwrap();
    let error = merchant.sign(&order(), Nonce::random()).unwrap_err();
    let SignError::Signing(error) = error else {
        panic!("{error:?}");
    };
    let cause = std::error::Error::source(&error).unwrap();
    assert_eq!(cause.to_string(), "the device does not answer");
    // Whatever a verifier says, a signature is as long as its key.
    let short = br#"{"data":{"sign":"AAAA","tradeStatus":"SUCCESS"}}"#;
    assert_eq!(
        merchant.verify_notification(short),
        Err(NotificationError::Untrusted(Untrusted::NoMatchingKey {
            keys: 1
        }))
    );
}
