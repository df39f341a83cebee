//! Refunds: asked for, listed, and tried again.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use ucanpay_core::{Amount, RefundReason};
use ucanpay_storefront::ledger::RefundRefusal;
use ucanpay_storefront::{Refund, RefundError, RefundNumber, RefundRequest, RefundState};

use super::Desk;
use super::list::{self, List};
use crate::language::Language;
use crate::money;
use crate::orders::OrderView;
use crate::pages::PageError;
use crate::pages::form::MerchantForm;
use crate::pages::login::LoggedIn;
use crate::settings::in_one_line;
use crate::shop::{OrderNumber, Shop};
use crate::visit::Visit;

pub(super) fn routes() -> Router<Shop> {
    Router::new()
        .route("/admin/refunds", get(refunds))
        .route("/admin/orders/{order}/refund", post(refund))
}

/// How many of the newest orders are looked through for refunds.
const LOOKED_THROUGH: u32 = 200;

/// How many refunds are shown.
const REFUNDS: usize = 50;

/// The newest refunds of the newest orders.
async fn refunds(
    login: LoggedIn,
    visit: Visit,
    State(shop): State<Shop>,
) -> Result<Markup, PageError> {
    let desk = Desk { visit, login };
    let orders = shop.orders().recent(LOOKED_THROUGH, 0).await?;
    let of = |view| {
        OrderView::refunds(view)
            .iter()
            .map(move |refund| (view, refund))
    };
    let mut refunds: Vec<_> = orders.iter().flat_map(of).collect();
    refunds.sort_by_key(|(_, refund)| std::cmp::Reverse(refund.created_at.as_millis()));
    refunds.truncate(REFUNDS);
    let under_way = refunds.iter().any(|(_, refund)| !refund.state.is_settled());
    let head = html! { @if under_way { meta http-equiv="refresh" content="5"; } };
    let content = html! {
        @if refunds.is_empty() { p.hint { (desk.words().refund.none) } }
        div.orders { @for (view, refund) in refunds {
            article.sheet.entry {
                ul.refunds { (row(&desk, view, refund)) }
                p.number { a href={ "/admin/orders/" (view.order.number) } { code { (view.order.number) } } " " (desk.time(refund.created_at.as_millis())) }
            }
        } }
    };
    Ok(desk.page(desk.words().refund.title, &head, &content))
}

#[derive(Deserialize)]
struct NewRefund {
    /// Made when the form was shown: sent twice, it is one refund.
    number: String,
    amount: String,
    reason: String,
}

/// A form that was not taken, to be shown again as it was filled in.
pub(super) struct Returned<'a> {
    pub(super) order: &'a str,
    number: RefundNumber,
    amount: &'a str,
    reason: &'a str,
    why: &'a str,
}

async fn refund(
    State(shop): State<Shop>,
    visit: Visit,
    OrderNumber(order): OrderNumber,
    MerchantForm(login, form): MerchantForm<NewRefund>,
) -> Result<Response, PageError> {
    let number = RefundNumber::new(&*form.number).map_err(|_| PageError::Foreign)?;
    let view = shop.orders().find(&order).await?;
    let view = view.ok_or(PageError::NotFound)?;
    let (number, why) = match ask(&shop, &view, &form, &number, visit.language).await {
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
    let desk = Desk { visit, login };
    let list = List::of(&shop, 1).await?;
    let note = html! { p.note.bad role="alert" { (why) } };
    let page = list::page(&desk, &list, Some(note), Some(&returned));
    Ok((StatusCode::CONFLICT, page).into_response())
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
    language: Language,
) -> Result<Refund, Refusal> {
    let words = &language.words().refund;
    let plain = |why: &str| Refusal::Plain((words.refused)(why));
    let amount = money::read(&form.amount).ok_or_else(|| plain(words.bad_amount))?;
    let reason = form.reason.trim();
    if RefundReason::new(reason).is_err() {
        return Err(plain(words.bad_reason));
    }
    let request = RefundRequest {
        number: Some(number.clone()),
        amount,
        reason: reason.into(),
    };
    let refunded = shop.orders().refund(&view.order, request).await;
    refunded.map_err(|error| match error {
        RefundError::Refused(RefundRefusal::BeyondPaid { asked, left }) => plain(
            &(words.too_much)(&language.money(asked), &language.money(left)),
        ),
        RefundError::Refused(RefundRefusal::MayStillGoThrough(_)) => plain(words.may_go_through),
        RefundError::Conflict(_) => Refusal::Used(words.used.to_owned()),
        RefundError::Store(error) => {
            tracing::error!(error = in_one_line(&error), "a refund may not be recorded");
            Refusal::Plain(words.unsure.to_owned())
        }
        error => plain(&in_one_line(&error)),
    })
}

/// One refund.
pub(super) fn row(desk: &Desk, view: &OrderView, refund: &Refund) -> Markup {
    let words = desk.words();
    let tone = match refund.state {
        RefundState::Succeeded => "good",
        RefundState::Failed | RefundState::Closed | RefundState::Unknown => "bad",
        _ => "wait",
    };
    html! {
        li {
            strong { ((words.refund.of)(&desk.money(refund.amount.cents()))) }
            " " span class={ "pill " (tone) } { ((words.refund_state)(refund.state)) }
            span { (refund.reason) }
            @if let Some(trouble) = &refund.trouble { p.trouble lang="en" { (trouble) } }
            @if refund.state == RefundState::Failed && view.refundable() >= refund.amount.cents() {
                (again_form(desk, view, refund))
            }
        }
    }
}

/// A refund that failed is asked for again under its own number: were it to succeed after all, a new number would be a
/// second refund.
fn again_form(desk: &Desk, view: &OrderView, refund: &Refund) -> Markup {
    html! {
        form method="post" action={ "/admin/orders/" (view.order.number) "/refund" } {
            input type="hidden" name="csrf" value=(desk.login.csrf());
            input type="hidden" name="number" value=(refund.number.as_str());
            input type="hidden" name="amount" value=(money::plain(refund.amount.cents()));
            input type="hidden" name="reason" value=(refund.reason.as_str());
            button.quiet { (desk.words().refund.try_again) }
        }
    }
}

/// The form of a new refund, at most of this amount.
pub(super) fn form(
    desk: &Desk,
    view: &OrderView,
    most: Amount,
    returned: Option<&Returned<'_>>,
) -> Markup {
    let words = &desk.words().refund;
    let all = desk.visit.language.amount(most.cents());
    let fresh = RefundNumber::random();
    let (number, amount, reason) = match returned {
        Some(form) => (&form.number, form.amount, form.reason),
        None => (&fresh, &*all, words.usual_reason),
    };
    html! {
        details open[returned.is_some()] {
            summary { (words.refund) }
            form.refund method="post" action={ "/admin/orders/" (view.order.number) "/refund" } {
                input type="hidden" name="csrf" value=(desk.login.csrf());
                input type="hidden" name="number" value=(number.as_str());
                @if let Some(form) = returned { p.trouble { (form.why) } }
                label { ((words.amount_up_to)(&desk.money(most.cents()))) input name="amount" inputmode="decimal" autocomplete="off" required value=(amount); }
                label.grow { (words.reason) input name="reason" required maxlength="64" autocomplete="off" value=(reason); }
                button { (words.refund) }
            }
        }
    }
}
