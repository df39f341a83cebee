//! Verified notifications as axum extractors.
//!
//! The body is read as bytes and verified with the [`Merchant`] of the router's state, whatever its content type.
//! *Verified* means that the gateway said it. Whether it is about an order of yours, with your amount and your
//! currency, is for you to compare before anything is marked paid.

use crate::body;
use crate::rejection::{NotificationRejection, OtherTopic};
use crate::self_check::Mark;
use axum_core::extract::{FromRef, FromRequest, Request};
use std::error::Error;
use std::iter::successors;
use ucanpay_core::{Merchant, Verified};

/// Any notification: chapters "Payment Notification" and "Refund Notification" of the reference.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = concat!(
/// #     r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"refundAmt":100,"#,
/// #     r#""ucpOrderNo":"377654578511872","ucpRefundNo":"377654578511873","outTradeNo":"A17","#,
/// #     r#""outRefundNo":"A17R1","refundStatus":"SUCCESS","signType":"RSA"}"#,
/// # );
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let message = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// # use axum::body::{Body, to_bytes};
/// # use axum::http::{Request, StatusCode};
/// # use tower::ServiceExt;
/// use axum::{Router, routing::post};
/// use ucanpay_axum::{Ack, Notification};
///
/// async fn news(Notification(message): Notification) -> Ack {
///     match &*message {
///         ucanpay_core::Notification::Payment(payment) => println!("news of order {}", payment.out_trade_no),
///         ucanpay_core::Notification::Refund(refund) => println!("news of refund {}", refund.out_refund_no),
///         _ => {}
///     }
///     // Compare it with your own order, commit, and then:
///     Ack::i_have_committed()
/// }
///
/// let app = Router::new().route("/news", post(news)).with_state(merchant); // a `Merchant`: its number and the keys
/// let answer = app.oneshot(Request::post("/news").body(Body::from(message))?).await?;
/// assert_eq!(answer.status(), StatusCode::OK);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Notification(pub Verified<ucanpay_core::Notification>);

/// A payment notification; a refund notification is rejected with 400.
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
/// # use axum::body::{Body, to_bytes};
/// # use axum::http::{Request, StatusCode};
/// # use tower::ServiceExt;
/// use axum::{Router, routing::post};
/// use ucanpay_axum::{Ack, PaymentNotification};
/// use ucanpay_core::TradeStatus;
///
/// async fn paid(PaymentNotification(message): PaymentNotification) -> Ack {
///     // Against your own order. What does not match is put aside for a person.
///     let matches = (message.merchant_id.as_str(), message.out_trade_no.as_str()) == ("2000000010", "A17")
///         && (message.total_amount.cents(), message.currency.as_str()) == (450, "CAD");
///     let paid = matches && message.trade_status == TradeStatus::Success;
///     println!("A17 is paid: {paid}"); // and commit that; then:
///     Ack::i_have_committed()
/// }
///
/// let app = Router::new().route("/paid", post(paid)).with_state(merchant); // a `Merchant`: its number and the keys
/// let post = |body: String| Request::post("/paid").body(Body::from(body));
/// let altered = message.replace("450", "451");
/// assert_eq!(app.clone().oneshot(post(message)?).await?.status(), StatusCode::OK);
/// assert_eq!(app.oneshot(post(altered)?).await?.status(), StatusCode::UNAUTHORIZED);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct PaymentNotification(pub Verified<ucanpay_core::PaymentNotification>);

/// A refund notification; a payment notification is rejected with 400.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = concat!(
/// #     r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"refundAmt":100,"#,
/// #     r#""ucpOrderNo":"377654578511872","ucpRefundNo":"377654578511873","outTradeNo":"A17","#,
/// #     r#""outRefundNo":"A17R1","refundStatus":"SUCCESS","signType":"RSA"}"#,
/// # );
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let message = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// # use axum::body::{Body, to_bytes};
/// # use axum::http::{Request, StatusCode};
/// # use tower::ServiceExt;
/// use axum::{Router, routing::post};
/// use ucanpay_axum::{Ack, RefundNotification};
/// use ucanpay_core::RefundStatus;
///
/// async fn returned(RefundNotification(message): RefundNotification) -> Ack {
///     // Against your own refund, likewise.
///     let matches = (message.merchant_id.as_str(), message.out_refund_no.as_str()) == ("2000000010", "A17R1")
///         && (message.refund_amount.cents(), message.currency.as_str()) == (100, "CAD");
///     let returned = matches && message.refund_status == RefundStatus::Success;
///     println!("A17R1 went back: {returned}"); // and commit that; then:
///     Ack::i_have_committed()
/// }
///
/// let app = Router::new().route("/returned", post(returned)).with_state(merchant); // a `Merchant`
/// let answer = app.oneshot(Request::post("/returned").body(Body::from(message))?).await?;
/// assert_eq!(answer.status(), StatusCode::OK);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct RefundNotification(pub Verified<ucanpay_core::RefundNotification>);

impl<S> FromRequest<S> for Notification
where
    S: Send + Sync,
    Merchant: FromRef<S>,
{
    type Rejection = NotificationRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let merchant = Merchant::from_ref(state);
        // The self-check's own request is empty, and no news.
        let checked = Mark::see(request.extensions());
        let verified = verify(request, &merchant).await;
        verified.map(Self).inspect_err(|error| {
            if !checked {
                log(error);
            }
        })
    }
}

impl<S> FromRequest<S> for PaymentNotification
where
    S: Send + Sync,
    Merchant: FromRef<S>,
{
    type Rejection = NotificationRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let Notification(any) = Notification::from_request(request, state).await?;
        let payment = any.into_payment().ok_or(OtherTopic.into());
        payment.map(Self).inspect_err(log)
    }
}

impl<S> FromRequest<S> for RefundNotification
where
    S: Send + Sync,
    Merchant: FromRef<S>,
{
    type Rejection = NotificationRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let Notification(any) = Notification::from_request(request, state).await?;
        let refund = any.into_refund().ok_or(OtherTopic.into());
        refund.map(Self).inspect_err(log)
    }
}

async fn verify(
    request: Request,
    merchant: &Merchant,
) -> Result<Verified<ucanpay_core::Notification>, NotificationRejection> {
    let body = body::read(request.into_body()).await?;
    Ok(merchant.verify_notification(&body)?)
}

/// One warning with the reason, and never the body: it tells what a customer bought.
fn log(rejection: &NotificationRejection) {
    let causes = successors(rejection.source(), |&error| error.source());
    let reason = causes.fold(rejection.to_string(), |reason, cause| {
        format!("{reason}: {cause}")
    });
    tracing::warn!(reason, "a notification was refused");
}
