//! A merchant in another language, with its own cryptography: each rule, in both directions.

use std::process::Command;

use crate::merchant::{MERCHANT_ID, Served, config};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests");

/// So many rules have a test in `tests/peers/rules.py`.
const RULES: usize = 33;

#[tokio::test]
async fn a_merchant_written_in_python_finds_every_rule_kept() {
    let served = Served::start(config()).await;
    let base = served.base.clone();
    let output = tokio::task::spawn_blocking(move || {
        Command::new("python3")
            .arg(format!("{FOLDER}/peers/rules.py"))
            .args([&base, MERCHANT_ID])
            .arg(format!("{FOLDER}/fixtures/keys/merchant-2048.pkcs8.pem"))
            .arg(format!("{FOLDER}/fixtures/keys/platform-2048.pub.pem"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .expect("python3 is needed for this test: install it, with its package cryptography or the program openssl")
    });
    let output = output.await.unwrap();
    let report = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{report}");
    let kept = report.lines().filter(|line| line.ends_with(" ... ok"));
    assert_eq!(kept.count(), RULES, "{report}");
}
