//! Sends notifications to the merchant until it answers SUCCESS, and wakes the gateway when a refund's
//! result is due.

use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use reqwest::{Client, Response, Url, redirect, retry};
use serde::Deserialize;
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::clock::LONGEST_NAP;
use crate::delivery::{Delivery, Outcome};
use crate::error::{SandboxError, in_one_line};
use crate::gateway::Decision;
use crate::sandbox::Sandbox;

/// Deliveries under way at once.
const MAX_IN_FLIGHT: usize = 64;

/// How long the merchant may take for its whole answer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// What is read of an answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// What is kept of an answer, in characters.
const KEPT_ANSWER: usize = 300;

/// The sender of notifications.
#[derive(Debug)]
pub(crate) struct Notifier {
    http: Client,
    allow_remote: bool,
}

#[derive(Deserialize)]
struct Reply {
    return_code: String,
}

impl Notifier {
    pub(crate) fn new(allow_remote: bool) -> Result<Self, SandboxError> {
        let http = Client::builder()
            .timeout(ATTEMPT_TIMEOUT)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            // A proxy would take a notification off this machine.
            .no_proxy()
            .user_agent(concat!("ucanpay-sandbox/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| SandboxError::Notifier(error.into()))?;
        Ok(Self { http, allow_remote })
    }

    pub(crate) async fn run(&self, sandbox: &Sandbox, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        let mut attempts = JoinSet::new();
        let mut in_flight = HashMap::new();
        loop {
            if let Err(error) = sandbox.submit(|_, _| Decision::unchanged(())).await {
                warn!(
                    error = &error as &dyn std::error::Error,
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
                let task = attempts.spawn(attempt(
                    sandbox.clone(),
                    self.http.clone(),
                    self.allow_remote,
                    delivery,
                ));
                in_flight.insert(task.id(), id);
            }
            let nap = match next {
                // A driven clock moves by leaps, and each one is told.
                Some(at) if !sandbox.is_driven() => {
                    Duration::from_millis(u64::try_from(at - now).unwrap_or(0)).min(LONGEST_NAP)
                }
                _ => LONGEST_NAP,
            };
            tokio::select! {
                () = &mut shutdown => return,
                () = sandbox.changed() => {}
                () = tokio::time::sleep(nap) => {}
                Some(ended) = attempts.join_next_with_id() => {
                    in_flight.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
                }
            }
        }
    }
}

impl Notifier {
    /// One attempt at everything that is due now. An attempt may make another delivery due; that one waits for the next
    /// time.
    pub(crate) async fn deliver_due(&self, sandbox: &Sandbox) -> Result<usize, SandboxError> {
        sandbox.submit(|_, _| Decision::unchanged(())).await?;
        let now = sandbox.now();
        let due: Vec<_> = sandbox
            .look(|gateway| gateway.due(now).cloned().collect())
            .await;
        let attempts = due.len();
        for delivery in due {
            attempt(
                sandbox.clone(),
                self.http.clone(),
                self.allow_remote,
                delivery,
            )
            .await;
        }
        Ok(attempts)
    }
}

/// One attempt, and its record. Cut off by a shutdown it leaves the delivery due, and it is sent again.
async fn attempt(sandbox: Sandbox, http: Client, allow_remote: bool, delivery: Delivery) {
    let Delivery {
        id,
        out_trade_no,
        topic,
        ..
    } = &delivery;
    let outcome = send(&http, allow_remote, &delivery).await;
    match &outcome {
        Outcome::Accepted { .. } => info!(
            delivery = id,
            out_trade_no,
            topic = topic.as_str(),
            "notification accepted"
        ),
        Outcome::Refused { status, .. } => warn!(
            delivery = id,
            out_trade_no,
            topic = topic.as_str(),
            status,
            "notification not answered SUCCESS"
        ),
        Outcome::Failed { error } => warn!(
            delivery = id,
            out_trade_no,
            topic = topic.as_str(),
            error,
            "notification failed"
        ),
    }
    let id = *id;
    if let Err(error) = sandbox
        .submit(move |gateway, now| gateway.attempted(id, outcome, now))
        .await
    {
        warn!(
            delivery = id,
            error = &error as &dyn std::error::Error,
            "attempt could not be recorded; it is repeated"
        );
        tokio::time::sleep(LONGEST_NAP).await;
    }
}

async fn send(http: &Client, allow_remote: bool, delivery: &Delivery) -> Outcome {
    let url = match Url::parse(&delivery.url) {
        Ok(url) if allow_remote || is_this_machine(&url) => url,
        Ok(_) => return Outcome::Failed {
            error:
                "not sent: the notify URL is not on this machine, and remote notifications are off"
                    .to_owned(),
        },
        Err(error) => {
            return Outcome::Failed {
                error: format!("not sent: the notify URL cannot be read: {error}"),
            };
        }
    };
    let request = http
        .post(url)
        .header("content-type", "application/json")
        .body(delivery.body.clone());
    match request.send().await {
        Ok(response) => read_reply(response).await,
        Err(error) => Outcome::Failed {
            error: in_one_line(&error),
        },
    }
}

/// Accepted is: HTTP 2xx and a JSON object whose `return_code` is SUCCESS.
async fn read_reply(mut response: Response) -> Outcome {
    let status = response.status();
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER => {
                body.extend_from_slice(&chunk);
            }
            Ok(None) => break,
            Ok(Some(_)) => {
                return Outcome::Failed {
                    error: format!("an answer of more than {MAX_ANSWER} bytes"),
                };
            }
            Err(error) => {
                return Outcome::Failed {
                    error: in_one_line(&error),
                };
            }
        }
    }
    let accepted = status.is_success()
        && serde_json::from_slice(&body).is_ok_and(|reply: Reply| reply.return_code == "SUCCESS");
    let answer = String::from_utf8_lossy(&body)
        .chars()
        .take(KEPT_ANSWER)
        .collect();
    let status = status.as_u16();
    if accepted {
        Outcome::Accepted { status, answer }
    } else {
        Outcome::Refused { status, answer }
    }
}

fn is_this_machine(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_and_localhost_are_this_machine() {
        for (url, expected) in [
            ("http://127.0.0.1:3000/x", true),
            ("http://127.8.8.8/x", true),
            ("http://[::1]:3000/x", true),
            ("http://localhost:3000/x", true),
            ("http://localhost.example.com/x", false),
            ("http://192.168.1.7/x", false),
            ("http://127.0.0.1@example.com/x", false),
            ("https://abccompany.com/ucpay/pay.php", false),
        ] {
            assert_eq!(
                is_this_machine(&Url::parse(url).unwrap()),
                expected,
                "{url}"
            );
        }
    }
}
