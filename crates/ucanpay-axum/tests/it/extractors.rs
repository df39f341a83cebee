//! What reaches a handler behind an extractor.

use crate::vectors::*;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::post as on_post;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::ServiceExt;
use ucanpay_axum::{
    Ack, MAX_NOTIFICATION_BYTES, Nack, Notification, NotificationRejection, PaymentNotification,
    RefundNotification,
};
use ucanpay_core::Merchant;

/// A shop's own state, of which the merchant is a part.
#[derive(Clone)]
struct Shop {
    merchant: Merchant,
    handled: Counter,
}

impl FromRef<Shop> for Merchant {
    fn from_ref(shop: &Shop) -> Self {
        shop.merchant.clone()
    }
}

async fn any(State(shop): State<Shop>, Notification(_): Notification) -> Ack {
    shop.handled.add();
    Ack::i_have_committed()
}

async fn payment(
    State(shop): State<Shop>,
    PaymentNotification(message): PaymentNotification,
) -> Ack {
    assert_eq!(message.out_trade_no, "VEC20260301A");
    shop.handled.add();
    Ack::i_have_committed()
}

async fn refund(State(shop): State<Shop>, RefundNotification(message): RefundNotification) -> Ack {
    assert_eq!(message.out_trade_no, "VEC20260301A");
    shop.handled.add();
    Ack::i_have_committed()
}

fn shop() -> (Router, Counter) {
    let handled = Counter::default();
    let router = Router::new()
        .route("/any", on_post(any))
        .route("/payment", on_post(payment))
        .route("/refund", on_post(refund))
        .with_state(Shop {
            merchant: merchant(),
            handled: handled.clone(),
        });
    (router, handled)
}

#[tokio::test]
async fn every_vector_reaches_the_handler_exactly_when_it_is_to_be_accepted() {
    let (router, handled) = shop();
    for case in cases() {
        let request = post("/any", case.body.clone());
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(handled.take(), usize::from(case.accepted), "{}", case.name);
        if case.accepted {
            assert_success(response, &case.name).await;
        } else {
            let status = response.status();
            assert!(
                [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED].contains(&status),
                "{}: {status}",
                case.name
            );
            assert_fail(response, status, &case.name).await;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_400_and_what_cannot_be_trusted_401() {
    let (router, _) = shop();
    for (name, status) in [
        ("not JSON", StatusCode::BAD_REQUEST),
        ("a name twice", StatusCode::BAD_REQUEST),
        ("one cent less", StatusCode::UNAUTHORIZED),
        ("no sign", StatusCode::UNAUTHORIZED),
        ("another 2048-bit key", StatusCode::UNAUTHORIZED),
    ] {
        let request = post("/any", case(name).body);
        let response = router.clone().oneshot(request).await.unwrap();
        assert_fail(response, status, name).await;
    }
}

#[tokio::test]
async fn each_topic_takes_its_own_kind_and_refuses_the_other() {
    let (router, handled) = shop();
    for case in cases().into_iter().filter(|case| case.accepted) {
        let (own, other) = if case.is_refund() {
            ("/refund", "/payment")
        } else {
            ("/payment", "/refund")
        };
        let response = router.clone().oneshot(post(own, case.body.clone())).await;
        assert_success(response.unwrap(), &case.name).await;
        assert_eq!(handled.take(), 1, "{}", case.name);
        let response = router.clone().oneshot(post(other, case.body)).await;
        assert_fail(response.unwrap(), StatusCode::BAD_REQUEST, &case.name).await;
        assert_eq!(handled.take(), 0, "{}", case.name);
    }
}

#[tokio::test]
async fn a_merchant_alone_may_be_the_state() {
    async fn ack(Notification(_): Notification) -> Result<Ack, Nack> {
        Ok(Ack::i_have_committed())
    }
    let router = Router::new()
        .route("/", on_post(ack))
        .with_state(merchant());
    let response = router.oneshot(post("/", case("genuine").body)).await;
    assert_success(response.unwrap(), "genuine").await;
}

#[tokio::test]
async fn a_genuine_message_with_64_kib_of_white_space_is_the_last_that_fits() {
    let (router, handled) = shop();
    let mut body = case("genuine").body;
    body.push_str(&" ".repeat(MAX_NOTIFICATION_BYTES - body.len()));
    let response = router.clone().oneshot(post("/any", body.clone())).await;
    assert_success(response.unwrap(), "64 KiB").await;
    assert_eq!(handled.take(), 1);

    body.push(' ');
    let response = router.oneshot(post("/any", body)).await.unwrap();
    assert_fail(response, StatusCode::PAYLOAD_TOO_LARGE, "64 KiB and 1").await;
    assert_eq!(handled.take(), 0);
}

/// A body of unknown length that sends `chunks` times 1 KiB, and then fails if `broken`.
struct Chunks {
    chunks: usize,
    broken: bool,
    sent: Counter,
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, &'static str>>> {
        if self.chunks == 0 {
            return Poll::Ready(self.broken.then_some(Err("connection reset")));
        }
        self.chunks -= 1;
        self.sent.add();
        Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(
            &[b' '; 1024],
        )))))
    }
}

#[tokio::test]
async fn a_body_of_unknown_length_is_read_no_further_than_the_limit() {
    let (router, handled) = shop();
    let sent = Counter::default();
    let body = Body::new(Chunks {
        chunks: 10 * 1024,
        broken: false,
        sent: sent.clone(),
    });
    let response = router.oneshot(post("/any", body)).await.unwrap();
    assert_fail(response, StatusCode::PAYLOAD_TOO_LARGE, "10 MiB").await;
    assert_eq!(handled.take(), 0);
    assert_eq!(sent.take(), 65);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_400() {
    let (router, handled) = shop();
    let body = Body::new(Chunks {
        chunks: 1,
        broken: true,
        sent: Counter::default(),
    });
    let response: Result<_, Infallible> = router.oneshot(post("/any", body)).await;
    assert_fail(response.unwrap(), StatusCode::BAD_REQUEST, "broken").await;
    assert_eq!(handled.take(), 0);
}

#[tokio::test]
async fn a_rejection_says_what_it_goes_out_with_and_a_shop_may_say_it_with_200() {
    let verified = |name: &str| merchant().verify_notification(case(name).body.as_bytes());
    for (name, status, text) in [
        ("not JSON", StatusCode::BAD_REQUEST, "message unreadable"),
        (
            "one cent less",
            StatusCode::UNAUTHORIZED,
            "signature not verified",
        ),
    ] {
        let rejection = NotificationRejection::from(verified(name).unwrap_err());
        assert_eq!(rejection.status(), status);
        assert_eq!(rejection.body_text(), text);
        let nack = Nack::from(rejection);
        let (sent, _, body) = read(nack.clone().into_response()).await;
        assert_eq!(sent, status);
        assert_eq!(
            body,
            format!(r#"{{"return_code":"FAIL","return_msg":"{text}"}}"#)
        );
        let (sent, _, same) = read(nack.with_200().into_response()).await;
        assert_eq!((sent, same), (StatusCode::OK, body));
    }
}
