//! One attempt to deliver a notification: asks the gateway how it goes out, sends it, records what came back.

use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use reqwest::{Client, Response, Url, redirect, retry};
use serde::Deserialize;
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use tracing::{info, warn};

use crate::clock::LONGEST_NAP;
use crate::delivery::{Delivery, Outcome, Topic};
use crate::envelope;
use crate::error::{SandboxError, in_one_line};
use crate::faults::Fault;
use crate::message::Scalar;
use crate::sandbox::Sandbox;
use crate::sending::Sending;

/// How long the merchant may take for its whole answer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// What is read of an answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// What is kept of an answer, in characters.
const KEPT_ANSWER: usize = 300;

/// Carries notifications to the merchant. Clones share their connections.
#[derive(Clone, Debug)]
pub(crate) struct Courier {
    way: Way,
}

/// How they reach the merchant.
#[derive(Clone, Debug)]
enum Way {
    /// Over the network, to the notify URL.
    Http { http: Client, allow_remote: bool },
    /// To the merchant's own server in this process; of the notify URL, only the path counts.
    InProcess(Router),
}

#[derive(Deserialize)]
struct Reply {
    return_code: String,
}

impl Courier {
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
        let way = Way::Http { http, allow_remote };
        Ok(Self { way })
    }

    pub(crate) fn in_process(merchant: Router) -> Self {
        let way = Way::InProcess(merchant);
        Self { way }
    }

    /// One attempt, and its record. Cut off by a shutdown it leaves the delivery due, and it is sent again.
    pub(crate) async fn attempt(&self, sandbox: &Sandbox, delivery: &Delivery) {
        if let Err(error) = self.try_attempt(sandbox, delivery).await {
            warn!(
                delivery = delivery.id,
                error = &error as &dyn std::error::Error,
                "attempt could not be made or recorded; it is repeated"
            );
            tokio::time::sleep(LONGEST_NAP).await;
        }
    }

    async fn try_attempt(
        &self,
        sandbox: &Sandbox,
        delivery: &Delivery,
    ) -> Result<(), SandboxError> {
        let id = delivery.id;
        let begun = sandbox.submit(move |gateway, now| gateway.begin_attempt(id, now));
        let (bodies, fault) = match begun.await? {
            None => return Ok(()),
            Some(Sending::AsItIs) => (vec![delivery.body.clone()], None),
            Some(Sending::Spoilt(fault)) => (spoilt(sandbox, fault, delivery)?, Some(fault)),
        };
        let mut outcomes = Vec::with_capacity(bodies.len());
        if bodies.is_empty() {
            let error = "not sent: the fault plan drops it".to_owned();
            outcomes.push(Outcome::Failed { error });
        }
        let mut sends = JoinSet::new();
        for body in bodies {
            let (way, url) = (self.way.clone(), delivery.url.clone());
            sends.spawn(async move { way.send(&url, body).await });
        }
        while let Some(sent) = sends.join_next().await {
            outcomes.push(sent.map_err(|_| SandboxError::Stopped)?);
        }
        for outcome in outcomes {
            log(delivery, &outcome);
            sandbox
                .submit(move |gateway, now| gateway.attempted(id, outcome, fault, now))
                .await?;
        }
        Ok(())
    }
}

/// What goes out in place of a notification that is spoilt: nothing, or one or several bodies at once.
fn spoilt(
    sandbox: &Sandbox,
    fault: Fault,
    delivery: &Delivery,
) -> Result<Vec<String>, SandboxError> {
    let body = &delivery.body;
    let data = || envelope::data_of(body).unwrap_or_default();
    let now = sandbox.now();
    Ok(match fault {
        Fault::NotificationDrop => vec![],
        Fault::NotificationDuplicate => vec![body.clone(), body.clone()],
        Fault::NotificationTruncate => vec![body.chars().take(body.chars().count() / 2).collect()],
        Fault::NotificationCorrupt => vec![sandbox.badly_signed_envelope(data(), None, now)?],
        Fault::NotificationWrongAmount => {
            let amount = match delivery.topic {
                Topic::Payment => "totalAmt",
                Topic::Refund => "refundAmt",
            };
            let data = data();
            let cents: i64 = match data.get(amount) {
                Some(Scalar::Number(cents) | Scalar::Text(cents)) => {
                    cents.parse().unwrap_or_default()
                }
                _ => 0,
            };
            let wrong = sandbox.switches().with_amount(data, amount, cents + 1);
            vec![sandbox.envelope(wrong, None, now)?]
        }
        // The plan draws faults of notifications for notifications, and delays are not sent at all.
        _ => vec![body.clone()],
    })
}

fn log(delivery: &Delivery, outcome: &Outcome) {
    let Delivery {
        id,
        out_trade_no,
        topic,
        ..
    } = delivery;
    let topic = topic.as_str();
    match outcome {
        Outcome::Accepted { .. } => {
            info!(delivery = id, out_trade_no, topic, "notification accepted");
        }
        Outcome::Refused { status, .. } => warn!(
            delivery = id,
            out_trade_no, topic, status, "notification not answered SUCCESS"
        ),
        Outcome::Failed { error } => warn!(
            delivery = id,
            out_trade_no, topic, error, "notification failed"
        ),
    }
}

impl Way {
    async fn send(self, url: &str, body: String) -> Outcome {
        match self {
            Self::Http { http, allow_remote } => send(&http, allow_remote, url, body).await,
            Self::InProcess(merchant) => {
                let handed = hand_over(merchant, url, body);
                let outcome = tokio::time::timeout(ATTEMPT_TIMEOUT, handed).await;
                outcome.unwrap_or_else(|_| Outcome::Failed {
                    error: "no answer in time".to_owned(),
                })
            }
        }
    }
}

async fn hand_over(merchant: Router, url: &str, body: String) -> Outcome {
    let request = Request::post(url).header("content-type", "application/json");
    let request = match request.body(Body::from(body)) {
        Ok(request) => request,
        Err(error) => {
            return Outcome::Failed {
                error: format!("not sent: the notify URL cannot be read: {error}"),
            };
        }
    };
    // A router is always ready, and has no errors.
    let Ok(response) = merchant.oneshot(request).await;
    let status = response.status();
    match axum::body::to_bytes(response.into_body(), MAX_ANSWER).await {
        Ok(body) => read_reply(status, &body),
        Err(error) => Outcome::Failed {
            error: in_one_line(&error),
        },
    }
}

async fn send(http: &Client, allow_remote: bool, url: &str, body: String) -> Outcome {
    let url = match Url::parse(url) {
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
        .body(body);
    match request.send().await {
        Ok(response) => read_response(response).await,
        Err(error) => Outcome::Failed {
            error: in_one_line(&error),
        },
    }
}

async fn read_response(mut response: Response) -> Outcome {
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
    read_reply(status, &body)
}

/// Accepted is: HTTP 2xx and a JSON object whose `return_code` is SUCCESS.
fn read_reply(status: StatusCode, body: &[u8]) -> Outcome {
    let accepted = status.is_success()
        && serde_json::from_slice(body).is_ok_and(|reply: Reply| reply.return_code == "SUCCESS");
    let answer = String::from_utf8_lossy(body)
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
