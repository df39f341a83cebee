//! The sentence of an explanation: that it names the setting, the path and the next step, and claims no more than is known.

use base64::{Engine, engine::general_purpose::STANDARD};
use ucanpay_core::{
    AtHand, Explanation, Md5Secret, Received, ReceivedError, SignatureScheme, SignedSet, Verdict,
    explain, keyed_md5,
};

use crate::fixtures::{private_key, public_key, signed_data};

const DATA: &str = r#"{"outTradeNo":"A1","signType":"RSA"}"#;
const TEXT: &str = "outTradeNo=A1&signType=RSA";

fn enveloped(data: &str) -> Vec<u8> {
    format!(r#"{{"code":0,"data":{data}}}"#).into_bytes()
}

/// `data` with the platform's signature over `text`, in an envelope.
fn platform_signed(data: &str, scheme: SignatureScheme, path: Option<&str>, text: &str) -> Vec<u8> {
    let signer = private_key("platform-2048").signer();
    let message = scheme.message(text, path);
    let sign = STANDARD.encode(signer.sign(scheme.digest, &message).unwrap());
    let open = data.strip_suffix('}').unwrap();
    enveloped(&format!(r#"{open},"sign":"{sign}"}}"#))
}

fn at_hand() -> AtHand {
    AtHand::new([public_key("platform-2048")])
}

fn says(explanation: &Explanation, verdict: Verdict, parts: &[&str]) {
    assert_eq!(explanation.verdict, verdict, "{explanation}");
    for part in parts {
        assert!(
            explanation.sentence.contains(part),
            "{}",
            explanation.sentence
        );
    }
}

#[test]
fn the_own_key_given_as_the_platform_key_is_not_taken_for_it() {
    let own = public_key("merchant-2048");
    let mixed_up = AtHand::new([own.clone()]).with_own_key(own.clone());
    let refused = "the platform key given is the merchant's own, which `Merchant::new` refuses";
    let signed = signed_data(&private_key("merchant-2048"), DATA);
    for body in [signed.clone().into_bytes(), enveloped(&signed)] {
        let explanation = explain(&body, &mixed_up).unwrap();
        says(
            &explanation,
            Verdict::OwnKey,
            &["the merchant's own key", refused],
        );

        // With the gateway's key beside it, the gateway's messages are still explained.
        let both =
            AtHand::new([own.clone(), public_key("platform-2048")]).with_own_key(own.clone());
        let explanation = explain(&body, &both).unwrap();
        says(&explanation, Verdict::OwnKey, &[refused]);
        let genuine = platform_signed(DATA, SignatureScheme::DOCUMENTED, None, TEXT);
        says(&explain(&genuine, &both).unwrap(), Verdict::Verifies, &[]);
    }
    let genuine = platform_signed(DATA, SignatureScheme::DOCUMENTED, None, TEXT);
    says(
        &explain(&genuine, &mixed_up).unwrap(),
        Verdict::WrongKey,
        &[refused],
    );
    // Set up as it should be, there is nothing to say about the platform key.
    let explanation = explain(signed.as_bytes(), &at_hand().with_own_key(own)).unwrap();
    says(
        &explanation,
        Verdict::OwnKey,
        &["that is right for a request of yours"],
    );
    assert!(!explanation.sentence.contains("Merchant::new"));
}

#[test]
fn an_envelope_signed_with_the_own_key_is_never_said_to_have_the_right_key() {
    let own = public_key("merchant-2048");
    let changed = signed_data(&private_key("merchant-2048"), DATA).replace("A1", "A2");
    for keys in [vec![public_key("platform-2048")], vec![own.clone()]] {
        let at_hand = AtHand::new(keys).with_own_key(own.clone());
        let explanation = explain(&enveloped(&changed), &at_hand).unwrap();
        let said = ["The merchant's own key", "it is no message of the gateway"];
        says(&explanation, Verdict::OtherText, &said);
        assert!(!explanation.sentence.contains("the key is right"));
        // A request of one's own is signed with it.
        let explanation = explain(changed.as_bytes(), &at_hand).unwrap();
        says(
            &explanation,
            Verdict::OtherText,
            &["The merchant's own key", "the key is right"],
        );
    }
}

#[test]
fn beside_a_secret_the_setting_that_a_message_needs_is_named() {
    let secret = Md5Secret::new("canary").unwrap();
    let with_secret = at_hand().with_md5_secret(secret.clone());
    let sign = keyed_md5("outTradeNo=A1&signType=MD5", &secret);
    let md5 = enveloped(&format!(
        r#"{{"outTradeNo":"A1","signType":"MD5","sign":"{sign}"}}"#
    ));
    let explanation = explain(&md5, &with_secret).unwrap();
    let needs = "with `Merchant::with_keyed_md5`, and one without it needs that setting";
    says(&explanation, Verdict::Verifies, &[needs]);

    let rsa = platform_signed(DATA, SignatureScheme::DOCUMENTED, None, TEXT);
    let explanation = explain(&rsa, &with_secret).unwrap();
    let needs = "without `Merchant::with_keyed_md5`, and one with that setting refuses it";
    says(&explanation, Verdict::Verifies, &[needs]);
    let rsa = platform_signed(DATA, SignatureScheme::SHA1, None, TEXT);
    let explanation = explain(&rsa, &with_secret).unwrap();
    let needs = "configure the scheme `sha1`, without `Merchant::with_keyed_md5`";
    says(&explanation, Verdict::OtherScheme, &[needs]);
    assert!(!explanation.to_string().contains("canary"));
}

#[test]
fn a_sign_type_that_is_not_exact_comes_with_a_next_step() {
    for name in ["rsa", "RSA2", "MD5"] {
        let data = DATA.replace("RSA", name);
        let text = TEXT.replace("RSA", name);
        let body = platform_signed(&data, SignatureScheme::DOCUMENTED, None, &text);
        let explanation = explain(&body, &at_hand()).unwrap();
        let said = ["`signType` must be exactly `RSA`", "ask the operator"];
        says(&explanation, Verdict::RefusedThoughGenuine, &said);
    }
}

#[test]
fn the_path_that_fits_is_part_of_the_sentence_whatever_else_differs() {
    let scheme = SignatureScheme::PATH_SUFFIXED;
    let body = platform_signed(DATA, scheme, Some("/payment/refund"), "outTradeNo=A1");
    let explanation = explain(&body, &at_hand()).unwrap();
    says(
        &explanation,
        Verdict::OtherSet,
        &[
            "configure the scheme `path-suffixed` and the signed set `without-sign-type`",
            "and let answers end with the path of their call, here `/payment/refund`",
        ],
    );

    let body = platform_signed(r#"{"n":450.0}"#, scheme, Some("/payment/refund"), "n=450");
    let explanation = explain(&body, &at_hand()).unwrap();
    says(
        &explanation,
        Verdict::Rewritten,
        &["(path-suffixed with /payment/refund) once"],
    );
}

#[test]
fn the_rule_for_the_path_of_received_messages_is_named() {
    let scheme = SignatureScheme::PATH_SUFFIXED;
    let body = platform_signed(DATA, scheme, Some("/payment/refund"), TEXT);
    let explanation = explain(&body, &at_hand()).unwrap();
    says(
        &explanation,
        Verdict::OtherScheme,
        &["`ReceivedSuffix::OperationPath`", "/payment/refund"],
    );

    let body = platform_signed(DATA, scheme, Some("/ucanpay/notice"), TEXT);
    let explanation = explain(&body, &at_hand().with_path("/ucanpay/notice")).unwrap();
    says(
        &explanation,
        Verdict::OtherScheme,
        &["`ReceivedSuffix::Fixed`", "/ucanpay/notice"],
    );
}

#[test]
fn no_setting_is_named_for_a_message_that_would_be_refused_all_the_same() {
    // A payment notification that lacks its currency, and more.
    let data =
        r#"{"merchantId":"2000000010","signType":"RSA","totalAmt":450,"tradeStatus":"SUCCESS"}"#;
    let text = "merchantId=2000000010&signType=RSA&totalAmt=450&tradeStatus=SUCCESS";
    let single = SignatureScheme::by_name("single").unwrap();
    let body = platform_signed(data, single, None, text);
    let configured = Received::verify(
        &body,
        &[public_key("platform-2048")],
        single,
        SignedSet::DOCUMENTED,
        None,
    );
    assert!(matches!(configured, Err(ReceivedError::Malformed(_))));
    let explanation = explain(&body, &at_hand()).unwrap();
    let said = ["genuine", "single", "is refused", "currency is missing"];
    says(&explanation, Verdict::RefusedThoughGenuine, &said);
}
