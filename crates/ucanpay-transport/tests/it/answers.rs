//! What one answer is judged to be.

use crate::scripted::*;
use http::StatusCode;
use std::time::Duration;
use ucanpay_core::TradeStatus;
use ucanpay_transport::{Client, Effect, Error, Lost};

async fn outcome(reply: Reply) -> Error {
    let gateway = Gateway::replying([reply]);
    let error = Client::with_service(merchant(), gateway.clone())
        .call(&query())
        .await
        .unwrap_err();
    assert_eq!(gateway.calls(), 1, "{error:?}");
    error
}

#[tokio::test]
async fn a_signed_answer_is_handed_out_verified() {
    let gateway = Gateway::replying([paid()]);
    let client = Client::with_service(merchant(), gateway.clone());
    let answer = client.call(&query()).await.unwrap();
    assert_eq!(answer.trade_status, Some(TradeStatus::Success));
    assert_eq!(answer.out_trade_no.as_deref(), Some("T20260301A"));

    let [request] = &gateway.requests()[..] else {
        panic!("one request");
    };
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "https://api.ucanpay.ca/payment/orderquery");
    assert_eq!(request.headers()["content-type"], "application/json");
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(body["outTradeNo"], "T20260301A");
    assert!(!body["sign"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_signed_with_another_key_is_untrusted_after_one_attempt() {
    let error = outcome(answer(
        StatusCode::OK,
        signed(&key("platform-1024"), members()),
    ))
    .await;
    assert!(matches!(error, Error::Untrusted(_)), "{error:?}");
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test]
async fn code_0_without_data_is_untrusted() {
    let error = outcome(answer(StatusCode::OK, r#"{"code":0,"msg":"SUCCESS"}"#)).await;
    assert!(matches!(error, Error::Untrusted(_)), "{error:?}");
}

#[tokio::test]
async fn a_web_page_is_malformed_whatever_its_status() {
    for status in [StatusCode::OK, StatusCode::NOT_FOUND] {
        let error = outcome(answer(status, "<html>welcome</html>")).await;
        assert!(
            matches!(error, Error::Malformed { status: seen, .. } if seen == status),
            "{error:?}"
        );
        assert_eq!(error.effect(), Effect::Unknown);
    }
}

#[tokio::test]
async fn an_error_name_says_by_its_class_what_is_known_about_the_money() {
    for (name, effect) in [
        ("NOTENOUGH", Effect::None),
        ("PARAM_ERROR", Effect::None),
        ("BIZERR_NEED_RETRY", Effect::None),
        ("ORDERPAID", Effect::Unknown),
        ("OUT_TRADE_NO_USED", Effect::Unknown),
        ("ERROR", Effect::Unknown),
        ("SOMETHING_NEW", Effect::Unknown),
    ] {
        let error = outcome(error_name(name)).await;
        assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
        assert_eq!(error.gateway().unwrap().code().name(), name);
        assert_eq!(error.effect(), effect, "{name}");
        assert_eq!(error.retry_after(), None, "{name}");
    }
}

#[tokio::test]
async fn an_error_name_counts_under_a_4xx_status_too() {
    let error = outcome(answer(StatusCode::BAD_REQUEST, unsigned("PARAM_ERROR"))).await;
    assert_eq!(error.gateway().unwrap().code().name(), "PARAM_ERROR");
    assert_eq!(error.effect(), Effect::None);
}

#[tokio::test]
async fn too_many_requests_by_name_asks_for_a_minute_and_is_not_sent_again() {
    for name in ["INVALID_REQ_TOO_MUCH", "FREQUENCY_LIMITED"] {
        let error = outcome(error_name(name)).await;
        assert_eq!(error.retry_after(), Some(Duration::from_secs(60)), "{name}");
        assert_eq!(error.effect(), Effect::None, "{name}");
    }
}

#[tokio::test]
async fn http_429_is_a_rate_limit_with_the_servers_wait_or_a_minute() {
    let limited = || answer(StatusCode::TOO_MANY_REQUESTS, "slow down");
    let error = outcome(with_header(limited(), "retry-after", "7")).await;
    assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(error.effect(), Effect::None);

    let error = outcome(limited()).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    let error = outcome(with_header(limited(), "x-ratelimit-reset", "9")).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(9)));
}

#[tokio::test]
async fn a_redirect_leaves_the_outcome_unknown() {
    let moved = answer(StatusCode::TEMPORARY_REDIRECT, "");
    let error = outcome(with_header(moved, "location", "https://elsewhere.example/")).await;
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::Status { status, .. }) if status == 307),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_5xx_that_says_when_to_come_again_is_left_to_the_caller() {
    let busy = answer(StatusCode::SERVICE_UNAVAILABLE, unsigned("NOTENOUGH"));
    let error = outcome(with_header(busy, "retry-after", "30")).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    assert_eq!(error.effect(), Effect::Unknown, "whatever its body says");
}
