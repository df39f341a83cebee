//! The gateway's calls over HTTP: bytes in, checks in the gateway's order, signed answer out. Always
//! HTTP 200, unless the fault plan wants it otherwise.
//!
//! Merchant id and signature are checked here; what the members say is decided behind `answering.rs`. Which name
//! a call's table has for what is wrong is in `call.rs`.

use std::io;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use futures_util::stream;
use serde_json::json;
use tracing::{error, info};

use crate::answering::Carriage;
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
    let request = request(call, &sandbox, &method, body);
    let replied = sandbox
        .submit(move |gateway, now| gateway.answer(call, request, now))
        .await;
    let (answer, carriage) = match replied {
        Ok(reply) => (reply.answer, reply.carriage),
        Err(error) => (Err(system_error(call, &error)), Carriage::AsItIs),
    };
    let now = sandbox.now();
    let sealed = answer.and_then(|data| {
        if carriage == Carriage::BadlySigned {
            sandbox.badly_signed_envelope(data, Some(call), now)
        } else {
            sandbox.envelope(data, Some(call), now)
        }
        .map_err(|error| system_error(call, &error))
    });
    let envelope = match sealed {
        Ok(envelope) => {
            info!(call = call.path(), ?carriage, "answered");
            envelope
        }
        Err(refusal) => {
            info!(
                call = call.path(),
                ?carriage,
                name = refusal.name.as_str(),
                reason = refusal.reason,
                "refused"
            );
            envelope::refused(&refusal, call, sandbox.switches(), now)
        }
    };
    carry(envelope, carriage, &sandbox).await
}

async fn carry(envelope: String, carriage: Carriage, sandbox: &Sandbox) -> Response {
    let body = match carriage {
        Carriage::AsItIs | Carriage::BadlySigned => Body::from(envelope),
        Carriage::Late(ms) => {
            sandbox.until(sandbox.now().saturating_add(ms)).await;
            Body::from(envelope)
        }
        Carriage::Truncated => Body::from(envelope.as_bytes()[..envelope.len() / 2].to_vec()),
        // The server has sent nothing when it asks for the body; at the error it closes the connection.
        Carriage::Lost => Body::from_stream(stream::once(async {
            Err::<Bytes, _>(io::Error::other("the fault plan lets no answer through"))
        })),
        Carriage::ComeAgain(ms) => return too_many_requests(ms),
    };
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// As on the operator's second site, with the standard's `Retry-After`.
fn too_many_requests(ms: i64) -> Response {
    let status = StatusCode::TOO_MANY_REQUESTS;
    let seconds = ms.saturating_add(999) / 1000;
    let body = json!({ "status": 429, "error": "Too Many Requests", "message": "too many requests; come again later" });
    (
        status,
        [(header::RETRY_AFTER, seconds.to_string())],
        Json(body),
    )
        .into_response()
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
