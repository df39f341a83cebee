//! What a call prints: operation, order number, attempts, outcome, latency; no other part of a body, and no key.

use crate::scripted::*;
use async_trait::async_trait;
use http::StatusCode;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use tower::Layer;
use tracing_subscriber::fmt::MakeWriter;
use ucanpay_core::{OrderQuery, OutTradeNo, UcpOrderNo};
use ucanpay_transport::{Attempts, BoxError, Client, Gate, GateState, HeldBack, VerifyLayer};

#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Printed {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// A database that takes nothing.
#[derive(Debug)]
struct Full;

#[async_trait]
impl GateState for Full {
    async fn blocked_until(&self) -> Result<Option<SystemTime>, BoxError> {
        Ok(None)
    }

    async fn block(&self, _until: SystemTime) -> Result<(), BoxError> {
        Err("the disk is full".into())
    }
}

fn client(replies: impl IntoIterator<Item = Reply>) -> Client {
    let gate = Gate::builder().state(Arc::new(Full));
    Client::builder(merchant())
        .gate(gate.build())
        .build_with(Gateway::replying(replies))
        .unwrap()
}

/// What a call that is answered and one that closes the gate log.
const LOGGED: [&str; 6] = [
    "operation=\"OrderQuery\"",
    "order=\"T20260301A\"",
    "attempts=1",
    "attempt=1",
    "the gateway wants to be left alone: the gate is closed",
    "the block could not be shared: it holds in this process alone error=the disk is full",
];

#[tokio::test]
async fn logs_errors_and_debug_prints_hold_no_body_and_no_key() {
    let printed = Printed::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(printed.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let query = OrderQuery {
        out_trade_no: OutTradeNo::new("T20260301A").unwrap(),
        ucp_order_no: Some(UcpOrderNo::new("canarynumber").unwrap()),
    };
    // A place that logs and is first reached by another test, just while this subscriber is set up, can stay switched off:
    // reach it from here, and have it looked at anew, until it is on.
    for _ in 0..100 {
        let client = client([paid(), limited("1")]);
        client.call(&query).await.unwrap();
        client.call(&query).await.unwrap_err();
        let said = String::from_utf8(std::mem::take(&mut *printed.0.lock().unwrap())).unwrap();
        if LOGGED.iter().all(|line| said.contains(line)) {
            break;
        }
        tracing::callsite::rebuild_interest_cache();
        tokio::task::yield_now().await;
    }

    let replies = [
        paid(),
        reset(),
        answer(StatusCode::OK, "canaryanswer"),
        answer(StatusCode::OK, r#"{"code":0,"msg":"canaryanswer"}"#),
        answer(StatusCode::BAD_GATEWAY, "canaryanswer"),
        reset(),
        reset(),
        answer(StatusCode::TOO_MANY_REQUESTS, "canaryanswer"),
    ];
    let client = client(replies);
    let mut text = format!("{client:?}");
    let mut held_back = false;
    // The last two: the gate closes, and holds a call back.
    for _ in 0..6 {
        if let Err(error) = client.call(&query).await {
            held_back |= matches!(error.held_back(), Some(HeldBack::Closed { .. }));
            text += &format!("{error} {error:?}");
            let mut source = std::error::Error::source(&error);
            while let Some(error) = source {
                text += &format!("{error} {error:?}");
                source = error.source();
            }
        }
    }
    let logged = String::from_utf8(printed.0.lock().unwrap().clone()).unwrap();
    for line in LOGGED.iter().chain(&["attempt=2", "outcome_unknown"]) {
        assert!(logged.contains(line), "{line}: {logged}");
    }
    text += &logged;
    assert!(held_back, "{text}");
    assert!(!text.contains("canary"), "{text}");
    let pem = key("merchant-2048").to_pkcs8_pem();
    for line in pem.lines().filter(|line| !line.starts_with("-----")) {
        assert!(!text.contains(line), "{text}");
    }
}

#[test]
fn the_debug_of_what_verifies_tells_the_operation_and_the_attempts_alone() {
    let attempts = Attempts::default();
    let layer = VerifyLayer::<OrderQuery>::new(merchant(), attempts.clone());
    let tally = format!("{attempts:?}");
    let expected = format!("VerifyLayer {{ operation: \"OrderQuery\", attempts: {tally}, .. }}");
    assert_eq!(format!("{layer:?}"), expected);
    let verify = layer.layer(());
    let shown = format!("{verify:?}");
    assert_eq!(shown, format!("Verify {{ layer: {expected}, .. }}"));
}
