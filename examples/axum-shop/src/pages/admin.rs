//! The merchant's list: every order, what became of its payment, and refunds.

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use ucanpay_core::Amount;
use ucanpay_storefront::{PaymentState, Refund, RefundNumber, RefundRequest, RefundState};

use super::login::LoggedIn;
use super::{PageError, layout};
use crate::cart::Cart;
use crate::money::{self, dollars};
use crate::orders::OrderView;
use crate::settings::in_one_line;
use crate::shop::{OrderNumber, Shop};

/// How many orders the list shows.
const SHOWN: u32 = 100;

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .route("/admin", get(list))
        .route("/admin/orders/{order}/refund", post(refund))
}

#[derive(Deserialize)]
struct Done {
    /// The number of a refund that was just asked for.
    refund: Option<String>,
}

async fn list(
    login: LoggedIn,
    State(shop): State<Shop>,
    Query(done): Query<Done>,
) -> Result<Markup, PageError> {
    let orders = shop.orders().recent(SHOWN).await?;
    let number = done.refund.as_deref();
    let refund = orders
        .iter()
        .flat_map(OrderView::refunds)
        .find(|refund| Some(refund.number.as_str()) == number);
    let note = refund.map(|refund| {
        let amount = dollars(refund.amount.cents());
        html! { p.note role="status" { "Refund of " (amount) " recorded. The list below follows it." } }
    });
    Ok(page(&login, &orders, note))
}

#[derive(Deserialize)]
struct NewRefund {
    csrf: String,
    /// Made when the form was shown: sent twice, it is one refund.
    number: String,
    amount: String,
    reason: String,
}

async fn refund(
    login: LoggedIn,
    State(shop): State<Shop>,
    OrderNumber(number): OrderNumber,
    Form(form): Form<NewRefund>,
) -> Result<Response, PageError> {
    login.check(&form.csrf)?;
    let order = shop.orders().find(&number).await?;
    let order = order.ok_or(PageError::NotFound)?.order;
    let refused = async |why: String| {
        let note = html! { p.note.bad role="alert" { "Not refunded: " (why) "." } };
        let orders = shop.orders().recent(SHOWN).await?;
        let page = page(&login, &orders, Some(note));
        Ok((StatusCode::CONFLICT, page).into_response())
    };
    let Some(amount) = money::read(&form.amount) else {
        return refused("the amount is written like 4.50".to_owned()).await;
    };
    let Ok(number) = RefundNumber::new(form.number) else {
        return Err(PageError::Foreign);
    };
    let request = RefundRequest {
        number: Some(number),
        amount,
        reason: form.reason.trim().into(),
    };
    match shop.orders().refund(&order, request).await {
        Ok(refund) => {
            let back = format!("/admin?refund={}", refund.number);
            Ok(Redirect::to(&back).into_response())
        }
        Err(error) => refused(in_one_line(&error)).await,
    }
}

fn page(login: &LoggedIn, orders: &[OrderView], note: Option<Markup>) -> Markup {
    let under_way = orders
        .iter()
        .flat_map(OrderView::refunds)
        .any(|refund| !refund.state.is_settled());
    let head = html! {
        script src="/assets/admin.js" defer {}
        @if under_way { noscript { meta http-equiv="refresh" content="5"; } }
    };
    let content = html! {
        div.title-row {
            h1 { "Orders" }
            form method="post" action="/admin/logout" {
                input type="hidden" name="csrf" value=(login.csrf());
                button.quiet { "Log out" }
            }
        }
        @if let Some(note) = note { (note) }
        p.hint id="none" hidden[!orders.is_empty()] { "No orders yet. They appear here by themselves." }
        div.orders id="orders" { @for order in orders { (row(login, order)) } }
    };
    layout::page_with("Orders", &Cart::default(), &head, &content)
}

