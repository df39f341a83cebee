//! `notifications.json` through `verify`.

use crate::program::{key, run, vectors};

#[test]
fn the_exit_code_is_the_verdict_on_every_notification() {
    let platform = key("platform-2048.pub.pem");
    let vectors = vectors("notifications");
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() > 60);
    for case in cases {
        let body = case["body"].as_str().unwrap().as_bytes();
        let strict = run(
            &[
                "verify",
                "--notification",
                "--key",
                &platform,
                "--merchant",
                "2000000010",
            ],
            body,
        );
        let expected = i32::from(case["expect"] == "refused");
        assert_eq!(strict.code, expected, "{}: {}", case["name"], strict.stderr);
        match expected {
            0 => assert!(strict.stdout.contains("notification, key 0eb60c27dc3703f9")),
            _ => assert!(
                strict.stderr.starts_with("ucanpay: refused: "),
                "{}",
                strict.stderr
            ),
        }
        // Without being told what it is, it takes one more: signed members without an envelope.
        let alone = case["name"] == "bare data without an envelope";
        let lenient = run(&["verify", "--key", &platform], body);
        assert_eq!(
            lenient.code,
            if alone { 0 } else { expected },
            "{}",
            case["name"]
        );
    }
}

#[test]
fn another_merchants_message_is_refused_when_the_merchant_is_named() {
    let vectors = vectors("notifications");
    let body = vectors["cases"][0]["body"].as_str().unwrap().as_bytes();
    let platform = key("platform-2048.pub.pem");
    let run = run(&["verify", "--key", &platform, "--merchant", "1"], body);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("merchant 2000000010, not 1"),
        "{}",
        run.stderr
    );
}

#[test]
fn during_a_rotation_the_key_that_fits_is_named() {
    let vectors = vectors("notifications");
    let body = vectors["cases"][0]["body"].as_str().unwrap().as_bytes();
    let (old, new) = (key("platform-1024.pub.pem"), key("platform-2048.pub.der"));
    let run = run(&["verify", "--key", &old, "--key", &new], body);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains("key 0eb60c27dc3703f9"),
        "{}",
        run.stdout
    );
}
