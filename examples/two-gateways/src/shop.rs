//! Checkout with a choice, and an order page. The notifications of both gateways come in by the layer.

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use ucanpay_axum::UcanpayLayer;
use ucanpay_core::{Amount, Currency};
use ucanpay_storefront::{PaymentKey, PaymentState, Payments, ProviderId, Reference, StartPayment};

/// Where Birch's notifications come in, about payments and refunds alike: the layer has an address for each account, and
/// hands on the headers, in one of which Birch signs.
pub(crate) const BIRCH_WEBHOOK: &str = "/ucanpay/birch/payment";

/// The shop as one service.
pub(crate) fn app(payments: Payments) -> Router {
    Router::new()
        .route("/", get(counter))
        .route("/checkout", post(checkout))
        .route("/orders/{provider}/{reference}", get(order))
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
