//! What one answer is judged to be.

use crate::scripted::*;
use bytes::Bytes;
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

fn too_many(body: impl Into<Bytes>) -> Reply {
    answer(StatusCode::TOO_MANY_REQUESTS, body)
}

#[tokio::test]
async fn http_429_is_a_rate_limit_with_the_servers_wait_or_a_minute() {
    let error = outcome(with_header(too_many("slow down"), "retry-after", "7")).await;
    assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(error.effect(), Effect::None);

    let error = outcome(too_many("")).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    assert_eq!(error.effect(), Effect::None);
    let error = outcome(with_header(too_many(""), "x-ratelimit-reset", "9")).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(9)));
}

#[tokio::test]
async fn http_429_is_left_alone_for_a_second_at_least_and_a_block_for_a_minute() {
    for (name, least) in [
        ("INVALID_REQ_TOO_MUCH", 60),
        ("FREQUENCY_LIMITED", 60),
        ("PARAM_ERROR", 1),
    ] {
        for (header, value) in [
            ("retry-after", "0"),
            ("retry-after", "1"),
            ("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("x-ratelimit-reset", "1000000000"),
        ] {
            let error = outcome(with_header(too_many(unsigned(name)), header, value)).await;
            let least = Some(Duration::from_secs(least));
            assert_eq!(error.retry_after(), least, "{name} {header}: {value}");
        }
    }
}

#[tokio::test]
async fn a_name_under_http_429_says_by_its_class_what_is_known_about_the_money() {
    for (name, effect) in [
        ("INVALID_REQ_TOO_MUCH", Effect::None),
        ("PARAM_ERROR", Effect::None),
        ("BIZERR_NEED_RETRY", Effect::None),
        ("SYSTEMERROR", Effect::Unknown),
        ("ERROR", Effect::Unknown),
        ("ORDERPAID", Effect::Unknown),
        ("SOMETHING_NEW", Effect::Unknown),
    ] {
        let error = outcome(too_many(unsigned(name))).await;
        assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
        assert_eq!(error.gateway().unwrap().code().name(), name);
        assert_eq!(error.effect(), effect, "{name}");
    }
}

#[tokio::test]
async fn an_unproven_or_unreadable_answer_under_http_429_leaves_the_outcome_unknown() {
    for body in [
        signed(&key("platform-1024"), members()).to_vec(),
        r#"{"code":0,"msg":"SUCCESS"}"#.into(),
        r#" {"code":0,"msg":"SUCCESS","data":{"outTra"#.into(),
        "\u{feff}{\"code\":0,\"msg\":\"SUCCESS\"}".into(),
        // Compressed, or in an encoding of its own: whatever it says, it is no text that is known to be none.
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xabV".to_vec(),
        br#"{"code":0}"#.iter().flat_map(|byte| [*byte, 0]).collect(),
    ] {
        let error = outcome(too_many(body)).await;
        assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
        assert_eq!(error.effect(), Effect::Unknown);
    }
}

#[tokio::test]
async fn a_verified_answer_is_the_answer_under_any_status() {
    for status in [200, 302, 400, 429, 500, 503] {
        let status = StatusCode::from_u16(status).unwrap();
        let reply = answer(status, signed(&key("platform-2048"), members()));
        let gateway = Gateway::replying([with_header(reply, "retry-after", "30")]);
        let client = Client::with_service(merchant(), gateway);
        let answer = client.call(&query()).await.unwrap();
        assert_eq!(answer.trade_status, Some(TradeStatus::Success), "{status}");
    }
}

#[tokio::test]
async fn headers_that_only_inform_ask_for_no_wait() {
    for header in ["x-ratelimit-reset", "retry-after"] {
        for status in [StatusCode::OK, StatusCode::BAD_REQUEST] {
            let reply = answer(status, unsigned("SIGNERROR"));
            let error = outcome(with_header(reply, header, "3000")).await;
            assert_eq!(error.retry_after(), None, "{status} {header}");
        }
        let block = with_header(error_name("INVALID_REQ_TOO_MUCH"), header, "3000");
        let error = outcome(block).await;
        assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    }
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
    for body in [unsigned("SYSTEMERROR"), "<html>busy</html>".into()] {
        for (hint, wait) in [
            ("30", 30),
            ("soon", 60),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ] {
            let busy = answer(StatusCode::SERVICE_UNAVAILABLE, body.clone());
            let error = outcome(with_header(busy, "retry-after", hint)).await;
            assert_eq!(
                error.retry_after(),
                Some(Duration::from_secs(wait)),
                "{hint}"
            );
            assert_eq!(error.effect(), Effect::Unknown);
        }
    }
}

#[tokio::test]
async fn a_documented_name_under_a_5xx_is_heard_and_proves_nothing_about_the_money() {
    for (name, wait) in [
        ("INVALID_REQ_TOO_MUCH", Some(60)),
        ("FREQUENCY_LIMITED", Some(60)),
        ("SIGNERROR", None),
        ("NOTENOUGH", None),
        ("BIZERR_NEED_RETRY", None),
        ("ORDERPAID", None),
    ] {
        let error = outcome(answer(StatusCode::INTERNAL_SERVER_ERROR, unsigned(name))).await;
        assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
        assert_eq!(error.gateway().unwrap().code().name(), name);
        assert_eq!(error.effect(), Effect::Unknown, "{name}");
        assert_eq!(error.retry_after(), wait.map(Duration::from_secs), "{name}");
    }
}

#[tokio::test]
async fn a_block_under_a_5xx_lasts_as_long_as_the_longer_of_the_two_waits() {
    for (hint, wait) in [("1", 60), ("90", 90)] {
        let blocked = answer(
            StatusCode::SERVICE_UNAVAILABLE,
            unsigned("INVALID_REQ_TOO_MUCH"),
        );
        let error = outcome(with_header(blocked, "retry-after", hint)).await;
        assert_eq!(error.retry_after(), Some(Duration::from_secs(wait)));
    }
}
