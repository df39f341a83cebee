//! The path at the end of what is signed: of our requests always, of what the gateway sends only when it is configured.

use base64::{Engine, engine::general_purpose::STANDARD};
use ucanpay_core::{
    AnswerError, CloseOrder, Fields, Merchant, Nonce, Operation, OrderQuery, OutTradeNo,
    ReceivedSuffix, SignatureScheme, Untrusted, canonical_string,
};

use crate::fixtures::{merchant, private_key, public_key};

const DATA: &str = r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"ucpOrderNo":"563465342654643","outTradeNo":"VEC20260301A","tradeStatus":"SUCCESS""#;
const SCHEME: SignatureScheme = SignatureScheme::PATH_SUFFIXED;

/// A notification whose signature covers `path` too.
fn notification(path: &str) -> Vec<u8> {
    let data = format!("{DATA}}}");
    let fields = Fields::parse(data.as_bytes()).unwrap();
    let message = SCHEME
        .message(&canonical_string(&fields).unwrap(), Some(path))
        .to_vec();
    let signature = private_key("platform-2048")
        .signer()
        .sign(SCHEME.digest, &message);
    let sign = STANDARD.encode(signature.unwrap());
    format!(r#"{{"code":0,"data":{DATA},"sign":"{sign}"}}}}"#).into_bytes()
}

fn accepts(merchant: &Merchant, path: &str) -> bool {
    match merchant.verify_notification(&notification(path)) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error, Untrusted::NoMatchingKey { keys: 1 }.into());
            false
        }
    }
}

#[test]
fn what_the_gateway_signs_has_the_configured_suffix_and_none_by_default() {
    let suffixed = merchant().with_scheme(SCHEME);
    assert!(accepts(&suffixed, ""));
    assert!(!accepts(&suffixed, "/ucanpay/payment"));
    let told = suffixed.with_received_suffix(ReceivedSuffix::Fixed("/ucanpay/payment".to_owned()));
    assert!(accepts(&told, "/ucanpay/payment"));
    assert!(!accepts(&told, "/ucanpay/refund") && !accepts(&told, ""));
    assert!(accepts(
        &told.with_received_suffix(ReceivedSuffix::None),
        ""
    ));
}

#[test]
fn an_answer_ends_with_the_path_of_its_own_call_when_that_is_configured() {
    let told = merchant()
        .with_scheme(SCHEME)
        .with_received_suffix(ReceivedSuffix::OperationPath);
    let query = notification(OrderQuery::PATH);
    assert!(told.verify_answer::<OrderQuery>(&query).is_ok());
    let refused = Some(AnswerError::Untrusted(Untrusted::NoMatchingKey { keys: 1 }));
    for path in ["", CloseOrder::PATH, "/ucanpay/payment"] {
        let other = notification(path);
        assert_eq!(
            told.verify_answer::<OrderQuery>(&other).err(),
            refused,
            "{path}"
        );
    }
    let of_another_call = told.verify_answer::<CloseOrder>(&query).err();
    assert_eq!(of_another_call, refused);
    // A notification answers no call.
    assert!(accepts(&told, "") && !accepts(&told, OrderQuery::PATH));
}

#[test]
fn a_scheme_without_a_suffix_takes_no_notice_of_it() {
    let told = merchant()
        .with_scheme(SignatureScheme::SINGLE)
        .with_received_suffix(ReceivedSuffix::Fixed("/ucanpay/payment".to_owned()));
    assert!(accepts(&told, "") && !accepts(&told, "/ucanpay/payment"));
}

#[test]
fn a_request_ends_with_the_path_of_its_own_call() {
    let merchant = merchant()
        .with_scheme(SCHEME)
        .with_received_suffix(ReceivedSuffix::Fixed("/ucanpay/payment".to_owned()));
    let query = OrderQuery {
        out_trade_no: OutTradeNo::new("VEC20260301A").unwrap(),
        ucp_order_no: None,
    };
    let request = merchant.sign(&query, Nonce::new("n").unwrap()).unwrap();
    let fields = Fields::parse(request.body()).unwrap();
    let sign = fields
        .get("sign")
        .and_then(ucanpay_core::Value::signed_text)
        .unwrap();
    let text =
        "merchantId=2000000010&nonceStr=n&outTradeNo=VEC20260301A&signType=RSA/payment/orderquery";
    let verifier = public_key("merchant-2048").verifier();
    let signature = STANDARD.decode(sign).unwrap();
    assert!(verifier.verify(SCHEME.digest, text.as_bytes(), &signature));
}
