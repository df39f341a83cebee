//! `explain`: what it concludes from every vector, and that it finds whatever was done to a message.

use base64::{Engine, engine::general_purpose::STANDARD};
use ucanpay_core::{
    AtHand, Digest, Explanation, Md5Secret, PreHash, Rewriting, Role, SignatureScheme, SignedSet,
    Standing, Suffix, Verdict, explain,
};

use crate::fixtures::{envelope, private_key, public_key, vectors};

fn at_hand() -> AtHand {
    AtHand::new([public_key("platform-2048")]).with_own_key(public_key("merchant-2048"))
}

/// `data` in an envelope, signed by the gateway over `text`.
fn signed_over(data: &str, scheme: SignatureScheme, path: Option<&str>, text: &str) -> Vec<u8> {
    let message = scheme.message(text, path);
    let signer = private_key("platform-2048").signer();
    let sign = STANDARD.encode(signer.sign(scheme.digest, &message).unwrap());
    let open = data.strip_suffix('}').unwrap();
    format!(r#"{{"code":0,"msg":"OK","data":{open},"sign":"{sign}"}}}}"#).into_bytes()
}

fn explained(data: &str, text: &str) -> Explanation {
    let body = signed_over(data, SignatureScheme::DOCUMENTED, None, text);
    explain(&body, &at_hand()).unwrap()
}

#[test]
fn every_notification_vector_gets_the_verdict_it_deserves() {
    let mut told = 0;
    for case in vectors("notifications")["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let expected = match name {
            _ if case["expect"] == "accepted" => Some(Verdict::Verifies),
            "one cent less" | "another order" | "another status" | "a member added"
            | "a member removed" => Some(Verdict::OtherText),
            "no sign" | "empty sign" | "sign null" | "no data" | "data null" => {
                Some(Verdict::NotSigned)
            }
            "sign is a number" => Some(Verdict::UnreadableSignature),
            "sign of zero bytes" | "sign cut short" | "another 1024-bit key" => {
                Some(Verdict::WrongKey)
            }
            "another 2048-bit key" => Some(Verdict::OwnKey),
            "no pre-hash" | "SHA-1 signature" | "MD5 signature" => Some(Verdict::OtherScheme),
            "signType MD5 with a bare MD5" | "signType MD5 with an empty secret" => {
                Some(Verdict::Md5)
            }
            // Without its envelope it is no notification, but it is signed.
            "bare data without an envelope" => Some(Verdict::Verifies),
            "a name twice"
            | "the order number twice"
            | "two data members"
            | "a name twice once unescaped"
            | "a lone surrogate, signed text without it"
            | "a nested value"
            | "data is a list"
            | "not JSON"
            | "empty body"
            | "cut off"
            | "trailing bytes" => None,
            _ => Some(Verdict::RefusedThoughGenuine),
        };
        let found = explain(case["body"].as_str().unwrap().as_bytes(), &at_hand());
        let found = found.map(|explanation| explanation.verdict).ok();
        assert_eq!(found, expected, "{name}");
        told += 1;
    }
    assert!(told > 60, "{told}");
}

