//! The gateway's calls over HTTP: bytes in, checks in the gateway's order, signed answer out. Always
//! HTTP 200.
//!
//! Merchant id and signature are checked here; what the members say is decided in `gateway.rs`. Which name
//! a call's table has for what is wrong is in `call.rs`.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tracing::{error, info};

use crate::call::Call;
use crate::envelope;
use crate::message::Members;
use crate::refusal::{ErrorName, Refusal};
use crate::sandbox::Sandbox;

/// The routes of all calls.
pub(crate) fn routes() -> Router<Sandbox> {
    Call::ALL.into_iter().fold(Router::new(), |router, call| {
        let handler = move |State(sandbox): State<Sandbox>,
                            method: Method,
                            body: Result<Bytes, BytesRejection>| {
            answer(call, sandbox, method, body)
        };
        router.route(call.path(), any(handler))
    })
}

async fn answer(
    call: Call,
    sandbox: Sandbox,
    method: Method,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let envelope = match serve(call, &sandbox, &method, body).await {
        Ok(envelope) => {
            info!(call = call.path(), "answered");
            envelope
        }
        Err(refusal) => {
            info!(
                call = call.path(),
                name = refusal.name.as_str(),
                reason = refusal.reason,
                "refused"
            );
            envelope::refused(&refusal, sandbox.switches(), sandbox.now())
        }
    };
    ([(header::CONTENT_TYPE, "application/json")], envelope).into_response()
}

async fn serve(
    call: Call,
    sandbox: &Sandbox,
    method: &Method,
    body: Result<Bytes, BytesRejection>,
) -> Result<String, Refusal> {
    let request = request(call, sandbox, method, body);
    let data = sandbox
        .submit(move |gateway, now| gateway.answer(call, request, now))
        .await
        .map_err(|error| system_error(call, &error))??;
    sandbox
        .envelope(data, sandbox.now())
        .map_err(|error| system_error(call, &error))
}

fn request(
    call: Call,
    sandbox: &Sandbox,
    method: &Method,
    body: Result<Bytes, BytesRejection>,
) -> Result<Members, Refusal> {
    if method != Method::POST {
        return Err(Refusal::new(
            ErrorName::RequirePostMethod,
            "the call must be a POST",
        ));
    }
    let body = body.map_err(|rejection| Refusal::new(call.malformed(), rejection.to_string()))?;
    authenticate(call, sandbox, &body)
}

/// Reads the request and makes sure that the merchant it names has signed it.
fn authenticate(call: Call, sandbox: &Sandbox, body: &[u8]) -> Result<Members, Refusal> {
    if body.trim_ascii().is_empty() {
        return Err(Refusal::new(call.empty(), "the body is empty"));
    }
    let text = std::str::from_utf8(body)
        .map_err(|error| Refusal::new(call.not_utf8(), error.to_string()))?;
    let members = Members::read(text).map_err(|error| {
        Refusal::new(
            call.malformed(),
            format!("not one flat JSON object: {:?}", error.classify()),
        )
    })?;
    match members.text("merchantId") {
        None => Err(Refusal::new(call.missing(), "merchantId: missing or empty")),
        Some(id) if id != sandbox.merchant_id() => Err(Refusal::new(
            call.no_authority(),
            "merchantId: not the merchant this sandbox knows",
        )),
        Some(_) if !sandbox.seal().was_signed_by_merchant(&members, call.path()) => {
            Err(Refusal::new(
                ErrorName::SignError,
                "sign: not the merchant's signature of these members",
            ))
        }
        Some(_) => Ok(members),
    }
}

fn system_error(call: Call, error: &(dyn std::error::Error + 'static)) -> Refusal {
    error!(
        call = call.path(),
        error, "the sandbox could not do its own work"
    );
    Refusal::new(ErrorName::SystemError, error.to_string())
}
