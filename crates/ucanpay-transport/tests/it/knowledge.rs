//! What all attempts of a call together leave known about the money.

use crate::scripted::*;
use http::StatusCode;
use std::time::Duration;
use ucanpay_transport::{Client, Effect, Error, Lost, RetryPolicy};

async fn outcome<const N: usize>(replies: [Reply; N]) -> Error {
    let gateway = Gateway::replying(replies);
    let error = Client::builder(merchant())
        .retry(RetryPolicy::default().with_waits(Duration::ZERO, Duration::ZERO))
        .build_with(gateway.clone())
        .unwrap()
        .call(&query())
        .await
        .unwrap_err();
    assert_eq!(gateway.calls(), N, "{error:?}");
    error
}

#[tokio::test]
async fn three_refused_connections_are_not_sent() {
    let error = outcome([refused(), refused(), refused()]).await;
    assert!(
        matches!(error, Error::NotSent { attempts: 3, .. }),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::None);
}

#[tokio::test]
async fn a_lost_answer_before_refused_connections_stays_unknown() {
    let error = outcome([reset(), refused(), refused()]).await;
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::EarlierAttempt(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_refused_connection_before_lost_answers_is_unknown() {
    let error = outcome([refused(), reset(), reset()]).await;
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::Broken(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_rejection_after_a_lost_answer_keeps_its_name_and_stays_unknown() {
    let error = outcome([reset(), error_name("NOTENOUGH")]).await;
    assert_eq!(error.gateway().unwrap().code().name(), "NOTENOUGH");
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test]
async fn a_rejection_after_systemerror_stays_unknown() {
    let error = outcome([error_name("SYSTEMERROR"), error_name("PARAM_ERROR")]).await;
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test]
async fn a_rejection_after_refused_connections_is_certain() {
    let error = outcome([refused(), error_name("NOTENOUGH")]).await;
    assert_eq!(error.effect(), Effect::None);
}

#[tokio::test]
async fn a_rate_limit_after_a_lost_answer_stays_unknown() {
    let error = outcome([reset(), answer(StatusCode::TOO_MANY_REQUESTS, "")]).await;
    assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test]
async fn an_untrusted_answer_after_a_lost_one_is_not_sent_again() {
    let error = outcome([
        reset(),
        answer(StatusCode::OK, signed(&key("platform-1024"), members())),
    ])
    .await;
    assert!(matches!(error, Error::Untrusted(_)), "{error:?}");
}
