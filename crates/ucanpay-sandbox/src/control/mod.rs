//! The control API: what a person does on the phone page, for programs; time and faults; and a look inside.
//!
//! JSON in, JSON out; errors are `{"error":{"code","message"}}`. Members carry the gateway's own names.
//! `openapi.json` describes it, and is served with it.

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};

use crate::sandbox::Sandbox;

mod clock;
mod deliveries;
mod error;
mod faults;
mod openapi;
mod orders;
mod refunds;
mod reset;
mod view;

/// Method, path and what answers there.
type Route = (MethodFilter, &'static str, MethodRouter<Sandbox>);

pub(crate) fn routes() -> Router<Sandbox> {
    table()
        .into_iter()
        .fold(Router::new(), |router, (_, path, handler)| {
            router.route(path, handler)
        })
}

/// Every control call there is.
fn table() -> Vec<Route> {
    vec![
        get("/_sandbox/orders", orders::all),
        get("/_sandbox/orders/{out_trade_no}", orders::one),
        post("/_sandbox/orders/{out_trade_no}/pay", orders::pay),
        post("/_sandbox/orders/{out_trade_no}/decline", orders::decline),
        post("/_sandbox/orders/{out_trade_no}/stall", orders::stall),
        post(
            "/_sandbox/orders/{out_trade_no}/fail_next_refund",
            orders::fail_next_refund,
        ),
        get("/_sandbox/deliveries", deliveries::all),
        post("/_sandbox/deliveries/{id}/resend", deliveries::resend),
        post(
            "/_sandbox/refunds/{out_refund_no}/succeed",
            refunds::succeed,
        ),
        post("/_sandbox/refunds/{out_refund_no}/fail", refunds::fail),
        post("/_sandbox/refunds/{out_refund_no}/close", refunds::close),
        get("/_sandbox/clock", clock::read),
        post("/_sandbox/clock", clock::advance),
        get("/_sandbox/faults", faults::all),
        post("/_sandbox/faults", faults::set),
        delete("/_sandbox/faults", faults::clear),
        post("/_sandbox/reset", reset::reset),
        get("/_sandbox/openapi.json", openapi::document),
    ]
}

fn get<H, T>(path: &'static str, handler: H) -> Route
where
    H: Handler<T, Sandbox>,
    T: 'static,
{
    route(MethodFilter::GET, path, handler)
}

fn post<H, T>(path: &'static str, handler: H) -> Route
where
    H: Handler<T, Sandbox>,
    T: 'static,
{
    route(MethodFilter::POST, path, handler)
}

fn delete<H, T>(path: &'static str, handler: H) -> Route
where
    H: Handler<T, Sandbox>,
    T: 'static,
{
    route(MethodFilter::DELETE, path, handler)
}

fn route<H, T>(method: MethodFilter, path: &'static str, handler: H) -> Route
where
    H: Handler<T, Sandbox>,
    T: 'static,
{
    (method, path, on(method, handler))
}
