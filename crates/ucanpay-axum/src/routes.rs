//! The ledger's own routes, to nest into a shop: notify addresses, and what a payment page needs to know.
//!
//! Notifications go the way of the layer, `payments.rs`; a page asks for the state of one payment, or listens to it.

use crate::body;
use crate::handler::{Incoming, NotificationHandler, Topic};
use crate::self_check::Mark;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{MethodRouter, get, post};
use futures_util::stream;
use serde::Serialize;
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::timeout;
use ucanpay_core::qr;
use ucanpay_storefront::{Changes, PaymentKey, PaymentView, Payments, Reference};

/// How often an open page is looked after that nobody told anything: another machine may have committed the change.
const LOOK: Duration = Duration::from_secs(120);

/// How soon a ledger that could not be read is looked at again.
const AGAIN: Duration = Duration::from_secs(2);

/// Routes over the ledger, for `.nest("/ucanpay", payments_router(&payments))`. The nesting router may have a fallback, and
/// other routes before and after.
///
/// | route | what it does |
/// |---|---|
/// | `POST /payment`, `/refund`, `/{account}/payment`, `/{account}/refund` | takes a notification in, as [`UcanpayLayer`](crate::UcanpayLayer) does |
/// | `GET /status/{reference}` | [`PaymentStatus`] as JSON, of a payment at the default provider |
/// | `GET /status/{reference}/events` | the same as server-sent events: at once, and whenever it changes, until it is settled |
/// | `GET /status/{reference}/qr.svg` | the pay link as a QR code; 404 while there is none |
///
/// **Whoever knows a payment's number can see its state and pay it.** That is what a payment page is for, if the numbers
/// cannot be guessed: [`Reference::random`]. A shop whose order numbers can be counted through takes the layer instead, and
/// routes of its own behind its own session.
///
/// For [FAIL with HTTP 200](crate::UcanpayLayer::fail_with_200) put the layer in front of them: it takes the notifications
/// before the routes do.
///
/// ```
/// # use axum::{Router, routing::get};
/// # use ucanpay_storefront::Payments;
/// # fn app(payments: Payments) -> Router {
/// Router::new()
///     .route("/", get(|| async { "shop" }))
///     .nest("/ucanpay", ucanpay_axum::payments_router(&payments))
/// # }
/// ```
pub fn payments_router<S: Clone + Send + Sync + 'static>(payments: &Payments) -> Router<S> {
    let router = table().into_iter();
    let router = router.fold(Router::new(), |router, (path, method)| {
        router.route(path, method)
    });
    router.with_state(payments.clone())
}

