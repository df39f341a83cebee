//! `key generate`, `key show`, `key match`.

use std::fs;

use crate::program::{key, run};

#[test]
fn a_generated_key_is_its_owners_alone_works_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.pem");
    let file = path.to_str().unwrap();
    let made = run(&["key", "generate", "--bits", "1024", "--out", file], b"");
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(made.stdout.starts_with("-----BEGIN PUBLIC KEY-----\n"));
    assert!(!made.stdout.contains("PRIVATE"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let before = fs::read(&path).unwrap();
    let again = run(&["key", "generate", "--bits", "1024", "--out", file], b"");
    assert_eq!(again.code, 2);
    assert!(
        again.stderr.contains("never overwritten"),
        "{}",
        again.stderr
    );
    assert_eq!(fs::read(&path).unwrap(), before);

    // What was printed is the other half.
    let public = folder.path().join("own.pub.pem");
    fs::write(&public, &made.stdout).unwrap();
    let matched = run(&["key", "match", file, public.to_str().unwrap()], b"");
    assert_eq!(matched.code, 0, "{}", matched.stdout);
    let shown = run(&["key", "show", file], b"").stdout;
    let fingerprint = shown
        .lines()
        .last()
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap();
    assert!(made.stdout.contains(fingerprint));
}

#[test]
fn a_size_out_of_range_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.pem");
    for bits in ["512", "1023", "8192"] {
        let file = path.to_str().unwrap();
        let run = run(&["key", "generate", "--bits", bits, "--out", file], b"");
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains("at least 1024"), "{}", run.stderr);
    }
    assert!(!path.exists());
}

#[test]
fn show_tells_every_format() {
    for (file, kind, format) in [
        ("pkcs8.pem", "private key", "PKCS#8, PEM"),
        ("pkcs8.der", "private key", "PKCS#8, DER"),
        ("pkcs8.b64", "private key", "PKCS#8, base64"),
        ("pkcs1.pem", "private key", "PKCS#1, PEM"),
        ("pub.pem", "public key", "SubjectPublicKeyInfo, PEM"),
        ("pub.der", "public key", "SubjectPublicKeyInfo, DER"),
        ("pub.b64", "public key", "SubjectPublicKeyInfo, base64"),
        ("pub.pkcs1.pem", "public key", "PKCS#1, PEM"),
    ] {
        let shown = run(
            &["key", "show", &key(&format!("platform-2048.{file}"))],
            b"",
        );
        let expected = format!(
            "kind         RSA {kind}\nformat       {format}\nbits         2048\nexponent     65537\nfingerprint  0eb60c27dc3703f9\n"
        );
        assert_eq!((shown.code, shown.stdout), (0, expected), "{file}");
    }
}

#[test]
fn match_is_the_exit_code() {
    let own = key("merchant-2048.pkcs1.pem");
    for (other, code) in [
        ("merchant-2048.pub.pem", 0),
        ("merchant-2048.pkcs8.der", 0),
        ("platform-2048.pub.pem", 1),
        ("merchant-1024.pub.pem", 1),
    ] {
        let run = run(&["key", "match", &own, &key(other)], b"");
        assert_eq!(run.code, code, "{other}: {}", run.stdout);
    }
}
