//! The program itself: killed without warning, and started wrongly.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::merchant::{MERCHANT_ID, http, is_signed, key, order, signed};
use crate::shop::Shop;

const PROGRAM: &str = env!("CARGO_BIN_EXE_ucanpay-sandbox");
const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/keys");

struct Process {
    child: Child,
    base: String,
}

impl Process {
    fn start(state: &Path) -> Self {
        let mut child = Command::new(PROGRAM)
            .args([
                "--listen",
                "127.0.0.1:0",
                "--merchant-id",
                MERCHANT_ID,
                "--notify-interval",
                "200ms",
            ])
            .args([
                "--merchant-public-key",
                &format!("{KEYS}/merchant-2048.pub.pem"),
            ])
            .args([
                "--platform-private-key",
                &format!("{KEYS}/platform-2048.pkcs8.pem"),
            ])
            .arg("--state")
            .arg(state)
            .env("RUST_LOG", "off")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base = lines
            .map_while(Result::ok)
            .find_map(|line| {
                line.trim()
                    .strip_prefix("dashboard")
                    .map(|url| url.trim().trim_end_matches('/').to_owned())
            })
            .unwrap();
        Self { child, base }
    }

    async fn post(&self, path: &str, body: String) -> serde_json::Value {
        let response = http()
            .post(format!("{}{path}", self.base))
            .body(body)
            .send()
            .await
            .unwrap();
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL; already dead is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_killed_sandbox_is_found_again_with_its_pending_notification() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("sandbox.db");
    let shop = Shop::open(0).await;

    let process = Process::start(&state);
    let request = signed(order("A1", &shop.url), &key("merchant-2048")).to_string();
    let placed = process.post("/payment/unifiedorder", request).await;
    let paid = process
        .post(
            "/_sandbox/orders/A1/pay",
            r#"{"notify_after":"800ms"}"#.to_owned(),
        )
        .await;
    assert_eq!(paid["tradeStatus"], "SUCCESS");
    drop(process);
    assert!(shop.inbox().is_empty());

    let process = Process::start(&state);
    let query = signed(json!({ "outTradeNo": "A1" }), &key("merchant-2048")).to_string();
    let answer = process.post("/payment/orderquery", query).await;
    assert_eq!(
        (
            &answer["data"]["tradeStatus"],
            &answer["data"]["ucpOrderNo"]
        ),
        (&json!("SUCCESS"), &placed["data"]["ucpOrderNo"])
    );
    for _ in 0..200 {
        if !shop.inbox().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(shop.data(0)["outTradeNo"], "A1");
    assert!(is_signed(&shop.data(0), &key("platform-2048")));
}

#[test]
fn a_wrong_start_says_what_is_wrong_and_exits_non_zero() {
    let private = format!("{KEYS}/platform-2048.pkcs8.pem");
    let public = format!("{KEYS}/merchant-2048.pub.pem");
    let cases: [(&[&str], i32, &str); 6] = [
        (&["--frobnicate"], 2, "--frobnicate"),
        (
            &[
                "--merchant-id",
                "1",
                "--merchant-public-key",
                &public,
                "--platform-private-key",
                &private,
                "--listen",
                "0.0.0.0:0",
            ],
            2,
            "--allow-remote",
        ),
        (
            &["--set", "name-in=nowhere"],
            2,
            "one of msg, code, errCode",
        ),
        (
            &[
                "--merchant-id",
                "1",
                "--merchant-public-key",
                &public,
                "--platform-private-key",
                &private,
                "--seed",
                "/missing",
            ],
            1,
            "--seed /missing cannot be read",
        ),
        (
            &[
                "--merchant-id",
                "1",
                "--merchant-public-key",
                "/missing",
                "--platform-private-key",
                &private,
            ],
            1,
            "--merchant-public-key /missing cannot be read",
        ),
        (
            &[
                "--merchant-id",
                "1",
                "--merchant-public-key",
                &public,
                "--platform-private-key",
                &public,
            ],
            1,
            "--platform-private-key",
        ),
    ];
    let pem = std::fs::read_to_string(&private).unwrap();
    let key: [&str; 2] = ["--platform-private-key", &pem];
    let cases = cases.into_iter();
    for (arguments, status, expected) in cases.chain([(&key[..], 2, "give a file that holds it")]) {
        let output = Command::new(PROGRAM).args(arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{text}");
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains(&pem[100..108]), "a key is never shown");
    }
}
