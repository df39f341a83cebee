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
