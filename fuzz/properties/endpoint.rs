//! The property of the target `endpoint`: whatever is posted to a notify address, and however it comes in, the layer over the
//! ledger gives the one answer that fits. SUCCESS is said to nothing but what the gateway signed, and nothing else moves the
//! payment.
//!
//! The fuzz target comes in with bytes of its own making, the tests of `ucanpay-axum` with the corpus. A panic goes out.

use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Response, StatusCode};
use futures_util::stream;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tower::{ServiceExt as _, service_fn};
use ucanpay_axum::{MAX_NOTIFICATION_BYTES, UcanpayLayer};
use ucanpay_storefront::{
    MemoryStore, PaymentKey, PaymentRegistry, Payments, StartPayment, UcanpayProvider,
    UcanpaySettings,
};
use ucanpay_transport::{Client, ConnectError};

use super::envelope::{self, MERCHANT};

/// Panics if a request made of these bytes is answered otherwise than it should be. The first byte says how it comes in, the
/// others are those of the target `envelope`.
pub(crate) fn check(input: &[u8]) {
    let Some((way, rest)) = input.split_first() else {
        return;
    };
    let way = Way::of(*way);
    for body in envelope::bodies(rest) {
        way.check(body);
    }
}

/// How a request comes in.
struct Way {
    address: Address,
    method: Method,
    /// In pieces of so many bytes.
    pieces: usize,
    /// The connection breaks after half of them.
    breaks_off: bool,
    /// So much white space follows that the whole is too long.
    too_long: bool,
}

#[derive(Clone, Copy)]
enum Address {
    /// Of the account that is there.
    Ours(&'static str),
    /// Of an account that is not.
    Nobodys(&'static str),
    /// The shop's own.
    Shops(&'static str),
}

const ADDRESSES: [Address; 8] = [
    Address::Ours("/ucanpay/payment"),
    Address::Ours("/ucanpay/refund"),
    Address::Ours("/ucanpay/ucanpay/payment"),
    Address::Ours("/ucanpay/ucanpay/refund"),
    Address::Nobodys("/ucanpay/nobody/payment"),
    Address::Shops("/ucanpay//payment"),
    Address::Shops("/ucanpay/payment/"),
    Address::Shops("/"),
];

const PIECES: [usize; 4] = [usize::MAX, 1_000, 64, 7];

impl Way {
    /// From the least bit: three for the address, two for the pieces, one for the method, and one for each trouble.
    fn of(byte: u8) -> Self {
        let bit = |n: u8| byte >> n & 1 == 1;
        Self {
            address: ADDRESSES[usize::from(byte & 0b111)],
            pieces: PIECES[usize::from(byte >> 3 & 0b11)],
            method: if bit(5) { Method::PUT } else { Method::POST },
            breaks_off: bit(6),
            too_long: bit(7),
        }
    }

    fn check(&self, body: Vec<u8>) {
        let expected = self.expected(&body);
        // One at a time: the tests come in from several threads.
        let ledger = LEDGER.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, answer, after) = ledger.runtime.block_on(async {
            let before = ledger.payments.payment(&ledger.key).await;
            let answer = ledger.shop.clone().oneshot(self.request(body)).await;
            let answer = answer.unwrap_or_else(|never| match never {});
            let status = answer.status();
            let body = axum::body::to_bytes(answer.into_body(), 10_000).await;
            let body = body.expect("an answer is short and whole");
            let after = ledger.payments.payment(&ledger.key).await;
            (before, (status, body), after)
        });
        assert_eq!(answer.0, expected.status());
        match expected {
            Expected::Shop => assert_eq!(answer.1, SHOP),
            Expected::Success => {
                assert_eq!(answer.1, r#"{"return_code":"SUCCESS","return_msg":"OK"}"#);
            }
            Expected::Fail(_) => assert_fail(&answer.1),
        }
        if !matches!(expected, Expected::Success) {
            assert_eq!(before.unwrap(), after.unwrap(), "it moved the payment");
        }
    }

    fn expected(&self, body: &[u8]) -> Expected {
        if self.method != Method::POST {
            return Expected::Shop;
        }
        match self.address {
            Address::Shops(_) => Expected::Shop,
            _ if self.breaks_off => Expected::Fail(StatusCode::BAD_REQUEST),
            _ if self.too_long => Expected::Fail(StatusCode::PAYLOAD_TOO_LARGE),
            Address::Nobodys(_) => Expected::Fail(StatusCode::NOT_FOUND),
            Address::Ours(_) if MERCHANT.verify_notification(body).is_ok() => Expected::Success,
            Address::Ours(_) => Expected::Fail(StatusCode::UNAUTHORIZED),
        }
    }

    fn request(&self, mut body: Vec<u8>) -> Request<Body> {
        let (Address::Ours(path) | Address::Nobodys(path) | Address::Shops(path)) = self.address;
        if self.breaks_off {
            body.truncate(body.len() / 2);
        } else if self.too_long {
            body.resize(MAX_NOTIFICATION_BYTES + 1, b' ');
        }
        let pieces = body.chunks(self.pieces).map(Bytes::copy_from_slice).map(Ok);
        let broken = io::Error::from(io::ErrorKind::ConnectionReset);
        let broken = self.breaks_off.then_some(Err(broken));
        let pieces: Vec<_> = pieces.chain(broken).collect();
        Request::builder()
            .method(self.method.clone())
            .uri(path)
            .body(Body::from_stream(stream::iter(pieces)))
            .expect("a proper request")
    }
}

/// What has to be answered.
enum Expected {
    Shop,
    Success,
    Fail(StatusCode),
}

impl Expected {
    fn status(&self) -> StatusCode {
        match self {
            Self::Shop => StatusCode::IM_A_TEAPOT,
            Self::Success => StatusCode::OK,
            Self::Fail(status) => *status,
        }
    }
}

/// FAIL, with a reason of at most 128 characters.
fn assert_fail(body: &[u8]) {
    let answer: Value = serde_json::from_slice(body).expect("an answer is JSON");
    assert_eq!(answer["return_code"], "FAIL");
    let reason = answer["return_msg"].as_str().expect("a reason");
    assert!((1..=128).contains(&reason.chars().count()), "{reason}");
}

const SHOP: &str = "the shop";

/// A shop whose gateway cannot be reached, with the payment that the vectors speak of.
struct Ledger {
    runtime: Runtime,
    payments: Payments,
    key: PaymentKey,
    shop: Router,
}

static LEDGER: LazyLock<Mutex<Ledger>> = LazyLock::new(|| {
    let unreachable = service_fn(async |_: Request<Bytes>| {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        Err::<Response<Bytes>, _>(ConnectError::new(refused))
    });
    let client = Client::with_service(MERCHANT.clone(), unreachable);
    let settings = UcanpaySettings::new("https://shop.example").expect("an address");
    let registry = PaymentRegistry::builder()
        .register(UcanpayProvider::new(client, settings))
        .build()
        .expect("one provider");
    let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let coffee = StartPayment::new("VEC20260301A", 450, "coffee").expect("a payment");
    let started = runtime.block_on(payments.start(coffee));
    Mutex::new(Ledger {
        key: started.expect("recorded").payment.key.clone(),
        shop: Router::new()
            .fallback(async || (StatusCode::IM_A_TEAPOT, SHOP))
            .layer(UcanpayLayer::payments(payments.clone())),
        payments,
        runtime,
    })
});
