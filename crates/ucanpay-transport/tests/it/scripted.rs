//! A gateway that answers from a script and signs with the platform's test key.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tower::Service;
use ucanpay_core::{
    Fields, Merchant, MerchantId, OrderQuery, OutTradeNo, PrivateKey, SignatureScheme,
    canonical_string,
};
use ucanpay_transport::{BoxError, ConnectError};

/// What the gateway does with one request.
pub(crate) enum Reply {
    Answer(Response<Bytes>),
    Fail(BoxError),
    Hang,
    /// The same, after a while.
    Later(Duration, Box<Reply>),
}

impl Reply {
    fn play(self) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, BoxError>> + Send>> {
        Box::pin(async move {
            match self {
                Self::Answer(response) => Ok(response),
                Self::Fail(error) => Err(error),
                Self::Hang => std::future::pending().await,
                Self::Later(wait, reply) => {
                    tokio::time::sleep(wait).await;
                    reply.play().await
                }
            }
        })
    }
}

#[derive(Clone, Default)]
pub(crate) struct Gateway(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    replies: VecDeque<Reply>,
    requests: Vec<Request<Bytes>>,
    times: Vec<Instant>,
}

impl Gateway {
    pub(crate) fn replying(replies: impl IntoIterator<Item = Reply>) -> Self {
        let gateway = Self::default();
        gateway.0.lock().unwrap().replies.extend(replies);
        gateway
    }

    pub(crate) fn requests(&self) -> Vec<Request<Bytes>> {
        self.0.lock().unwrap().requests.clone()
    }

    /// When the requests came, in seconds since `start`.
    pub(crate) fn seconds_since(&self, start: Instant) -> Vec<f64> {
        let state = self.0.lock().unwrap();
        let seconds = state.times.iter().map(|time| (*time - start).as_secs_f64());
        seconds.collect()
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.lock().unwrap().requests.len()
    }
}

impl Service<Request<Bytes>> for Gateway {
    type Response = Response<Bytes>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let mut state = self.0.lock().unwrap();
        state.requests.push(request);
        state.times.push(Instant::now());
        let reply = state
            .replies
            .pop_front()
            .expect("one more request than scripted");
        reply.play()
    }
}

pub(crate) fn paid() -> Reply {
    answer(StatusCode::OK, signed(&key("platform-2048"), members()))
}

pub(crate) fn error_name(name: &str) -> Reply {
    answer(StatusCode::OK, unsigned(name))
}

pub(crate) fn unsigned(name: &str) -> Bytes {
    json!({"code": name, "msg": name}).to_string().into()
}

pub(crate) fn answer(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    Reply::Answer(response)
}

pub(crate) fn with_header(reply: Reply, name: &'static str, value: &'static str) -> Reply {
    let Reply::Answer(mut response) = reply else {
        panic!("only an answer has headers");
    };
    response.headers_mut().insert(name, value.parse().unwrap());
    Reply::Answer(response)
}

/// Too many requests, by HTTP: come again in `seconds`.
pub(crate) fn limited(seconds: &'static str) -> Reply {
    with_header(
        answer(StatusCode::TOO_MANY_REQUESTS, ""),
        "retry-after",
        seconds,
    )
}

pub(crate) fn later(seconds: u64, reply: Reply) -> Reply {
    Reply::Later(Duration::from_secs(seconds), Box::new(reply))
}

pub(crate) fn reset() -> Reply {
    Reply::Fail(io::Error::from(io::ErrorKind::ConnectionReset).into())
}

pub(crate) fn refused() -> Reply {
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    Reply::Fail(ConnectError::new(refused).into())
}

/// The members of the answer to [`query`].
pub(crate) fn members() -> Map<String, Value> {
    let Value::Object(members) = json!({
        "merchantId": "2000000010",
        "outTradeNo": "T20260301A",
        "ucpOrderNo": "563465342654643",
        "totalAmt": 450,
        "tradeStatus": "SUCCESS",
        "tranTime": "2026-03-01T12:00:04",
        "nonceStr": "5K8264ILTKCH16CQ25S",
        "signType": "RSA",
    }) else {
        unreachable!("it is an object");
    };
    members
}

/// An envelope whose data is signed as the reference documents.
pub(crate) fn signed(key: &PrivateKey, mut data: Map<String, Value>) -> Bytes {
    let text = Value::Object(data.clone()).to_string();
    let canonical = canonical_string(&Fields::parse(text.as_bytes()).unwrap()).unwrap();
    let scheme = SignatureScheme::DOCUMENTED;
    let signature = key
        .signer()
        .sign(scheme.digest, &scheme.message(&canonical, None))
        .unwrap();
    data.insert("sign".into(), STANDARD.encode(signature).into());
    json!({"code": 0, "msg": "SUCCESS", "data": data, "timestamp": "2026-03-01T12:00:05Z"})
        .to_string()
        .into()
}

pub(crate) fn key(name: &str) -> PrivateKey {
    const KEYS: &str = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/keys/keys.json"
    ));
    let keys: Value = serde_json::from_str(KEYS).unwrap();
    PrivateKey::from_bytes(keys[name]["pkcs8"].as_str().unwrap().as_bytes()).unwrap()
}

pub(crate) fn merchant() -> Merchant {
    Merchant::new(
        MerchantId::new("2000000010").unwrap(),
        key("merchant-2048"),
        [key("platform-2048").public_key().clone()],
    )
    .unwrap()
}

pub(crate) fn query() -> OrderQuery {
    OrderQuery {
        out_trade_no: OutTradeNo::new("T20260301A").unwrap(),
        ucp_order_no: None,
    }
}
