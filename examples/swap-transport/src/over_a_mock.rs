//! A mock under the payment client, as in a team's own tests: a closure decides what the network does.
//!
//! Here the gateway takes the order and its answer is lost. What a test wants to know is whether the shop then believes
//! that nothing happened.

use crate::LocalGateway;
use bytes::Bytes;
use http::{Request, Response};
use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use ucanpay_core::{OrderQuery, OutTradeNo};
use ucanpay_transport::{Client, Effect, RetryPolicy};

/// Makes a call whose answers are all lost.
///
/// # Errors
///
/// When the call ends in another way than it must.
pub async fn run(gateway: &LocalGateway) -> Result<String, Box<dyn StdError>> {
    let requests = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&requests);
    let network = tower::service_fn(move |_request: Request<Bytes>| {
        seen.fetch_add(1, SeqCst);
        std::future::ready(Err::<Response<Bytes>, _>(io::Error::from(
            io::ErrorKind::ConnectionReset,
        )))
    });
    let client = Client::builder(gateway.merchant.clone())
        .retry(RetryPolicy::default().with_max_attempts(2))
        .build_with(network)?;
    let query = OrderQuery {
        out_trade_no: OutTradeNo::new("MOCK1")?,
        ucp_order_no: None,
    };
    match client.call(&query).await {
        Err(error) if error.effect() == Effect::Unknown => Ok(format!(
            "after {} lost answers the outcome is unknown, as it should be",
            requests.load(SeqCst)
        )),
        other => Err(format!("the outcome must be unknown, and is {other:?}").into()),
    }
}
