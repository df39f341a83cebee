//! Laws: what holds for every message, not only for the vectors.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value as Json;
use ucanpay_core::{
    Amount, Currency, Description, DeviceNo, FieldError, Fields, MerchantId, Nonce, NotifyUrl,
    OutRefundNo, OutTradeNo, Received, ReceivedError, RefundReason, SignatureScheme, SignedSet,
    Subject, UcpOrderNo, UcpRefundNo, Untrusted, canonical_string,
};

use crate::fixtures::{envelope, merchant, private_key, public_key, signed_data};

const PAYMENT: &str = r#"{"merchantId":"2000000010","deviceNo":"till-1","currency":"CAD","totalAmt":450,"ucpOrderNo":"563465342654643","outTradeNo":"VEC20260301A","tradeStatus":"SUCCESS","signType":"RSA","flag":true}"#;

fn value() -> impl Strategy<Value = Json> {
    prop_oneof![
        "[^&\0]{0,12}".prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<bool>().prop_map(Json::from),
        Just(Json::Null),
    ]
}

fn members() -> impl Strategy<Value = BTreeMap<String, Json>> {
    prop::collection::btree_map(NAME, value(), 0..8)
}

const NAME: &str = "[a-zA-Z0-9é_ ]{0,6}";

/// What is done to a message on its way.
#[derive(Clone, Debug)]
enum Change {
    Value(Json),
    Name(String),
    Removed,
    Added(String, Json),
    /// The values of two members trade places.
    Swapped(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        value().prop_map(Change::Value),
        NAME.prop_map(Change::Name),
        Just(Change::Removed),
        (NAME, value()).prop_map(|(name, value)| Change::Added(name, value)),
        any::<prop::sample::Index>().prop_map(Change::Swapped),
    ]
}

/// `members` with one of them, or one more, changed.
fn changed(members: &BTreeMap<String, Json>, name: &str, change: Change) -> BTreeMap<String, Json> {
    let mut members = members.clone();
    match change {
        Change::Value(value) => {
            members.insert(name.to_owned(), value);
        }
        Change::Name(other) => {
            let value = members.remove(name).unwrap();
            members.insert(other, value);
        }
        Change::Removed => {
            members.remove(name);
        }
        Change::Added(other, value) => {
            members.insert(other, value);
        }
        Change::Swapped(other) => {
            let other = other
                .get(&members.keys().cloned().collect::<Vec<_>>())
                .clone();
            let (one, two) = (members[name].clone(), members[&other].clone());
            members.insert(name.to_owned(), two);
            members.insert(other, one);
        }
    }
    members
}

fn written<'a>(members: impl Iterator<Item = (&'a String, &'a Json)>) -> String {
    let members: Vec<String> = members
        .map(|(name, value)| format!("{}:{value}", Json::from(name.as_str())))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// Reads a canonical string back: the only way there is, without `&` in values and `=` in names.
