//! The dashboard: every order with its timeline, its refunds, and each notification with request, answers and next attempt.

use maud::{Markup, html};

use super::{brand, dollars, page, pill, spaced, tone};
use crate::delivery::{Attempt, Delivery, Outcome};
use crate::gateway::Gateway;
use crate::order::{Order, Refund};
use crate::sandbox::Sandbox;

/// The dashboard shows this many orders; the control API has them all.
const SHOWN_ORDERS: usize = 100;

pub(crate) fn dashboard(gateway: &Gateway, sandbox: &Sandbox) -> Markup {
    let now = sandbox.now();
    let mut orders = gateway.orders().peekable();
    let happened: u64 = gateway.faults.rules().map(|(_, happened)| happened).sum();
    let content = html! {
        (brand())
        @if sandbox.is_driven() {
            p.soft { "The clock is driven, and stands at " span.keep { (spaced(now)) " UTC" } "." }
        }
        @if gateway.faults.rules().next().is_some() {
            p.soft { "A fault plan is on. Faults so far: " (happened) "." }
        }
        @if orders.peek().is_none() {
            section.card {
                strong { "No orders yet." }
                p.lead { "Orders appear here as soon as the shop places one." }
            }
        }
        @for order in orders.take(SHOWN_ORDERS) { (order_card(gateway, order, now)) }
    };
    page("Orders", "wide", &content, true)
}

fn order_card(gateway: &Gateway, order: &Order, now: i64) -> Markup {
    let mut deliveries = gateway.deliveries_of(order).peekable();
    html! {
        article.card.order id=(format!("order-{}", order.ucp_order_no)) {
            header {
                strong { (dollars(order.amount())) " " (order.currency) }
                span { (order.subject) }
                (pill(tone(order.trade_status()), order.trade_status()))
                a href=(format!("/pay/{}", order.ucp_order_no)) { "Phone page" }
            }
            p.soft {
                (order.out_trade_no) " · " (order.ucp_order_no) " · " (order.scene)
            }
            @if order.amount() != order.ordered_amount {
                p.soft { "Ordered for " (dollars(order.ordered_amount)) }
            }
            @if order.muted { p.soft { "Notifications about this order are switched off." } }
            @if !order.refunds.is_empty() {
                ul { @for refund in &order.refunds { (refund_line(refund)) } }
            }
            @if deliveries.peek().is_some() {
                ul {
                    @for delivery in deliveries {
                        (delivery_line(order, delivery, gateway.attempts(delivery.id), now))
                    }
                }
            }
            (timeline(gateway, order))
        }
    }
}

/// What happened to the order, and to its notifications, the oldest first.
fn timeline(gateway: &Gateway, order: &Order) -> Markup {
    let mut events: Vec<(i64, String)> = order
        .history
        .iter()
        .map(|event| (event.at, event.what.clone()))
        .collect();
    for delivery in gateway.deliveries_of(order) {
        for attempt in gateway.attempts(delivery.id) {
            let what = format!(
                "{} notification: {}",
                delivery.topic.as_str(),
                came_of(attempt)
            );
            events.push((attempt.at, what));
        }
    }
    events.sort_by_key(|(at, _)| *at);
    html! {
        details id=(format!("timeline-{}", order.ucp_order_no)) {
            summary { "Timeline" }
            ol {
                @for (at, what) in events {
                    li { time { (spaced(at)) } " " (what) }
                }
            }
        }
    }
}

fn refund_line(refund: &Refund) -> Markup {
    html! {
        li {
            (pill(tone(refund.status()), refund.status()))
            "refund of " strong { (dollars(refund.amount)) } " " span.soft { "· " (refund.out_refund_no) " · " (refund.reason) }
        }
    }
}

fn delivery_line(order: &Order, delivery: &Delivery, attempts: &[Attempt], now: i64) -> Markup {
    let (tone, state) = match delivery.next_attempt_at {
        None => ("good", "accepted"),
        Some(_) if attempts.is_empty() => ("wait", "waiting"),
        Some(_) => ("bad", "not accepted yet"),
    };
    let made = attempts.last().map_or(0, |attempt| attempt.number);
    html! {
        li {
            (pill(tone, state))
            (delivery.topic.as_str()) " notification → " (delivery.url) " "
            span.soft {
                span.keep { "· " (made) @if made == 1 { " attempt" } @else { " attempts" } }
                @match delivery.next_attempt_at {
                    Some(i64::MAX) => { ", no next one" }
                    Some(at) if at > now => { ", " span.keep { "next at " (spaced(at)) " UTC" } }
                    Some(_) => { ", sending now" }
                    None => {}
                }
            }
            form.again method="post" action=(format!("/orders/{}/resend/{}", order.ucp_order_no, delivery.id)) {
                button { @if attempts.is_empty() { "Send now" } @else { "Send again now" } }
            }
            details id=(format!("delivery-{}", delivery.id)) {
                summary { "Request and answers" }
                pre { (delivery.body) }
                @for attempt in attempts {
                    p {
                        span.soft { (spaced(attempt.at)) " · " (came_of(attempt)) } " "
                        code { (answer(&attempt.outcome)) }
                    }
                }
            }
        }
    }
}

/// What came of an attempt, in a few words.
fn came_of(attempt: &Attempt) -> String {
    let outcome = match &attempt.outcome {
        Outcome::Accepted { status, .. } => format!("accepted, HTTP {status}"),
        Outcome::Refused { status, .. } => format!("not accepted, HTTP {status}"),
        Outcome::Failed { .. } => "no answer".to_owned(),
    };
    match attempt.fault {
        Some(fault) => format!("{outcome} ({})", fault.name()),
        None => outcome,
    }
}

fn answer(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Accepted { answer, .. } | Outcome::Refused { answer, .. } => answer,
        Outcome::Failed { error } => error,
    }
}
