//! Server-sent events: the buyer's page turns paid by itself.
//!
//! A page that opens (or comes back after a lost connection) gets the order as it stands at once, and again whenever it
//! looks different. Nothing is missed: the stream listens to changes before it first reads, reads anew when told of a
//! change or that it missed some, and looks for itself every few seconds besides.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use serde::Serialize;
use tokio::sync::{broadcast, watch};
use tokio::time::{Interval, MissedTickBehavior};
use ucanpay_storefront::PaymentKey;

use crate::orders::Orders;
use crate::pages::{self, PageError};
use crate::shop::{OrderNumber, Shop};

/// How often a page is looked after that nobody told anything.
const LOOK: Duration = Duration::from_secs(2);

pub(crate) fn routes() -> Router<Shop> {
    Router::new().route("/orders/{order}/events", get(events))
}

/// What a page is sent: the part of it that changes.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct News {
    status: &'static str,
    html: String,
}

async fn events(
    State(shop): State<Shop>,
    OrderNumber(number): OrderNumber,
) -> Result<Response, PageError> {
    let changes = shop.orders().payments().changes();
    if shop.orders().find(&number).await?.is_none() {
        return Err(PageError::NotFound);
    }
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watcher = Watcher {
        orders: shop.orders().clone(),
        closing: shop.closing(),
        number,
        changes,
        look,
        shown: None,
    };
    let events = stream::unfold(watcher, async |mut watcher| {
        let event = watcher.next().await?;
        Some((Ok::<_, Infallible>(event), watcher))
    });
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response())
}

/// One page that waits for news of one order.
struct Watcher {
    orders: Orders,
    number: String,
    changes: broadcast::Receiver<PaymentKey>,
    closing: watch::Receiver<bool>,
    look: Interval,
    shown: Option<News>,
}

impl Watcher {
    /// The next thing to show; `None` when the shop closes.
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                // Ticks at once the first time.
                _ = self.look.tick() => {}
                () = change_of(&mut self.changes, &self.number) => {}
                _ = self.closing.wait_for(|closing| *closing) => return None,
            }
            let news = match self.orders.find(&self.number).await {
                Ok(Some(order)) => News {
                    status: order.status().as_str(),
                    html: pages::order_panel(&order).into_string(),
                },
                Ok(None) => return None,
                Err(error) => {
                    tracing::warn!(order = self.number, %error, "no news for a page; looking again soon");
                    continue;
                }
            };
            if self.shown.as_ref() != Some(&news) {
                let event = Event::default().json_data(&news).ok()?;
                self.shown = Some(news);
                return Some(event);
            }
        }
    }
}

/// Completes when this order has changed, or may have.
async fn change_of(changes: &mut broadcast::Receiver<PaymentKey>, number: &str) {
    loop {
        match changes.recv().await {
            Ok(key) if key.reference.as_str() == number => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            // The ledger outlives its listeners; if not, the regular look remains.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
