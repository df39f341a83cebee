//! The client over a server in this process: the sandbox, and servers that misbehave.

use crate::scripted::{key, merchant, query};
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use http::Request;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll};
use tower::{Service, ServiceExt};
use ucanpay_core::{
    Amount, CloseOrder, Currency, Description, DeviceNo, MerchantId, NotifyUrl, OrderQuery,
    OutRefundNo, OutTradeNo, Refund, RefundQuery, RefundReason, Reverse, SceneType, Subject,
    TradeStatus, UcpOrderNo, UnifiedOrder,
};
use ucanpay_sandbox::{Sandbox, SandboxConfig};
use ucanpay_transport::{
    AnswerTooLarge, Client, Effect, Error, InProcess, Lost, RetryPolicy, ServerPanicked,
};

fn client(router: Router) -> Client {
    Client::builder(merchant())
        .retry(RetryPolicy::never())
        .build_with(InProcess::<_, Body>::new(router))
        .unwrap()
}

/// A gateway with one handler, which counts its requests.
fn gateway<F>(handler: F) -> (Router, Arc<AtomicUsize>)
where
    F: Fn() -> Response + Clone + Send + Sync + 'static,
{
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let handler = move || {
        count.fetch_add(1, SeqCst);
        std::future::ready(handler())
    };
    let router = Router::new().route("/payment/orderquery", post(handler));
    (router, requests)
}

fn order(number: &str) -> UnifiedOrder {
    UnifiedOrder {
        subject: Subject::new("coffee").unwrap(),
        description: Description::new("two flat whites").unwrap(),
        device_no: DeviceNo::new("till-1").unwrap(),
        total_amount: Amount::new(450).unwrap(),
        scene: SceneType::Native,
        out_trade_no: OutTradeNo::new(number).unwrap(),
        currency: Currency::CAD,
        notify_url: NotifyUrl::new("http://127.0.0.1:9/ucanpay/payment").unwrap(),
    }
}

#[tokio::test]
async fn all_six_calls_go_through_the_sandbox_without_a_socket() {
    let config = SandboxConfig::new(
        MerchantId::new("2000000010").unwrap().as_str(),
        key("merchant-2048").public_key().clone(),
        key("platform-2048"),
    );
    let router = Sandbox::open(config).await.unwrap().router();
    let client = client(router.clone());

    let placed = client.call(&order("T1")).await.unwrap();
    let ucp_order_no = UcpOrderNo::new(placed.ucp_order_no.as_deref().unwrap()).unwrap();
    let out_trade_no = OutTradeNo::new("T1").unwrap();
    let query = OrderQuery {
        out_trade_no: out_trade_no.clone(),
        ucp_order_no: Some(ucp_order_no.clone()),
    };
    let before = client.call(&query).await.unwrap();
    assert_ne!(before.trade_status, Some(TradeStatus::Success));

    let approve = Request::post("/_sandbox/orders/T1/pay").body(Body::empty());
    let approved = router.oneshot(approve.unwrap()).await.unwrap();
    assert!(approved.status().is_success());
    let after = client.call(&query).await.unwrap();
    assert_eq!(after.trade_status, Some(TradeStatus::Success));

    let out_refund_no = OutRefundNo::new("R1").unwrap();
    let refund = Refund {
        ucp_order_no: ucp_order_no.clone(),
        out_trade_no: out_trade_no.clone(),
        out_refund_no: out_refund_no.clone(),
        total_amount: Amount::new(450).unwrap(),
        refund_amount: Amount::new(100).unwrap(),
        reason: RefundReason::new("one was cold").unwrap(),
        notify_url: NotifyUrl::new("http://127.0.0.1:9/ucanpay/refund").unwrap(),
    };
    let refunded = client.call(&refund).await.unwrap();
    assert_eq!(refunded.out_refund_no.as_deref(), Some("R1"));
    let refund_query = RefundQuery {
        out_trade_no: out_trade_no.clone(),
        ucp_order_no: Some(ucp_order_no.clone()),
        ucp_refund_no: None,
        out_refund_no,
    };
    let known = client.call(&refund_query).await.unwrap();
    assert_eq!(known.out_refund_no.as_deref(), Some("R1"));

    for (number, status) in [("T2", TradeStatus::Closed), ("T3", TradeStatus::Revoked)] {
        client.call(&order(number)).await.unwrap();
        let out_trade_no = OutTradeNo::new(number).unwrap();
        let ended = match status {
            TradeStatus::Closed => {
                let close = CloseOrder {
                    out_trade_no,
                    ucp_order_no: None,
                };
                client.call(&close).await.unwrap().trade_status.clone()
            }
            _ => {
                let reverse = Reverse {
                    out_trade_no,
                    ucp_order_no: None,
                };
                client.call(&reverse).await.unwrap().trade_status.clone()
            }
        };
        assert_eq!(ended, Some(status));
    }
    let close = CloseOrder {
        out_trade_no,
        ucp_order_no: Some(ucp_order_no),
    };
    let refused = client.call(&close).await.unwrap_err();
    assert_eq!(refused.gateway().unwrap().code().name(), "ORDERPAID");
}

