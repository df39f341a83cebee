//! The layer in front of a shop's router: it takes the notifications, and nothing else.

use crate::vectors::*;
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Response, StatusCode};
use axum::routing::get;
use http_body_util::Full;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tower::{Layer, ServiceExt, service_fn};
use ucanpay_axum::{
    Ack, Incoming, MAX_NOTIFICATION_BYTES, Nack, NotificationHandler, Topic, UcanpayLayer,
};
use ucanpay_core::Merchant;

/// Verifies, then counts what it would have stored, if it has a database at all.
struct Till {
    merchant: Merchant,
    stored: Counter,
    database_is_up: bool,
}

#[async_trait]
impl NotificationHandler for Till {
    async fn handle(&self, incoming: Incoming) -> Result<Ack, Nack> {
        self.merchant.verify_notification(&incoming.body)?;
        if !self.database_is_up {
            return Err(Nack::unavailable("come again"));
        }
        self.stored.add();
        Ok(Ack::i_have_committed())
    }
}

fn till(database_is_up: bool) -> (UcanpayLayer, Counter) {
    let stored = Counter::default();
    let layer = UcanpayLayer::new(Till {
        merchant: merchant(),
        stored: stored.clone(),
        database_is_up,
    });
    (layer, stored)
}

/// Takes everything in and remembers where it came to.
#[derive(Clone, Default)]
struct Addresses(Arc<Mutex<Vec<Address>>>);

type Address = (Option<String>, Topic);

/// Takes in what carries its signature in a header, and nothing else.
struct SignedInAHeader;

#[async_trait]
impl NotificationHandler for SignedInAHeader {
    async fn handle(&self, incoming: Incoming) -> Result<Ack, Nack> {
        match incoming.headers.get("x-signature") {
            Some(signature) if signature == "of body" && incoming.body == "body" => {
                Ok(Ack::i_have_committed())
            }
            _ => Err(Nack::untrusted("signature")),
        }
    }
}

#[tokio::test]
async fn a_gateway_that_signs_in_a_header_is_heard() {
    let router = Router::new().layer(UcanpayLayer::new(SignedInAHeader));
    for (signature, status) in [("of body", 200), ("of another", 401)] {
        let mut request = post("/ucanpay/birch/payment", "body");
        let headers = request.headers_mut();
        headers.insert("x-signature", signature.parse().unwrap());
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{signature}");
    }
}

#[async_trait]
impl NotificationHandler for Addresses {
    async fn handle(&self, incoming: Incoming) -> Result<Ack, Nack> {
        assert_eq!(incoming.body, "body");
        let mut seen = self.0.lock().unwrap();
        seen.push((incoming.account, incoming.topic));
        Ok(Ack::i_have_committed())
    }
}

#[tokio::test]
async fn every_vector_is_acknowledged_exactly_when_it_was_stored() {
    let (layer, stored) = till(true);
    let router = Router::new().layer(layer);
    for case in cases() {
        let request = post("/ucanpay/payment", case.body.clone());
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(stored.take(), usize::from(case.accepted), "{}", case.name);
        if case.accepted {
            assert_success(response, &case.name).await;
        } else {
            let status = response.status();
            assert!(status.is_client_error(), "{}: {status}", case.name);
            assert_fail(response, status, &case.name).await;
        }
    }
}

#[tokio::test]
async fn a_genuine_message_that_cannot_be_stored_is_503_and_fail() {
    let (layer, stored) = till(false);
    let request = post("/ucanpay/payment", case("genuine").body);
    let response = Router::new().layer(layer).oneshot(request).await.unwrap();
    assert_fail(response, StatusCode::SERVICE_UNAVAILABLE, "no database").await;
    assert_eq!(stored.take(), 0);
}

#[tokio::test]
async fn a_body_of_65_kib_is_refused_before_the_handler() {
    let (layer, stored) = till(true);
    let mut body = case("genuine").body;
    body.push_str(&" ".repeat(MAX_NOTIFICATION_BYTES + 1024 - body.len()));
    let request = post("/ucanpay/payment", body);
    let response = Router::new().layer(layer).oneshot(request).await.unwrap();
    assert_fail(response, StatusCode::PAYLOAD_TOO_LARGE, "65 KiB").await;
    assert_eq!(stored.take(), 0);
}

