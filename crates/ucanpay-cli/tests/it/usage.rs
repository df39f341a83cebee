//! Used wrongly, and read by somebody who stops reading.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use crate::program::{PROGRAM, key, run, vectors};

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_wrong() {
    let (private, public) = (key("merchant-2048.pkcs8.pem"), key("merchant-2048.pub.pem"));
    let cases: [(&[&str], &str); 20] = [
        (&[], "Usage"),
        (&["pay"], "pay"),
        (&["key"], "Usage"),
        (&["sign"], "--key"),
        (&["verify"], "--key"),
        (&["explain"], "--key"),
        (
            &["sign", "--key", &private, "--scheme", "md4"],
            "no scheme of that name",
        ),
        (
            &["sign", "--key", &private, "--scheme", "path-suffixed"],
            "give it with --path",
        ),
        (
            &["sign", "--key", &private, "--path", "/payment/refund"],
            "the scheme appends no path",
        ),
        (
            &["verify", "--key", &public, "--path", "/payment/refund"],
            "the scheme appends no path",
        ),
        (&["canonical", "--set", "everything"], "without-sign-type, "),
        (
            &["explain", "--key", &public, "--set", "percent,form"],
            "percent excludes form",
        ),
        (
            &["sign", "--key", &private, "--md5-secret-file", "s"],
            "cannot be used with",
        ),
        (
            &["verify", "--md5-secret-file", "s", "--scheme", "sha1"],
            "cannot be used with",
        ),
        (
            &[
                "sign",
                "--md5-secret-file",
                "s",
                "--path",
                "/payment/refund",
            ],
            "cannot be used with",
        ),
        (
            &["sign", "--key", &public],
            "the private key is needed here",
        ),
        (
            &["verify", "--key", &private],
            "the public key is needed here",
        ),
        (
            &["verify", "--key", "/missing.pem"],
            "/missing.pem: cannot be read",
        ),
        (
            &["canonical", "/missing.json"],
            "/missing.json cannot be read",
        ),
        (
            &["key", "show", "/missing.pem"],
            "/missing.pem: cannot be read",
        ),
    ];
    for (arguments, expected) in cases {
        let run = run(arguments, b"{}");
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(
            run.stderr.contains(expected),
            "{arguments:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn a_key_given_in_place_of_a_file_is_not_repeated() {
    for name in [
        "merchant-2048.pkcs8.b64",
        "merchant-2048.pkcs8.pem",
        "merchant-1024.pkcs1.pem",
    ] {
        let text = std::fs::read_to_string(key(name)).unwrap();
        // Of the secret part, whatever the format: not one run of eight characters.
        let lines = text.lines().filter(|line| !line.starts_with("-----"));
        let canary: Vec<char> = lines.flat_map(str::chars).skip(40).collect();
        assert!(canary.len() > 500);
        let joined = format!("--key={text}");
        for arguments in [
            &["sign", "--key", &text][..],
            &["sign", &joined],
            &["verify", "--key", &text],
            &["explain", "--own-key", &text],
            &["key", "show", &text],
            &["key", "match", &text, &text],
            &["key", "generate", "--out", &text],
            &["canonical", &text],
            &["sign", "--scheme", &text],
            &["order", "place", "--request", &text],
            &[
                "notify",
                "http://127.0.0.1:9/",
                "--platform-private-key",
                &text,
                "--order",
                "A1",
                "--amount",
                "1",
                "--ucp-order-no",
                "7",
            ],
            &["sandbox", "serve", "--merchant-public-key", &text],
            &["sandbox", "pay", &text],
            &[&text],
        ] {
            let run = run(arguments, b"{}");
            assert_eq!((run.code, run.stdout.as_str()), (2, ""));
            assert!(
                run.stderr.contains("give a file that holds it"),
                "{}",
                run.stderr
            );
            assert!(run.stderr.len() < 300, "{}", run.stderr);
            let said: String = run.stderr.split_whitespace().collect();
            for run_of_eight in canary.windows(8) {
                let secret: String = run_of_eight.iter().collect();
                assert!(!said.contains(&secret), "{}", arguments[0]);
            }
        }
    }
}

#[test]
fn a_secret_given_in_place_of_its_file_is_not_repeated_however_short_it_is() {
    let (private, public) = (key("merchant-2048.pkcs8.pem"), key("merchant-2048.pub.pem"));
    for secret in [
        "canary",
        "-canary",
        "--canary",
        "canary/canary",
        "can ary\n",
    ] {
        for arguments in [
            &["sign", "--md5-secret-file", secret][..],
            &["verify", "--md5-secret-file", secret],
            &["explain", "--md5-secret-file", secret],
            &["explain", "--key", &public, "--md5-secret-file", secret],
        ] {
            let run = run(arguments, b"{}");
            assert_eq!((run.code, run.stdout.as_str()), (2, ""));
            let said = "--md5-secret-file: what it names cannot be read: ";
            assert!(run.stderr.contains(said), "{}", run.stderr);
            let next = "give a file that holds the secret, never the secret itself";
            assert!(run.stderr.contains(next), "{}", run.stderr);
            assert!(
                !run.stderr.contains("canary") && !run.stderr.contains("can ary"),
                "{arguments:?}"
            );
        }
        // Nor where the parser speaks.
        for arguments in [
            &["sign", "--key", &private, "--md5-secret-file", secret][..],
            &["sign", "--md5-secret-file", secret, "--nothing"],
        ] {
            let run = run(arguments, b"{}");
            assert_eq!((run.code, run.stdout.as_str()), (2, ""));
            assert!(
                !run.stderr.contains("canary") && !run.stderr.contains("can ary"),
                "{}",
                run.stderr
            );
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let named = file.to_str().unwrap();
    for (bytes, expected) in [(&b" \n"[..], "is empty"), (b"\xff", "is not UTF-8")] {
        std::fs::write(&file, bytes).unwrap();
        let run = run(&["sign", "--md5-secret-file", named], b"{}");
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
}

#[test]
fn a_long_path_of_a_file_that_exists_is_shown_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("k".repeat(150));
    std::fs::write(&file, "no key").unwrap();
    let file = file.to_str().unwrap();
    let run = run(&["key", "show", file], b"");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains(file), "{}", run.stderr);
}

#[test]
fn help_tells_the_exit_codes_and_is_no_error() {
    for arguments in [
        &["--help"][..],
        &["verify", "--help"],
        &["key", "generate", "--help"],
    ] {
        let run = run(arguments, b"");
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        assert!(run.stdout.contains("Exit codes:"), "{}", run.stdout);
    }
    assert_eq!(run(&["--version"], b"").stdout, "ucanpay 0.1.0\n");
}

#[test]
fn a_file_and_a_dash_are_read_like_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("message.json");
    std::fs::write(&file, r#"{"b":1,"a":2}"#).unwrap();
    assert_eq!(
        run(&["canonical", file.to_str().unwrap()], b"").stdout,
        "a=2&b=1"
    );
    assert_eq!(
        run(&["canonical", "-"], br#"{"b":1,"a":2}"#).stdout,
        "a=2&b=1"
    );
}

#[test]
fn a_message_beyond_all_measure_is_not_read_to_its_end() {
    let run = run(&["canonical"], &vec![b' '; 1024 * 1024 + 1]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("larger than 1048576 bytes"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_reader_that_stops_reading_is_no_error_and_the_verdict_stands() {
    let vectors = vectors("notifications");
    let genuine = vectors["cases"][0]["body"].as_str().unwrap();
    let platform = key("platform-2048.pub.pem");
    for (arguments, code) in [
        (&["verify", "--key", &platform][..], 0),
        (&["explain", "--key", &platform], 0),
        (&["--help"], 0),
    ] {
        let mut child = Command::new(PROGRAM)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let _ = child.stdin.take().unwrap().write_all(genuine.as_bytes());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), stderr.as_str()),
            (Some(code), ""),
            "{arguments:?}"
        );
    }
}
