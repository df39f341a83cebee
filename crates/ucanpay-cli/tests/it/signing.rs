//! `signing.json` through `canonical`, `sign` and `verify`.

use serde_json::Value;

use crate::program::{key, run, vectors};

fn text<'a>(vector: &'a Value, member: &str) -> &'a str {
    vector[member].as_str().unwrap()
}

fn scheme_and_path(vector: &Value) -> Vec<String> {
    let mut arguments = vec!["--scheme".to_owned(), text(vector, "scheme").to_owned()];
    if let Some(path) = vector["path"]
        .as_str()
        .filter(|_| text(vector, "scheme") == "path-suffixed")
    {
        arguments.extend(["--path".to_owned(), path.to_owned()]);
    }
    arguments
}

#[test]
fn canonical_prints_the_string_and_not_a_byte_more() {
    let vectors = vectors("signing");
    for vector in vectors["vectors"].as_array().unwrap() {
        let run = run(&["canonical"], text(vector, "members").as_bytes());
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(run.stdout, text(vector, "canonical"));
    }
}

#[test]
fn sign_gives_every_expected_signature_and_verify_takes_it() {
    let vectors = vectors("signing");
    let mut schemes = std::collections::HashSet::new();
    for vector in vectors["vectors"].as_array().unwrap() {
        let (members, sign) = (text(vector, "members"), text(vector, "sign"));
        let private = key(&format!("{}.pkcs8.pem", text(vector, "key")));
        let mut arguments = vec!["sign".to_owned(), "--key".to_owned(), private];
        arguments.extend(scheme_and_path(vector));
        let signed = run(&arguments, members.as_bytes());
        assert_eq!(signed.code, 0, "{}: {}", vector["name"], signed.stderr);
        // All else stands as it stood.
        let old = r#""sign":"x""#;
        let new = format!(r#""sign":"{sign}""#);
        let expected = if members.contains(old) {
            members.replace(old, &new)
        } else {
            let open = members.trim_end().strip_suffix('}').unwrap();
            format!("{open},{new}}}")
        };
        assert_eq!(
            signed.stdout.trim_end(),
            expected.trim(),
            "{}",
            vector["name"]
        );

        arguments.push("--only-sign".to_owned());
        let only = run(&arguments, members.as_bytes());
        assert_eq!(only.stdout, format!("{sign}\n"));

        let public = key(&format!("{}.pub.pem", text(vector, "key")));
        let mut arguments = vec!["verify".to_owned(), "--key".to_owned(), public];
        arguments.extend(scheme_and_path(vector));
        let verified = run(&arguments, signed.stdout.as_bytes());
        assert_eq!(verified.code, 0, "{}", verified.stderr);
        assert!(verified.stdout.starts_with("verified: flat object, key "));
        schemes.insert(text(vector, "scheme").to_owned());
    }
    assert_eq!(schemes.len(), 8);
}

#[test]
fn what_a_receiver_would_refuse_is_not_signed() {
    let private = key("merchant-2048.pkcs8.pem");
    for (object, reason) in [
        (r#"{"a":"x&b=y"}"#, "ambiguous"),
        (r#"{"a":1,"a":2}"#, "stands twice"),
        (r#"{"a":{}}"#, "cannot be signed"),
        (r#"{"signType":"MD5"}"#, "signType"),
        ("[1]", "expected an object"),
        ("", "expected an object"),
    ] {
        let run = run(&["sign", "--key", &private], object.as_bytes());
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{object}");
        assert!(run.stderr.contains(reason), "{object}: {}", run.stderr);
    }
}

#[test]
fn md5_vectors_are_signed_with_the_secret_and_verified_with_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, secret: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, format!("{secret}\n")).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let other = file("other", "another");
    let vectors = vectors("md5");
    let vectors = vectors["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 16);
    for vector in vectors {
        let (secret, members) = (text(vector, "secret"), text(vector, "members"));
        // A file's line break is cut off, so a secret that ends in one cannot be held in it.
        assert!(!secret.ends_with(['\r', '\n']));
        let secret = file("secret", secret);
        let sign = ["sign", "--md5-secret-file", &secret];
        let only = run(&[&sign[..], &["--only-sign"]].concat(), members.as_bytes());
        let expected = format!("{}\n", text(vector, "sign"));
        assert_eq!(only.stdout, expected, "{}: {}", vector["name"], only.stderr);

        let signed = run(&sign, members.as_bytes()).stdout;
        let verified = run(&["verify", "--md5-secret-file", &secret], signed.as_bytes());
        assert_eq!(verified.code, 0, "{}", verified.stderr);
        let said = "verified: flat object, key md5-secret, ";
        assert!(verified.stdout.starts_with(said), "{}", verified.stdout);
        let refused = run(&["verify", "--md5-secret-file", &other], signed.as_bytes());
        assert_eq!(refused.code, 1);
        assert!(
            refused
                .stderr
                .contains("does not fit the configured MD5 secret")
        );
    }
    let run = run(
        &["sign", "--md5-secret-file", &other],
        br#"{"signType":"RSA"}"#,
    );
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("another algorithm than MD5"),
        "{}",
        run.stderr
    );
}

#[test]
fn what_is_signed_by_a_set_is_verified_by_it_and_explained_without_it() {
    let (private, public) = (key("platform-2048.pkcs8.pem"), key("platform-2048.pub.pem"));
    let members = r#"{"body":"flat white","attach":"","zone":null,"signType":"RSA"}"#;
    for (set, canonical) in [
        ("documented", "body=flat white&signType=RSA"),
        ("without-sign-type", "body=flat white"),
        ("empty", "attach=&body=flat white&signType=RSA"),
        ("null-as-nothing", "body=flat white&signType=RSA&zone="),
        ("null-as-text", "body=flat white&signType=RSA&zone=null"),
        ("percent", "body=flat%20white&signType=RSA"),
        ("form", "body=flat+white&signType=RSA"),
        (
            "without-sign-type,empty,null-as-text,form",
            "attach=&body=flat+white&zone=null",
        ),
    ] {
        let printed = run(&["canonical", "--set", set], members.as_bytes());
        assert_eq!(printed.stdout, canonical, "{}", printed.stderr);
        let sign = ["sign", "--key", &private, "--set", set];
        let signed = run(&sign, members.as_bytes()).stdout;
        let verify = ["verify", "--key", &public, "--set", set];
        let verified = run(&verify, signed.as_bytes());
        assert_eq!(verified.code, 0, "{}", verified.stderr);

        let explained = run(&["explain", "--key", &public], signed.as_bytes()).stdout;
        if set == "documented" {
            assert!(explained.contains("nothing needs to change"), "{explained}");
            continue;
        }
        assert!(explained.contains(&format!("`--set {set}`")), "{explained}");
        assert_eq!(run(&verify[..3], signed.as_bytes()).code, 1);
        let explain = ["explain", "--key", &public, "--set", set];
        let explained = run(&explain, signed.as_bytes()).stdout;
        assert!(explained.contains("nothing needs to change"), "{explained}");
        assert!(
            explained.contains(&format!("canonical  {canonical}\n")),
            "{explained}"
        );
    }
}

#[test]
fn an_answer_whose_envelope_is_signed_is_verified_as_a_whole() {
    let (private, public) = (key("platform-2048.pkcs8.pem"), key("platform-2048.pub.pem"));
    // Signed flat, which has the same text.
    let flat = r#"{"code":0,"msg":"OK","outTradeNo":"A1"}"#;
    let sign = run(&["sign", "--key", &private, "--only-sign"], flat.as_bytes()).stdout;
    let body = format!(
        r#"{{"code":0,"msg":"OK","data":{{"outTradeNo":"A1","sign":"{}"}}}}"#,
        sign.trim_end()
    );
    let verify = ["verify", "--key", &public, "--set", "envelope"];
    assert_eq!(run(&verify, body.as_bytes()).code, 0);
    let changed = body.replace("OK", "KO");
    assert_eq!(run(&verify, changed.as_bytes()).code, 1);
    assert_eq!(run(&verify[..3], body.as_bytes()).code, 1);
}
