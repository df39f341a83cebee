//! `explain`: it finds the scheme, the key and the mistake.

use std::fs;

use crate::program::{key, run, vectors};

const MEMBERS: &str =
    r#"{"merchantId":"2000000010","outTradeNo":"A1","totalAmt":450,"signType":"RSA"}"#;

#[test]
fn each_of_the_eight_schemes_is_named() {
    let vectors = vectors("signing");
    let schemes = vectors["schemes"].as_object().unwrap();
    assert_eq!(schemes.len(), 8);
    for size in ["1024", "2048"] {
        let private = key(&format!("platform-{size}.pkcs8.pem"));
        let public = key(&format!("platform-{size}.pub.pem"));
        for scheme in schemes.keys() {
            let mut sign = vec!["sign", "--key", &private, "--scheme", scheme];
            if scheme == "path-suffixed" {
                sign.extend(["--path", "/payment/refund"]);
            }
            let signed = run(&sign, MEMBERS.as_bytes());
            let explained = run(&["explain", "--key", &public], signed.stdout.as_bytes());
            assert_eq!(explained.code, 0, "{}", explained.stderr);
            let sentence = explained.stdout.lines().last().unwrap();
            let (advice, verdict) = match scheme.as_str() {
                "documented" => (
                    "`documented`: nothing needs to change".to_owned(),
                    "verifies",
                ),
                other => (format!("configure the scheme `{other}`"), "other_scheme"),
            };
            assert!(sentence.contains(&advice), "{sentence}");

            let json = run(
                &["explain", "--json", "--key", &public],
                signed.stdout.as_bytes(),
            );
            let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
            assert_eq!(json["verdict"], verdict);
            assert_eq!(json["fits"][0]["scheme"], scheme.as_str());
            assert_eq!(json["sentence"], sentence);
        }
    }
}

#[test]
fn the_merchants_own_key_and_a_changed_member_are_told_apart() {
    let own = key("merchant-2048.pkcs8.pem");
    let platform = key("platform-2048.pub.pem");
    let signed = run(&["sign", "--key", &own], MEMBERS.as_bytes()).stdout;
    let explain = ["explain", "--key", &platform, "--own-key", &own];
    let explained = run(&explain, signed.as_bytes()).stdout;
    assert!(
        explained.contains("made with the merchant's own key"),
        "{explained}"
    );

    let changed = signed.replace("450", "451");
    let explained = run(&explain, changed.as_bytes()).stdout;
    assert!(explained.contains("over another text"), "{explained}");

    let explained = run(&explain[..3], signed.as_bytes()).stdout;
    assert!(
        explained.contains("a forgery or another key"),
        "{explained}"
    );
}

#[test]
fn every_vector_is_explained_or_refused_with_its_place() {
    let platform = key("platform-2048.pub.pem");
    for case in vectors("notifications")["cases"].as_array().unwrap() {
        let body = case["body"].as_str().unwrap().as_bytes();
        let run = run(&["explain", "--key", &platform], body);
        match run.code {
            0 => assert!(run.stdout.trim_end().ends_with('.'), "{}", run.stdout),
            code => {
                assert_eq!((code, case["expect"].as_str()), (1, Some("refused")));
                assert!(
                    run.stderr.starts_with("ucanpay: refused: "),
                    "{}",
                    run.stderr
                );
            }
        }
    }
}

#[test]
fn a_secret_and_a_private_key_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    fs::write(&file, "s3cret-of-the-merchant\n").unwrap();
    let own = key("merchant-2048.pkcs8.pem");
    let vectors = vectors("md5");
    let vector = &vectors["vectors"][0];
    let sign = format!("\"sign\":\"{}\"", vector["sign"].as_str().unwrap());
    let body = vector["members"]
        .as_str()
        .unwrap()
        .replace("\"sign\":\"x\"", &sign);
    let secret = file.to_str().unwrap();
    for json in [&[][..], &["--json"]] {
        let base = ["explain", "--md5-secret-file", secret, "--own-key", &own];
        let run = run(&[&base, json].concat(), body.as_bytes());
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(
            run.stdout.contains("the MD5 secret and keyed MD5"),
            "{}",
            run.stdout
        );
        assert!(!run.stdout.contains("s3cret"));
        let pem = fs::read_to_string(&own).unwrap();
        let line = pem.lines().nth(3).unwrap();
        assert!(!run.stdout.contains(line));
    }
}
