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
