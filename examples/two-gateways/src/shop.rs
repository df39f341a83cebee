//! Checkout with a choice, an order page, and the way in for Birch's notifications. UCanPay's come in by the layer.

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;
use ucanpay_axum::UcanpayLayer;
use ucanpay_core::{Amount, Currency};
use ucanpay_storefront::{
    NotificationError, NotificationTopic, PaymentKey, PaymentState, Payments, ProviderId,
    RawNotification, Reference, StartPayment,
};

/// Where Birch's notifications come in.
pub(crate) const BIRCH_WEBHOOK: &str = "/birch/webhook";

/// The shop as one service.
pub(crate) fn app(payments: Payments) -> Router {
    Router::new()
        .route("/", get(counter))
        .route("/checkout", post(checkout))
        .route("/orders/{provider}/{reference}", get(order))
        .route(BIRCH_WEBHOOK, post(birch_webhook))
        .with_state(payments.clone())
        // Last: a layer sees only what was added before it.
        .layer(UcanpayLayer::payments(payments))
}

async fn counter() -> Markup {
    page(&html! {
        h1 { "Coffee, $4.50" }
        form method="post" action="/checkout" {
            button name="provider" value="ucanpay" { "Pay by UCanPay" }
            " "
            button name="provider" value="birch" { "Pay by Birch" }
        }
    })
}

#[derive(Deserialize)]
struct Choice {
    provider: String,
}

/// The only place where the choice matters: the account that the payment is started with.
async fn checkout(
    State(payments): State<Payments>,
    Form(choice): Form<Choice>,
) -> Result<Response, StatusCode> {
    let provider = ProviderId::new(choice.provider).map_err(|_| StatusCode::BAD_REQUEST)?;
    let start = StartPayment {
        provider: Some(provider),
        reference: Reference::random(),
        amount: Amount::new(450).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?,
        currency: Currency::CAD,
        subject: "coffee".into(),
        description: "one latte".into(),
        expires_after: None,
    };
    match payments.start(start).await {
        Ok(view) => Ok(Redirect::to(&format!("/orders/{}", view.payment.key)).into_response()),
        Err(ucanpay_storefront::StartError::UnknownProvider) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

async fn order(
    State(payments): State<Payments>,
    Path((provider, reference)): Path<(String, String)>,
) -> Result<Markup, StatusCode> {
    let key = PaymentKey {
        provider: ProviderId::new(provider).map_err(|_| StatusCode::NOT_FOUND)?,
        reference: Reference::new(reference).map_err(|_| StatusCode::NOT_FOUND)?,
    };
    let view = payments.payment(&key).await;
    let view = view
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?
        .ok_or(StatusCode::NOT_FOUND)?;
    Ok(page(&html! {
        h1 { "Order " (key.reference) }
        p { "By " (key.provider) ": " strong { (view.payment.state) } }
        @match (view.payment.state, &view.payment.pay_link) {
            (PaymentState::Paid, _) => p { "Thank you." },
            (state, _) if state.is_settled() => p { "It cannot be paid any more." },
            (_, Some(link)) => p { a href=(link) target="_blank" { "Pay here" } ", then reload this page." },
            (_, None) => p { "The gateway cannot be reached; we go on trying." },
        }
    }))
}

/// Birch signs in a header, so the headers go along. 200 only with the receipt: it exists after the commit.
async fn birch_webhook(
    State(payments): State<Payments>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let birch = ProviderId::new("birch").map_err(|_| StatusCode::NOT_FOUND)?;
    let notification = RawNotification::new(NotificationTopic::Payment, body)
        .with_provider(birch)
        .with_headers(headers);
    match payments.handle_notification(notification).await {
        Ok(receipt) => {
            let reply = receipt.reply();
            let content_type = [(CONTENT_TYPE, reply.content_type)];
            Ok((content_type, reply.body.clone()).into_response())
        }
        Err(NotificationError::Refused { .. }) => Err(StatusCode::UNAUTHORIZED),
        Err(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn page(content: &Markup) -> Markup {
    html! {
        (maud::DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { "Two gateways" }
            }
            body { (content) }
        }
    }
}
