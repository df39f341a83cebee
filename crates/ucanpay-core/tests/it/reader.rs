//! The strict reader, against an independent one.

use proptest::prelude::*;
use serde_json::Value as Json;
use ucanpay_core::{Fields, ReadError, Value, canonical_string};

/// Whether the independent reader sees one flat object; `None` when it gives up for a reason of its own.
fn is_flat_object(bytes: &[u8]) -> Option<bool> {
    match serde_json::from_slice(bytes) {
        Ok(Json::Object(members)) => Some(
            !members
                .values()
                .any(|value| value.is_array() || value.is_object()),
        ),
        Ok(_) => Some(false),
        // It turns numbers into floats, and refuses what does not fit; we keep the characters.
        Err(error) if error.to_string().starts_with("number out of range") => None,
        Err(_) => Some(false),
    }
}

fn agrees(bytes: &[u8]) -> Result<(), TestCaseError> {
    let ours = Fields::parse(bytes);
    // Of a name that stands twice the other reader keeps the last value only, whatever the first one was. U+0000 it takes.
    let stricter = [&ours, &Fields::parse_envelope(bytes)]
        .into_iter()
        .any(|read| {
            matches!(
                read,
                Err(ReadError::Duplicate { .. } | ReadError::Nul { .. })
            )
        });
    if let (Some(theirs), false) = (is_flat_object(bytes), stricter) {
        let shown = String::from_utf8_lossy(bytes);
        prop_assert_eq!(ours.is_ok(), theirs, "{}: {:?}", shown, ours);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Fields::parse(&bytes);
        let _ = Fields::parse_envelope(&bytes);
        agrees(&bytes)?;
    }

    #[test]
    fn json_like_text_is_read_as_the_independent_reader_reads_it(
        text in r#"\{("[ab\\u0dD8/n&é]{0,8}"[: ]{1,2}("[ab\\u0dDc8"n]{0,9}"|-?[0-9.eE+]{1,5}|true|null|fals|\[\]|\{\}),? ?){0,3}\}?"#,
    ) {
        agrees(text.as_bytes())?;
        if let Ok(fields) = Fields::parse_envelope(text.as_bytes()) {
            prop_assert!(serde_json::from_str::<Json>(&text).is_ok()
                || is_flat_object(text.as_bytes()).is_none(), "{text}: {fields:?}");
        }
    }

    #[test]
    fn any_json_is_a_well_formed_envelope_member(json in arbitrary_json()) {
        let text = serde_json::to_string_pretty(&json).unwrap();
        let envelope = format!(r#"{{"x": {text} }}"#);
        let fields = Fields::parse_envelope(envelope.as_bytes()).unwrap();
        if json.is_array() || json.is_object() {
            prop_assert_eq!(fields.get("x"), Some(&Value::Nested(&text)));
        }
    }

    #[test]
    fn a_cut_or_damaged_envelope_never_panics(json in arbitrary_json(), at: prop::sample::Index, byte: u8) {
        let mut envelope = format!(r#"{{"x": {json} }}"#).into_bytes();
        let at = at.index(envelope.len());
        envelope[at] = byte;
        let ours = Fields::parse_envelope(&envelope).is_ok();
        let theirs = serde_json::from_slice::<Json>(&envelope);
        if ours {
            let tolerable = match theirs {
                Ok(json) => json.is_object(),
                Err(error) => error.to_string().starts_with("number out of range"),
            };
            prop_assert!(tolerable);
        }
        prop_assert!(Fields::parse_envelope(&envelope[..at]).is_err());
    }

    #[test]
    fn text_survives_whatever_way_it_is_escaped(text: String) {
        let plain = serde_json::json!({"a": text}).to_string();
        let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        for message in [plain, format!(r#"{{"a":"{units}"}}"#)] {
            let fields = Fields::parse(message.as_bytes()).unwrap();
            prop_assert_eq!(fields.get("a"), Some(&Value::Text(text.as_str().into())));
        }
    }
}

fn arbitrary_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::hash_map(any::<String>(), inner, 0..5)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

#[test]
fn every_looseness_is_refused() {
    for message in [
        "",
        " ",
        "{",
        "}",
        "[]",
        "1",
        "\u{feff}{}",
        "{}x",
        "{} {}",
        "{,}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{a:1}"#,
        r#"{'a':1}"#,
        r#"{"a":01}"#,
        r#"{"a":-}"#,
        r#"{"a":1.}"#,
        r#"{"a":.5}"#,
        r#"{"a":1e}"#,
        r#"{"a":+1}"#,
        r#"{"a":0x1}"#,
        r#"{"a":-01}"#,
        r#"{"a":NaN}"#,
        r#"{"a":True}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":"\u12"}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\ud800\ud800"}"#,
        r#"{"a":"\udc00"}"#,
        r#"{"a":"\ud800x"}"#,
        "{\"a\":\"\n\"}",
        "{\"a\":\"\0\"}",
        "{\"a\":\"",
        "{\"a\":\"\\",
        "{\u{a0}\"a\":1}",
        r#"{"a":1 /* */}"#,
        r#"{"a":1}//"#,
        r#"{"a":{}}"#,
        r#"{"a":[]}"#,
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":2}"#,
    ] {
        assert!(Fields::parse(message.as_bytes()).is_err(), "{message}");
    }
    assert_eq!(
        Fields::parse(b"{\"a\":\"\xff\"}"),
        Err(ReadError::NotUtf8 { at: 6 })
    );
}

/// A string is looked at sixteen bytes at once: each place within and around a block, and each byte that is nearly one that
/// ends it.
#[test]
fn a_string_ends_at_the_first_byte_that_ends_it_wherever_that_stands() {
    let edges = (0..0x80_u8)
        .map(char::from)
        .chain(['é', '中', '\u{10ffff}']);
    for edge in edges {
        for before in 0..40 {
            for after in [0, 1, 15, 16, 17] {
                let plain = |count: usize| "~!#[]\u{7f}ü ".chars().cycle().take(count);
                let text: String = plain(before).chain([edge]).chain(plain(after)).collect();
                let written = format!(r#"{{"a":"{text}","b":"{text}"}}"#);
                agrees(written.as_bytes()).unwrap();
                if edge < ' ' || matches!(edge, '"' | '\\') {
                    assert!(Fields::parse(written.as_bytes()).is_err(), "{written}");
                } else {
                    let fields = Fields::parse(written.as_bytes()).unwrap();
                    assert_eq!(fields.get("b").unwrap().signed_text(), Some(&*text));
                }
            }
        }
    }
}

#[test]
fn the_character_that_no_database_keeps_is_refused_wherever_it_stands() {
    for (message, at) in [
        (r#"{"a":"x\u0000"}"#, 9),
        (r#"{"a\u0000":1}"#, 5),
        (r#"{"data":{"a":["\u0000"]}}"#, 17),
        (r#"{"data":{"\u0000":1}}"#, 12),
    ] {
        let refused = Err(ReadError::Nul { at });
        assert_eq!(Fields::parse_envelope(message.as_bytes()), refused);
    }
    let kept = Fields::parse(br#"{"a":"\u0001","b":"\\u0000"}"#).unwrap();
    assert_eq!(kept.get("b"), Some(&Value::Text(r"\u0000".into())));
}

#[test]
fn deep_nesting_is_refused_without_recursion() {
    let nested = |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(Fields::parse_envelope(nested(32).as_bytes()).is_ok());
    assert!(matches!(
        Fields::parse_envelope(nested(33).as_bytes()),
        Err(ReadError::TooDeep { .. })
    ));
    let endless = format!(r#"{{"a":{}"#, "[".repeat(1_000_000));
    assert!(Fields::parse_envelope(endless.as_bytes()).is_err());
}

#[test]
fn many_members_are_read_in_reasonable_time() {
    let members: Vec<String> = (0..200_000).map(|n| format!(r#""m{n}":{n}"#)).collect();
    let message = format!("{{{}}}", members.join(","));
    let fields = Fields::parse(message.as_bytes()).unwrap();
    assert_eq!(fields.iter().count(), 200_000);
}

#[test]
fn an_error_shows_no_value_and_little_of_a_name() {
    let secret = "s3cret";
    let long = "n".repeat(500);
    for message in [
        format!(r#"{{"{long}":"{secret}","{long}":"{secret}"}}"#),
        format!(r#"{{"{long}":["{secret}"]}}"#),
        format!(r#"{{"a":"{secret}"x}}"#),
    ] {
        let error = Fields::parse(message.as_bytes()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(secret) && shown.len() < 250, "{shown}");
    }
}

#[test]
fn a_nested_member_of_an_envelope_can_never_be_signed() {
    let fields = Fields::parse_envelope(br#"{"b":1,"a":{"c":2}}"#).unwrap();
    assert!(matches!(
        canonical_string(&fields),
        Err(ReadError::Nested { .. })
    ));
}
