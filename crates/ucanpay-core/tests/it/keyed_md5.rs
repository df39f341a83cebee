//! The keyed MD5 signature: `md5.json`, and that nothing passes between it and RSA.

use ucanpay_core::{
    Fields, KeyError, Md5Secret, Merchant, Nonce, NotificationError, OrderQuery, OutTradeNo,
    SignatureScheme, Untrusted, VerifiedBy, canonical_string, keyed_md5,
};

use crate::fixtures::{envelope, merchant, private_key, signed_data, vectors};

const SECRET: &str = "s3cret-of-the-merchant";
const PAYMENT: &str = r#""merchantId":"2000000010","currency":"CAD","totalAmt":450,"ucpOrderNo":"563465342654643","outTradeNo":"VEC20260301A","tradeStatus":"SUCCESS""#;

fn secret() -> Md5Secret {
    Md5Secret::new(SECRET).unwrap()
}

fn with_secret() -> Merchant {
    merchant().with_keyed_md5(secret())
}

/// A payment notification with these further members, signed with the secret.
fn notification(further: &str) -> (String, String) {
    let data = format!("{{{PAYMENT}{further}}}");
    let fields = Fields::parse(data.as_bytes()).unwrap();
    let sign = keyed_md5(&canonical_string(&fields).unwrap(), &secret());
    (signed_with(further, &sign), sign)
}

