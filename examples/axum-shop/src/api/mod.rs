//! The JSON API: the same orders as on the pages. Amounts are cents.
//!
//! Every error is `{"error":{"code","message"}}`; `error.rs` beside this file says which.

mod error;
mod extract;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use ucanpay_core::{Amount, Currency, OutTradeNo, qr};
use ucanpay_storefront::{Reference, Refund, RefundNumber, RefundRequest};

use self::error::ApiError;
use self::extract::{ApiJson, Merchant};
use crate::basket::Basket;
use crate::catalogue::{MENU, Product};
use crate::orders::OrderView;
use crate::shop::{OrderNumber, Shop};

pub(crate) fn routes() -> Router<Shop> {
    Router::new()
        .route("/catalogue", get(catalogue))
        .route("/orders", post(place))
        .route("/orders/{order}", get(order))
        .route("/orders/{order}/refunds", post(refund))
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .fallback(not_found)
}

/// The answer for a path that the API does not have.
pub(crate) async fn not_found() -> impl IntoResponse {
    ApiError::no_such_path()
}

#[derive(Serialize)]
struct Catalogue {
    currency: &'static str,
    products: &'static [Product],
}

async fn catalogue() -> Json<Catalogue> {
    Json(Catalogue {
        currency: "CAD",
        products: MENU,
    })
}

#[derive(Deserialize)]
struct NewOrder {
    items: Vec<Item>,
    /// A number of the caller's own, 1 to 32 letters and digits: sent again, it is the same order.
    order: Option<String>,
}

/// Further members, a price for one, are nobody's business.
#[derive(Deserialize)]
struct Item {
    sku: String,
    quantity: i64,
}

#[derive(Serialize)]
struct Placed {
    order: String,
    amount: i64,
    currency: String,
    status: &'static str,
    /// Null until the gateway has taken the order.
    pay_url: Option<String>,
    /// The same link as a QR code, an SVG element.
    qr: Option<String>,
}

async fn place(
    State(shop): State<Shop>,
    ApiJson(new): ApiJson<NewOrder>,
) -> Result<(StatusCode, Json<Placed>), ApiError> {
    let items = new.items.iter().map(|item| (&*item.sku, item.quantity));
    let basket = Basket::new(items)?;
    let number = match new.order {
        None => Reference::random(),
        Some(number) => OutTradeNo::new(number)
            .ok()
            .and_then(|number| Reference::new(number.as_str()).ok())
            .ok_or_else(ApiError::order_number)?,
    };
    let view = shop.orders().place(number, &basket).await?;
    let pay_url = view.pay_link().map(str::to_owned);
    let placed = Placed {
        order: view.order.number.to_string(),
        amount: view.order.total.cents(),
        currency: Currency::CAD.to_string(),
        status: view.status().as_str(),
        qr: pay_url.as_deref().and_then(|url| qr::svg(url).ok()),
        pay_url,
    };
    Ok((StatusCode::CREATED, Json(placed)))
}

#[derive(Serialize)]
struct Order {
    order: String,
    amount: i64,
    currency: String,
    status: &'static str,
    refunded: i64,
    needs_review: bool,
    refunds: Vec<RefundAnswer>,
}

impl From<&OrderView> for Order {
    fn from(view: &OrderView) -> Self {
        Self {
            order: view.order.number.to_string(),
            amount: view.order.total.cents(),
            currency: Currency::CAD.to_string(),
            status: view.status().as_str(),
            refunded: view.refunded(),
            needs_review: view.needs_review(),
            refunds: view.refunds().iter().map(RefundAnswer::from).collect(),
        }
    }
}

async fn order(
    State(shop): State<Shop>,
    OrderNumber(number): OrderNumber,
) -> Result<Json<Order>, ApiError> {
    let view = find(&shop, &number).await?;
    Ok(Json(Order::from(&view)))
}

#[derive(Deserialize)]
struct NewRefund {
    amount: i64,
    reason: String,
    /// A number of the caller's own, 1 to 32 letters and digits: sent again, it is the same refund.
    number: Option<String>,
}

#[derive(Serialize)]
struct RefundAnswer {
    number: String,
    amount: i64,
    status: &'static str,
}

impl From<&Refund> for RefundAnswer {
    fn from(refund: &Refund) -> Self {
        Self {
            number: refund.number.to_string(),
            amount: refund.amount.cents(),
            status: refund.state.as_str(),
        }
    }
}

async fn refund(
    _: Merchant,
    State(shop): State<Shop>,
    OrderNumber(number): OrderNumber,
    ApiJson(new): ApiJson<NewRefund>,
) -> Result<(StatusCode, Json<RefundAnswer>), ApiError> {
    let view = find(&shop, &number).await?;
    let request = RefundRequest {
        number: new
            .number
            .map(RefundNumber::new)
            .transpose()
            .map_err(|error| ApiError::refund(&error))?,
        amount: Amount::new(new.amount).map_err(|_| ApiError::refund_amount())?,
        reason: new.reason.into(),
    };
    let refund = shop.orders().refund(&view.order, request).await?;
    Ok((StatusCode::ACCEPTED, Json(RefundAnswer::from(&refund))))
}

async fn find(shop: &Shop, number: &str) -> Result<OrderView, ApiError> {
    let order = shop.orders().find(number).await?;
    order.ok_or_else(ApiError::no_such_order)
}
