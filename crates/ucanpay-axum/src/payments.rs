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
