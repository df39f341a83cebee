//! The merchant's list: every order, what became of its payment, and refunds.

use std::collections::HashMap;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use ucanpay_core::{Amount, RefundReason};
use ucanpay_storefront::ledger::{Discrepancy, RefundRefusal};
use ucanpay_storefront::{
    PaymentState, Refund, RefundError, RefundNumber, RefundRequest, RefundState, ReviewError,
};

use super::form::PageForm;
use super::login::LoggedIn;
use super::{PageError, layout};
use crate::cart::Cart;
use crate::fingerprint::fingerprint;
use crate::money::{self, dollars};
use crate::orders::{Note, OrderView, ReadError};
use crate::settings::in_one_line;
use crate::shop::{OrderNumber, Shop};

/// How many orders the list shows.
const SHOWN: u32 = 100;

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .route("/admin", get(list))
        .route("/admin/orders/{order}/refund", post(refund))
        .route("/admin/orders/{order}/review", post(review_done))
}

/// The orders that are shown, with what is told about them.
struct List {
    orders: Vec<OrderView>,
    notes: HashMap<String, Vec<Note>>,
}

impl List {
    async fn of(shop: &Shop) -> Result<Self, ReadError> {
        Ok(Self {
            orders: shop.orders().recent(SHOWN).await?,
            notes: shop.orders().notes(SHOWN).await?,
        })
    }

    fn notes(&self, view: &OrderView) -> &[Note] {
        let notes = self.notes.get(view.order.number.as_str());
        notes.map_or(&[], Vec::as_slice)
    }

    /// Differs whenever the list looks different to this login.
    fn etag(&self, login: &LoggedIn) -> String {
        let mut whole = login.csrf().to_owned();
        for view in &self.orders {
            whole += &format!(" {}:{}", view.order.number, version(view, self.notes(view)));
        }
        format!("\"{}\"", fingerprint(&whole))
    }
}

#[derive(Deserialize)]
struct Done {
    /// The number of a refund that was just asked for.
    refund: Option<String>,
}

/// The page's script asks every two seconds with the `ETag` that it shows, and nearly always hears "not modified".
async fn list(
    login: LoggedIn,
    State(shop): State<Shop>,
    done: Result<Query<Done>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let list = List::of(&shop).await?;
    let etag = list.etag(&login);
    if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|shown| shown == etag.as_str())
    {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    let number = done.ok().and_then(|Query(done)| done.refund);
    let refund = list
        .orders
        .iter()
        .flat_map(OrderView::refunds)
        .find(|refund| Some(refund.number.as_str()) == number.as_deref());
    let note = refund.map(|refund| {
        let amount = dollars(refund.amount.cents());
        html! { p.note role="status" { "Refund of " (amount) " recorded. The list below follows it." } }
    });
    let page = page(&login, &list, note, None);
    Ok(([(ETAG, etag)], page).into_response())
}

#[derive(Deserialize)]
struct NewRefund {
    csrf: String,
    /// Made when the form was shown: sent twice, it is one refund.
    number: String,
    amount: String,
    reason: String,
}

/// A form that was not taken, to be shown again as it was filled in.
struct Returned<'a> {
    order: &'a str,
    number: RefundNumber,
    amount: &'a str,
    reason: &'a str,
    why: &'a str,
}

async fn refund(
    login: LoggedIn,
    State(shop): State<Shop>,
    OrderNumber(order): OrderNumber,
    PageForm(form): PageForm<NewRefund>,
) -> Result<Response, PageError> {
    login.check(&form.csrf)?;
    let number = RefundNumber::new(&*form.number).map_err(|_| PageError::Foreign)?;
    let view = shop.orders().find(&order).await?;
    let view = view.ok_or(PageError::NotFound)?;
    let (number, why) = match ask(&shop, &view, &form, &number).await {
        Ok(refund) => {
            let back = format!("/admin?refund={}", refund.number);
            return Ok(Redirect::to(&back).into_response());
        }
        // The number is used up; what was typed this time is another refund.
        Err(Refusal::Used(why)) => (RefundNumber::random(), why),
        Err(Refusal::Plain(why)) => (number, why),
    };
    let returned = Returned {
        order: &order,
        number,
        amount: &form.amount,
        reason: &form.reason,
        why: &why,
    };
    let list = List::of(&shop).await?;
    let note = html! { p.note.bad role="alert" { (why) } };
    let page = page(&login, &list, Some(note), Some(&returned));
    Ok((StatusCode::CONFLICT, page).into_response())
}