fn signed_with(further: &str, sign: &str) -> String {
    format!(r#"{{"code":0,"data":{{{PAYMENT}{further},"sign":"{sign}"}}}}"#)
}

fn refusal(merchant: &Merchant, body: &str) -> Untrusted {
    match merchant.verify_notification(body.as_bytes()).unwrap_err() {
        NotificationError::Untrusted(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_vector_has_the_expected_canonical_string_and_signature() {
    let vectors = vectors("md5");
    let vectors = vectors["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 16);
    for vector in vectors {
        let text = |member: &str| vector[member].as_str().unwrap();
        let fields = Fields::parse(text("members").as_bytes()).unwrap();
        let canonical = canonical_string(&fields).unwrap();
        assert_eq!(canonical, text("canonical"), "{}", text("name"));
        let secret = Md5Secret::new(text("secret")).unwrap();
        assert_eq!(
            keyed_md5(&canonical, &secret),
            text("sign"),
            "{}",
            text("name")
        );
    }
}

/// The notification among the vectors, as the gateway would post it: with the secret it was signed with, and no other.
#[test]
fn the_vectors_notifications_verify_with_their_own_secret_only() {
    let vectors = vectors("md5");
    let mut verified = 0;
    for vector in vectors["vectors"].as_array().unwrap() {
        let text = |member: &str| vector[member].as_str().unwrap();
        if !text("name").contains("notification") {
            continue;
        }
        let sign = format!(r#""sign":"{}""#, text("sign"));
        let data = text("members").replace(r#""sign":"x""#, &sign);
        let body = format!(r#"{{"code":0,"data":{data}}}"#);
        let theirs = Md5Secret::new(text("secret")).unwrap();
        let merchant = merchant().with_keyed_md5(theirs);
        let message = merchant.verify_notification(body.as_bytes()).unwrap();
        assert_eq!(message.signed_text(), text("canonical"));
        assert_eq!(message.signature(), text("sign"));
        let other = merchant.with_keyed_md5(Md5Secret::new("another").unwrap());
        assert_eq!(refusal(&other, &body), Untrusted::OtherSecret);
        verified += 1;
    }
    assert_eq!(verified, 4);
}

#[test]
fn a_message_says_that_the_secret_proved_it() {
    for further in ["", r#","signType":"MD5""#, r#","signType":null"#] {
        let (body, sign) = notification(further);
        let message = with_secret().verify_notification(body.as_bytes()).unwrap();
        assert_eq!(message.key(), &VerifiedBy::Md5Secret);
        assert_eq!(message.key().to_string(), "md5-secret");
        assert_eq!(message.signature(), sign);
    }
}

#[test]
fn a_signature_is_exactly_32_upper_case_hexadecimal_digits() {
    let (_, sign) = notification("");
    let forms = [
        sign.to_ascii_lowercase(),
        format!(" {sign}"),
        format!("{sign}0"),
        sign[1..].to_owned(),
        format!("{}g", &sign[1..]),
        format!("{}é", &sign[2..]),
    ];
    for form in forms {
        let body = signed_with("", &form);
        assert_eq!(
            refusal(&with_secret(), &body),
            Untrusted::BadSignatureText,
            "{form}"
        );
    }
    let body = signed_with("", &sign).replace(&format!("\"{sign}\""), "7");
    assert_eq!(refusal(&with_secret(), &body), Untrusted::BadSignatureText);
    let body = signed_with("", "");
    assert_eq!(refusal(&with_secret(), &body), Untrusted::NoSignature);
}

#[test]
fn every_changed_digit_and_every_changed_member_is_refused() {
    let (body, sign) = notification("");
    for at in 0..32 {
        let mut changed = sign.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(changed).unwrap();
        let body = signed_with("", &changed);
        assert_eq!(
            refusal(&with_secret(), &body),
            Untrusted::OtherSecret,
            "{at}"
        );
    }
    for (member, other) in [
        ("450", "451"),
        ("SUCCESS", "REFUND"),
        ("VEC2026", "VEC2027"),
    ] {
        let body = body.replacen(member, other, 1);
        assert_eq!(refusal(&with_secret(), &body), Untrusted::OtherSecret);
    }
}

#[test]
fn the_configuration_chooses_the_algorithm_and_a_message_never_does() {
    // A genuine RSA message for a merchant with a secret.
    for (further, why) in [
        (r#","signType":"RSA""#, Untrusted::WrongSignType),
        (r#","signType":"md5""#, Untrusted::WrongSignType),
        (r#","signType":"MD5""#, Untrusted::BadSignatureText),
        ("", Untrusted::BadSignatureText),
    ] {
        let body = envelope(&format!("{{{PAYMENT}{further}}}"));
        let body = std::str::from_utf8(&body).unwrap();
        assert_eq!(refusal(&with_secret(), body), why, "{further}");
    }
    // A genuine MD5 message for a merchant without one.
    for (further, why) in [
        (r#","signType":"MD5""#, Untrusted::WrongSignType),
        ("", Untrusted::NoMatchingKey { keys: 1 }),
    ] {
        let (body, _) = notification(further);
        assert_eq!(refusal(&merchant(), &body), why, "{further}");
    }
}

#[test]
fn a_request_is_signed_with_the_secret_and_says_md5_whatever_the_scheme() {
    let query = OrderQuery {
        out_trade_no: OutTradeNo::new("VEC20260301A").unwrap(),
        ucp_order_no: None,
    };
    let merchant = with_secret().with_scheme(SignatureScheme::PATH_SUFFIXED);
    let request = merchant.sign(&query, Nonce::new("n").unwrap()).unwrap();
    let body = std::str::from_utf8(request.body()).unwrap();
    let canonical = "merchantId=2000000010&nonceStr=n&outTradeNo=VEC20260301A&signType=MD5";
    let sign = keyed_md5(canonical, &secret());
    assert!(body.contains(r#""signType":"MD5""#), "{body}");
    assert!(body.ends_with(&format!(r#""sign":"{sign}"}}"#)), "{body}");
}

#[test]
fn an_answer_is_verified_with_the_secret_too() {
    let data = r#"{"outTradeNo":"VEC20260301A","tradeStatus":"NOTPAY","signType":"MD5""#;
    let fields = format!("{data}}}");
    let canonical = canonical_string(&Fields::parse(fields.as_bytes()).unwrap()).unwrap();
    let sign = keyed_md5(&canonical, &secret());
    let body = format!(r#"{{"code":0,"data":{data},"sign":"{sign}"}}}}"#);
    let verify = |merchant: Merchant| merchant.verify_answer::<OrderQuery>(body.as_bytes());
    assert!(verify(with_secret()).is_ok());
    assert!(verify(merchant()).is_err());
    let by_rsa = signed_data(&private_key("platform-2048"), &fields);
    let body = format!(r#"{{"code":0,"data":{by_rsa}}}"#);
    let result = with_secret().verify_answer::<OrderQuery>(body.as_bytes());
    assert!(result.is_err());
}

#[test]
fn an_empty_secret_is_none() {
    for secret in ["", " ", "\n"] {
        assert_eq!(Md5Secret::new(secret).unwrap_err(), KeyError::Empty);
    }
}
