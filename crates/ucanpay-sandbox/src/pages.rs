//! The pages people see: the phone page of an order, the dashboard, and where pay links lead.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tracing::error;

use crate::error::SandboxError;
use crate::gateway::{Decision, Gateway};
use crate::order::Order;
use crate::orders::{BuyerRefusal, PayInstruction};
use crate::sandbox::Sandbox;
use crate::{link, view};

pub(crate) fn routes() -> Router<Sandbox> {
    Router::new()
        .route("/", get(front))
        .route("/pay", get(pay_link))
        .route("/pay/{ucp_order_no}", get(phone))
        .route("/pay/{ucp_order_no}/approve", post(approve))
        .route("/pay/{ucp_order_no}/decline", post(decline))
        .route("/pay/{ucp_order_no}/stall", post(stall))
        .route("/pay/{ucp_order_no}/late", post(late))
        .route("/orders/{ucp_order_no}/resend/{delivery}", post(resend))
        .fallback(|| async { not_found() })
}

/// The dashboard, or where a pay link with this host leads.
async fn front(State(sandbox): State<Sandbox>, RawQuery(query): RawQuery) -> Response {
    match query {
        Some(query) if query.starts_with("link=") || query.contains("&link=") => {
            to_phone_page(&query)
        }
        _ => sandbox
            .look(|gateway| view::dashboard(gateway, &sandbox))
            .await
            .into_response(),
    }
}

async fn pay_link(RawQuery(query): RawQuery) -> Response {
    to_phone_page(&query.unwrap_or_default())
}

fn to_phone_page(query: &str) -> Response {
    link::order_number(query).map_or_else(not_found, |number| {
        Redirect::to(&format!("/pay/{number}")).into_response()
    })
}

async fn phone(State(sandbox): State<Sandbox>, Path(ucp_order_no): Path<String>) -> Response {
    sandbox
        .look(|gateway| {
            gateway
                .order_by_ucp_no(&ucp_order_no)
                .map(|order| view::phone(order, sandbox.merchant_id()))
        })
        .await
        .map_or_else(not_found, IntoResponse::into_response)
}

async fn approve(State(sandbox): State<Sandbox>, Path(ucp_order_no): Path<String>) -> Response {
    act(&sandbox, ucp_order_no, |gateway, order, now| {
        gateway.pay(order, PayInstruction::default(), now)
    })
    .await
}

async fn decline(State(sandbox): State<Sandbox>, Path(ucp_order_no): Path<String>) -> Response {
    act(&sandbox, ucp_order_no, Gateway::decline).await
}

async fn stall(State(sandbox): State<Sandbox>, Path(ucp_order_no): Path<String>) -> Response {
    act(&sandbox, ucp_order_no, Gateway::stall).await
}

async fn late(State(sandbox): State<Sandbox>, Path(ucp_order_no): Path<String>) -> Response {
    act(&sandbox, ucp_order_no, |gateway, order, now| {
        let late = PayInstruction {
            late: true,
            ..PayInstruction::default()
        };
        gateway.pay(order, late, now)
    })
    .await
}

/// Sends a notification again and leads back to its order on the dashboard.
async fn resend(
    State(sandbox): State<Sandbox>,
    Path((ucp_order_no, delivery)): Path<(String, String)>,
) -> Response {
    let Ok(delivery) = delivery.parse() else {
        return not_found();
    };
    let known = sandbox.submit(move |gateway, now| gateway.resend(delivery, now));
    match known.await {
        Ok(true) => Redirect::to(&format!("/#order-{ucp_order_no}")).into_response(),
        Ok(false) => not_found(),
        Err(error) => unavailable(&error),
    }
}

/// Does what the button says and leads back to the page, which shows how things stand now; so a button
/// pressed twice does no harm.
async fn act<F>(sandbox: &Sandbox, ucp_order_no: String, action: F) -> Response
where
    F: FnOnce(&Gateway, &str, i64) -> Decision<Result<Order, BuyerRefusal>> + Send + 'static,
{
    let page = format!("/pay/{ucp_order_no}");
    let done = sandbox
        .submit(
            move |gateway, now| match gateway.order_by_ucp_no(&ucp_order_no) {
                Some(order) => action(gateway, &order.out_trade_no, now),
                None => Decision::refused(BuyerRefusal::UnknownOrder),
            },
        )
        .await;
    match done {
        Ok(Ok(_) | Err(BuyerRefusal::AlreadyPaid | BuyerRefusal::Ended)) => {
            Redirect::to(&page).into_response()
        }
        Ok(Err(BuyerRefusal::UnknownOrder)) => not_found(),
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &SandboxError) -> Response {
    error!(
        error = error as &dyn std::error::Error,
        "the sandbox could not do its own work"
    );
    (StatusCode::SERVICE_UNAVAILABLE, view::unavailable()).into_response()
}

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, view::not_found()).into_response()
}