fn read_back(canonical: &str) -> BTreeMap<String, String> {
    let pairs = canonical.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_order_of_members_does_not_matter(
        shuffled in members().prop_flat_map(|members| {
            let list: Vec<(String, Json)> = members.into_iter().collect();
            (Just(list.clone()), Just(list).prop_shuffle())
        }),
    ) {
        let canonical = |list: &[(String, Json)]| {
            let text = written(list.iter().map(|(name, value)| (name, value)));
            canonical_string(&Fields::parse(text.as_bytes()).unwrap()).unwrap()
        };
        prop_assert_eq!(canonical(&shuffled.0), canonical(&shuffled.1));
    }

    #[test]
    fn for_accepted_messages_the_canonical_string_and_the_members_are_one_to_one(members in members()) {
        let text = written(members.iter());
        let fields = Fields::parse(text.as_bytes()).unwrap();
        prop_assert!(fields.refuse_ambiguous().is_ok());
        let expected: BTreeMap<String, String> = members
            .iter()
            .filter(|(name, _)| name.as_str() != "sign")
            .filter_map(|(name, value)| {
                let text = match value {
                    Json::Null => return None,
                    Json::String(text) if text.is_empty() => return None,
                    Json::String(text) => text.clone(),
                    other => other.to_string(),
                };
                Some((name.clone(), text))
            })
            .collect();
        prop_assert_eq!(read_back(&canonical_string(&fields).unwrap()), expected);
    }

    #[test]
    fn a_message_that_could_be_read_in_two_ways_is_refused(
        name in "[a-z]{1,4}[&=]?[a-z]{0,4}", value in "[a-z=]{0,4}&?[a-z=]{0,4}",
    ) {
        let text = format!("{{{}:{}}}", Json::from(name.as_str()), Json::from(value.as_str()));
        let fields = Fields::parse(text.as_bytes()).unwrap();
        let ambiguous = name.contains(['&', '=']) || value.contains('&');
        prop_assert_eq!(fields.refuse_ambiguous().is_err(), ambiguous);
    }

    #[test]
    fn amounts_round_trip(cents in 1..=Amount::MAX_CENTS) {
        let amount = Amount::new(cents).unwrap();
        prop_assert_eq!(amount.cents(), cents);
        prop_assert_eq!(amount.to_string().parse(), Ok(amount));
    }

    #[test]
    fn what_a_text_type_accepts_it_gives_back_and_accepts_again(text in "[^&=/]{0,70}|[0-9A-Za-z]{1,40}|.{0,40}") {
        fn check<T>(text: &str, max: usize) -> Result<(), TestCaseError>
        where
            T: std::str::FromStr<Err = FieldError> + AsRef<str>,
        {
            if let Ok(value) = text.parse::<T>() {
                prop_assert_eq!(value.as_ref(), text);
                let count = text.chars().count();
                prop_assert!((1..=max).contains(&count));
                prop_assert!(!text.contains(['&', '=']) && !text.chars().any(char::is_control));
            }
            Ok(())
        }
        check::<MerchantId>(&text, 32)?;
        check::<OutTradeNo>(&text, 32)?;
        check::<OutRefundNo>(&text, 32)?;
        check::<UcpOrderNo>(&text, 32)?;
        check::<UcpRefundNo>(&text, 32)?;
        check::<Nonce>(&text, 32)?;
        check::<Subject>(&text, 30)?;
        check::<Description>(&text, 64)?;
        check::<DeviceNo>(&text, 32)?;
        check::<RefundReason>(&text, 64)?;
        check::<NotifyUrl>(&text, 64)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_currency_is_three_capital_letters_and_nothing_else(text in "[A-Z]{3}|[A-Za-z0-9é ]{0,5}|.{0,4}") {
        let is_one = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        match text.parse::<Currency>() {
            Ok(currency) => {
                prop_assert!(is_one);
                prop_assert_eq!(currency.as_str(), text.as_str());
                prop_assert_eq!(currency.to_string(), text);
            }
            Err(error) => {
                prop_assert!(!is_one);
                prop_assert_eq!(error.member(), "currency");
            }
        }
    }

    #[test]
    fn a_proper_url_is_taken_as_it_is_and_one_with_a_foreign_character_is_refused(
        url in r"https?://[a-z0-9]{1,10}(\.[a-z]{2,6}){0,2}(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~%-]{0,10}){0,2}",
        at in any::<prop::sample::Index>(),
        foreign in prop::sample::select("?#&=\"<>\\^`{|} \n\u{7f}é".chars().collect::<Vec<_>>()),
    ) {
        let taken = NotifyUrl::new(&url);
        prop_assert_eq!(taken.as_ref().map(NotifyUrl::as_str), Ok(url.as_str()));
        let mut spoilt = url.clone();
        spoilt.insert(at.index(url.len() + 1), foreign);
        prop_assert!(NotifyUrl::new(&spoilt).is_err(), "{}", spoilt);
    }

    #[test]
    fn whatever_is_taken_for_a_url_keeps_the_rule(
        url in "(https?://|HTTP://|//)[a-z0-9.:@-]{0,20}[/a-z?#&=%]{0,50}",
    ) {
        if let Ok(taken) = NotifyUrl::new(&url) {
            prop_assert_eq!(taken.as_str(), url.as_str());
            prop_assert!(url.len() <= 64 && url.starts_with("http"));
            prop_assert!(!url.contains(['?', '#', '&', '=', '@']));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_change_to_any_signed_member_of_any_message_is_refused(
        mut members in members(), which in any::<prop::sample::Index>(), change in change(),
    ) {
        let is_own = |name: &str| !matches!(name, "sign" | "data");
        members.retain(|name, _| is_own(name));
        members.insert("a".to_owned(), Json::from(450));
        let name = which.get(&members.keys().cloned().collect::<Vec<_>>()).clone();
        let changed = changed(&members, &name, change);
        prop_assume!(changed.keys().all(|name| is_own(name)));
        let canonical = |members: &BTreeMap<String, Json>| {
            canonical_string(&Fields::parse(written(members.iter()).as_bytes()).unwrap()).unwrap()
        };

        let signed = signed_data(&private_key("platform-2048"), &written(members.iter()));
        let sign = &serde_json::from_str::<Json>(&signed).unwrap()["sign"];
        let mut altered = changed.clone();
        altered.insert("sign".to_owned(), sign.clone());
        let verify = |body: &str| {
            let keys = [public_key("platform-2048")];
            Received::verify(body.as_bytes(), &keys, SignatureScheme::DOCUMENTED, SignedSet::DOCUMENTED, None).map(drop)
        };
        prop_assert_eq!(verify(&signed), Ok(()));
        // What is not signed, such as an empty member, may come and go; a number may turn into its text.
        let expected = match canonical(&changed) == canonical(&members) {
            true => Ok(()),
            false => Err(ReceivedError::Untrusted(Untrusted::NoMatchingKey { keys: 1 })),
        };
        prop_assert_eq!(verify(&written(altered.iter())), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bodies_never_panic_and_never_verify(body: Vec<u8>, text: String) {
        let merchant = merchant();
        prop_assert!(merchant.verify_notification(&body).is_err());
        let body = serde_json::json!({"code": 0, "data": {"sign": text}}).to_string();
        prop_assert!(merchant.verify_notification(body.as_bytes()).is_err());
    }
}

/// Every byte of `data`, changed in 21 ways: what is still accepted must still say the same.
#[test]
fn no_one_byte_change_of_a_signed_member_or_of_the_signature_is_accepted() {
    let merchant = merchant();
    let body = envelope(PAYMENT);
    let genuine = merchant.verify_notification(&body).unwrap();
    let text = std::str::from_utf8(&body).unwrap();
    let data = text.find(r#"{"merchantId"#).unwrap()..text.find(r#","timestamp""#).unwrap();
    let (mut changed, mut refused) = (0, 0);
    for at in data {
        for flip in (0x01..=0x10).chain([0x14, 0x1a, 0x20, 0x40, 0x80]) {
            let mut altered = body.clone();
            altered[at] ^= flip;
            changed += 1;
            match merchant.verify_notification(&altered) {
                Err(_) => refused += 1,
                // An escape or white space may be spelled in another way; nothing else may pass.
                Ok(message) => {
                    assert_eq!(message.signed_text(), genuine.signed_text(), "byte {at}");
                    assert_eq!(message, genuine, "byte {at}");
                }
            }
        }
    }
    assert_eq!((changed, refused), (changed, changed));
    assert!(changed > 10_000, "{changed}");
}

#[test]
fn random_numbers_keep_their_own_rules_and_differ() {
    for _ in 0..100 {
        assert_eq!(OutTradeNo::random().as_str().len(), 24);
        assert_eq!(OutRefundNo::random().as_str().len(), 24);
        assert_eq!(Nonce::random().as_str().len(), 32);
        assert!(OutTradeNo::new(OutTradeNo::random().as_str()).is_ok());
        assert!(OutRefundNo::new(OutRefundNo::random().as_str()).is_ok());
        assert!(Nonce::new(Nonce::random().as_str()).is_ok());
        assert_ne!(Nonce::random(), Nonce::random());
    }
}

#[test]
fn the_field_rules_hold_at_their_edges() {
    assert!(Amount::new(0).is_err() && Amount::new(-1).is_err());
    assert!(Amount::new(Amount::MAX_CENTS).is_ok() && Amount::new(Amount::MAX_CENTS + 1).is_err());
    assert!("".parse::<Amount>().is_err() && "-5".parse::<Amount>().is_err());
    assert!(Subject::new("é".repeat(30)).is_ok() && Subject::new("é".repeat(31)).is_err());
    assert!(Subject::new("a/b").is_err() && Description::new("a/b").is_err());
    assert!(DeviceNo::new("a/b").is_ok() && RefundReason::new("商品已售完/1").is_ok());
    assert!(RefundReason::new("a&b").is_err() && RefundReason::new("a=b").is_err());
    assert!(OutTradeNo::new("A-1").is_err() && OutTradeNo::new("é").is_err());
    assert!(OutTradeNo::new("").is_err());
    assert!(
        Currency::new("cad").is_err()
            && Currency::new("CADD").is_err()
            && Currency::new("€").is_err()
    );
    assert_eq!(Currency::default().as_str(), "CAD");
    assert_eq!(DeviceNo::default().as_str(), "web");
}

#[test]
fn a_field_error_names_member_and_rule_and_repeats_no_long_text() {
    let error = Subject::new("x".repeat(10_000)).unwrap_err();
    assert_eq!(error.member(), "subject");
    assert_eq!(
        error.to_string(),
        "subject is 10000 characters long; the rule: 1 to 30 characters, no control characters, none of `/`, `=`, `&`"
    );
    let error = OutTradeNo::new("a b").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("outTradeNo holds the character ' ';")
    );
}