fn row(login: &LoggedIn, view: &OrderView) -> Markup {
    let order = &view.order;
    let payment = view.payment.as_ref().map(|view| &view.payment);
    html! {
        article.sheet.entry data-order=(order.number) data-version=(version(view)) {
            header {
                strong.sum { (dollars(order.total.cents())) }
                span class={ "pill " (tone(view.status())) } { (words(view.status())) }
                @if view.needs_review() { span.pill.bad { "needs review" } }
                @if payment.is_some_and(|payment| payment.late) { span.pill.bad { "paid late" } }
                @if let Some(ticket) = order.ticket { span.pill { "ticket " (ticket) } }
                time { (time(order.created_at)) }
            }
            p { @for (at, line) in order.lines.iter().enumerate() { @if at > 0 { ", " } (line.quantity) " × " (line.name) } }
            p.number { a href={ "/orders/" (order.number) } { code { (order.number) } } }
            @if let Some(trouble) = payment.and_then(|payment| payment.trouble.as_deref()) { p.trouble { (trouble) } }
            @if !view.refunds().is_empty() {
                ul.refunds { @for refund in view.refunds() { (refund_row(login, view, refund)) } }
            }
            @if let Ok(most) = Amount::new(view.refundable()) { (refund_form(login, view, most)) }
        }
    }
}

fn refund_row(login: &LoggedIn, view: &OrderView, refund: &Refund) -> Markup {
    let tone = match refund.state {
        RefundState::Succeeded => "good",
        RefundState::Failed | RefundState::Closed | RefundState::Unknown => "bad",
        _ => "wait",
    };
    html! {
        li {
            strong { "Refund " (dollars(refund.amount.cents())) }
            " " span class={ "pill " (tone) } { (refund.state) }
            span { (refund.reason) }
            @if let Some(trouble) = &refund.trouble { p.trouble { (trouble) } }
            @if refund.state == RefundState::Failed && view.refundable() >= refund.amount.cents() {
                (again_form(login, view, refund))
            }
        }
    }
}

/// A refund that failed is asked for again under its own number: were it to succeed after all, a new number would be a
/// second refund.
fn again_form(login: &LoggedIn, view: &OrderView, refund: &Refund) -> Markup {
    html! {
        form method="post" action={ "/admin/orders/" (view.order.number) "/refund" } {
            input type="hidden" name="csrf" value=(login.csrf());
            input type="hidden" name="number" value=(refund.number.as_str());
            input type="hidden" name="amount" value=(money::plain(refund.amount.cents().unsigned_abs()));
            input type="hidden" name="reason" value=(refund.reason.as_str());
            button.quiet { "Try again" }
        }
    }
}

fn refund_form(login: &LoggedIn, view: &OrderView, most: Amount) -> Markup {
    let order = &view.order.number;
    html! {
        details {
            summary { "Refund" }
            form.refund method="post" action={ "/admin/orders/" (order) "/refund" } {
                input type="hidden" name="csrf" value=(login.csrf());
                input type="hidden" name="number" value=(RefundNumber::random().as_str());
                div {
                    label for={ "amount-" (order) } { "Amount, up to " (dollars(most.cents())) }
                    input id={ "amount-" (order) } name="amount" inputmode="decimal" required pattern=r"\$?[0-9]+(\.[0-9]{1,2})?" title="such as 4.50" value=(money::plain(most.cents().unsigned_abs()));
                }
                div.grow {
                    label for={ "reason-" (order) } { "Reason" }
                    input id={ "reason-" (order) } name="reason" required maxlength="64" pattern="[^=&]+" title="without = and &" value="Something was not right";
                }
                button { "Refund" }
            }
        }
    }
}

/// Differs whenever the row looks different; the script replaces a row only then, and leaves half-filled forms alone.
fn version(view: &OrderView) -> String {
    let payment = view.payment.as_ref().map_or(0, |view| view.payment.version);
    let trouble = view
        .payment
        .as_ref()
        .is_some_and(|view| view.payment.trouble.is_some());
    let refunds: Vec<_> = view
        .refunds()
        .iter()
        .map(|refund| format!("{}{}", refund.version, refund.trouble.is_some()))
        .collect();
    format!(
        "{payment}-{trouble}-{:?}-{}",
        view.order.ticket,
        refunds.join("-")
    )
}

fn words(status: PaymentState) -> &'static str {
    match status {
        PaymentState::Created => "being placed",
        PaymentState::AwaitingPayment => "awaiting payment",
        other => other.as_str(),
    }
}

fn tone(status: PaymentState) -> &'static str {
    match status {
        PaymentState::Paid => "good",
        PaymentState::Failed | PaymentState::Unknown => "bad",
        PaymentState::Closed | PaymentState::Expired => "",
        _ => "wait",
    }
}

/// `Nov 23, 12:18 UTC`
fn time(millis: i64) -> String {
    let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.strftime("%b %-d, %H:%M UTC").to_string()
}
