//! What is sent again: always the same bytes.

use crate::scripted::*;
use http::StatusCode;
use std::collections::HashSet;
use std::time::Duration;
use ucanpay_core::{Nonce, OrderQuery, SignedRequest};
use ucanpay_transport::{Client, Effect, Error, Lost, RetryPolicy};

fn client(gateway: &Gateway) -> Client {
    let at_once = RetryPolicy::default().with_waits(Duration::ZERO, Duration::ZERO);
    Client::builder(merchant())
        .retry(at_once)
        .build_with(gateway.clone())
        .unwrap()
}

#[tokio::test]
async fn every_attempt_carries_the_same_bytes() {
    let gateway = Gateway::replying([reset(), error_name("SYSTEMERROR"), paid()]);
    client(&gateway).call(&query()).await.unwrap();
    let requests = gateway.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests[1..] {
        assert_eq!(request.body(), requests[0].body());
        assert_eq!(request.uri(), requests[0].uri());
        assert_eq!(request.headers(), requests[0].headers());
    }
}

fn with_fresh_nonces(gateway: &Gateway) -> Client {
    let at_once = RetryPolicy::default().with_waits(Duration::ZERO, Duration::ZERO);
    let client = Client::builder(merchant()).retry(at_once);
    let client = client.fresh_nonce_on_retry();
    client.build_with(gateway.clone()).unwrap()
}

#[tokio::test]
async fn with_the_setting_each_repeat_has_its_own_nonce_and_nothing_else_changed() {
    let gateway = Gateway::replying([reset(), error_name("SYSTEMERROR"), paid()]);
    let client = with_fresh_nonces(&gateway);
    let request = client.merchant().sign(&query(), Nonce::random()).unwrap();
    client.send(&request).await.unwrap();
    let requests = gateway.requests();
    assert_eq!(requests[0].body(), request.body());
    let mut bodies: Vec<serde_json::Map<_, _>> = requests
        .iter()
        .map(|request| serde_json::from_slice(request.body()).unwrap())
        .collect();
    for member in ["nonceStr", "sign"] {
        let values: HashSet<_> = bodies
            .iter_mut()
            .map(|body| body.remove(member).unwrap().to_string())
            .collect();
        assert_eq!(values.len(), 3, "{member}: {values:?}");
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
}

#[tokio::test]
async fn a_repeat_that_cannot_be_signed_anew_is_not_sent_and_forgets_no_earlier_attempt() {
    let kept = SignedRequest::<OrderQuery>::frozen(b"written by nobody here".to_vec());
    for (first, effect) in [(reset(), Effect::Unknown), (refused(), Effect::None)] {
        let gateway = Gateway::replying([first]);
        let error = with_fresh_nonces(&gateway).send(&kept).await.unwrap_err();
        assert_eq!(gateway.calls(), 1);
        assert_eq!(error.effect(), effect, "{error:?}");
    }
}

#[tokio::test]
async fn a_request_that_was_signed_before_goes_out_as_it_is() {
    let gateway = Gateway::replying([paid(), paid()]);
    let client = client(&gateway);
    let request = client.merchant().sign(&query(), Nonce::random()).unwrap();
    client.send(&request).await.unwrap();
    client.send(&request).await.unwrap();
    for sent in gateway.requests() {
        assert_eq!(sent.body(), request.body());
    }
}

#[tokio::test]
async fn systemerror_is_sent_again_until_it_succeeds() {
    let gateway = Gateway::replying([error_name("SYSTEMERROR"), paid()]);
    client(&gateway).call(&query()).await.unwrap();
    assert_eq!(gateway.calls(), 2);
}

#[tokio::test]
async fn systemerror_to_the_end_is_rejected_with_unknown_effect() {
    let gateway = Gateway::replying((0..3).map(|_| error_name("SYSTEMERROR")));
    let error = client(&gateway).call(&query()).await.unwrap_err();
    assert_eq!(gateway.calls(), 3);
    assert_eq!(error.gateway().unwrap().code().name(), "SYSTEMERROR");
    assert_eq!(error.effect(), Effect::Unknown);
}

#[tokio::test]
async fn server_errors_are_sent_again_three_times_in_all() {
    let down = || answer(StatusCode::BAD_GATEWAY, "<html>502</html>");
    let gateway = Gateway::replying([down(), down(), down()]);
    let error = client(&gateway).call(&query()).await.unwrap_err();
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::Status { status, .. }) if status == 502),
        "{error:?}"
    );
    assert_eq!(gateway.calls(), 3);
}

#[tokio::test]
async fn headers_that_only_inform_do_not_stop_the_repeat_of_systemerror() {
    for header in ["x-ratelimit-reset", "retry-after"] {
        let busy = with_header(error_name("SYSTEMERROR"), header, "30");
        let gateway = Gateway::replying([busy, paid()]);
        client(&gateway).call(&query()).await.unwrap();
        assert_eq!(gateway.calls(), 2, "{header}");
    }
}

#[tokio::test]
async fn under_a_5xx_systemerror_and_undocumented_names_are_sent_again() {
    for body in [
        unsigned("SYSTEMERROR"),
        unsigned("SOMETHING_NEW"),
        r#"{"status":500,"error":"Internal Server Error","message":"x"}"#.into(),
        signed(&key("platform-1024"), members()),
    ] {
        let down = || answer(StatusCode::INTERNAL_SERVER_ERROR, body.clone());
        let gateway = Gateway::replying([down(), down(), down()]);
        let error = client(&gateway).call(&query()).await.unwrap_err();
        assert_eq!(gateway.calls(), 3, "{error:?}");
        assert_eq!(error.effect(), Effect::Unknown);
    }
}

#[tokio::test]
async fn a_5xx_whose_time_to_come_again_is_over_is_sent_again() {
    for over in ["0", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        let busy = with_header(
            answer(StatusCode::SERVICE_UNAVAILABLE, ""),
            "retry-after",
            over,
        );
        let gateway = Gateway::replying([busy, paid()]);
        client(&gateway).call(&query()).await.unwrap();
        assert_eq!(gateway.calls(), 2, "{over}");
    }
}

#[tokio::test]
async fn never_means_one_attempt() {
    let gateway = Gateway::replying([reset()]);
    let client = Client::builder(merchant())
        .retry(RetryPolicy::never())
        .build_with(gateway.clone())
        .unwrap();
    client.call(&query()).await.unwrap_err();
    assert_eq!(gateway.calls(), 1);
}
