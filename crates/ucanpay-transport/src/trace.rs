//! One span a call: operation, attempts, outcome, latency. Never a body, a key or a query.

use crate::{Attempts, Error};
use std::time::Instant;
use tracing::{Span, field::Empty};

/// The trace of one call. Dropped before its end, it says so: the caller went away.
pub(crate) struct CallTrace {
    span: Span,
    started: Instant,
    attempts: Attempts,
    outcome: &'static str,
}

impl CallTrace {
    pub(crate) fn begin(operation: &'static str, attempts: Attempts) -> Self {
        Self {
            span: tracing::info_span!(
                "ucanpay.call",
                operation,
                attempts = Empty,
                outcome = Empty,
                latency_ms = Empty
            ),
            started: Instant::now(),
            attempts,
            outcome: "dropped",
        }
    }

    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(crate) fn end<T>(mut self, result: &Result<T, Error>) {
        self.outcome = match result {
            Ok(_) => "answered",
            Err(error) => outcome(error),
        };
    }
}

impl Drop for CallTrace {
    fn drop(&mut self) {
        let latency_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.span.record("attempts", self.attempts.begun());
        self.span.record("outcome", self.outcome);
        self.span.record("latency_ms", latency_ms);
        tracing::debug!(parent: &self.span, "call ended");
    }
}

fn outcome(error: &Error) -> &'static str {
    match error {
        Error::InvalidRequest(_) => "invalid_request",
        Error::NotSent { .. } => "not_sent",
        Error::Rejected { .. } => "rejected",
        Error::RateLimited { .. } => "rate_limited",
        Error::OutcomeUnknown(_) => "outcome_unknown",
        Error::Untrusted(_) => "untrusted",
        Error::Malformed { .. } => "malformed",
        Error::Config(_) => "config",
    }
}