#[test]
fn each_signing_vector_is_found_under_its_scheme_and_path() {
    for vector in vectors("signing")["vectors"].as_array().unwrap() {
        let text = |member: &str| vector[member].as_str().unwrap();
        // Numbers must keep their characters, so `sign` is put into the text.
        let open = text("members").replace("\"sign\":\"x\",", "");
        let open = open.trim_end().strip_suffix('}').unwrap().to_owned();
        let body = format!("{open},\"sign\":\"{}\"}}", text("sign"));
        let at_hand = AtHand::new([public_key(text("key"))]);
        let explanation = explain(body.as_bytes(), &at_hand).unwrap();
        assert_eq!(
            explanation.canonical,
            text("canonical"),
            "{}",
            vector["name"]
        );
        let scheme = text("scheme");
        // Without a path, the scheme with a path signs what the one without it signs.
        let expected = match vector["path"].as_str() {
            None if scheme == "path-suffixed" => "single",
            _ => scheme,
        };
        let fit = &explanation.fits[0];
        assert_eq!(fit.scheme.unwrap().name(), Some(expected), "{explanation}");
        assert_eq!(fit.rewriting, None);
        assert_eq!(fit.set, SignedSet::DOCUMENTED);
        assert_eq!(explanation.fits.len(), 1);
        match expected {
            "documented" => assert_eq!(explanation.verdict, Verdict::Verifies),
            _ => {
                assert_eq!(explanation.verdict, Verdict::OtherScheme);
                let advice = format!("configure the scheme `{expected}`");
                assert!(
                    explanation.sentence.contains(&advice),
                    "{}",
                    explanation.sentence
                );
            }
        }
        if expected == "path-suffixed" {
            assert_eq!(fit.path.as_deref(), vector["path"].as_str());
        }
        // With that setting there is nothing left to say.
        let mut configured = at_hand.with_scheme(SignatureScheme::by_name(scheme).unwrap());
        if let Some(path) = vector["path"].as_str() {
            configured = configured.with_path(path);
        }
        let explanation = explain(body.as_bytes(), &configured).unwrap();
        assert_eq!(explanation.verdict, Verdict::Verifies, "{explanation}");
    }
}

#[test]
fn combinations_without_a_name_are_found_too() {
    let data = r#"{"outTradeNo":"A1","signType":"RSA"}"#;
    let text = "outTradeNo=A1&signType=RSA";
    for pre_hash in [PreHash::None, PreHash::Sha256, PreHash::Sha256Hex] {
        for digest in [Digest::Sha256, Digest::Sha1, Digest::Md5] {
            for path in [None, Some("/payment/reverse"), Some("/own/path")] {
                let suffix = path.map_or(Suffix::None, |_| Suffix::Path);
                let scheme = SignatureScheme {
                    pre_hash,
                    digest,
                    suffix,
                };
                let body = signed_over(data, scheme, path, text);
                let at_hand = at_hand().with_path("/own/path");
                let explanation = explain(&body, &at_hand).unwrap();
                let [fit] = &explanation.fits[..] else {
                    panic!("{explanation}");
                };
                assert_eq!((fit.scheme, fit.path.as_deref()), (Some(scheme), path));
            }
        }
    }
}

#[test]
fn another_signed_set_is_found_and_named() {
    let data = r#"{"body":"café au lait","attach":"","zone":null,"signType":"RSA"}"#;
    for (text, expected) in [
        ("body=café au lait", "without-sign-type"),
        ("body=café au lait&code=0&msg=OK&signType=RSA", "envelope"),
        ("attach=&body=café au lait&signType=RSA", "empty"),
        (
            "attach=&body=café au lait&signType=RSA&zone=null",
            "empty,null-as-text",
        ),
        ("body=caf%C3%A9%20au%20lait&signType=RSA", "percent"),
        ("body=caf%C3%A9+au+lait&signType=RSA", "form"),
        (
            "attach=&body=caf%C3%A9+au+lait&code=0&msg=OK&zone=",
            "without-sign-type,envelope,empty,null-as-nothing,form",
        ),
    ] {
        let explanation = explained(data, text);
        assert_eq!(explanation.verdict, Verdict::OtherSet, "{explanation}");
        assert_eq!(explanation.fits[0].set.to_string(), expected);
        let advice = format!(
            "configure the signed set `{expected}` (`Merchant::with_signed_set`, `--set {expected}`)."
        );
        assert!(explanation.sentence.ends_with(&advice), "{explanation}");
    }
}

