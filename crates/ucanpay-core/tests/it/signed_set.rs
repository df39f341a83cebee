//! The signed set: each against an independent hand, none mistaken for another, and none with two readings.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use ucanpay_core::{
    AnswerError, AtHand, Description, Explanation, Fields, Md5Secret, Merchant, Nonce,
    NotificationError, Operation, OrderQuery, OutTradeNo, ReadError, Received, ReceivedError,
    ReceivedSuffix, RequestFields, SignError, SignatureScheme, SignedRequest, SignedSet, Signer,
    Untrusted, Verdict, explain, keyed_md5,
};

use crate::fixtures::{merchant, private_key, public_key};

/// A payment notification by which all sets differ: something empty, a null, a space.
const PAYMENT: &str = r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"ucpOrderNo":"563465342654643","outTradeNo":"VEC20260301A","tradeStatus":"SUCCESS","body":"café au*lait","deviceNo":"","sceneType":null,"signType":"RSA"}"#;
const ANSWER: &str = r#"{"totalAmt":450,"ucpOrderNo":"563465342654643","outTradeNo":"VEC20260301A","tradeStatus":"NOTPAY","note":"café au*lait","empty":"","nothing":null,"signType":"RSA"}"#;
const ENVELOPE: &str = r#"{"code":0,"msg":"OK so far","timestamp":"2026-03-01T12:00:05Z"}"#;

const NULLS: [Option<&str>; 3] = [None, Some("null-as-nothing"), Some("null-as-text")];
const VALUES: [Option<&str>; 3] = [None, Some("percent"), Some("form")];

/// The text of every set.
fn all_sets() -> Vec<String> {
    let mut sets = Vec::new();
    for bits in 0..8 {
        for null in NULLS {
            for values in VALUES {
                let word = |bit: u8, word| (bits & bit != 0).then_some(word);
                let words = [
                    word(1, "without-sign-type"),
                    word(2, "envelope"),
                    word(4, "empty"),
                    null,
                    values,
                ];
                let words: Vec<&str> = words.into_iter().flatten().collect();
                sets.push(match &words[..] {
                    [] => "documented".to_owned(),
                    words => words.join(","),
                });
            }
        }
    }
    sets
}

fn set(text: &str) -> SignedSet {
    text.parse().unwrap()
}

/// The signed text, by another hand than the library's.
fn text(set: &str, data: &str, envelope: &str) -> String {
    let has = |word: &str| set.split(',').any(|one| one == word);
    let mut members: BTreeMap<String, Json> = serde_json::from_str(data).unwrap();
    if has("envelope") {
        members.extend(serde_json::from_str::<BTreeMap<String, Json>>(envelope).unwrap());
    }
    let mut pairs = Vec::new();
    for (name, value) in members {
        let value = match value {
            _ if name == "sign" || (name == "signType" && has("without-sign-type")) => continue,
            Json::Null if has("null-as-nothing") => String::new(),
            Json::Null if has("null-as-text") => "null".to_owned(),
            Json::Null => continue,
            Json::String(text) if text.is_empty() && !has("empty") => continue,
            Json::String(text) => text,
            other => other.to_string(),
        };
        let value = match () {
            () if has("percent") => value
                .replace(' ', "%20")
                .replace('é', "%C3%A9")
                .replace('*', "%2A")
                .replace(':', "%3A"),
            () if has("form") => value
                .replace(' ', "+")
                .replace('é', "%C3%A9")
                .replace(':', "%3A"),
            () => value,
        };
        pairs.push(format!("{name}={value}"));
    }
    pairs.join("&")
}

