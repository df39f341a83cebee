//! What is counted, with the feature `metrics`: through the facade of that name, to whatever recorder the shop installs.
//! `docs/transport.md` lists the names; without the feature nothing is counted.
//!
//! Labels hold names of operations and outcomes only: never an order, a merchant or a text of the gateway.

use tokio::time::Instant;

pub(crate) use record::{attempt, call, gate_closed, retry_withheld};

/// Somebody waits before the gate. Dropped before its end, it says so: the caller went away, or ran out of time.
pub(crate) struct GateWait {
    cause: &'static str,
    started: Instant,
    result: Option<&'static str>,
}

impl GateWait {
    /// `cause`: `block`, or `rate`.
    pub(crate) fn begin(cause: &'static str) -> Self {
        Self {
            cause,
            started: Instant::now(),
            result: Some("dropped"),
        }
    }

    pub(crate) fn end<T, E>(mut self, result: &Result<T, E>) {
        self.result = Some(if result.is_ok() { "passed" } else { "refused" });
    }

    /// There was nothing to wait for.
    pub(crate) fn forget(mut self) {
        self.result = None;
    }
}

impl Drop for GateWait {
    fn drop(&mut self) {
        if let Some(result) = self.result {
            record::gate_wait(self.cause, result, self.started.elapsed());
        }
    }
}

#[cfg(feature = "metrics")]
mod record {
    use metrics::{counter, histogram};
    use std::time::Duration;

    /// A call is over, answered or not.
    pub(crate) fn call(operation: &'static str, outcome: &'static str, latency: Duration) {
        let labels = [("operation", operation), ("outcome", outcome)];
        counter!("ucanpay_calls_total", &labels).increment(1);
        histogram!("ucanpay_call_seconds", &labels).record(latency);
    }

    /// One attempt is over.
    pub(crate) fn attempt(operation: &'static str, outcome: &'static str, latency: Duration) {
        let labels = [("operation", operation), ("outcome", outcome)];
        counter!("ucanpay_attempts_total", &labels).increment(1);
        histogram!("ucanpay_attempt_seconds", &labels).record(latency);
    }

    /// A retry was due, and the budget of the client's retries was spent.
    pub(crate) fn retry_withheld() {
        counter!("ucanpay_retries_withheld_total").increment(1);
    }

    /// The gateway closed the gate, or keeps it closed for longer.
    pub(crate) fn gate_closed() {
        counter!("ucanpay_gate_closed_total").increment(1);
    }

    pub(super) fn gate_wait(cause: &'static str, result: &'static str, waited: Duration) {
        let labels = [("cause", cause), ("result", result)];
        counter!("ucanpay_gate_waits_total", &labels).increment(1);
        histogram!("ucanpay_gate_wait_seconds", &labels).record(waited);
    }
}

#[cfg(not(feature = "metrics"))]
mod record {
    use std::time::Duration;

    pub(crate) fn call(_: &'static str, _: &'static str, _: Duration) {}
    pub(crate) fn attempt(_: &'static str, _: &'static str, _: Duration) {}
    pub(crate) fn retry_withheld() {}
    pub(crate) fn gate_closed() {}
    pub(super) fn gate_wait(_: &'static str, _: &'static str, _: Duration) {}
}
