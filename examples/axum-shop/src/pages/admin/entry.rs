//! One order on the merchant's pages: how it stands, and what can be done.

use maud::{Markup, html};
use ucanpay_core::Amount;

use super::refund::{self, Returned};
use super::{Desk, review};
use crate::orders::{Note, OrderView, ReadError};
use crate::pages::tone;
use crate::shop::Shop;

/// An order, and what was noted about it.
pub(super) struct Entry {
    pub(super) view: OrderView,
    notes: Vec<Note>,
}

impl Entry {
    pub(super) async fn of(shop: &Shop, view: OrderView) -> Result<Self, ReadError> {
        let notes = shop.orders().notes(&view.order).await?;
        Ok(Self { view, notes })
    }

    pub(super) async fn all(shop: &Shop, views: Vec<OrderView>) -> Result<Vec<Self>, ReadError> {
        let mut entries = Vec::with_capacity(views.len());
        for view in views {
            entries.push(Self::of(shop, view).await?);
        }
        Ok(entries)
    }
}

/// A form that was not taken is shown as it was filled in, if it was this order's.
pub(super) fn entry(desk: &Desk, entry: &Entry, returned: Option<&Returned<'_>>) -> Markup {
    let words = desk.words();
    let Entry { view, notes } = entry;
    let returned = returned.filter(|form| form.order == view.order.number.as_str());
    let order = &view.order;
    let payment = view.payment.as_ref().map(|view| &view.payment);
    html! {
        article.sheet.entry data-order=(order.number) data-version=(version(entry)) {
            header {
                strong.sum { (desk.money(order.total.cents())) }
                @if view.is_refunded() { span.pill { (words.order.refunded) } }
                @else { span class={ "pill " (tone(view.status())) } { ((words.payment_state)(view.status())) } }
                @if view.needs_review() { span.pill.bad { (words.merchant.needs_review) } }
                @if payment.is_some_and(|payment| payment.late) { span.pill.bad { (words.merchant.paid_late) } }
                @if let Some(ticket) = order.ticket { span.pill { (words.merchant.ticket) " " (ticket) } }
                (desk.time(order.created_at))
            }
            p { @for (at, line) in order.lines.iter().enumerate() { @if at > 0 { ", " } (line.quantity) " × " (words.line(line)) } }
            p.number { a href={ "/admin/orders/" (order.number) } { code { (order.number) } } }
            @if let Some(trouble) = payment.and_then(|payment| payment.trouble.as_deref()) { p.trouble lang="en" { (trouble) } }
            @if view.needs_review() || !notes.is_empty() { (review::block(desk, view, notes)) }
            @if !view.refunds().is_empty() {
                ul.refunds { @for refund in view.refunds() { (refund::row(desk, view, refund)) } }
            }
            @if view.refund_under_way() {
                p.hint { (words.refund.one_at_a_time) }
            } @else if let Ok(most) = Amount::new(view.refundable()) {
                (refund::form(desk, view, most, returned))
            }
        }
    }
}

/// Differs whenever the entry looks different; the script replaces it only then, and never under an open form.
pub(super) fn version(Entry { view, notes }: &Entry) -> String {
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