/// `data` with `sign`, in the envelope.
fn message(data: &str, sign: &str, envelope: &str, as_string: bool) -> String {
    let mut data = format!(r#"{},"sign":"{sign}"}}"#, data.strip_suffix('}').unwrap());
    if as_string {
        data = Json::from(data).to_string();
    }
    format!(r#"{},"data":{data}}}"#, envelope.strip_suffix('}').unwrap())
}

fn gateway() -> Arc<dyn Signer> {
    private_key("platform-2048").signer()
}

fn rsa(
    signer: &Arc<dyn Signer>,
    scheme: SignatureScheme,
    path: Option<&str>,
    text: &str,
) -> String {
    let signature = signer.sign(scheme.digest, &scheme.message(text, path));
    STANDARD.encode(signature.unwrap())
}

fn secret() -> Md5Secret {
    Md5Secret::new("s3cret-of-the-merchant").unwrap()
}

/// A notification that is signed with the secret by a gateway which has this set.
fn by_secret(set: &str, data: &str, envelope: &str) -> String {
    let sign = keyed_md5(&text(set, data, envelope), &secret());
    message(data, &sign, envelope, false)
}

fn verified(set_text: &str, body: &str) -> Result<(), ReceivedError> {
    Received::verify_by_secret(body.as_bytes(), &secret(), set(set_text)).map(drop)
}

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

const NAMES: [&str; 6] = ["a", "b", "code", "msg", "signType", ""];

/// What a member can be; `None` is absent.
fn values() -> Vec<Option<Json>> {
    let texts = [
        "", "null", "x", "a=x", "x&b=y", "1", "true", " ", "+", "%20", "%", "~*",
    ];
    let mut values: Vec<Option<Json>> = texts.iter().map(|text| Some(json!(text))).collect();
    values.extend([None, Some(Json::Null), Some(json!(1)), Some(json!(true))]);
    values
}

/// With few members, few messages are refused.
fn mostly_absent() -> impl Strategy<Value = Option<Json>> {
    prop_oneof![3 => Just(None), 1 => prop::sample::select(values())]
}

/// The members of `data` and of the envelope, by place in [`NAMES`].
type Members = [Vec<Option<Json>>; 2];

fn written(members: &[Option<Json>]) -> String {
    let members = NAMES
        .iter()
        .zip(members)
        .filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let members: Vec<String> = members
        .map(|(name, value)| format!("{}:{value}", json!(name)))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// Where a member stands, its name and its text.
type Said = (usize, String, String);

/// The signed text of members that are not refused, and what they say: those that are not empty.
fn read(set: SignedSet, [data, envelope]: &Members) -> Option<(String, Vec<Said>)> {
    let (data, envelope) = (written(data), written(envelope));
    let data = Fields::parse(data.as_bytes()).unwrap();
    let envelope = Fields::parse_envelope(envelope.as_bytes()).unwrap();
    set.refuse_ambiguous(&data, Some(&envelope)).ok()?;
    let text = set.canonical_string(&data, Some(&envelope)).unwrap();
    let places = if set.envelope { 2 } else { 1 };
    let said = [&data, &envelope]
        .into_iter()
        .enumerate()
        .take(places)
        .flat_map(|(place, fields)| {
            let signed = fields
                .iter()
                .filter(|(name, _)| set.sign_type || *name != "signType");
            signed
                .filter_map(move |(name, value)| {
                    Some((place, name.to_owned(), value.signed_text()?.to_owned()))
                })
                .collect::<Vec<_>>()
        });
    Some((text, said.collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Everything that one or two changes can make of a message: whatever has the same text says the same.
    #[test]
    fn by_every_set_one_text_has_one_reading(
        members in prop::array::uniform2(prop::collection::vec(mostly_absent(), NAMES.len())),
        which in 0..72_usize,
        also in (0..2_usize, 0..NAMES.len(), prop::sample::select(values())),
    ) {
        let set = set(&all_sets()[which]);
        let Some((text, said)) = read(set, &members) else { return Ok(()) };
        let mut two = members.clone();
        two[also.0][also.1] = also.2;
        for base in [members, two] {
            for place in 0..2 {
                for name in 0..NAMES.len() {
                    for value in values() {
                        let mut changed = base.clone();
                        // To the other place, or to another value.
                        let old = changed[place][name].take();
                        let mut moved = changed.clone();
                        moved[1 - place][name] = old;
                        changed[place][name] = value;
                        for other in [changed, moved] {
                            if let Some((same, reading)) = read(set, &other) && same == text {
                                prop_assert_eq!(&reading, &said, "{} {:?}", set, other);
                            }
                        }
                    }
                }
            }
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
