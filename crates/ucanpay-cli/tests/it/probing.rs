//! The conformance kit, against the example shop and against endpoints with one fault each.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    endpoint::{self, Fault},
    gateway::{Gateway, MERCHANT_ID},
    program::{Run, key, run},
    shop::Shop,
};

/// The names of the cases with this verdict.
fn cases(run: &Run, met: &Value) -> Vec<String> {
    let found: Value = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr));
    let cases = found["cases"].as_array().unwrap();
    let cases = cases.iter().filter(|case| case["met"] == *met);
    cases
        .map(|case| case["name"].as_str().unwrap().to_owned())
        .collect()
}

fn probe(base: &str, more: &[&str]) -> Run {
    let platform = key("platform-1024.pkcs8.pem");
    let url = format!("{base}/notify");
    let about = [
        "probe",
        &url,
        "--order",
        "A1",
        "--amount",
        "450",
        "--ucp-order-no",
        "7",
        "--merchant-id",
        MERCHANT_ID,
        "--platform-private-key",
        &platform,
        "--json",
    ];
    run(&[&about[..], more].concat(), b"")
}

fn probe_order(base: &str, timeout: &str) -> Run {
    let page = format!("{base}/order");
    let looked_at = ["--order-url", &page, "--paid", "is: paid"];
    probe(base, &[&looked_at[..], &["--timeout", timeout]].concat())
}

#[test]
fn the_example_shop_meets_every_expectation() {
    let gateway = Gateway::open(|config| config);
    let shop = Shop::open(&gateway);
    let order = shop.place(&gateway);
    let page = format!("{}/api/orders/{}", shop.base, order.number);
    let looked_at = ["--order-url", &page, "--paid", r#""status":"paid""#];
    let probed = order.run(&gateway, "probe", &shop.notify_url(), &looked_at);
    assert_eq!(probed.code, 0, "{}{}", probed.stdout, probed.stderr);
    assert!(
        probed.stdout.contains("\n29 met, 0 not met, 0 not told\n"),
        "{}",
        probed.stdout
    );
    assert!(
        !probed.stdout.contains('\x1b'),
        "no colours but on a terminal"
    );
    assert_eq!(probed.stderr, "", "no progress but on a terminal");

    let again = order.run(&gateway, "probe", &shop.notify_url(), &looked_at);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("paid already"), "{}", again.stderr);
}

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_careful_endpoint_in_another_language_meets_every_expectation() {
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests");
    let mut child = Command::new("python3")
        .arg(format!("{tests}/peers/endpoint.py"))
        .args([MERCHANT_ID, &key("merchant-1024.pkcs8.pem"), &key("platform-1024.pub.pem"), "A1", "450"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed for this test: install it, with its package cryptography or the program openssl");
    let mut port = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut port)
        .unwrap();
    let _ended = Ended(child);
    let probed = probe_order(&format!("http://127.0.0.1:{}", port.trim()), "60");
    assert_eq!(probed.code, 0, "{}", probed.stdout);
    assert_eq!(cases(&probed, &true.into()).len(), 29);
}

#[test]
fn each_fault_of_an_endpoint_is_found_and_nothing_else() {
    let copies = [
        "duplicate",
        "concurrent",
        "new nonce",
        "reordered members",
        "re-encoded text",
        "data as text",
        "unknown member",
    ];
    let after_payment: Vec<&str> = copies.iter().copied().chain(["replayed at last"]).collect();
    let all_taken: Vec<&str> = ["genuine"]
        .into_iter()
        .chain(after_payment.clone())
        .collect();
    let everything = [
        "empty data",
        "unsigned",
        "bad signature",
        "wrong key",
        "mutated amount",
        "mutated status",
        "re-split members",
        "member twice",
        "MD5 by public key",
        "MD5 without secret",
    ];
    let faults = [
        (Fault::None, &[][..]),
        (Fault::ReadsLoosely, &["re-split members", "member twice"]),
        (
            Fault::LetsTheMessageChooseItsAlgorithm,
            &["MD5 by public key", "MD5 without secret"],
        ),
        (Fault::IgnoresTheAmount, &["wrong amount"]),
        (Fault::IgnoresTheCurrency, &["wrong currency"]),
        (Fault::IgnoresTheStatus, &["slow sender"]),
        (Fault::IgnoresTheMerchant, &["wrong merchant"]),
        (Fault::IgnoresTheOrder, &["wrong order"]),
        (Fault::RefusesCopies, &after_payment),
        (Fault::TakesTheLatestNews, &["earlier news"]),
        (Fault::ReadsWithoutLimit, &["oversized"]),
        (Fault::ReadsOneAtATime, &["slow sender"]),
        (Fault::AnswersInItsOwnWords, &all_taken),
        (Fault::PaysLate, &["wrong order"]),
        (Fault::BelievesEverything, &everything),
    ];
    // Each of them mostly waits.
    std::thread::scope(|scope| {
        for (fault, expected) in faults {
            scope.spawn(move || finds(fault, expected));
        }
    });
}

fn finds(fault: Fault, expected: &[&str]) {
    // Long enough for a busy machine, where nobody has to be waited for.
    let timeout = match fault {
        Fault::ReadsOneAtATime => "5",
        _ => "60",
    };
    let probed = probe_order(&endpoint::open(fault), timeout);
    let mut found = cases(&probed, &false.into());
    if fault == Fault::AnswersInItsOwnWords {
        // Also where SUCCESS or FAIL will do.
        let taken = &expected;
        found.retain(|name| taken.contains(&name.as_str()));
    }
    if fault == Fault::BelievesEverything {
        // The first of them pays the order; the last one is too large for it.
        assert_eq!(cases(&probed, &Value::Null).len(), 6, "{}", probed.stdout);
    }
    assert_eq!(found, expected, "{fault:?}");
    assert_eq!(probed.code, i32::from(!expected.is_empty()), "{fault:?}");
}

#[test]
fn without_the_orders_page_only_answers_are_judged_and_that_is_said() {
    let base = endpoint::open(Fault::IgnoresTheAmount);
    let probed = probe(&base, &[]);
    assert_eq!(probed.code, 0, "{}", probed.stdout);
    assert_eq!(
        cases(&probed, &Value::Null),
        [
            "not paid yet",
            "wrong amount",
            "wrong currency",
            "wrong merchant",
            "wrong order",
            "earlier news"
        ]
    );
}

#[test]
fn a_probe_that_cannot_begin_says_why() {
    let nobody = probe("http://127.0.0.1:9", &[]);
    assert_eq!(nobody.code, 4, "{}", nobody.stderr);
    let base = endpoint::open(Fault::None);
    let page = format!("{base}/nothing");
    let lost = probe(&base, &["--order-url", &page, "--paid", "x"]);
    assert_eq!(lost.code, 2);
    assert!(
        lost.stderr
            .contains("--order-url cannot be read: it answers HTTP 404"),
        "{}",
        lost.stderr
    );
}
