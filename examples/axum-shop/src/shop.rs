//! What every handler has at hand.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::Path;
use axum::http::request::Parts;
use std::convert::Infallible;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::admin_token::AdminToken;
use crate::events::MAX_LISTENERS;
use crate::orders::Orders;
use crate::sessions::Sessions;

/// The state of the shop's routes. Cheap to clone; all clones are one shop.
#[derive(Clone, Debug)]
pub struct Shop(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    orders: Orders,
    token: AdminToken,
    sessions: Sessions,
    closing: watch::Sender<bool>,
    listeners: Arc<Semaphore>,
}

impl Shop {
    /// A shop with these orders, whose merchant knows this token.
    pub fn new(orders: Orders, token: AdminToken) -> Self {
        Self(Arc::new(Inner {
            orders,
            token,
            sessions: Sessions::default(),
            closing: watch::Sender::new(false),
            listeners: Arc::new(Semaphore::new(MAX_LISTENERS)),
        }))
    }

    /// Its orders.
    pub fn orders(&self) -> &Orders {
        &self.0.orders
    }

    /// Ends the streams of pages that wait for news, so that the server can stop.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
    }

    pub(crate) fn token(&self) -> &AdminToken {
        &self.0.token
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// A place among the pages that wait for news, if one is free.
    pub fn listen(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.listeners).try_acquire_owned().ok()
    }

    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.0.closing.subscribe()
    }
}

/// The `{order}` of a path. Whatever cannot be a number is the number of no order.
pub(crate) struct OrderNumber(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for OrderNumber {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(
            path.map_or_else(|_| String::new(), |Path(number)| number),
        ))
    }
}