#[derive(Deserialize)]
struct LookedAt {
    csrf: String,
    discrepancy: u32,
    note: String,
}

/// A person says what was found. Sent twice, the first words stay.
async fn review_done(
    login: LoggedIn,
    State(shop): State<Shop>,
    OrderNumber(order): OrderNumber,
    PageForm(form): PageForm<LookedAt>,
) -> Result<Response, PageError> {
    login.check(&form.csrf)?;
    let view = shop.orders().find(&order).await?;
    let view = view.ok_or(PageError::NotFound)?;
    let settled = shop
        .orders()
        .settle_review(&view.order, form.discrepancy, form.note.trim())
        .await;
    match settled {
        Ok(_) => Ok(Redirect::to("/admin").into_response()),
        Err(ReviewError::NotFound) => Err(PageError::NotFound),
        Err(ReviewError::EmptyNote) => {
            let list = List::of(&shop).await?;
            let note = html! { p.note.bad role="alert" { "Say what was found." } };
            let page = page(&login, &list, Some(note), None);
            Ok((StatusCode::CONFLICT, page).into_response())
        }
        Err(error) => Err(PageError::unavailable(&error)),
    }
}

/// Why there is no refund, in the merchant's words.
enum Refusal {
    /// The number stands for another refund.
    Used(String),
    /// Anything else: the same number may be sent again.
    Plain(String),
}

async fn ask(
    shop: &Shop,
    view: &OrderView,
    form: &NewRefund,
    number: &RefundNumber,
) -> Result<Refund, Refusal> {
    let plain = |why: &str| Refusal::Plain(format!("Not refunded: {why}."));
    let amount = money::read(&form.amount)
        .ok_or_else(|| plain("the amount is written like 4.50, and more than nothing"))?;
    let reason = form.reason.trim();
    if RefundReason::new(reason).is_err() {
        return Err(plain("the reason has 1 to 64 characters, without = and &"));
    }
    let request = RefundRequest {
        number: Some(number.clone()),
        amount,
        reason: reason.into(),
    };
    let refunded = shop.orders().refund(&view.order, request).await;
    refunded.map_err(|error| match error {
        RefundError::Refused(RefundRefusal::BeyondPaid { asked, left }) => plain(&format!(
            "{} is more than the {} that can still be refunded",
            dollars(asked),
            dollars(left)
        )),
        RefundError::Conflict(_) => Refusal::Used(
            "Not refunded: this form was sent before, with something else in it. \
             Look at the refunds below, and send it again if you mean one more."
                .to_owned(),
        ),
        RefundError::Store(error) => {
            tracing::error!(error = in_one_line(&error), "a refund may not be recorded");
            Refusal::Plain(
                "Nobody knows yet whether this refund was recorded. \
                 Send the form again as it is: it is not refunded twice."
                    .to_owned(),
            )
        }
        error => plain(&in_one_line(&error)),
    })
}

fn page(
    login: &LoggedIn,
    list: &List,
    note: Option<Markup>,
    returned: Option<&Returned<'_>>,
) -> Markup {
    let mut orders = list.orders.iter();
    let under_way = orders.any(OrderView::refund_under_way);
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
        p.note.bad id="out" role="alert" hidden { "Logged out: this list is no longer up to date. " a href="/admin/login" { "Log in again" } }
        @if let Some(note) = note { (note) }
        p.hint id="none" hidden[!list.orders.is_empty()] { "No orders yet. They appear here by themselves." }
        div.orders id="orders" data-etag=(list.etag(login)) {
            @for view in &list.orders {
                (row(login, view, list.notes(view), returned.filter(|form| form.order == view.order.number.as_str())))
            }
        }
    };
    layout::page_with("Orders", &Cart::default(), &head, &content)
}

