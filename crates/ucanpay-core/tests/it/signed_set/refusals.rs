//! What each set refuses: what another has signed, and whatever could be read in two ways.

use ucanpay_core::{
    AnswerError, Fields, NotificationError, OrderQuery, ReadError, ReceivedError, SignatureScheme,
    SignedSet, Untrusted, keyed_md5,
};

use super::{
    ANSWER, ENVELOPE, PAYMENT, all_sets, by_secret, gateway, message, rsa, secret, set, text,
    verified,
};
use crate::fixtures::merchant;

#[test]
fn no_set_takes_what_another_has_signed() {
    let data = PAYMENT.replace("RSA", "MD5");
    let sets = all_sets();
    for signed in &sets {
        let body = by_secret(signed, &data, ENVELOPE);
        for configured in &sets {
            let same = text(signed, &data, ENVELOPE) == text(configured, &data, ENVELOPE);
            assert_eq!(same, signed == configured);
            let expected = match same {
                true => Ok(()),
                false => Err(ReceivedError::Untrusted(Untrusted::OtherSecret)),
            };
            assert_eq!(
                verified(configured, &body),
                expected,
                "{signed}, {configured}"
            );
        }
    }
}

#[test]
fn a_signed_envelope_can_be_neither_changed_nor_moved() {
    let merchant = merchant()
        .with_signed_set(set("envelope"))
        .with_keyed_md5(secret());
    let data = PAYMENT.replace("RSA", "MD5");
    let genuine = by_secret("envelope", &data, ENVELOPE);
    merchant.verify_notification(genuine.as_bytes()).unwrap();

    let refusal = |body: &str| merchant.verify_notification(body.as_bytes()).unwrap_err();
    let other = NotificationError::Untrusted(Untrusted::OtherSecret);
    for (from, to) in [
        (r#""code":0"#, r#""code":1"#),
        ("so far", "so good"),
        ("12:00:05", "12:00:06"),
        (r#""msg":"OK so far","#, ""),
    ] {
        let changed = genuine.replace(from, to);
        assert_ne!(changed, genuine);
        assert_eq!(refusal(&changed), other, "{changed}");
    }

    // The text does not tell where a member stands: all of these have the genuine one.
    let in_data = |member: &str| genuine.replace(r#""data":{"#, &format!(r#""data":{{{member},"#));
    let beside = |member: &str| format!("{{{member},{}", &genuine[1..]);
    for (moved, name) in [
        (
            beside(r#""currency":"CAD""#).replace(r#""currency":"CAD","total"#, r#""total"#),
            "currency",
        ),
        (
            in_data(r#""msg":"OK so far""#).replacen(r#""msg":"OK so far","#, "", 1),
            "msg",
        ),
        (in_data(r#""timestamp":"""#), "timestamp"),
        (beside(r#""outTradeNo":null"#), "outTradeNo"),
        (beside(r#""traceId":[1]"#), "traceId"),
        (beside(r#""sign":"x""#), "sign"),
    ] {
        let misplaced = ReadError::Misplaced {
            name: name.to_owned(),
        };
        assert_eq!(
            refusal(&moved),
            NotificationError::Malformed(misplaced),
            "{moved}"
        );
    }
    let nested = genuine.replace(r#""msg":"OK so far""#, r#""msg":{"a":1}"#);
    assert!(matches!(
        refusal(&nested),
        NotificationError::Malformed(ReadError::Nested { .. })
    ));
    let ambiguous = by_secret("envelope", &data, r#"{"code":0,"msg":"a&note=b"}"#);
    assert!(matches!(
        refusal(&ambiguous),
        NotificationError::Malformed(ReadError::Ambiguous { .. })
    ));
}

#[test]
fn the_envelopes_names_are_refused_in_data_only_where_an_envelope_is_signed() {
    let members = Fields::parse(br#"{"timestamp":"12:00:05","currency":"CAD"}"#).unwrap();
    let envelope = Fields::parse_envelope(ENVELOPE.as_bytes()).unwrap();
    let refused = |words: &str, around| {
        let set: SignedSet = words.parse().unwrap();
        set.refuse_ambiguous(&members, around)
    };
    assert_eq!(refused("documented", Some(&envelope)), Ok(()));
    // A request has none.
    assert_eq!(refused("envelope", None), Ok(()));
    let name = "timestamp".to_owned();
    let misplaced = Err(ReadError::Misplaced { name });
    assert_eq!(refused("envelope", Some(&envelope)), misplaced);
}

#[test]
fn a_sign_type_outside_the_set_is_not_looked_at() {
    let without = merchant().with_signed_set(set("without-sign-type"));
    let documented = merchant();
    for data in [
        PAYMENT.to_owned(),
        PAYMENT.replace("RSA", "MD5"),
        PAYMENT.replace(r#","signType":"RSA""#, ""),
    ] {
        let signed = text("without-sign-type", &data, ENVELOPE);
        let body = message(
            &data,
            &rsa(&gateway(), SignatureScheme::DOCUMENTED, None, &signed),
            ENVELOPE,
            false,
        );
        let verified = without.verify_notification(body.as_bytes()).unwrap();
        assert_eq!(verified.signed_text(), signed);
        // It chose nothing: by the secret the same message is refused.
        let by_secret = without.clone().with_keyed_md5(secret());
        assert_eq!(
            by_secret.verify_notification(body.as_bytes()),
            Err(NotificationError::Untrusted(Untrusted::BadSignatureText))
        );
        let refused = documented.verify_notification(body.as_bytes());
        assert_eq!(refused.is_ok(), !data.contains("signType"), "{body}");
    }
}

#[test]
fn what_is_kept_can_no_longer_come_and_go() {
    let data = PAYMENT.replace("RSA", "MD5");
    for (without, word) in [
        (data.replace(r#""deviceNo":"","#, ""), "empty"),
        (data.replace(r#""sceneType":null,"#, ""), "null-as-nothing"),
        (data.replace(r#""sceneType":null,"#, ""), "null-as-text"),
    ] {
        let sign = |set: &str| keyed_md5(&text(set, &data, ENVELOPE), &secret());
        let removed = |set: &str| verified(set, &message(&without, &sign(set), ENVELOPE, false));
        assert_eq!(removed("documented"), Ok(()));
        let refused = Err(ReceivedError::Untrusted(Untrusted::OtherSecret));
        assert_eq!(removed(word), refused, "{word}");
    }
}

#[test]
fn encoded_values_may_not_hold_what_cuts_the_text_either() {
    for word in ["percent", "form"] {
        let data = r#"{"body":"a&b=c"}"#;
        let sign = keyed_md5("body=a%26b%3Dc", &secret());
        let ambiguous = ReadError::Ambiguous {
            name: "body".to_owned(),
        };
        let body = message(data, &sign, ENVELOPE, false);
        assert_eq!(
            verified(word, &body),
            Err(ReceivedError::Malformed(ambiguous))
        );
    }
}

#[test]
fn an_answers_code_decides_nothing_more_than_before() {
    let merchant = merchant()
        .with_signed_set(set("envelope"))
        .with_keyed_md5(secret());
    let data = ANSWER.replace("RSA", "MD5");
    let refused = by_secret(
        "envelope",
        &data,
        &ENVELOPE.replace(r#""code":0"#, r#""code":7"#),
    );
    let answer = merchant.verify_answer::<OrderQuery>(refused.as_bytes());
    assert!(matches!(answer, Err(AnswerError::Rejected(error)) if error.signed()));
    // Turned into a success on its way.
    let turned = refused.replace(r#""code":7"#, r#""code":0"#);
    let answer = merchant.verify_answer::<OrderQuery>(turned.as_bytes());
    assert_eq!(answer, Err(AnswerError::Untrusted(Untrusted::OtherSecret)));
}
