//! The gateway itself, in this process: charges, refunds, a page where the buyer pays, and a webhook that is called until
//! somebody answers 200.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};
use maud::html;

use super::message::{
    Charge, Message, NewCharge, NewRefund, RefundPart, SIGNATURE, Secret, from_dollars,
};
use super::provider::CURRENCIES;

/// The toy gateway. A clone is the same.
#[derive(Clone, Debug)]
pub struct BirchGateway {
    secret: Secret,
    /// Where it is reached: scheme and authority.
    address: String,
    books: Arc<Mutex<Books>>,
    http: reqwest::Client,
}

#[derive(Debug, Default)]
struct Books {
    charges: BTreeMap<String, (Charge, String)>,
    refunds: BTreeMap<String, Vec<RefundPart>>,
    events: u64,
    lose_next_answer: bool,
}

impl BirchGateway {
    /// A gateway without orders, to be served at this address.
    pub fn new(secret: Secret, address: String) -> Self {
        Self {
            secret,
            address,
            books: Arc::default(),
            http: reqwest::Client::new(),
        }
    }

    /// Its API, and its pages for buyers.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v1/charges", post(charge))
            .route("/v1/charges/{order}", get(charge_state))
            .route("/v1/charges/{order}/cancel", post(cancel))
            .route("/v1/charges/{order}/refunds/{refund}", get(refund_state))
            .route("/v1/refunds", post(refund))
            .route("/pay/{order}", get(pay_page).post(paid_on_the_page))
            .with_state(self.clone())
    }

    /// The buyer pays this order. `false` if it is not open.
    pub fn pay(&self, order: &str) -> bool {
        let mut books = self.books();
        let Some((charge, webhook)) = books.charges.get_mut(order) else {
            return false;
        };
        if charge.status != "open" {
            return false;
        }
        "paid".clone_into(&mut charge.status);
        let (charge, webhook) = (charge.clone(), webhook.clone());
        self.notify(&mut books, charge, None, webhook);
        true
    }

    /// The next call takes effect, and whoever made it is not told.
    pub fn lose_next_answer(&self) {
        self.books().lose_next_answer = true;
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the webhook in the background, ten times at most.
    fn notify(
        &self,
        books: &mut Books,
        charge: Charge,
        refund: Option<RefundPart>,
        webhook: String,
    ) {
        let body = books.message(charge, refund);
        let (signature, http) = (self.secret.sign(&body), self.http.clone());
        tokio::spawn(async move {
            for _ in 0..10 {
                let call = http.post(&webhook).header(SIGNATURE, &signature);
                let answer = call.body(body.clone()).send().await;
                if answer.is_ok_and(|answer| answer.status() == StatusCode::OK) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
    }

    fn answer(&self, books: &mut Books, charge: Charge, refund: Option<RefundPart>) -> Response {
        let body = books.message(charge, refund);
        if std::mem::take(&mut books.lose_next_answer) {
            return StatusCode::BAD_GATEWAY.into_response();
        }
        ([(SIGNATURE, self.secret.sign(&body))], body).into_response()
    }
}

impl Books {
    fn message(&mut self, charge: Charge, refund: Option<RefundPart>) -> Vec<u8> {
        self.events += 1;
        let message = Message {
            event: self.events,
            charge,
            refund,
        };
        serde_json::to_vec(&message).unwrap_or_default()
    }
}

/// The body, if the merchant signed it.
fn signed<T: serde::de::DeserializeOwned>(
    gateway: &BirchGateway,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<T, StatusCode> {
    let verified = gateway.secret.verify(headers, body);
    verified.map_err(|_| StatusCode::UNAUTHORIZED)?;
    serde_json::from_slice(body).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)
}

async fn charge(
    State(gateway): State<BirchGateway>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let new: NewCharge = signed(&gateway, &headers, &body)?;
    from_dollars(&new.amount).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    if !CURRENCIES.contains(&&*new.currency) {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let mut books = gateway.books();
    let id = format!("ch_{}", books.charges.len() + 1);
    let (charge, _) = books.charges.entry(new.order.clone()).or_insert_with(|| {
        let charge = Charge {
            id,
            merchant: new.merchant,
            checkout: format!("{}/pay/{}", gateway.address, new.order),
            order: new.order,
            amount: new.amount.clone(),
            currency: new.currency,
            status: "open".into(),
        };
        (charge, new.webhook)
    });
    if charge.amount != new.amount {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let charge = charge.clone();
    Ok(gateway.answer(&mut books, charge, None))
}

async fn charge_state(
    State(gateway): State<BirchGateway>,
    Path(order): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    let verified = gateway.secret.verify(&headers, uri.path().as_bytes());
    verified.map_err(|_| StatusCode::UNAUTHORIZED)?;
    let mut books = gateway.books();
    let (charge, _) = books.charges.get(&order).ok_or(StatusCode::NOT_FOUND)?;
    let charge = charge.clone();
    Ok(gateway.answer(&mut books, charge, None))
}

/// An order that is canceled already stays so; one that was paid is not canceled.
async fn cancel(
    State(gateway): State<BirchGateway>,
    Path(order): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let verified = gateway.secret.verify(&headers, &body);
    verified.map_err(|_| StatusCode::UNAUTHORIZED)?;
    let mut books = gateway.books();
    let (charge, _) = books.charges.get_mut(&order).ok_or(StatusCode::NOT_FOUND)?;
    if !matches!(charge.status.as_str(), "open" | "canceled") {
        return Err(StatusCode::CONFLICT);
    }
    "canceled".clone_into(&mut charge.status);
    let charge = charge.clone();
    Ok(gateway.answer(&mut books, charge, None))
}

async fn refund(
    State(gateway): State<BirchGateway>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let new: NewRefund = signed(&gateway, &headers, &body)?;
    let cents = |text: &str| from_dollars(text).map(ucanpay_core::Amount::cents);
    let asked = cents(&new.amount).map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    let mut books = gateway.books();
    let (charge, webhook) = books.charges.get(&new.order).ok_or(StatusCode::NOT_FOUND)?;
    let (mut charge, webhook) = (charge.clone(), webhook.clone());
    let refunds = books.refunds.entry(new.order.clone()).or_default();
    if let Some(done) = refunds.iter().find(|done| done.number == new.refund) {
        let done = done.clone();
        if done.amount != new.amount {
            return Err(StatusCode::UNPROCESSABLE_ENTITY);
        }
        return Ok(gateway.answer(&mut books, charge, Some(done)));
    }
    let returned: i64 = refunds
        .iter()
        .filter_map(|done| cents(&done.amount).ok())
        .sum();
    let paid = matches!(charge.status.as_str(), "paid" | "returned");
    let fits = cents(&charge.amount).is_ok_and(|whole| returned + asked <= whole);
    if !paid || charge.id != new.charge || !fits || refunds.len() >= 3 {
        return Err(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let done = RefundPart {
        id: format!("re_{}_{}", charge.id, refunds.len() + 1),
        number: new.refund,
        amount: new.amount,
        status: "done".into(),
    };
    refunds.push(done.clone());
    "returned".clone_into(&mut charge.status);
    if let Some((kept, _)) = books.charges.get_mut(&new.order) {
        kept.status.clone_from(&charge.status);
    }
    gateway.notify(&mut books, charge.clone(), Some(done.clone()), webhook);
    Ok(gateway.answer(&mut books, charge, Some(done)))
}

async fn refund_state(
    State(gateway): State<BirchGateway>,
    Path((order, refund)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    let verified = gateway.secret.verify(&headers, uri.path().as_bytes());
    verified.map_err(|_| StatusCode::UNAUTHORIZED)?;
    let mut books = gateway.books();
    let done = books.refunds.get(&order).into_iter().flatten();
    let done = done.into_iter().find(|done| done.number == refund);
    let done = done.cloned().ok_or(StatusCode::NOT_FOUND)?;
    let (charge, _) = books.charges.get(&order).ok_or(StatusCode::NOT_FOUND)?;
    let charge = charge.clone();
    Ok(gateway.answer(&mut books, charge, Some(done)))
}

async fn pay_page(
    State(gateway): State<BirchGateway>,
    Path(order): Path<String>,
) -> Result<Response, StatusCode> {
    let books = gateway.books();
    let (charge, _) = books.charges.get(&order).ok_or(StatusCode::NOT_FOUND)?;
    let page = html! {
        (maud::DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "Birch" } }
            body {
                h1 { "Birch" }
                p { "Order " (charge.order) ": $" (charge.amount) " " (charge.currency) }
                @if charge.status == "open" {
                    form method="post" { button { "Pay" } }
                } @else {
                    p { "It is " (charge.status) "." }
                }
            }
        }
    };
    Ok(page.into_response())
}

async fn paid_on_the_page(
    State(gateway): State<BirchGateway>,
    Path(order): Path<String>,
) -> Redirect {
    gateway.pay(&order);
    Redirect::to(&format!("/pay/{order}"))
}
