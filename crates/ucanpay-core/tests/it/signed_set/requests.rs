//! What a merchant sends by each set.

use serde_json::Value as Json;
use ucanpay_core::{
    Description, Nonce, Operation, OrderQuery, OutTradeNo, ReadError, ReceivedError, RequestFields,
    SignError, SignedRequest, keyed_md5,
};

use super::{ENVELOPE, PAYMENT, all_sets, by_secret, secret, set, text, verified};
use crate::fixtures::merchant;

#[test]
fn a_request_is_signed_by_the_set_and_signed_again_by_it() {
    let merchant = merchant();
    for set_text in all_sets() {
        let merchant = merchant
            .clone()
            .with_signed_set(set(&set_text))
            .with_keyed_md5(secret());
        let query = OrderQuery {
            out_trade_no: OutTradeNo::new("A1").unwrap(),
            ucp_order_no: None,
        };
        let request = merchant.sign(&query, Nonce::new("n1").unwrap()).unwrap();
        let again = merchant.sign_again(&request, Nonce::new("n2").unwrap());
        for request in [request, again.unwrap()] {
            let body = std::str::from_utf8(request.body()).unwrap();
            let members: Json = serde_json::from_str(body).unwrap();
            // `signType` is sent in any case.
            assert_eq!(members["signType"], "MD5");
            assert_eq!(
                members["sign"],
                keyed_md5(&text(&set_text, body, "{}"), &secret())
            );
            assert_eq!(verified(&set_text, body), Ok(()));
        }
    }
}

#[test]
fn a_kept_request_of_another_set_is_signed_anew_by_the_present_one() {
    let old = merchant().with_keyed_md5(secret());
    let new = old.clone().with_signed_set(set("without-sign-type"));
    let query = OrderQuery {
        out_trade_no: OutTradeNo::new("A1").unwrap(),
        ucp_order_no: None,
    };
    let kept = old.sign(&query, Nonce::new("n1").unwrap()).unwrap();
    assert!(
        verified(
            "without-sign-type",
            std::str::from_utf8(kept.body()).unwrap()
        )
        .is_err()
    );
    let again: SignedRequest<OrderQuery> =
        new.sign_again(&kept, Nonce::new("n2").unwrap()).unwrap();
    assert_eq!(
        verified(
            "without-sign-type",
            std::str::from_utf8(again.body()).unwrap()
        ),
        Ok(())
    );
}

#[test]
fn text_that_could_pass_for_null_is_neither_taken_nor_sent() {
    let data = PAYMENT.replace("RSA", "MD5");
    let genuine = by_secret("null-as-text", &data, ENVELOPE);
    assert_eq!(verified("null-as-text", &genuine), Ok(()));
    let forged = genuine.replace(r#""sceneType":null"#, r#""sceneType":"null""#);
    let like_null = |name: &str| ReadError::LikeNull {
        name: name.to_owned(),
    };
    assert_eq!(
        verified("null-as-text", &forged),
        Err(ReceivedError::Malformed(like_null("sceneType")))
    );

    let merchant = merchant().with_signed_set(set("null-as-text"));
    let described =
        |text: &str| merchant.sign(&Described(Description::new(text).unwrap()), Nonce::random());
    assert!(
        matches!(described("null"), Err(SignError::Members(error)) if error == like_null("body"))
    );
    assert!(described("nullarbor").is_ok());
}

/// An operation that says anything.
struct Described(Description);

impl Operation for Described {
    const NAME: &'static str = "Described";
    const PATH: &'static str = "/payment/described";
    type Answer = ucanpay_core::OrderQueryAnswer;

    fn write(&self, fields: &mut RequestFields) {
        fields.text("body", self.0.as_str());
    }
}
