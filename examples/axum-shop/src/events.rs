//! Server-sent events: the buyer's page turns paid by itself.
//!
//! A page that opens (or comes back after a lost connection) gets the order as it stands at once, and again whenever it
//! looks different. A page that says what it shows already (the event's id, which is a fingerprint) is sent only what
//! differs. Nothing is missed: the stream listens to changes of its payment before it first reads, reads anew when told of
//! one, and looks for itself every two minutes besides, for what another process may have done.

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
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;
use ucanpay_storefront::{Changes, Reference};

use crate::fingerprint::fingerprint;
use crate::orders::{OrderView, Orders};
use crate::pages::{self, PageError};
use crate::shop::{OrderNumber, Shop};
use crate::visit::Visit;

/// How often a page is looked after that nobody told anything.
const LOOK: Duration = Duration::from_secs(120);

/// How soon that is done again where the database did not answer.
const AGAIN: Duration = Duration::from_secs(2);

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
    let payments = shop.orders().payments();
    let reference = Reference::new(&*number).map_err(|_| PageError::NotFound)?;
    let changes = payments.changes_of(&payments.key(reference));
    let order = shop.orders().find(&number).await?;
    let order = order.ok_or(PageError::NotFound)?;
    let watcher = Watcher {
        orders: shop.orders().clone(),
        closing: shop.closing(),
        number,
        visit,
        changes,
        read: Some(order),
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
    changes: Changes,
    closing: watch::Receiver<bool>,
    /// What was read before anybody listened.
    read: Option<OrderView>,
    until: Instant,
    shown: Option<String>,
    /// Among [`MAX_LISTENERS`].
    _place: OwnedSemaphorePermit,
}

impl Watcher {
    /// The next thing to show; `None` when the shop closes, or the time is over.
    async fn next(&mut self) -> Option<Event> {
        let mut wait = LOOK;
        loop {
            let order = match self.read.take() {
                Some(order) => order,
                None => {
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.changes.next() => {}
                        _ = self.closing.wait_for(|closing| *closing) => return None,
                        () = tokio::time::sleep_until(self.until) => return None,
                    }
                    match self.orders.find(&self.number).await {
                        Ok(order) => order?,
                        Err(error) => {
                            tracing::warn!(order = self.number, %error, "no news for a page; looking again soon");
                            wait = AGAIN;
                            continue;
                        }
                    }
                }
            };
            wait = LOOK;
            let news = News::of(&order, &self.visit);
            let version = news.version();
            if self.shown.as_ref() != Some(&version) {
                let event = Event::default().json_data(&news).ok()?.id(&version);
                self.shown = Some(version);
                return Some(event);
            }
        }
    }
}
