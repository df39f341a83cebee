//! What stands behind the layer: something that stores a notification and says so.

use crate::{Ack, Nack};
use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use std::fmt;

/// Takes notifications in.
///
/// # What it must hold to
///
/// - **Verify first.** [`Incoming`] is unverified: anyone can post it. `Merchant::verify_notification` is the check,
///   and its error is a [`Nack`] by `?`.
/// - **Acknowledge after the commit.** [`Ack`] ends the gateway's repeats for good.
/// - **Survive being dropped.** The server drops this future when the client hangs up, at any await. Work that must
///   not stop half-way (a commit, above all) runs in a task of its own, which this future only waits for. The ledger
///   of `ucanpay-storefront` does so.
/// - **Take repeats.** The gateway repeats a notification, concurrently too; a repeat of a stored one is acknowledged.
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
/// use std::sync::Mutex;
/// use async_trait::async_trait;
/// use axum::Router;
/// use ucanpay_axum::{Ack, Incoming, Nack, NotificationHandler, Topic, UcanpayLayer};
///
/// struct Book {
///     merchant: Merchant, // of ucanpay-core: its number and the keys
///     entries: Mutex<Vec<(Topic, Vec<u8>)>>, // really a table, written in a task of its own
/// }
///
/// #[async_trait]
/// impl NotificationHandler for Book {
///     async fn handle(&self, incoming: Incoming) -> Result<Ack, Nack> {
///         if incoming.account.is_some() {
///             return Err(Nack::unknown_account());
///         }
///         self.merchant.verify_notification(&incoming.body)?;
///         let entry = (incoming.topic, incoming.body.to_vec());
///         self.entries.lock().map_err(|_| Nack::unavailable("try again later"))?.push(entry);
///         Ok(Ack::i_have_committed())
///     }
/// }
///
/// let app = Router::new().layer(UcanpayLayer::new(Book { merchant, entries: Mutex::default() }));
/// let post = |path: &str, body: &str| Request::post(path).body(Body::from(body.to_owned()));
/// let taken = app.clone().oneshot(post("/ucanpay/payment", &message)?).await?;
/// assert_eq!(taken.status(), StatusCode::OK);
/// let forged = app.clone().oneshot(post("/ucanpay/payment", &message.replace("450", "451"))?).await?;
/// assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
/// let elsewhere = app.oneshot(post("/ucanpay/terrace/payment", &message)?).await?;
/// assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND);
/// # Ok(()) }
/// ```
#[async_trait]
pub trait NotificationHandler: Send + Sync + 'static {
    /// Stores `incoming`, or says why not.
    ///
    /// # Errors
    ///
    /// A [`Nack`]: the gateway will come again.
    async fn handle(&self, incoming: Incoming) -> Result<Ack, Nack>;
}

/// What a notification says it is about, by the address it came to. The body has the last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// `{prefix}/payment`
    Payment,
    /// `{prefix}/refund`
    Refund,
}

/// A message that came to a notify address: unverified bytes.
#[derive(Clone)]
#[non_exhaustive]
pub struct Incoming {
    /// The merchant account in the path, 1–32 of `A-Za-z0-9_-`; `None` is the default account.
    pub account: Option<String>,
    /// What the address is for.
    pub topic: Topic,
    /// The body as it came in, at most [`MAX_NOTIFICATION_BYTES`](crate::MAX_NOTIFICATION_BYTES).
    pub body: Bytes,
    /// The headers it came with, for gateways that sign in one. UCanPay signs in the body.
    pub headers: HeaderMap,
}

/// Without the headers, one of which may hold a signature, and without the body, which tells what a customer bought.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("account", &self.account)
            .field("topic", &self.topic)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}
