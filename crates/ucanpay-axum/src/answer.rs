//! What the gateway is told: SUCCESS ends its repeats, FAIL (or silence) brings it back in 15 s.

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use ucanpay_core::NotificationReply;

const JSON: &str = "application/json";

/// "Received, and stored for good": HTTP 200 with `{"return_code":"SUCCESS","return_msg":"OK"}`.
///
/// After it the gateway never mentions the message again. So it exists only where someone vouches for the commit: the
/// ledger, whose receipt turns into one (feature `router`), or whoever calls [`Ack::i_have_committed`].
///
/// ```
/// use axum::http::StatusCode;
/// use axum::response::IntoResponse;
/// use ucanpay_axum::Ack;
///
/// // The order's row is written, and the transaction committed. Now, and not before:
/// let answer = Ack::i_have_committed().into_response();
/// assert_eq!(answer.status(), StatusCode::OK);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the gateway repeats the notification until it is answered"]
pub struct Ack(Answer);

impl Ack {
    /// Vouches that what the notification says is stored for good, or was before. A message that matches no order is
    /// stored and acknowledged too: sending it again would not change it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use axum::body::to_bytes;
    /// use axum::response::IntoResponse;
    /// use ucanpay_axum::Ack;
    ///
    /// let answer = Ack::i_have_committed().into_response();
    /// let body = to_bytes(answer.into_body(), usize::MAX).await?;
    /// assert_eq!(body, r#"{"return_code":"SUCCESS","return_msg":"OK"}"#);
    /// # Ok(()) }
    /// ```
    pub fn i_have_committed() -> Self {
        Self(Answer {
            status: StatusCode::OK,
            content_type: JSON,
            body: NotificationReply::Success.to_json(),
        })
    }

    #[cfg(feature = "router")]
    pub(crate) fn worded(content_type: &'static str, body: String) -> Self {
        Self(Answer {
            status: StatusCode::OK,
            content_type,
            body,
        })
    }
}

impl IntoResponse for Ack {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// "Not taken": `{"return_code":"FAIL","return_msg":"<reason>"}` with a status that says whose trouble it is.
///
/// The reason goes out to whoever posted the message: it names no secret, no order and no cause inside. It is cut to
/// the 128 characters that the reference allows.
///
/// ```
/// use axum::http::StatusCode;
/// use ucanpay_axum::{Ack, Nack};
///
/// fn stored(written: std::io::Result<()>) -> Result<Ack, Nack> {
///     written.map_err(|_| Nack::unavailable("try again later"))?; // the cause is for the log
///     Ok(Ack::i_have_committed())
/// }
///
/// assert!(stored(Ok(())).is_ok());
/// let refused = stored(Err(std::io::Error::other("the disk is full"))).unwrap_err();
/// assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the gateway repeats the notification until it is answered"]
pub struct Nack(Answer);

impl Nack {
    /// 400: the message cannot be read.
    ///
    /// ```
    /// use ucanpay_axum::Nack;
    ///
    /// assert_eq!(Nack::malformed("message unreadable").status(), 400);
    /// ```
    pub fn malformed(reason: &str) -> Self {
        Self::fail(StatusCode::BAD_REQUEST, reason)
    }

    /// 401: the message cannot be trusted.
    ///
    /// ```
    /// use ucanpay_axum::Nack;
    ///
    /// assert_eq!(Nack::untrusted("signature not verified").status(), 401);
    /// ```
    pub fn untrusted(reason: &str) -> Self {
        Self::fail(StatusCode::UNAUTHORIZED, reason)
    }

    /// 404: no such account here.
    ///
    /// ```
    /// use ucanpay_axum::Nack;
    ///
    /// let accounts = ["counter", "terrace"];
    /// let account = accounts.iter().find(|known| **known == "kitchen").ok_or_else(Nack::unknown_account);
    /// assert_eq!(account.unwrap_err().status(), 404);
    /// ```
    pub fn unknown_account() -> Self {
        Self::fail(StatusCode::NOT_FOUND, "unknown account")
    }

    /// 503: our own trouble, a database that is down for one. The gateway is welcome to come again.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use axum::body::to_bytes;
    /// use axum::response::IntoResponse;
    /// use ucanpay_axum::Nack;
    ///
    /// let answer = Nack::unavailable("try again later").into_response();
    /// assert_eq!(answer.status(), 503);
    /// let body = to_bytes(answer.into_body(), usize::MAX).await?;
    /// assert_eq!(body, r#"{"return_code":"FAIL","return_msg":"try again later"}"#);
    /// # Ok(()) }
    /// ```
    pub fn unavailable(reason: &str) -> Self {
        Self::fail(StatusCode::SERVICE_UNAVAILABLE, reason)
    }

    /// The status it goes out with.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The same refusal with HTTP 200: FAIL then stands in the body alone.
    ///
    /// ```
    /// use ucanpay_axum::Nack;
    ///
    /// let refused = Nack::untrusted("signature not verified");
    /// assert_eq!(refused.status(), 401);
    /// assert_eq!(refused.with_200().status(), 200); // for a gateway that gives up after a 401
    /// ```
    pub fn with_200(mut self) -> Self {
        self.0.status = StatusCode::OK;
        self
    }

    pub(crate) fn fail(status: StatusCode, reason: &str) -> Self {
        Self(Answer {
            status,
            content_type: JSON,
            body: NotificationReply::Fail(reason).to_json(),
        })
    }

    #[cfg(feature = "router")]
    pub(crate) fn worded(status: StatusCode, content_type: &'static str, body: String) -> Self {
        Self(Answer {
            status,
            content_type,
            body,
        })
    }
}

impl IntoResponse for Nack {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: String,
}

impl Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        response
    }
}
