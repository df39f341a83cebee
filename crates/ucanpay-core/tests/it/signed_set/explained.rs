//! What `explain` says of every set: the setting that then makes the message verify.

use ucanpay_core::{
    AtHand, Explanation, Merchant, Operation, OrderQuery, ReceivedSuffix, SignatureScheme, Verdict,
    explain,
};

use super::{
    ANSWER, ENVELOPE, PAYMENT, all_sets, by_secret, gateway, message, rsa, secret, set, text,
};
use crate::fixtures::{merchant, public_key};

fn part<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split('`').next()
}

/// The merchant, set up as the sentence of the explanation says.
fn configured_by(explanation: &Explanation, mut merchant: Merchant) -> Merchant {
    let says = explanation.sentence.as_str();
    assert!(
        explanation.verdict == Verdict::Verifies || says.contains(": configure "),
        "{says}"
    );
    if explanation.verdict == Verdict::Verifies {
        return merchant;
    }
    if let Some(name) = part(says, "the scheme `") {
        merchant = merchant.with_scheme(SignatureScheme::by_name(name).unwrap());
    }
    if let Some(text) = part(says, "the signed set `") {
        assert!(says.contains(&format!("`--set {text}`")), "{says}");
        merchant = merchant.with_signed_set(set(text));
    }
    if says.contains("`ReceivedSuffix::OperationPath`") {
        merchant = merchant.with_received_suffix(ReceivedSuffix::OperationPath);
    }
    if says.contains("`ReceivedSuffix::Fixed`") {
        let path = part(says, ", and `").unwrap().to_owned();
        merchant = merchant.with_received_suffix(ReceivedSuffix::Fixed(path));
    }
    merchant
}

#[test]
fn whatever_the_gateway_signs_explain_names_the_settings_that_make_it_verify() {
    let at_hand = AtHand::new([public_key("platform-2048")]);
    let schemes = [
        "documented",
        "single",
        "sha1",
        "md5-rsa",
        "prehash-sha1",
        "prehash-md5-rsa",
        "prehash-hex",
        "path-suffixed",
    ];
    let (gateway, merchant) = (gateway(), merchant());
    let mut told = 0;
    for set_text in all_sets() {
        for name in schemes {
            let scheme = SignatureScheme::by_name(name).unwrap();
            let path = (name == "path-suffixed").then_some(OrderQuery::PATH);
            for data in [PAYMENT, ANSWER] {
                let sign = rsa(&gateway, scheme, path, &text(&set_text, data, ENVELOPE));
                let bodies =
                    [false, true].map(|as_string| message(data, &sign, ENVELOPE, as_string));
                // What is found on one form, in turn the object and the string, holds for both.
                let explanation = explain(bodies[told % 2].as_bytes(), &at_hand).unwrap();
                let expected = match (&*set_text, name) {
                    ("documented", "documented") => Verdict::Verifies,
                    ("documented", _) => Verdict::OtherScheme,
                    _ => Verdict::OtherSet,
                };
                assert_eq!(explanation.verdict, expected, "{explanation}");
                assert_eq!(explanation.fits[0].set, set(&set_text), "{explanation}");
                let configured = configured_by(&explanation, merchant.clone());
                assert_eq!(configured.signed_set(), set(&set_text));
                for body in bodies.map(String::into_bytes) {
                    match data {
                        PAYMENT => drop(configured.verify_notification(&body).unwrap()),
                        _ => drop(configured.verify_answer::<OrderQuery>(&body).unwrap()),
                    }
                }
                told += 1;
            }
            // The next scheme begins with the other form.
            told += 1;
        }
    }
    assert_eq!(told, 72 * 8 * 3);
}

#[test]
fn with_the_secret_explain_names_the_set_too_and_the_merchant_then_verifies() {
    let at_hand = AtHand::default().with_md5_secret(secret());
    let merchant = merchant();
    for set_text in all_sets() {
        for data in [PAYMENT, ANSWER].map(|data| data.replace("RSA", "MD5")) {
            let body = by_secret(&set_text, &data, ENVELOPE);
            let explanation = explain(body.as_bytes(), &at_hand).unwrap();
            let configured = configured_by(&explanation, merchant.clone()).with_keyed_md5(secret());
            assert_eq!(configured.signed_set(), set(&set_text), "{explanation}");
            if data.contains("SUCCESS") {
                configured.verify_notification(body.as_bytes()).unwrap();
            } else {
                configured
                    .verify_answer::<OrderQuery>(body.as_bytes())
                    .unwrap();
            }
            // Told so, it has nothing to add.
            let told = at_hand.clone().with_signed_set(set(&set_text));
            let explanation = explain(body.as_bytes(), &told).unwrap();
            assert_eq!(explanation.verdict, Verdict::Verifies, "{explanation}");
            assert_eq!(explanation.canonical, text(&set_text, &data, ENVELOPE));
        }
    }
}

#[test]
fn an_envelope_with_a_member_that_has_no_place_is_genuine_and_explained_as_refused() {
    let envelope = r#"{"code":0,"msg":"OK","traceId":"7"}"#;
    let body = message(
        ANSWER,
        &rsa(
            &gateway(),
            SignatureScheme::SINGLE,
            None,
            &text("envelope", ANSWER, envelope),
        ),
        envelope,
        false,
    );
    let explanation =
        explain(body.as_bytes(), &AtHand::new([public_key("platform-2048")])).unwrap();
    assert_eq!(
        explanation.verdict,
        Verdict::RefusedThoughGenuine,
        "{explanation}"
    );
    assert!(
        explanation
            .sentence
            .contains("single, signed set `envelope`"),
        "{explanation}"
    );
    assert!(
        explanation
            .sentence
            .contains("the member traceId stands in the wrong place")
    );
}
