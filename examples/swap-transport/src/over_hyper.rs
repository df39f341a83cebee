//! An HTTP service of one's own: hyper-util's client, made into what the payment client asks for.

use crate::LocalGateway;
use crate::local_gateway::place_and_query;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::error::Error;
use std::time::Duration;
use tower::BoxError;
use ucanpay_transport::{AnswerTooLarge, Client, ConnectError, MAX_ANSWER_BYTES};

type Hyper = HyperClient<HttpConnector, Full<Bytes>>;

/// Places an order over hyper.
///
/// # Errors
///
/// When a call fails.
pub async fn run(gateway: &LocalGateway) -> Result<String, Box<dyn Error>> {
    let hyper = hyper();
    let service = tower::service_fn(move |request| send(hyper.clone(), request));
    let client = Client::builder(gateway.merchant.clone())
        .base_url(&gateway.url)
        .build_with(service)?;
    let (number, state) = place_and_query(&client, "HYPER1").await?;
    Ok(format!("order {number} was placed, and is {state}"))
}

fn hyper() -> Hyper {
    let mut connector = HttpConnector::new();
    // Shorter than an attempt, so that a host that does not answer is known not to have been reached.
    connector.set_connect_timeout(Some(Duration::from_secs(5)));
    HyperClient::builder(TokioExecutor::new()).build(connector)
}

/// What the payment client is owed: a failure to connect is marked as such, and nothing else is; what is read is limited;
/// nothing is repeated, and no redirect followed. (hyper-util does neither; it only puts a request that a pooled connection
/// gave back unwritten onto another.)
async fn send(hyper: Hyper, request: Request<Bytes>) -> Result<Response<Bytes>, BoxError> {
    let answer = hyper.request(request.map(Full::new)).await;
    let (head, body) = answer.map_err(marked)?.into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| -> BoxError {
        if error.is::<LengthLimitError>() {
            AnswerTooLarge::new(MAX_ANSWER_BYTES).into()
        } else {
            error
        }
    })?;
    Ok(Response::from_parts(head, body.to_bytes()))
}

fn marked(error: hyper_util::client::legacy::Error) -> BoxError {
    if error.is_connect() {
        ConnectError::new(error).into()
    } else {
        error.into()
    }
}
