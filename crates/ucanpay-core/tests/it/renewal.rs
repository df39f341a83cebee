//! A kept request signed anew: another nonce and another signature, and nothing else.

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use ucanpay_core::{
    Amount, Fields, Md5Secret, Merchant, MerchantId, Nonce, OutRefundNo, OutTradeNo, ReadError,
    Refund, RefundReason, RenewalError, SignError, SignatureScheme, SignedRequest, UcpOrderNo,
    canonical_string, keyed_md5,
};

use crate::fixtures::{merchant, private_key, public_key};

fn refund(reason: &str, cents: i64) -> Refund {
    Refund {
        ucp_order_no: UcpOrderNo::new("563465342654643").unwrap(),
        out_trade_no: OutTradeNo::new("A1").unwrap(),
        out_refund_no: OutRefundNo::new("R1").unwrap(),
        total_amount: Amount::new(cents).unwrap(),
        refund_amount: Amount::new(cents).unwrap(),
        reason: RefundReason::new(reason).unwrap(),
        notify_url: ucanpay_core::NotifyUrl::new("https://shop.example/ucanpay/refund").unwrap(),
    }
}

fn nonce(text: &str) -> Nonce {
    Nonce::new(text).unwrap()
}

fn canonical(body: &[u8]) -> String {
    canonical_string(&Fields::parse(body).unwrap()).unwrap()
}

fn sign_of(body: &[u8]) -> String {
    let fields = Fields::parse(body).unwrap();
    fields
        .get("sign")
        .unwrap()
        .signed_text()
        .unwrap()
        .to_owned()
}

