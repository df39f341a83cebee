//! One span a call: operation, order number, attempts, outcome, latency; and in it one event an attempt. Never a body, a
//! key or a query.

use crate::{Attempts, Error, measure};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{Span, field::Empty};
use ucanpay_core::{Fields, OutTradeNo, Value};

/// The trace of one call. Dropped before its end, it says so: the caller went away.
pub(crate) struct CallTrace {
    span: Span,
    operation: &'static str,
    started: Instant,
    attempts: Attempts,
    outcome: &'static str,
}

impl CallTrace {
    /// `body`: the request's, to read the order number from if somebody looks.
    pub(crate) fn begin(operation: &'static str, body: &[u8], attempts: Attempts) -> Self {
        let span = tracing::info_span!(
            "ucanpay.call",
            operation,
            order = Empty,
            attempts = Empty,
            outcome = Empty,
            latency_ms = Empty
        );
        if !span.is_disabled()
            && let Some(order) = order_number(body)
        {
            span.record("order", order.as_str());
        }
        Self {
            span,
            operation,
            started: Instant::now(),
            attempts,
            outcome: "dropped",
        }
    }

    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(crate) fn end<T>(mut self, result: &Result<T, Error>) {
        self.outcome = outcome(result);
    }
}

impl Drop for CallTrace {
    fn drop(&mut self) {
        let latency = self.started.elapsed();
        self.span.record("attempts", self.attempts.begun());
        self.span.record("outcome", self.outcome);
        self.span.record("latency_ms", milliseconds(latency));
        tracing::debug!(parent: &self.span, "call ended");
        measure::call(self.operation, self.outcome, latency);
    }
}

/// One attempt of a call, told when it is over; `dropped` when it was cut off, as by the call's total time.
pub(crate) struct AttemptTrace {
    span: Span,
    operation: &'static str,
    number: u32,
    started: Instant,
    outcome: &'static str,
}

impl AttemptTrace {
    /// The attempt with this number: 1 is the first.
    pub(crate) fn begin(operation: &'static str, number: u32) -> Self {
        Self {
            span: Span::current(),
            operation,
            number,
            started: Instant::now(),
            outcome: "dropped",
        }
    }

    pub(crate) fn end<T>(mut self, result: &Result<T, Error>) {
        self.outcome = outcome(result);
    }
}

impl Drop for AttemptTrace {
    fn drop(&mut self) {
        let latency = self.started.elapsed();
        tracing::debug!(
            parent: &self.span,
            attempt = self.number,
            outcome = self.outcome,
            latency_ms = milliseconds(latency),
            "attempt ended"
        );
        measure::attempt(self.operation, self.outcome, latency);
    }
}

/// Of bytes that nobody has looked at, only what is an order number by its rule.
fn order_number(body: &[u8]) -> Option<OutTradeNo> {
    let fields = Fields::parse(body).ok()?;
    let number = fields.get("outTradeNo").and_then(Value::signed_text)?;
    OutTradeNo::new(number).ok()
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn outcome<T>(result: &Result<T, Error>) -> &'static str {
    let Err(error) = result else {
        return "answered";
    };
    match error {
        Error::InvalidRequest(_) => "invalid_request",
        Error::NotSent { .. } if error.held_back().is_some() => "held_back",
        Error::NotSent { .. } => "not_sent",
        Error::Rejected { .. } => "rejected",
        Error::RateLimited { .. } => "rate_limited",
        Error::OutcomeUnknown(_) => "outcome_unknown",
        Error::Untrusted(_) => "untrusted",
        Error::Malformed { .. } => "malformed",
        Error::Config(_) => "config",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_an_order_number_is_taken_from_a_body() {
        let number = |body: &str| order_number(body.as_bytes()).map(|no| no.as_str().to_owned());
        assert_eq!(number(r#"{"outTradeNo":"A1"}"#).as_deref(), Some("A1"));
        for body in [
            r#"{"outTradeNo":"A1 \n<b>"}"#,
            r#"{"outTradeNo":""}"#,
            r#"{"other":"A1"}"#,
            "not json",
            "",
        ] {
            assert_eq!(number(body), None, "{body}");
        }
    }
}
