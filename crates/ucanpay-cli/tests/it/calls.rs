//! Orders and refunds against the sandbox, and how their outcomes are told.

use serde_json::Value;

use crate::gateway::Gateway;
use crate::program::Run;

const PLACE: [&str; 7] = [
    "order",
    "place",
    "A1",
    "--amount",
    "450",
    "--subject",
    "coffee",
];

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr))
}

fn paid() -> Gateway {
    let gateway = Gateway::open(|config| config);
    assert_eq!(gateway.run(&PLACE).code, 0);
    assert_eq!(
        gateway.control("orders/A1/pay", "")["tradeStatus"],
        "SUCCESS"
    );
    gateway
}

#[test]
fn an_order_is_placed_paid_refunded_and_asked_about() {
    let gateway = Gateway::open(|config| config);
    let placed = gateway.run(&PLACE);
    assert_eq!((placed.code, placed.stderr.as_str()), (0, ""));
    let number = placed
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("ucpOrderNo"));
    let number = number.unwrap().trim();
    let link = format!(
        "{0}/?link={0}/pay?ucpOrderNo%3D{number}%26amount%3D450%26item%3Dcoffee",
        gateway.base
    );
    assert!(placed.stdout.contains(&link), "{}", placed.stdout);
    let again = gateway.run(&[
        "link",
        "A1",
        "--ucp-order-no",
        number,
        "--amount",
        "450",
        "--item",
        "coffee",
    ]);
    assert!(again.stdout.starts_with(&link), "{}", again.stdout);

    let query = gateway.run(&["order", "query", "A1", "--json"]);
    assert_eq!(json(&query)["tradeStatus"], "NOTPAY");
    gateway.control("orders/A1/pay", "");
    let query = gateway.run(&["order", "query", "A1", "--ucp-order-no", number]);
    assert!(
        query.stdout.contains("tradeStatus  SUCCESS\n"),
        "{}",
        query.stdout
    );

    let refund = gateway.run(&["refund", "request", "A1", "R1", "--amount", "150", "--json"]);
    assert_eq!(
        (refund.code, &json(&refund)["refundAmt"]),
        (0, &150.into()),
        "{}",
        refund.stdout
    );
    let refunded = || json(&gateway.run(&["refund", "query", "A1", "R1", "--json"]));
    assert!(refunded()["refundStatus"] == "PROCESSING" || refunded()["refundStatus"] == "SUCCESS");
    gateway.control("refunds/R1/succeed", "");
    assert_eq!(refunded()["refundStatus"], "SUCCESS");
}

#[test]
fn a_dry_run_sends_nothing_and_its_bytes_are_one_order_however_often_they_are_sent() {
    let gateway = Gateway::open(|config| config);
    let dry = gateway.run(&[&PLACE[..], &["--dry-run"]].concat());
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert_eq!(json(&dry)["outTradeNo"], "A1");
    assert!(json(&dry)["sign"].is_string());
    assert_eq!(gateway.run(&["order", "query", "A1"]).code, 3);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("order.json");
    std::fs::write(&file, &dry.stdout).unwrap();
    let send = || {
        gateway.run(&[
            "order",
            "place",
            "--request",
            file.to_str().unwrap(),
            "--json",
        ])
    };
    let (one, other) = (json(&send()), json(&send()));
    assert_eq!(one["result"], "done", "{one}");
    assert_eq!(one["ucpOrderNo"], other["ucpOrderNo"]);

    // A file that holds something else is not sent.
    let refund = gateway.run(&["refund", "request", "--request", file.to_str().unwrap()]);
    assert_eq!(refund.code, 2);
    assert!(
        refund
            .stderr
            .contains("has no outRefundNo, and was not sent"),
        "{}",
        refund.stderr
    );
}

#[test]
fn a_refund_can_be_kept_before_it_is_sent_and_needs_its_numbers_for_that() {
    let gateway = paid();
    let placed = json(&gateway.run(&["order", "query", "A1", "--json"]));
    let number = placed["ucpOrderNo"].as_str().unwrap();
    let request = [
        "refund",
        "request",
        "A1",
        "R1",
        "--amount",
        "150",
        "--dry-run",
    ];
    let without = gateway.run(&request);
    assert_eq!(without.code, 2);
    assert!(
        without.stderr.contains("give --ucp-order-no and --total"),
        "{}",
        without.stderr
    );
    let dry = gateway.run(&[&request[..], &["--ucp-order-no", number, "--total", "450"]].concat());
    assert_eq!(json(&dry)["refundAmt"], 150);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("refund.json");
    std::fs::write(&file, &dry.stdout).unwrap();
    let sent = gateway.run(&["refund", "request", "--request", file.to_str().unwrap()]);
    assert_eq!(sent.code, 0, "{}", sent.stderr);
    assert!(sent.stdout.contains("no refund yet"), "{}", sent.stdout);
}

#[test]
fn an_unpaid_order_is_closed_and_a_paid_one_is_left_alone() {
    let gateway = Gateway::open(|config| config);
    gateway.run(&PLACE);
    let closed = gateway.run(&["order", "close", "A1", "--json"]);
    assert_eq!(
        (closed.code, &json(&closed)["tradeStatus"]),
        (0, &"CLOSED".into()),
        "{}",
        closed.stdout
    );
    let again = gateway.run(&["order", "close", "A1"]);
    assert_eq!(again.code, 0);
    assert!(
        again.stdout.contains("nothing was sent but the query"),
        "{}",
        again.stdout
    );

    let gateway = paid();
    for end in ["close", "reverse"] {
        let left = gateway.run(&["order", end, "A1", "--json"]);
        assert_eq!(
            (left.code, &json(&left)["result"]),
            (1, &"refused".into()),
            "{}",
            left.stdout
        );
    }
    assert_eq!(
        json(&gateway.run(&["order", "query", "A1", "--json"]))["tradeStatus"],
        "SUCCESS"
    );
    let reversed = gateway.run(&["order", "reverse", "A1", "--without-query", "--json"]);
    assert_eq!(
        (reversed.code, &json(&reversed)["tradeStatus"]),
        (0, &"REVOKED".into()),
        "{}",
        reversed.stdout
    );
}

