//! Why a notification is not taken. Each cause is already the gateway's FAIL answer.
//!
//! The answer's text is fixed for each cause: what exactly failed is for the merchant's log, not for whoever posted.

use crate::Nack;
use axum_core::BoxError;
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use std::any::type_name;
use ucanpay_core::NotificationError;

/// Why an extractor refused a notification.
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
/// use ucanpay_axum::{Ack, NotificationRejection, PaymentNotification};
///
/// async fn paid(
///     message: Result<PaymentNotification, NotificationRejection>,
/// ) -> Result<Ack, NotificationRejection> {
///     // To count what is refused, say; the answer stays the rejection's own.
///     let PaymentNotification(message) = message.inspect_err(|refused| eprintln!("{}", refused.status()))?;
///     println!("news of order {}", message.out_trade_no);
///     Ok(Ack::i_have_committed())
/// }
///
/// let app = Router::new().route("/paid", post(paid)).with_state(merchant); // a `Merchant`
/// let forged = Request::post("/paid").body(Body::from(message.replace("450", "451")))?;
/// let answer = app.oneshot(forged).await?;
/// assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
/// let body = to_bytes(answer.into_body(), usize::MAX).await?;
/// assert_eq!(body, r#"{"return_code":"FAIL","return_msg":"signature not verified"}"#);
/// # Ok(()) }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotificationRejection {
    /// 413
    #[error(transparent)]
    TooLarge(#[from] BodyTooLarge),
    /// 400
    #[error(transparent)]
    Unreadable(#[from] BodyUnreadable),
    /// 400
    #[error(transparent)]
    Malformed(#[from] MalformedNotification),
    /// 401
    #[error(transparent)]
    Untrusted(#[from] UntrustedNotification),
    /// 400
    #[error(transparent)]
    OtherTopic(#[from] OtherTopic),
}

impl NotificationRejection {
    /// The status it goes out with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge(cause) => cause.status(),
            Self::Unreadable(cause) => cause.status(),
            Self::Malformed(cause) => cause.status(),
            Self::Untrusted(cause) => cause.status(),
            Self::OtherTopic(cause) => cause.status(),
        }
    }

    /// The reason it goes out with.
    pub fn body_text(&self) -> &'static str {
        match self {
            Self::TooLarge(cause) => cause.body_text(),
            Self::Unreadable(cause) => cause.body_text(),
            Self::Malformed(cause) => cause.body_text(),
            Self::Untrusted(cause) => cause.body_text(),
            Self::OtherTopic(cause) => cause.body_text(),
        }
    }

    fn type_name(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => type_name::<BodyTooLarge>(),
            Self::Unreadable(_) => type_name::<BodyUnreadable>(),
            Self::Malformed(_) => type_name::<MalformedNotification>(),
            Self::Untrusted(_) => type_name::<UntrustedNotification>(),
            Self::OtherTopic(_) => type_name::<OtherTopic>(),
        }
    }
}

impl From<NotificationError> for NotificationRejection {
    fn from(error: NotificationError) -> Self {
        match error {
            NotificationError::Malformed(_) => MalformedNotification(error).into(),
            // A reason that this version does not know is no reason to trust.
            _ => UntrustedNotification(error).into(),
        }
    }
}

/// It is said under `axum::rejection` at TRACE, as axum says its own rejections.
impl From<NotificationRejection> for Nack {
    fn from(rejection: NotificationRejection) -> Self {
        tracing::trace!(
            target: "axum::rejection",
            status = rejection.status().as_u16(),
            body = rejection.body_text(),
            rejection_type = rejection.type_name(),
            "rejecting request",
        );
        Self::fail(rejection.status(), rejection.body_text())
    }
}

/// What `Merchant::verify_notification` refuses, as the answer a [`NotificationHandler`](crate::NotificationHandler)
/// gives to it.
impl From<NotificationError> for Nack {
    fn from(error: NotificationError) -> Self {
        NotificationRejection::from(error).into()
    }
}

impl IntoResponse for NotificationRejection {
    fn into_response(self) -> Response {
        Nack::from(self).into_response()
    }
}

/// The body is longer than [`MAX_NOTIFICATION_BYTES`](crate::MAX_NOTIFICATION_BYTES).
#[derive(Debug, thiserror::Error)]
#[error("the notification is too large")]
pub struct BodyTooLarge;

/// The connection broke before the body was complete.
#[derive(Debug, thiserror::Error)]
#[error("the notification did not arrive whole")]
pub struct BodyUnreadable(#[source] pub(crate) BoxError);

/// The body is not the gateway's envelope, or lacks a required member.
#[derive(Debug, thiserror::Error)]
#[error("the notification cannot be read")]
pub struct MalformedNotification(#[source] pub(crate) NotificationError);

/// The signature does not prove that the gateway sent it.
#[derive(Debug, thiserror::Error)]
#[error("the notification cannot be trusted")]
pub struct UntrustedNotification(#[source] pub(crate) NotificationError);

/// Genuine, but about a refund where a payment was expected, or the other way round.
#[derive(Debug, thiserror::Error)]
#[error("this address takes another kind of notification")]
pub struct OtherTopic;

macro_rules! answer {
    ($($cause:ident => $status:ident, $text:literal;)+) => {$(
        impl $cause {
            /// The status it goes out with.
            pub fn status(&self) -> StatusCode {
                StatusCode::$status
            }

            /// The reason it goes out with.
            pub fn body_text(&self) -> &'static str {
                $text
            }
        }

        impl IntoResponse for $cause {
            fn into_response(self) -> Response {
                NotificationRejection::from(self).into_response()
            }
        }
    )+};
}

answer! {
    BodyTooLarge => PAYLOAD_TOO_LARGE, "message too large";
    BodyUnreadable => BAD_REQUEST, "message incomplete";
    MalformedNotification => BAD_REQUEST, "message unreadable";
    UntrustedNotification => UNAUTHORIZED, "signature not verified";
    OtherTopic => BAD_REQUEST, "wrong kind of notification for this address";
}
