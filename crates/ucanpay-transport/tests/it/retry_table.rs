//! The retry table: walked through a client, each row with each operation; and the page that shows it.

use crate::scripted::*;
use http::StatusCode;
use std::collections::BTreeSet;
use std::fmt::{Debug, Write};
use std::time::Duration;
use ucanpay_core::{
    Amount, CloseOrder, Currency, Description, DeviceNo, Nonce, NotifyUrl, Operation, OutRefundNo,
    OutTradeNo, Refund, RefundQuery, RefundReason, Reverse, SceneType, Subject, UcpOrderNo,
    UnifiedOrder,
};
use ucanpay_transport::{Again, Client, Effect, Gate, Outcome, RETRY_TABLE, RetryRule};

/// All rows that are sent again: whoever adds one thinks twice.
const SENT_AGAIN: [Outcome; 5] = [
    Outcome::NotConnected,
    Outcome::AttemptTimeout,
    Outcome::Broken,
    Outcome::ServerError,
    Outcome::SystemError,
];

/// What the gateway does to bring a row about, in every way that the row names.
fn ways(row: &RetryRule) -> Vec<Box<dyn Fn() -> Reply>> {
    fn way(reply: impl Fn() -> Reply + 'static) -> Box<dyn Fn() -> Reply> {
        Box::new(reply)
    }
    let names_under = |status: StatusCode, wanted: fn(&RetryRule) -> bool| {
        let rows = RETRY_TABLE.iter().filter(move |row| wanted(row));
        let names = rows.flat_map(|row| row.names.iter());
        names.map(move |name| way(move || answer(status, unsigned(name))))
    };
    let harmless = |row: &RetryRule| row.effect == Effect::None;
    let later = |reply| with_header(reply, "retry-after", "30");
    let (limited, down) = (
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::INTERNAL_SERVER_ERROR,
    );
    match row.outcome {
        Outcome::NotConnected => vec![way(refused)],
        Outcome::HeldBack => vec![way(|| panic!("nothing arrives"))],
        Outcome::AttemptTimeout => vec![way(|| Reply::Hang)],
        Outcome::Broken => vec![way(reset)],
        Outcome::TooLarge => vec![way(|| {
            Reply::Fail(ucanpay_transport::AnswerTooLarge::new(1).into())
        })],
        Outcome::ServerError => vec![
            way(move || answer(down, "<html>down</html>")),
            way(move || answer(down, unsigned("SOMETHING_NEW"))),
        ],
        Outcome::ServerErrorLater => vec![way(move || later(answer(down, "")))],
        Outcome::Unfollowed => vec![way(|| answer(StatusCode::FOUND, ""))],
        Outcome::SystemError => [StatusCode::OK, StatusCode::BAD_REQUEST, down]
            .map(|status| way(move || answer(status, unsigned("SYSTEMERROR"))))
            .into(),
        Outcome::SystemErrorLater => {
            vec![way(move || later(answer(down, unsigned("SYSTEMERROR"))))]
        }
        Outcome::Blocked | Outcome::Busy | Outcome::NotDone | Outcome::AskFirst => {
            [StatusCode::OK, StatusCode::BAD_REQUEST]
                .into_iter()
                .flat_map(|status| {
                    let names = row.names.iter();
                    names.map(move |name| way(move || answer(status, unsigned(name))))
                })
                .collect()
        }
        Outcome::Unclear => vec![
            way(|| error_name("ERROR")),
            way(|| error_name("SOMETHING_NEW")),
        ],
        Outcome::NamedInBreakdown => names_under(down, harmless).collect(),
        Outcome::Limited => names_under(limited, harmless)
            .chain([
                way(move || answer(limited, "slow down")),
                way(move || answer(limited, "")),
            ])
            .collect(),
        Outcome::LimitedUnclear => names_under(limited, |row| row.effect == Effect::Unknown)
            .chain([
                way(move || answer(limited, r#"{"code":0,"msg":"SUCCESS"}"#)),
                way(move || answer(limited, r#"{"code":0,"da"#)),
            ])
            .collect(),
        Outcome::Untrusted => vec![way(|| {
            answer(StatusCode::OK, r#"{"code":0,"msg":"SUCCESS"}"#)
        })],
        Outcome::Malformed => vec![way(|| answer(StatusCode::OK, "<html>welcome</html>"))],
        other => panic!("{other:?} has no way here: add one"),
    }
}

async fn walk<O: Operation<Answer: Debug>>(operation: &O) {
    let request = merchant().sign(operation, Nonce::random()).unwrap();
    for row in RETRY_TABLE {
        for way in ways(row) {
            let held_back = row.outcome == Outcome::HeldBack;
            let attempts = match row.again {
                _ if held_back => 0,
                Again::Yes => 3,
                Again::No => 1,
            };
            let gate = Gate::default();
            if held_back {
                let limited = answer(StatusCode::TOO_MANY_REQUESTS, "");
                let first = Client::builder(merchant()).gate(gate.clone());
                let first = first.build_with(Gateway::replying([limited])).unwrap();
                first.send(&request).await.unwrap_err();
            }
            let gateway = Gateway::replying((0..attempts).map(|_| way()));
            let error = Client::builder(merchant())
                .attempt_timeout(Duration::from_secs(1))
                .gate(gate)
                .build_with(gateway.clone())
                .unwrap()
                .send(&request)
                .await
                .unwrap_err();
            let case = format!("{} {:?}: {error:?}", O::NAME, row.outcome);
            assert_eq!(gateway.calls(), attempts, "{case}");
            assert_eq!(error.effect(), row.effect, "{case}");
            assert_eq!(Outcome::of(&error), Some(row.outcome), "{case}");
        }
    }
}

fn order_no() -> OutTradeNo {
    OutTradeNo::new("T20260301A").unwrap()
}

fn ucp_order_no() -> UcpOrderNo {
    UcpOrderNo::new("563465342654643").unwrap()
}

fn notify_url() -> NotifyUrl {
    NotifyUrl::new("https://shop.example/ucanpay/payment").unwrap()
}

fn refund_no() -> OutRefundNo {
    OutRefundNo::new("R20260301A").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_unified_order_is_sent_again_by_the_table() {
    walk(&UnifiedOrder {
        subject: Subject::new("Coffee").unwrap(),
        description: Description::new("One coffee").unwrap(),
        device_no: DeviceNo::default(),
        total_amount: Amount::new(450).unwrap(),
        scene: SceneType::Native,
        out_trade_no: order_no(),
        currency: Currency::default(),
        notify_url: notify_url(),
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_order_query_is_sent_again_by_the_table() {
    walk(&query()).await;
}

#[tokio::test(start_paused = true)]
async fn a_close_is_sent_again_by_the_table() {
    walk(&CloseOrder {
        out_trade_no: order_no(),
        ucp_order_no: Some(ucp_order_no()),
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reversal_is_sent_again_by_the_table() {
    walk(&Reverse {
        out_trade_no: order_no(),
        ucp_order_no: Some(ucp_order_no()),
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refund_is_sent_again_by_the_table() {
    walk(&Refund {
        ucp_order_no: ucp_order_no(),
        out_trade_no: order_no(),
        out_refund_no: refund_no(),
        total_amount: Amount::new(450).unwrap(),
        refund_amount: Amount::new(100).unwrap(),
        reason: RefundReason::new("Cold").unwrap(),
        notify_url: notify_url(),
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refund_query_is_sent_again_by_the_table() {
    walk(&RefundQuery {
        out_trade_no: order_no(),
        ucp_order_no: Some(ucp_order_no()),
        ucp_refund_no: None,
        out_refund_no: refund_no(),
    })
    .await;
}

#[test]
fn only_five_outcomes_are_sent_again() {
    for row in RETRY_TABLE {
        let again = SENT_AGAIN.contains(&row.outcome);
        assert_eq!(row.again == Again::Yes, again, "{row:?}");
    }
}

#[test]
fn every_error_name_of_the_protocol_stands_in_one_row() {
    const PROTOCOL: &str = include_str!("../../../../docs/protocol.md");
    let (_, section) = PROTOCOL.split_once("### Error names").unwrap();
    let section = section.split("\n#").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let documented: BTreeSet<&str> = rows
        .skip(1)
        .flat_map(|row| row.split('|').nth(1).unwrap().split(','))
        .map(str::trim)
        .collect();
    assert!(documented.contains("SYSTEMERROR"), "{documented:?}");
    let names: Vec<&str> = RETRY_TABLE
        .iter()
        .flat_map(|row| row.names)
        .copied()
        .collect();
    assert_eq!(
        names.len(),
        documented.len(),
        "a name stands twice or not at all"
    );
    assert_eq!(BTreeSet::from_iter(names), documented);
}

/// The page holds the table between two marks. `UCANPAY_RENEW_DOCS=1` writes it anew.
#[test]
fn the_page_shows_the_table_of_the_code() {
    const BEGIN: &str = "<!-- retry table: written by a test, see tests/it/retry_table.rs -->\n";
    const END: &str = "<!-- end of the retry table -->";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/transport.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has the first mark");
    let (shown, after) = rest.split_once(END).expect("the page has the second mark");
    let table = markdown();
    if std::env::var_os("UCANPAY_RENEW_DOCS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    if shown == table {
        return;
    }
    let mut difference = String::new();
    for (sign, lines, others) in [("-", shown, &*table), ("+", &*table, shown)] {
        for line in lines
            .lines()
            .filter(|line| !others.lines().any(|other| other == *line))
        {
            writeln!(difference, "{sign} {line}").unwrap();
        }
    }
    panic!(
        "docs/transport.md shows another table than the code has:\n{difference}\
         To renew it: UCANPAY_RENEW_DOCS=1 cargo test -p ucanpay-transport the_page_shows"
    );
}

fn markdown() -> String {
    let mut text = String::from(
        "| outcome of an attempt | effect of that attempt | again? | why |\n|---|---|---|---|\n",
    );
    for row in RETRY_TABLE {
        let names: String = row.names.iter().map(|name| format!(", `{name}`")).collect();
        let effect = match row.effect {
            Effect::None => "none",
            _ => "unknown",
        };
        let again = match row.again {
            Again::Yes => "**yes**",
            Again::No => "no",
        };
        let (what, why) = (row.what, row.why);
        writeln!(text, "| {what}{names} | {effect} | {again} | {why} |").unwrap();
    }
    text
}