/// The routes of [`payments_router`] one by one, each with its path: for a framework that keeps a list of its own, as loco
/// does.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # use std::sync::Arc;
/// # use ucanpay_axum::storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
/// # use ucanpay_axum::storefront::{UcanpayProvider, UcanpaySettings};
/// # use ucanpay_transport::{Client, ConnectError};
/// # let nobody = tower::service_fn(async |_: http::Request<bytes::Bytes>| {
/// #     let error = ConnectError::new(std::io::Error::other("nobody listens"));
/// #     Err::<http::Response<bytes::Bytes>, _>(error)
/// # });
/// # let client = Client::with_service(merchant, nobody);
/// # let account = UcanpayProvider::new(client, UcanpaySettings::new("https://shop.example")?);
/// # let registry = PaymentRegistry::builder().register(account).build()?;
/// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
/// # use axum::body::{Body, to_bytes};
/// # use axum::http::{Request, StatusCode};
/// # use tower::ServiceExt;
/// use axum::Router;
/// use ucanpay_axum::payments_routes;
///
/// let mut app = Router::new();
/// for (path, method) in payments_routes(&payments) {
///     println!("{path}"); // "/payment", "/refund", "/status/{reference}" and so on
///     app = app.route(&format!("/till{path}"), method);
/// }
/// payments.start(StartPayment::new("A17", 450, "one latte")?).await?;
/// let app: Router = app;
/// let status = app.oneshot(Request::get("/till/status/A17").body(Body::empty())?).await?;
/// assert_eq!(status.status(), StatusCode::OK);
/// # Ok(()) }
/// ```
pub fn payments_routes<S>(payments: &Payments) -> [(&'static str, MethodRouter<S>); 7] {
    table().map(|(path, method)| (path, method.with_state(payments.clone())))
}

fn table() -> [(&'static str, MethodRouter<Payments>); 7] {
    [
        ("/payment", post(payment)),
        ("/refund", post(refund)),
        ("/{account}/payment", post(payment_of)),
        ("/{account}/refund", post(refund_of)),
        ("/status/{reference}", get(status)),
        ("/status/{reference}/events", get(events)),
        ("/status/{reference}/qr.svg", get(qr_code)),
    ]
}

async fn payment(State(payments): State<Payments>, request: Request) -> Response {
    notified(payments, None, Topic::Payment, request).await
}

async fn refund(State(payments): State<Payments>, request: Request) -> Response {
    notified(payments, None, Topic::Refund, request).await
}

async fn payment_of(
    State(payments): State<Payments>,
    Path(account): Path<String>,
    request: Request,
) -> Response {
    notified(payments, Some(account), Topic::Payment, request).await
}

async fn refund_of(
    State(payments): State<Payments>,
    Path(account): Path<String>,
    request: Request,
) -> Response {
    notified(payments, Some(account), Topic::Refund, request).await
}

async fn notified(
    payments: Payments,
    account: Option<String>,
    topic: Topic,
    request: Request,
) -> Response {
    if Mark::see(request.extensions()) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let (head, body) = request.into_parts();
    let body = match body::read(body).await {
        Ok(body) => body,
        Err(rejection) => return body::refuse(rejection).into_response(),
    };
    let incoming = Incoming {
        account,
        topic,
        body,
        headers: head.headers,
    };
    match payments.handle(incoming).await {
        Ok(ack) => ack.into_response(),
        Err(nack) => nack.into_response(),
    }
}

/// What a payment page shows. Amounts are cents.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = concat!(
/// #     r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"ucpOrderNo":"377654578511872","#,
/// #     r#""outTradeNo":"A17","tradeStatus":"SUCCESS","signType":"RSA"}"#,
/// # );
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let message = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// # use std::sync::Arc;
/// # use ucanpay_axum::storefront::{MemoryStore, PaymentRegistry, Payments, StartPayment};
/// # use ucanpay_axum::storefront::{UcanpayProvider, UcanpaySettings};
/// # use ucanpay_transport::{Client, ConnectError};
/// # let nobody = tower::service_fn(async |_: http::Request<bytes::Bytes>| {
/// #     let error = ConnectError::new(std::io::Error::other("nobody listens"));
/// #     Err::<http::Response<bytes::Bytes>, _>(error)
/// # });
/// # let client = Client::with_service(merchant, nobody);
/// # let account = UcanpayProvider::new(client, UcanpaySettings::new("https://shop.example")?);
/// # let registry = PaymentRegistry::builder().register(account).build()?;
/// # let payments = Payments::new(Arc::new(MemoryStore::new()), registry);
/// use ucanpay_axum::PaymentStatus;
/// # use ucanpay_axum::storefront::{NotificationTopic, RawNotification};
///
/// let order = StartPayment::new("A17", 450, "one latte")?;
/// let view = payments.start(order).await?;
/// let status = PaymentStatus::from(&view); // for a route of your own, behind your session
/// assert_eq!((status.amount, status.paid, status.settled), (450, false, false));
/// # let _receipt = payments.handle_notification(RawNotification::new(NotificationTopic::Payment, message)).await?;
///
/// // The buyer has paid.
/// let view = payments.payment(&view.payment.key).await?.expect("it was recorded");
/// let json = serde_json::to_value(PaymentStatus::from(&view))?;
/// assert_eq!((&json["state"], &json["refunded"]), (&"paid".into(), &0.into()));
/// assert!(json["pay_link"].is_null(), "there is nothing left to pay");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PaymentStatus {
    /// The merchant's number.
    pub reference: String,
    /// The [state](ucanpay_storefront::PaymentState)'s word, such as `awaiting_payment` or `paid`.
    pub state: &'static str,
    /// Whether the money was taken. It stays so, whatever is refunded later.
    pub paid: bool,
    /// Whether nothing more is expected: a page need not ask again, except for refunds.
    pub settled: bool,
    /// The amount of the payment.
    pub amount: i64,
    /// Its currency, as `CAD`.
    pub currency: String,
    /// What surely went back by refunds.
    pub refunded: i64,
    /// Whether all of it went back by a reversal. The payment stays `paid`.
    pub reversed: bool,
    /// The link by which the buyer pays; null until the gateway has taken the order, and once nothing is to be paid.
    pub pay_link: Option<String>,
}

impl From<&PaymentView> for PaymentStatus {
    fn from(view: &PaymentView) -> Self {
        Self {
            reference: view.payment.key.reference.to_string(),
            state: view.payment.state.as_str(),
            paid: view.payment.paid_at.is_some(),
            settled: view.payment.state.is_settled(),
            amount: view.payment.amount.cents(),
            currency: view.payment.currency.to_string(),
            refunded: view.refunded(),
            reversed: view.was_reversed(),
            pay_link: view.pay_link().map(str::to_owned),
        }
    }
}

/// An answer that is old as soon as it is given.
const NOT_KEPT: (axum::http::HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("no-store"));

async fn status(
    State(payments): State<Payments>,
    Path(reference): Path<String>,
) -> Result<impl IntoResponse, StatusCode> {
    let key = key(&payments, reference)?;
    let view = find(&payments, &key).await?;
    Ok(([NOT_KEPT], Json(PaymentStatus::from(&view))))
}

async fn qr_code(
    State(payments): State<Payments>,
    Path(reference): Path<String>,
) -> Result<impl IntoResponse, StatusCode> {
    let key = key(&payments, reference)?;
    let view = find(&payments, &key).await?;
    let link = view.pay_link().ok_or(StatusCode::NOT_FOUND)?;
    // A link too long for a code is still a link: the page has it.
    let svg = qr::svg(link).map_err(|_| StatusCode::NOT_FOUND)?;
    let svg_type = (CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
    Ok(([NOT_KEPT, svg_type], svg))
}

async fn events(
    State(payments): State<Payments>,
    Path(reference): Path<String>,
) -> Result<impl IntoResponse, StatusCode> {
    let key = key(&payments, reference)?;
    // It listens before it first reads, so that nothing falls in between.
    let changes = payments.changes_of(&key);
    let view = find(&payments, &key).await?;
    let watcher = Watcher {
        payments,
        key,
        changes,
        read: Some(PaymentStatus::from(&view)),
        told: None,
    };
    let events = stream::unfold(watcher, async |mut watcher| {
        let event = watcher.next().await?;
        Some((Ok::<_, Infallible>(event), watcher))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// One open page.
struct Watcher {
    payments: Payments,
    key: PaymentKey,
    changes: Changes,
    /// What was read before anybody listened.
    read: Option<PaymentStatus>,
    told: Option<PaymentStatus>,
}

impl Watcher {
    /// The next state that the page has not been told; `None` once it was told that all is settled.
    async fn next(&mut self) -> Option<Event> {
        if self.told.as_ref().is_some_and(|status| status.settled) {
            return None;
        }
        let mut wait = LOOK;
        loop {
            let status = match self.read.take() {
                Some(status) => status,
                None => {
                    let _ = timeout(wait, self.changes.next()).await;
                    let Ok(Some(view)) = self.payments.payment(&self.key).await else {
                        wait = AGAIN;
                        continue;
                    };
                    PaymentStatus::from(&view)
                }
            };
            wait = LOOK;
            if self.told.as_ref() != Some(&status) {
                let event = Event::default().json_data(&status).ok()?;
                self.told = Some(status);
                return Some(event);
            }
        }
    }
}

fn key(payments: &Payments, reference: String) -> Result<PaymentKey, StatusCode> {
    let reference = Reference::new(reference).map_err(|_| StatusCode::NOT_FOUND)?;
    Ok(payments.key(reference))
}

async fn find(payments: &Payments, key: &PaymentKey) -> Result<PaymentView, StatusCode> {
    match payments.payment(key).await {
        Ok(view) => view.ok_or(StatusCode::NOT_FOUND),
        Err(error) => {
            tracing::error!(payment = %key, reason = %error, "the ledger is not available");
            Err(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}
