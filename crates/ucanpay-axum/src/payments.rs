//! The ledger behind the layer: `.layer(UcanpayLayer::payments(payments))`.
//!
//! Who comes in: a notification's bytes. Who goes out: `Payments::handle_notification`, which verifies, matches,
//! commits in a task of its own (so that a client that hangs up stops nothing), and only then gives out the
//! [`Receipt`] that becomes an [`Ack`].

use crate::{Ack, Incoming, Nack, NotificationHandler, Topic, UcanpayLayer};
use async_trait::async_trait;
use http::StatusCode;
use ucanpay_storefront::{
    NotificationError, NotificationTopic, Payments, ProviderId, RawNotification, Receipt, Reply,
};

impl UcanpayLayer {
    /// A layer that hands notifications to the ledger.
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
    /// # use axum::body::{Body, to_bytes};
    /// # use axum::http::{Request, StatusCode};
    /// # use tower::ServiceExt;
    /// use axum::{Router, routing::get};
    /// use ucanpay_axum::{UcanpayLayer, self_check};
    ///
    /// let order = StartPayment::new("A17", 450, "one latte")?;
    /// let key = payments.start(order).await?.payment.key;
    /// let app = Router::new()
    ///     .route("/", get(|| async { "shop" }))
    ///     .layer(UcanpayLayer::payments(payments.clone()));
    /// self_check(app.clone(), ["/ucanpay/payment", "/ucanpay/refund"]).await?;
    ///
    /// // The buyer has paid, and the gateway says so.
    /// let answer = app.oneshot(Request::post("/ucanpay/payment").body(Body::from(message))?).await?;
    /// assert_eq!(answer.status(), StatusCode::OK);
    /// let view = payments.payment(&key).await?.expect("it was recorded");
    /// assert_eq!(view.payment.state.as_str(), "paid");
    /// # Ok(()) }
    /// ```
    pub fn payments(payments: Payments) -> Self {
        Self::new(payments)
    }
}

#[async_trait]
impl NotificationHandler for Payments {
    async fn handle(&self, incoming: Incoming) -> Result<Ack, Nack> {
        let provider = incoming
            .account
            .map(ProviderId::new)
            .transpose()
            .map_err(|_| Nack::unknown_account())?;
        let topic = match incoming.topic {
            Topic::Payment => NotificationTopic::Payment,
            Topic::Refund => NotificationTopic::Refund,
        };
        let notification = RawNotification {
            provider,
            topic,
            body: incoming.body,
            headers: incoming.headers,
        };
        let receipt = self.handle_notification(notification).await?;
        Ok(receipt.into())
    }
}

/// The receipt exists only after the commit, so the gateway may be told.
impl From<Receipt> for Ack {
    fn from(receipt: Receipt) -> Self {
        let Reply { content_type, body } = receipt.into_reply();
        Self::worded(content_type, body)
    }
}

/// 401 for what cannot be trusted, 503 for our own trouble, 404 for an account that is not here.
impl From<NotificationError> for Nack {
    fn from(error: NotificationError) -> Self {
        match error {
            NotificationError::UnknownProvider => {
                tracing::warn!("a notification came for an account that is not registered");
                Self::unknown_account()
            }
            NotificationError::Refused { reply, .. } => {
                Self::worded(StatusCode::UNAUTHORIZED, reply.content_type, reply.body)
            }
            NotificationError::Unavailable { reply, .. }
            | NotificationError::Unmatched { reply, .. } => Self::worded(
                StatusCode::SERVICE_UNAVAILABLE,
                reply.content_type,
                reply.body,
            ),
            // A reason that this version does not know: let the gateway come again.
            _ => Self::unavailable("try again later"),
        }
    }
}