#[test]
fn the_configured_set_tells_which_members_are_signed() {
    use Standing::*;
    let data = r#"{"body":"tea","attach":"","zone":null,"signType":"RSA"}"#;
    let body = signed_over(data, SignatureScheme::DOCUMENTED, None, "body=tea");
    for (set, expected) in [
        (
            "documented",
            [Signed, Empty, Null, Signed, Signature, Outside, Outside],
        ),
        (
            "without-sign-type,envelope,empty,null-as-text",
            [Signed, Signed, Signed, LeftOut, Signature, Signed, Signed],
        ),
    ] {
        let at_hand = at_hand().with_signed_set(set.parse().unwrap());
        let explanation = explain(&body, &at_hand).unwrap();
        let names = ["body", "attach", "zone", "signType", "sign", "code", "msg"];
        for (name, standing) in names.into_iter().zip(expected) {
            let mut members = explanation.members.iter();
            let member = members.find(|member| member.name == name).unwrap();
            assert_eq!(member.standing, standing, "{set}: {name}");
        }
        let left_out = "skipped    signType (not in the signed set)";
        let printed = explanation.to_string();
        assert_eq!(printed.contains(left_out), set != "documented", "{printed}");
    }
}

#[test]
fn a_sign_type_that_the_fitting_set_leaves_out_is_no_reason_to_refuse() {
    let data = r#"{"body":"tea","signType":"RSA2"}"#;
    let explanation = explained(data, "body=tea");
    assert_eq!(explanation.verdict, Verdict::OtherSet, "{explanation}");
    let explanation = explained(data, "body=tea&signType=RSA2");
    let expected = Verdict::RefusedThoughGenuine;
    assert_eq!(explanation.verdict, expected, "{explanation}");
}