fn row(
    login: &LoggedIn,
    view: &OrderView,
    notes: &[Note],
    returned: Option<&Returned<'_>>,
) -> Markup {
    let order = &view.order;
    let payment = view.payment.as_ref().map(|view| &view.payment);
    html! {
        article.sheet.entry data-order=(order.number) data-version=(version(view, notes)) {
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
            @if view.needs_review() || !notes.is_empty() { (review(login, view, notes)) }
            @if !view.refunds().is_empty() {
                ul.refunds { @for refund in view.refunds() { (refund_row(login, view, refund)) } }
            }
            @if view.refund_under_way() {
                p.hint { "One refund at a time: wait for the one under way." }
            } @else if let Ok(most) = Amount::new(view.refundable()) {
                (refund_form(login, view, most, returned))
            }
        }
    }
}

/// Why somebody must look, and what to do about it.
fn review(login: &LoggedIn, view: &OrderView, notes: &[Note]) -> Markup {
    html! {
        div.review {
            @if !notes.is_empty() {
                ul { @for note in notes {
                    li {
                        strong { (heading(note)) }
                        @if let Some(text) = &note.text { ": " (text) }
                        " " time { (time(note.at)) }
                    }
                } }
            }
            @for open in view.open_discrepancies() { (discrepancy(login, view, open)) }
            @if view.needs_review() {
                p { "Compare this order with the merchant portal. Until they agree, do not hand out the goods, and refund nothing by other ways." }
            }
        }
    }
}

/// One thing that does not fit, until somebody says what was found.
fn discrepancy(login: &LoggedIn, view: &OrderView, open: &Discrepancy) -> Markup {
    html! {
        form method="post" action={ "/admin/orders/" (view.order.number) "/review" } {
            p { strong { "To be looked at" } ": " (open.note) " " time { (time(open.opened_at.as_millis())) } }
            input type="hidden" name="csrf" value=(login.csrf());
            input type="hidden" name="discrepancy" value=(open.number);
            div.found {
                label { "What was found" input name="note" required maxlength="200" placeholder="compared with the portal: …"; }
                button.quiet { "Looked at" }
            }
        }
    }
}

fn heading(note: &Note) -> &'static str {
    match note.kind.as_str() {
        "money_returned" => "Money went back",
        "late_payment" => "Paid late",
        _ => "To be looked at",
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

fn refund_form(
    login: &LoggedIn,
    view: &OrderView,
    most: Amount,
    returned: Option<&Returned<'_>>,
) -> Markup {
    let all = money::plain(most.cents().unsigned_abs());
    let fresh = RefundNumber::random();
    let (number, amount, reason) = match returned {
        Some(form) => (&form.number, form.amount, form.reason),
        None => (&fresh, &*all, "Something was not right"),
    };
    html! {
        details open[returned.is_some()] {
            summary { "Refund" }
            form.refund method="post" action={ "/admin/orders/" (view.order.number) "/refund" } {
                input type="hidden" name="csrf" value=(login.csrf());
                input type="hidden" name="number" value=(number.as_str());
                @if let Some(form) = returned { p.trouble { (form.why) } }
                label { "Amount, up to $" (all) input name="amount" inputmode="decimal" required value=(amount); }
                label.grow { "Reason" input name="reason" required maxlength="64" value=(reason); }
                button { "Refund" }
            }
        }
    }
}

/// Differs whenever the row looks different; the script replaces a row only then, and never under an open form.
fn version(view: &OrderView, notes: &[Note]) -> String {
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
        "{payment}-{trouble}-{}-{}-{}-{}",
        view.open_discrepancies().count(),
        view.order.ticket.unwrap_or(0),
        notes.len(),
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