#[tokio::test]
async fn an_error_name_of_the_server_comes_through() {
    let (router, requests) = gateway(|| Response::new(r#"{"code":1,"msg":"PARAM_ERROR"}"#.into()));
    let error = client(router).call(&query()).await.unwrap_err();
    assert_eq!(error.gateway().unwrap().code().name(), "PARAM_ERROR");
    assert_eq!(requests.load(SeqCst), 1);
}

#[tokio::test]
async fn a_server_that_panics_leaves_the_outcome_unknown() {
    let (router, requests) = gateway(|| panic!("of no use to the client: 4111"));
    let error = client(router).call(&query()).await.unwrap_err();
    let Error::OutcomeUnknown(Lost::Broken(source)) = &error else {
        panic!("{error:?}");
    };
    assert!(source.is::<ServerPanicked>(), "{source:?}");
    assert!(!format!("{error:?}").contains("4111"));
    assert_eq!(requests.load(SeqCst), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_the_outcome_unknown() {
    let (router, _) = gateway(|| Response::new(Body::new(Breaks)));
    let error = client(router).call(&query()).await.unwrap_err();
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::Broken(_))),
        "{error:?}"
    );
}

/// The beginning of an answer, and then an error.
struct Breaks;

impl http_body::Body for Breaks {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(Err(std::io::ErrorKind::UnexpectedEof.into())))
    }
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read_to_its_end() {
    let frames = Arc::new(AtomicUsize::new(0));
    let read = Arc::clone(&frames);
    let (router, _) = gateway(move || Response::new(Body::new(Endless(Arc::clone(&read)))));
    let service = InProcess::<_, Body>::new(router).max_answer_bytes(10 * 1024);
    let request = Request::post("/payment/orderquery").body(Bytes::new());
    let error = service.oneshot(request.unwrap()).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&AnswerTooLarge::new(10 * 1024)));
    assert_eq!(frames.load(SeqCst), 11, "one frame of 1 KiB too many");
}

/// 1 KiB again and again; counts how often it was asked.
struct Endless(Arc<AtomicUsize>);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        self.0.fetch_add(1, SeqCst);
        let frame = http_body::Frame::data(Bytes::from_static(&[b'x'; 1024]));
        Poll::Ready(Some(Ok(frame)))
    }
}

/// A server that is full, and says so before it takes a request.
#[derive(Clone)]
struct Full;

impl Service<Request<Body>> for Full {
    type Response = Response;
    type Error = std::io::Error;
    type Future = std::future::Ready<Result<Response, std::io::Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), std::io::Error>> {
        Poll::Ready(Err(std::io::ErrorKind::QuotaExceeded.into()))
    }

    fn call(&mut self, _request: Request<Body>) -> Self::Future {
        unreachable!("it is never ready")
    }
}

#[tokio::test]
async fn a_server_that_is_never_ready_was_not_sent_anything() {
    let error = Client::with_service(merchant(), InProcess::<_, Body>::new(Full))
        .call(&query())
        .await
        .unwrap_err();
    assert_eq!(error.effect(), Effect::None, "{error:?}");
}