#[tokio::test]
async fn the_address_says_account_and_topic() {
    let seen = Addresses::default();
    let router = Router::new().layer(UcanpayLayer::new(seen.clone()));
    for path in [
        "/ucanpay/payment",
        "/ucanpay/refund",
        "/ucanpay/till-2/payment",
        "/ucanpay/till_3/refund?x=1",
    ] {
        let response = router.clone().oneshot(post(path, "body")).await.unwrap();
        assert_success(response, path).await;
    }
    let account = |name: &str| Some(name.to_owned());
    assert_eq!(
        *seen.0.lock().unwrap(),
        [
            (None, Topic::Payment),
            (None, Topic::Refund),
            (account("till-2"), Topic::Payment),
            (account("till_3"), Topic::Refund),
        ]
    );
}

#[tokio::test]
async fn the_prefix_can_be_moved() {
    for (prefix, path) in [
        ("/pay/notify", "/pay/notify/payment"),
        ("pay/notify/", "/pay/notify/payment"),
        ("/", "/payment"),
        ("", "/payment"),
    ] {
        let layer = UcanpayLayer::new(Addresses::default()).at(prefix);
        let router = Router::new().layer(layer);
        let response = router.clone().oneshot(post(path, "body")).await.unwrap();
        assert_success(response, prefix).await;
        let response = router.oneshot(post("/ucanpay/payment", "body")).await;
        assert_eq!(
            response.unwrap().status() == StatusCode::OK,
            prefix.is_empty() || prefix == "/",
            "{prefix}: with no prefix, `ucanpay` is an account"
        );
    }
}

/// A shop with a page, an echo, a wildcard and a fallback of its own.
fn shop() -> Router {
    async fn echo(body: String) -> String {
        format!("echo {body}")
    }
    Router::new()
        .route("/", get(async || "shop").post(echo))
        .route("/ucanpay/{*rest}", get(async || "a page of the shop"))
        .fallback(async || (StatusCode::IM_A_TEAPOT, "the shop's own 404"))
}

#[tokio::test]
async fn every_other_request_passes_untouched() {
    let plain = shop();
    let layered = shop().layer(UcanpayLayer::new(Addresses::default()));
    for (method, path) in [
        (Method::GET, "/"),
        (Method::POST, "/"),
        (Method::GET, "/ucanpay/payment"),
        (Method::HEAD, "/ucanpay/payment"),
        (Method::PUT, "/ucanpay/payment"),
        (Method::POST, "/ucanpay/payments"),
        (Method::POST, "/ucanpay/payment/"),
        (Method::POST, "/ucanpay/a/b/payment"),
        (Method::GET, "/nowhere"),
        (Method::POST, "/nowhere/payment"),
    ] {
        let [expected, got] = [plain.clone(), layered.clone()]
            .map(|router| router.oneshot(request(method.clone(), path, "body")));
        let expected = read(expected.await.unwrap()).await;
        let got = read(got.await.unwrap()).await;
        assert_eq!(got, expected, "{method} {path}");
        assert!(!got.2.contains("return_code"), "{method} {path}");
    }
}

#[tokio::test]
async fn notifications_go_before_a_wildcard_and_an_earlier_fallback() {
    let router = shop().layer(UcanpayLayer::new(Addresses::default()));
    let response = router.oneshot(post("/ucanpay/refund", "body")).await;
    assert_success(response.unwrap(), "refund").await;
}

#[tokio::test]
async fn a_router_with_state_of_its_own_takes_the_layer() {
    #[derive(Clone)]
    struct State;
    let router = Router::new()
        .route("/", get(async |_: axum::extract::State<State>| "shop"))
        .layer(UcanpayLayer::new(Addresses::default()))
        .with_state(State);
    let response = router.oneshot(post("/ucanpay/payment", "body")).await;
    assert_success(response.unwrap(), "payment").await;
}

#[tokio::test]
async fn any_tower_service_with_any_body_can_stand_behind_it() {
    let inner = service_fn(async |_: Request<Full<Bytes>>| {
        Ok::<_, Infallible>(Response::new(Body::from("inner")))
    });
    let service = UcanpayLayer::new(Addresses::default()).layer(inner);
    for (path, answer) in [("/ucanpay/payment", "return_code"), ("/other", "inner")] {
        let request = Request::post(path).body(Full::from("body")).unwrap();
        let (_, _, body) = read(service.clone().oneshot(request).await.unwrap()).await;
        assert!(body.contains(answer), "{path}: {body}");
    }
}