fn refused(body: impl Into<Vec<u8>>) -> RenewalError {
    let kept = SignedRequest::<Refund>::frozen(body.into());
    match merchant().sign_again(&kept, nonce("n2")) {
        Err(SignError::Renewal(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// The text of a genuine request.
fn kept() -> String {
    let request = merchant().sign(&refund("sold out", 450), nonce("n1"));
    String::from_utf8(request.unwrap().into_body()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn only_the_nonce_and_the_signature_change(
        reason in "[^&=\\p{Cc}]{1,64}",
        cents in 1..=2_147_483_647_i64,
        first in "[0-9A-Za-z]{1,32}",
        second in "[0-9A-Za-z]{1,32}",
    ) {
        let old = merchant().sign(&refund(&reason, cents), nonce(&first)).unwrap();
        let new = merchant().sign_again(&old, nonce(&second)).unwrap();
        let old_text = std::str::from_utf8(old.body()).unwrap();
        let new_text = std::str::from_utf8(new.body()).unwrap();
        let expected = old_text
            .replace(&format!("\"nonceStr\":\"{first}\""), &format!("\"nonceStr\":\"{second}\""))
            .replace(&sign_of(old.body()), &sign_of(new.body()));
        prop_assert_eq!(new_text, expected);
        let signed = canonical(old.body())
            .replace(&format!("&nonceStr={first}&"), &format!("&nonceStr={second}&"));
        prop_assert_eq!(canonical(new.body()), signed);
    }
}

#[test]
fn it_is_what_the_operation_itself_would_have_become() {
    let request = SignedRequest::<Refund>::frozen(kept().into_bytes());
    let again = merchant().sign_again(&request, nonce("n2")).unwrap();
    let anew = merchant().sign(&refund("sold out", 450), nonce("n2"));
    assert_eq!(again.body(), anew.unwrap().body());
}

#[test]
fn a_changed_key_and_scheme_sign_what_waits() {
    let changed = Merchant::new(
        MerchantId::new("2000000010").unwrap(),
        private_key("merchant-1024"),
        [public_key("platform-2048")],
    )
    .unwrap()
    .with_scheme(SignatureScheme::PATH_SUFFIXED);
    let request = SignedRequest::<Refund>::frozen(kept().into_bytes());
    let again = changed.sign_again(&request, nonce("n2")).unwrap();
    let scheme = SignatureScheme::PATH_SUFFIXED;
    let message = canonical(again.body());
    let message = scheme.message(&message, Some("/payment/refund"));
    let signature = STANDARD.decode(sign_of(again.body())).unwrap();
    let verifier = public_key("merchant-1024").verifier();
    assert!(verifier.verify(scheme.digest, &message, &signature));
}

#[test]
fn a_merchant_that_went_over_to_md5_says_so_in_sign_type() {
    let secret = Md5Secret::new("s3cret").unwrap();
    let request = SignedRequest::<Refund>::frozen(kept().into_bytes());
    let md5 = merchant().with_keyed_md5(secret.clone());
    let again = md5.sign_again(&request, nonce("n2")).unwrap();
    let signed = canonical(again.body());
    let expected = canonical(kept().as_bytes())
        .replace("&nonceStr=n1&", "&nonceStr=n2&")
        .replace("&signType=RSA&", "&signType=MD5&");
    assert_eq!(signed, expected);
    assert_eq!(sign_of(again.body()), keyed_md5(&signed, &secret));
}

#[test]
fn a_number_keeps_its_characters() {
    let body = kept().replace(r#""totalAmt":450"#, r#""totalAmt":4.50e2"#);
    let request = SignedRequest::<Refund>::frozen(body.into_bytes());
    let again = merchant().sign_again(&request, nonce("n2")).unwrap();
    assert!(canonical(again.body()).ends_with("&totalAmt=4.50e2&ucpOrderNo=563465342654643"));
}

#[test]
fn what_is_no_signed_request_of_this_merchant_is_refused() {
    let kept = kept();
    let with = |old: &str, new: &str| {
        let body = kept.replacen(old, new, 1);
        assert_ne!(body, kept, "{old}");
        refused(body)
    };
    let id = r#""merchantId":"2000000010""#;
    assert_eq!(
        with(id, r#""merchantId":"2000000011""#),
        RenewalError::OtherMerchant
    );
    let missing = |member| RenewalError::NotSigned { member };
    assert_eq!(
        with(id, r#""merchantId":2000000010"#),
        missing("merchantId")
    );
    assert_eq!(with(r#""nonceStr":"n1","#, ""), missing("nonceStr"));
    assert_eq!(with(r#""signType":"RSA","#, ""), missing("signType"));
    assert_eq!(with(&sign_of(kept.as_bytes()), ""), missing("sign"));
    for (old, new) in [
        ("{", "{ "),
        ("sold", r"\u0073old"),
        (r#""totalAmt":450"#, r#""totalAmt":null"#),
        (r#""totalAmt":450"#, r#""totalAmt":true"#),
    ] {
        assert_eq!(with(old, new), RenewalError::OtherForm, "{new}");
    }
    let at_the_front = format!(
        r#"{{"sign":"x",{}"#,
        &kept[1..kept.find(r#","sign":"#).unwrap()]
    );
    assert_eq!(refused(at_the_front + "}"), RenewalError::OtherForm);
}

#[test]
fn what_cannot_be_read_in_one_way_is_refused() {
    let kept = kept();
    let ambiguous = |text: &str| match refused(kept.replacen("sold out", text, 1)) {
        RenewalError::Unreadable(ReadError::Ambiguous { name }) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(ambiguous("x&refundAmt"), "refundDesc");
    assert_eq!(ambiguous("x=1"), "refundDesc");
    let twice = kept.replacen('{', r#"{"refundAmt":1,"#, 1);
    let error = refused(twice);
    assert!(
        matches!(error, RenewalError::Unreadable(ReadError::Duplicate { .. })),
        "{error:?}"
    );
    for body in ["", "[]", "{", "{}trailing", "\u{1}"] {
        assert!(
            matches!(refused(body), RenewalError::Unreadable(_)),
            "{body:?}"
        );
    }
}
