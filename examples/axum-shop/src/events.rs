//! Server-sent events: the buyer's page turns paid by itself.
//!
//! A page that opens (or comes back after a lost connection) gets the order as it stands at once, and again whenever it
//! looks different. A page that says what it shows already (the event's id, which is a fingerprint) is sent only what
//! differs. Nothing is missed: the stream listens to changes before it first reads, reads anew when told of a
//! change or that it missed some, and looks for itself every few seconds besides.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use ucanpay_storefront::PaymentKey;

use crate::fingerprint::fingerprint;
use crate::orders::{OrderView, Orders};
use crate::pages::{self, PageError};
use crate::shop::{OrderNumber, Shop};
use crate::visit::Visit;

/// How often a page is looked after that nobody told anything.
const LOOK: Duration = Duration::from_secs(2);

/// How long a page listens on one connection. Then it comes back by itself, and one that nobody is behind any more does not.
const LISTENS: Duration = Duration::from_secs(10 * 60);

/// How many pages listen at once. A further one is told to come back, and shows the order as it stood.
pub const MAX_LISTENERS: usize = 5_000;

pub(crate) fn routes() -> Router<Shop> {
    Router::new().route("/orders/{order}/events", get(events))
}

/// What a page is sent: the parts of it that change.
#[derive(Debug, Serialize)]
pub(crate) struct News {
    status: &'static str,
    pub(crate) title: String,
    pub(crate) html: String,
}

impl News {
    pub(crate) fn of(order: &OrderView, visit: &Visit) -> Self {
        Self {
            status: order.status().as_str(),
            title: pages::title(pages::order_title(order, visit.language)),
            html: pages::order_panel(order, visit).into_string(),
        }
    }

    /// Differs whenever the page looks different.
    pub(crate) fn version(&self) -> String {
        fingerprint(&self.html)
    }
}

/// The version that a page shows when it begins to listen.
#[derive(Deserialize)]
struct Shown {
    shown: String,
}

async fn events(
    State(shop): State<Shop>,
    visit: Visit,
    OrderNumber(number): OrderNumber,
    asked: Result<Query<Shown>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    // A browser that comes back by itself says what it heard last, which is newer than what the page began with.
    let heard = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let shown = match heard {
        Some(id) => Some(id.to_owned()),
        None => asked.ok().map(|Query(asked)| asked.shown),
    };
    let Some(place) = shop.listen() else {
        return Ok((StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "3")]).into_response());
    };
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
        visit,
        changes,
        look,
        until: Instant::now() + LISTENS,
        shown,
        _place: place,
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
    visit: Visit,
    changes: broadcast::Receiver<PaymentKey>,
    closing: watch::Receiver<bool>,
    look: Interval,
    until: Instant,
    shown: Option<String>,
    /// Among [`MAX_LISTENERS`].
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    /// The next thing to show; `None` when the shop closes, or the time is over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                // Ticks at once the first time.
                _ = self.look.tick() => {}
                () = change_of(&mut self.changes, &self.number) => {}
                _ = self.closing.wait_for(|closing| *closing) => return None,
                () = tokio::time::sleep_until(self.until) => return None,
            }
            let news = match self.orders.find(&self.number).await {
                Ok(Some(order)) => News::of(&order, &self.visit),
                Ok(None) => return None,
                Err(error) => {
                    tracing::warn!(order = self.number, %error, "no news for a page; looking again soon");
                    continue;
                }
            };
            let version = news.version();
            if self.shown.as_ref() != Some(&version) {
                let event = Event::default().json_data(&news).ok()?.id(&version);
                self.shown = Some(version);
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
