//! What the state file keeps.

use std::time::Duration;

use serde_json::json;
use ucanpay_sandbox::{Sandbox, SandboxError, State};

use crate::merchant::{Served, config, is_signed, key, order, refund};
use crate::shop::Shop;

#[tokio::test]
async fn orders_refunds_and_pending_notifications_are_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::File(folder.path().join("sandbox.db"));
    let shop = Shop::open(0).await;

    // Long enough for a busy machine to stop before the first of them is due.
    let slowly = config().with_refund_delay(Duration::from_secs(3));
    let sandbox = Served::start(slowly.with_state(state.clone())).await;
    let placed = sandbox
        .data("/payment/unifiedorder", order("A1", &shop.url))
        .await;
    sandbox
        .control("orders/A1/pay", r#"{"notify_after":"3s"}"#)
        .await;
    sandbox
        .data("/payment/refund", refund(&placed, "R1", 100, &shop.url))
        .await;
    let before = sandbox.look("orders/A1").await;
    sandbox.stop().await;
    assert!(shop.inbox().is_empty());

    let sandbox = Served::start(config().with_state(state)).await;
    let view = sandbox.until("A1", |order| {
        order["deliveries"].as_array().is_some_and(|all| {
            all.len() == 2 && all.iter().all(|delivery| delivery["accepted"] == true)
        })
    });
    let view = view.await;
    assert_eq!(view["ucpOrderNo"], before["ucpOrderNo"]);
    assert_eq!(view["refunds"][0]["refundStatus"], "SUCCESS");
    let mut statuses: Vec<_> = (0..2).map(|index| shop.data(index)).collect();
    statuses.sort_by_key(|data| data["refundStatus"].is_string());
    assert!(
        statuses
            .iter()
            .all(|data| is_signed(data, &key("platform-2048")))
    );
    assert_eq!(
        (&statuses[0]["tradeStatus"], &statuses[1]["refundStatus"]),
        (&json!("SUCCESS"), &json!("SUCCESS"))
    );

    assert_eq!(
        sandbox
            .refusal("/payment/unifiedorder", order("A1", &shop.url))
            .await,
        "ORDERPAID"
    );
    let next = sandbox
        .data("/payment/unifiedorder", order("A2", &shop.url))
        .await;
    assert!(next["ucpOrderNo"].as_str() > placed["ucpOrderNo"].as_str());
}

#[tokio::test]
async fn a_state_file_in_a_missing_folder_is_named_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("sandbox.db");
    let error = Sandbox::open(config().with_state(State::File(path.clone())))
        .await
        .unwrap_err();
    assert!(matches!(error, SandboxError::OpenState { .. }));
    assert!(error.to_string().contains(path.to_str().unwrap()));
}

#[tokio::test]
async fn a_file_that_is_no_state_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox.db");
    std::fs::write(
        &path,
        "this is no database, and longer than a database's header would be. ".repeat(20),
    )
    .unwrap();
    let error = Sandbox::open(config().with_state(State::File(path)))
        .await
        .unwrap_err();
    assert!(matches!(error, SandboxError::OpenState { .. }));
}

#[tokio::test]
async fn a_state_file_belongs_to_one_sandbox_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::File(folder.path().join("sandbox.db"));
    let first = Sandbox::open(config().with_state(state.clone()))
        .await
        .unwrap();
    let error = Sandbox::open(config().with_state(state.clone()))
        .await
        .unwrap_err();
    assert!(matches!(error, SandboxError::OpenState { .. }));
    drop(first);
    Sandbox::open(config().with_state(state)).await.unwrap();
}

#[tokio::test]
async fn an_impossible_merchant_id_is_refused() {
    let keys = || {
        (
            key("merchant-2048").public_key().clone(),
            key("platform-2048"),
        )
    };
    for id in [String::new(), "1".repeat(33)] {
        let (merchant, platform) = keys();
        let error = Sandbox::open(ucanpay_sandbox::SandboxConfig::new(id, merchant, platform))
            .await
            .unwrap_err();
        assert!(matches!(error, SandboxError::MerchantId));
    }
}

#[tokio::test]
async fn a_client_that_never_ends_its_request_does_not_hold_up_a_shutdown() {
    use tokio::io::AsyncWriteExt as _;
    let sandbox = Served::start(config()).await;
    let address = sandbox.base.strip_prefix("http://").unwrap();
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    client
        .write_all(b"POST /payment/unifiedorder HTTP/1.1\r\n")
        .await
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    tokio::time::timeout(std::time::Duration::from_secs(8), sandbox.stop())
        .await
        .unwrap();
}
