//! `--json` has the members that the README's table says.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    gateway::Gateway,
    program::{Run, key},
};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

/// What stands between backticks in the table's row for this command, list by list.
fn documented(command: &str) -> Vec<BTreeSet<String>> {
    let text = std::fs::read_to_string(README).unwrap();
    let (_, table) = text.split_once("| `--json` of |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let mut rows = table
        .lines()
        .map(|line| line.split('|').collect::<Vec<_>>());
    let row = rows.find(|row| row.len() > 2 && row[1].contains(&format!("`{command}`")));
    let row = row.unwrap_or_else(|| panic!("no row for {command}"));
    let names = |part: &str| {
        part.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    row[2].split("each").map(names).collect()
}

fn object(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr))
}

fn members(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_call_prints_the_members_that_the_readme_says() {
    let gateway = Gateway::open(|config| config);
    let place = |order| {
        let what = [
            "order",
            "place",
            order,
            "--amount",
            "450",
            "--subject",
            "coffee",
            "--json",
        ];
        gateway.run(&what)
    };
    let check = |command: &str, run: &Run| {
        assert_eq!(
            [members(&object(run))],
            documented(command)[..],
            "{command}"
        );
        assert_eq!(object(run)["result"], "done", "{command}");
    };
    check("order place", &place("A1"));
    gateway.control("orders/A1/pay", "");
    check(
        "order query",
        &gateway.run(&["order", "query", "A1", "--json"]),
    );
    check(
        "refund request",
        &gateway.run(&["refund", "request", "A1", "R1", "--amount", "150", "--json"]),
    );
    gateway.control("refunds/R1/succeed", "");
    check(
        "refund query",
        &gateway.run(&["refund", "query", "A1", "R1", "--json"]),
    );
    for (command, order) in [("close", "A2"), ("reverse", "A3")] {
        place(order);
        let run = gateway.run(&["order", command, order, "--json"]);
        check(&format!("order {command}"), &run);
    }
    let refused =
        object(&gateway.run(&["refund", "request", "A1", "R2", "--amount", "301", "--json"]));
    let expected = ["error", "gateway", "result"].map(str::to_owned);
    assert_eq!(members(&refused), BTreeSet::from(expected), "{refused}");
    let expected = ["message", "name", "signed"].map(str::to_owned);
    assert_eq!(members(&refused["gateway"]), BTreeSet::from(expected));
}

#[test]
fn doctor_probe_and_notify_print_the_members_that_the_readme_says() {
    let gateway = Gateway::open(|config| config);
    let doctor = object(&gateway.run(&["doctor", "--offline", "--json"]));
    let posted = |command: &str, more: &[&str]| {
        let endpoint = format!("{}/ucanpay/payment", gateway.base);
        let platform = key("platform-2048.pkcs8.pem");
        let about = [
            command,
            &endpoint,
            "--platform-private-key",
            &platform,
            "--order",
            "A1",
            "--amount",
            "450",
            "--ucp-order-no",
            "7",
            "--json",
        ];
        object(&gateway.run(&[&about[..], more].concat()))
    };
    let probe = posted("probe", &["--timeout", "1"]);
    let notify = posted("notify", &[]);
    for (command, found, list) in [
        ("doctor", doctor, "checks"),
        ("probe", probe, "cases"),
        ("notify", notify, "answers"),
    ] {
        let all = found[list].as_array().unwrap().clone();
        assert_eq!(
            vec![members(&found), members(&all[0])],
            documented(command),
            "{command}"
        );
    }
}