#[test]
fn rewritten_values_are_looked_for_in_the_configured_set() {
    let (data, text) = (r#"{"attach":"","n":450.0}"#, "attach=&n=450");
    let body = signed_over(data, SignatureScheme::DOCUMENTED, None, text);
    let at_hand = at_hand().with_signed_set("empty".parse().unwrap());
    let explanation = explain(&body, &at_hand).unwrap();
    assert_eq!(explanation.verdict, Verdict::Rewritten, "{explanation}");
    assert!(
        !explanation.sentence.contains("signed set"),
        "{explanation}"
    );
}

#[test]
fn a_body_that_was_parsed_and_written_again_is_recognised_where_that_can_be_undone() {
    use Rewriting::*;
    for (data, text, expected) in [
        (r#"{"totalAmt":450.0}"#, "totalAmt=450", NumbersWhole),
        (r#"{"totalAmt":4.5e2}"#, "totalAmt=450", NumbersWhole),
        (r#"{"rate":1.1}"#, "rate=1.10", NumbersWithTwoDecimals),
        (r#"{"rate":1}"#, "rate=1.0", NumbersWithOneDecimal),
        (r#"{"body":"cafÃ©"}"#, "body=café", Latin1Undone),
        (r#"{"url":"http://a"}"#, r"url=http:\/\/a", SlashesEscaped),
        (r#"{"body":"é"}"#, r"body=\u00e9", BeyondAsciiEscaped),
        (r#"{"body":"a\"b"}"#, r#"body=a\"b"#, Escaped),
        (r#"{"body":" tea "}"#, "body=tea", Trimmed),
    ] {
        let explanation = explained(data, text);
        assert_eq!(explanation.verdict, Verdict::Rewritten, "{explanation}");
        assert_eq!(explanation.fits[0].rewriting, Some(expected));
    }
}

#[test]
fn among_several_keys_the_right_one_is_named() {
    let body = envelope(r#"{"outTradeNo":"A1"}"#);
    let keys = ["platform-1024", "platform-2048"].map(public_key);
    let explanation = explain(&body, &AtHand::new(keys)).unwrap();
    assert_eq!(explanation.verdict, Verdict::Verifies);
    let name = public_key("platform-2048").fingerprint().to_string();
    assert!(explanation.sentence.contains(&name));

    let explanation = explain(&body, &AtHand::new([public_key("platform-1024")])).unwrap();
    assert_eq!(explanation.verdict, Verdict::WrongKey);
    assert!(
        explanation.sentence.contains("2048 bits"),
        "{}",
        explanation.sentence
    );

    let explanation = explain(&body, &AtHand::default()).unwrap();
    assert_eq!(explanation.verdict, Verdict::NoKey);
}

#[test]
fn keyed_md5_is_recognised_with_and_without_its_secret() {
    for vector in vectors("md5")["vectors"].as_array().unwrap() {
        let sign = vector["sign"].as_str().unwrap();
        let members = vector["members"].as_str().unwrap();
        let body = members.replace("\"sign\":\"x\"", &format!("\"sign\":\"{sign}\""));
        let without = explain(body.as_bytes(), &at_hand()).unwrap();
        assert_eq!(without.verdict, Verdict::Md5, "{}", vector["name"]);
        assert!(without.sentence.contains("configure the MD5 secret"));

        let secret = vector["secret"].as_str().unwrap();
        let with_secret = at_hand().with_md5_secret(Md5Secret::new(secret).unwrap());
        let with = explain(body.as_bytes(), &with_secret).unwrap();
        assert_eq!(with.verdict, Verdict::Verifies, "{with}");
        assert_eq!(with.fits[0].role, Role::Md5Secret);
        assert!(!format!("{with}{with:?}").contains(secret));

        let lower = body.replace(sign, &sign.to_lowercase());
        let lower = explain(lower.as_bytes(), &with_secret).unwrap();
        assert_eq!(lower.verdict, Verdict::RefusedThoughGenuine, "{lower}");

        let other = at_hand().with_md5_secret(Md5Secret::new("another").unwrap());
        let other = explain(body.as_bytes(), &other).unwrap();
        assert_eq!(other.verdict, Verdict::Md5, "{other}");
    }
}

#[test]
fn what_is_printed_cannot_write_to_the_readers_terminal() {
    let text = "body=\u{1b}[2J\n\u{9b}";
    let explanation = explained(r#"{"body":"\u001b[2J\n\u009b"}"#, text);
    assert_eq!(explanation.canonical, text);
    let printed = explanation.to_string();
    let controls = printed.chars().filter(|c| c.is_control() && *c != '\n');
    assert_eq!(controls.count(), 0, "{printed:?}");
    assert!(printed.contains(r"body=\u{1b}[2J\n\u{9b}"), "{printed}");
}

#[test]
fn a_body_of_64_kib_is_explained_whatever_its_shape() {
    let at_hand = AtHand::new(["platform-2048", "platform-1024"].map(public_key));
    let many: Vec<String> = (0..4000).map(|n| format!("\"m{n}\":{n}.0")).collect();
    for data in [
        format!(
            r#"{{"a":"{}","e":"","z":null,"signType":"RSA"}}"#,
            " é/".repeat(16_000)
        ),
        format!(r#"{{{},"e":"","z":null,"signType":"RSA"}}"#, many.join(",")),
        format!(r#"{{"a":"{}"}}"#, "\\u0001".repeat(10_000)),
    ] {
        let body = signed_over(&data, SignatureScheme::SHA1, None, "something else");
        let explanation = explain(&body, &at_hand).unwrap();
        assert_eq!(explanation.verdict, Verdict::OtherText);
        assert!(explanation.tried <= 88 * 2 * 9 * 8, "{}", explanation.tried);
    }
}

#[cfg(feature = "serde")]
#[test]
fn an_explanation_can_be_serialised() {
    let explanation = explain(&envelope(r#"{"outTradeNo":"A1"}"#), &at_hand()).unwrap();
    let json = serde_json::to_value(&explanation).unwrap();
    assert_eq!(json["verdict"], "verifies");
    assert_eq!(json["canonical"], "outTradeNo=A1");
    assert_eq!(json["fits"][0]["scheme"], "documented");
    assert_eq!(json["fits"][0]["set"], "documented");
    assert!(json["fits"][0]["rewriting"].is_null());
    assert_eq!(json["keys"][0]["opened"]["result"], "made");
    assert_eq!(json["keys"][1]["opened"]["result"], "not_made");
    assert_eq!(json["members"][1]["standing"], "signature");
}