#[test]
fn each_way_to_end_has_its_exit_code() {
    let gateway = paid();
    // 1: refused, and nothing happened.
    let unpaid = [
        "order",
        "place",
        "B1",
        "--amount",
        "450",
        "--subject",
        "tea",
    ];
    assert_eq!(gateway.run(&unpaid).code, 0);
    let refund = gateway.run(&["refund", "request", "B1", "R1", "--amount", "1", "--json"]);
    assert_eq!(
        (refund.code, &json(&refund)["result"]),
        (1, &"refused".into()),
        "{}",
        refund.stdout
    );
    // 2: a setting, a file, the wording.
    for (name, value, said) in [
        ("UCANPAY_MERCHANT_ID", "", "UCANPAY_MERCHANT_ID is not set"),
        (
            "UCANPAY_PRIVATE_KEY_FILE",
            "/missing.pem",
            "UCANPAY_PRIVATE_KEY_FILE names /missing.pem, which cannot be read",
        ),
        (
            "UCANPAY_BASE_URL",
            "ftp://127.0.0.1",
            "UCANPAY_BASE_URL cannot be used",
        ),
        (
            "UCANPAY_NOTIFY_BASE_URL",
            "shop",
            "UCANPAY_NOTIFY_BASE_URL cannot be used",
        ),
        (
            "UCANPAY_SIGNED_SET",
            "everything",
            "UCANPAY_SIGNED_SET cannot be used",
        ),
        (
            "UCANPAY_SCHEME",
            "md4",
            "UCANPAY_SCHEME is \"md4\", which is no scheme; write documented",
        ),
        (
            "UCANPAY_RECEIVED_SUFFIX",
            "sometimes",
            "UCANPAY_RECEIVED_SUFFIX is \"sometimes\"; write none, call",
        ),
        (
            "UCANPAY_FRESH_NONCE_ON_RETRY",
            "yes",
            "UCANPAY_FRESH_NONCE_ON_RETRY is \"yes\"; write true",
        ),
        (
            "UCANPAY_MD5_SECRET_FILE",
            "/missing",
            "UCANPAY_MD5_SECRET_FILE names a file that cannot be read",
        ),
    ] {
        let run = gateway.run_with(&PLACE, &[(name, value)]);
        assert_eq!(run.code, 2, "{name}");
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    // 3: it happened, and nobody can know that from the answer.
    gateway.control(
        "faults",
        r#"{"faults":[{"fault":"call.corrupt_signature","on":"refund"}]}"#,
    );
    let lost = gateway.run(&["refund", "request", "A1", "R2", "--amount", "1", "--json"]);
    assert_eq!(
        (lost.code, &json(&lost)["result"]),
        (3, &"unknown".into()),
        "{}",
        lost.stdout
    );
    assert_eq!(
        json(&gateway.run(&["refund", "query", "A1", "R2", "--json"]))["refundAmt"],
        1
    );
    // 4: nothing happened, come again. A query that comes before a call leaves nothing behind.
    let fault = r#"{"faults":[{"fault":"call.corrupt_signature","on":"orderquery"}]}"#;
    gateway.control("faults", fault);
    let before: [&[&str]; 2] = [
        &["refund", "request", "A1", "R3", "--amount", "1", "--json"],
        &["order", "close", "B1", "--json"],
    ];
    for command in before {
        let run = gateway.run(command);
        assert_eq!((run.code, &json(&run)["result"]), (4, &"later".into()));
        let said = json(&run)["error"].to_string();
        assert!(said.contains("because the query"), "{said}");
        assert!(!said.contains("outcome unknown: "), "{said}");
    }
    gateway.control("faults", r#"{"faults":[{"fault":"call.block"}]}"#);
    let limited = gateway.run(&["order", "query", "A1", "--json"]);
    assert_eq!(
        (limited.code, &json(&limited)["result"]),
        (4, &"later".into()),
        "{}",
        limited.stdout
    );
    assert!(json(&limited)["retryAfterSeconds"].as_u64().unwrap() >= 1);
    let nobody = gateway.run_with(
        &["order", "query", "A1"],
        &[("UCANPAY_BASE_URL", "http://127.0.0.1:9")],
    );
    assert_eq!(nobody.code, 4, "{}", nobody.stderr);
    assert!(
        nobody.stderr.contains("nothing happened"),
        "{}",
        nobody.stderr
    );
}

#[test]
fn a_proxy_that_the_environment_names_gets_nothing() {
    let gateway = Gateway::open(|config| config);
    let nobody = "http://127.0.0.1:9";
    let proxies = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
    let proxies = proxies.map(|name| (name, nobody));
    let placed = gateway.run_with(&PLACE, &proxies);
    assert_eq!(placed.code, 0, "{}", placed.stderr);
}

#[test]
fn a_lost_answer_is_asked_for_again_with_the_same_bytes() {
    let gateway = Gateway::open(|config| config);
    gateway.control(
        "faults",
        r#"{"faults":[{"fault":"call.lost_answer","on":"unifiedorder","times":1}]}"#,
    );
    let placed = gateway.run(&[&PLACE[..], &["--json"]].concat());
    assert_eq!(
        (placed.code, &json(&placed)["result"]),
        (0, &"done".into()),
        "{}",
        placed.stdout
    );
}
