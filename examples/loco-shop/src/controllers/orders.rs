//! An order is placed, paid, and looked at.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use loco_rs::app::AppContext;
use loco_rs::controller::extractor::shared_store::SharedStore;
use loco_rs::controller::{Routes, format};
use loco_rs::{Error, Result};
use ucanpay_core::{Amount, Currency};
use ucanpay_loco::Payments;
use ucanpay_storefront::{PaymentKey, Reference, StartPayment};

use crate::menu::Basket;
use crate::models::orders::Model as Order;
use crate::views;

/// `POST /orders` places, `GET /orders/{number}` shows, `POST /orders/{number}/payment` starts a payment that was not.
pub fn routes() -> Routes {
    Routes::new()
        .prefix("/orders")
        .add("/", post(place))
        .add("/{number}", get(show))
        .add("/{number}/payment", post(pay))
}

/// The order is written first, then its payment is started, under one number: whatever breaks off in between, or is sent
/// twice, there is one order and one payment.
async fn place(
    State(ctx): State<AppContext>,
    SharedStore(payments): SharedStore<Payments>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response> {
    let fields = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let (number, wanted): (Vec<_>, Vec<_>) = fields.partition(|(name, _)| *name == "number");
    let Some(basket) = Basket::from_form(wanted) else {
        return sorry("Choose something from the menu, at most nine of each.");
    };
    let number = number.first().and_then(|(_, number)| order_number(number));
    let Some(number) = number else {
        return sorry("Start again from the menu.");
    };
    let order = Order::place(&ctx.db, &number, &basket).await?;
    if order.items != basket.to_string() {
        return sorry("This page has become an order already. Start a new one from the menu.");
    }
    start(&payments, &order).await?;
    format::redirect(&format!("/orders/{number}"))
}

async fn pay(
    State(ctx): State<AppContext>,
    SharedStore(payments): SharedStore<Payments>,
    Path(number): Path<String>,
) -> Result<Response> {
    let Some(order) = Order::find(&ctx.db, &number).await? else {
        return no_such_order();
    };
    start(&payments, &order).await?;
    format::redirect(&format!("/orders/{}", order.number))
}

async fn show(
    State(ctx): State<AppContext>,
    SharedStore(payments): SharedStore<Payments>,
    Path(number): Path<String>,
) -> Result<Response> {
    let Some(order) = Order::find(&ctx.db, &number).await? else {
        return no_such_order();
    };
    let key = key(&payments, &order)?;
    let payment = payments.payment(&key).await.map_err(Error::wrap)?;
    format::render()
        .header("cache-control", "no-store")
        .html(&views::order(&order, payment.as_ref()))
}

/// Starts the order's payment, or does what is left to do of it.
async fn start(payments: &Payments, order: &Order) -> Result<()> {
    let start = StartPayment {
        provider: None,
        reference: key(payments, order)?.reference,
        amount: Amount::new(order.cents).map_err(Error::wrap)?,
        currency: Currency::CAD,
        subject: "Maple and Bean".into(),
        description: order.items.as_str().into(),
        expires_after: None,
    };
    payments.start(start).await.map_err(Error::wrap)?;
    Ok(())
}

fn key(payments: &Payments, order: &Order) -> Result<PaymentKey> {
    let reference = Reference::new(&order.number).map_err(Error::wrap)?;
    Ok(payments.key(reference))
}

/// A number as the menu gives it out: the gateway takes letters and digits only.
fn order_number(text: &str) -> Option<Reference> {
    let fits = text.len() == 24 && text.bytes().all(|b| b.is_ascii_alphanumeric());
    Reference::new(text).ok().filter(|_| fits)
}

fn no_such_order() -> Result<Response> {
    let why = "There is no such order. Its number may have been cut off on the way.";
    refused(StatusCode::NOT_FOUND, why)
}

fn sorry(why: &str) -> Result<Response> {
    refused(StatusCode::UNPROCESSABLE_ENTITY, why)
}

fn refused(status: StatusCode, why: &str) -> Result<Response> {
    let page = format::html(&views::sorry(why))?;
    Ok((status, page).into_response())
}
