//! Lets notifications go out when they are due, and wakes the gateway when something happens to an order by itself.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;

use tokio::task::JoinSet;
use tracing::warn;

use crate::clock::LONGEST_NAP;
use crate::courier::Courier;
use crate::error::SandboxError;
use crate::gateway::Decision;
use crate::sandbox::Sandbox;

/// Deliveries under way at once.
const MAX_IN_FLIGHT: usize = 64;

/// Knows when the courier has to go.
#[derive(Debug)]
pub(crate) struct Notifier {
    courier: Courier,
}

impl Notifier {
    pub(crate) fn new(allow_remote: bool) -> Result<Self, SandboxError> {
        let courier = Courier::new(allow_remote)?;
        Ok(Self { courier })
    }

    pub(crate) async fn run(&self, sandbox: &Sandbox, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        let mut attempts = JoinSet::new();
        let mut in_flight = HashMap::new();
        loop {
            let settled = sandbox.submit(|_, _| Decision::unchanged(())).await;
            if let Err(error) = &settled {
                warn!(
                    error = error as &dyn std::error::Error,
                    "refunds that are due could not be settled"
                );
            }
            let now = sandbox.now();
            let free = MAX_IN_FLIGHT - in_flight.len();
            let (due, next) = sandbox
                .look(|gateway| {
                    let due: Vec<_> = gateway
                        .due(now)
                        .filter(|delivery| !in_flight.values().any(|id| *id == delivery.id))
                        .take(free)
                        .cloned()
                        .collect();
                    (due, gateway.next_event_after(now))
                })
                .await;
            for delivery in due {
                let id = delivery.id;
                let (courier, sandbox) = (self.courier.clone(), sandbox.clone());
                let task =
                    attempts.spawn(async move { courier.attempt(&sandbox, &delivery).await });
                in_flight.insert(task.id(), id);
            }
            tokio::select! {
                () = &mut shutdown => return,
                () = sandbox.changed() => {}
                () = sandbox.until(next.unwrap_or(i64::MAX)) => {}
                () = tokio::time::sleep(LONGEST_NAP), if settled.is_err() => {}
                Some(ended) = attempts.join_next_with_id() => {
                    in_flight.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
                }
            }
        }
    }

    /// One attempt at everything that is due now. An attempt may make another delivery due; that one waits for the next
    /// time.
    pub(crate) async fn deliver_due(&self, sandbox: &Sandbox) -> Result<usize, SandboxError> {
        deliver_due(sandbox, &self.courier).await
    }
}

/// The same by a courier.
pub(crate) async fn deliver_due(
    sandbox: &Sandbox,
    courier: &Courier,
) -> Result<usize, SandboxError> {
    sandbox.submit(|_, _| Decision::unchanged(())).await?;
    let now = sandbox.now();
    let due: Vec<_> = sandbox
        .look(|gateway| gateway.due(now).cloned().collect())
        .await;
    let attempts = due.len();
    for delivery in due {
        courier.attempt(sandbox, &delivery).await;
    }
    Ok(attempts)
}
