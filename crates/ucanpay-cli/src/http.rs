//! Plain HTTP to a sandbox or to a merchant's own endpoint: no redirects, no repeats, no proxy, bounded answers.

use std::time::{Duration, Instant};

use reqwest::{Body, Response, Url, redirect, retry};
use serde_json::Value;

use crate::{
    outcome::{Failure, chain},
    tls::TlsFault,
};

/// Far beyond any answer that is expected here.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// A client for one address.
#[derive(Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The time that the other side says it is (`Date`).
    pub(crate) date: Option<String>,
    pub(crate) took: Duration,
}

/// Why nothing came back.
#[derive(Clone, Debug)]
pub(crate) struct NoAnswer {
    pub(crate) why: String,
    /// Not even a connection: nothing was sent.
    pub(crate) unreached: bool,
    pub(crate) timed_out: bool,
    pub(crate) tls: Option<TlsFault>,
}

/// What the gateway would make of an answer to a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Success,
    Fail,
    /// Neither: a gateway counts it as FAIL.
    Other,
}

impl Http {
    /// A client whose every exchange ends within `timeout`.
    pub(crate) fn new(url: &Url, timeout: Duration) -> Result<Self, Failure> {
        let mut builder = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            // A connection each: a server that has refused the body before may be closing the old one at this moment.
            .pool_max_idle_per_host(0)
            .no_proxy()
            .user_agent(concat!("ucanpay/", env!("CARGO_PKG_VERSION")));
        if url.scheme() == "http" {
            // A machine without root certificates can be reached all the same.
            builder = builder.tls_certs_only([]);
        }
        let client = builder
            .build()
            .map_err(|error| Failure::NotDone(format!("HTTP cannot be used: {}", chain(&error))))?;
        Ok(Self { client })
    }

    pub(crate) async fn get(&self, url: &Url) -> Result<Answer, NoAnswer> {
        let begun = Instant::now();
        let sent = self.client.get(url.clone()).send().await;
        read(sent, begun).await
    }

    pub(crate) async fn post(&self, url: &Url, body: impl Into<Body>) -> Result<Answer, NoAnswer> {
        let begun = Instant::now();
        let request = self.client.post(url.clone());
        let request = request.header("content-type", "application/json");
        let sent = request.body(body).send().await;
        read(sent, begun).await
    }
}

async fn read(sent: reqwest::Result<Response>, begun: Instant) -> Result<Answer, NoAnswer> {
    let mut response = sent.map_err(no_answer)?;
    let status = response.status().as_u16();
    let date = response.headers().get("date");
    let date = date.and_then(|date| date.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_ANSWER {
            body.truncate(LONGEST_ANSWER);
            break;
        }
    }
    Ok(Answer {
        status,
        body: String::from_utf8_lossy(&body).into_owned(),
        date,
        took: begun.elapsed(),
    })
}

fn no_answer(error: reqwest::Error) -> NoAnswer {
    let unreached = error.is_connect();
    let timed_out = error.is_timeout();
    let tls = TlsFault::among(&error);
    let why = if timed_out && !unreached {
        "no answer in time".to_owned()
    } else {
        // The URL may hold a secret.
        chain(&error.without_url())
    };
    NoAnswer {
        why,
        unreached,
        timed_out,
        tls,
    }
}

impl Answer {
    /// Received is: HTTP 2xx and a JSON object whose `return_code` is SUCCESS.
    pub(crate) fn reply(&self) -> Reply {
        let object: Value = serde_json::from_str(&self.body).unwrap_or_default();
        match object["return_code"].as_str() {
            Some("SUCCESS") if (200..300).contains(&self.status) => Reply::Success,
            Some("FAIL") => Reply::Fail,
            _ => Reply::Other,
        }
    }

    /// The answer in a few words.
    pub(crate) fn in_short(&self) -> String {
        let reply = match self.reply() {
            Reply::Success => "SUCCESS",
            Reply::Fail => "FAIL",
            Reply::Other => "neither SUCCESS nor FAIL",
        };
        format!("{reply} (HTTP {})", self.status)
    }
}

/// An absolute http or https address.
pub(crate) fn url(text: &str) -> Result<Url, Failure> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err(Failure::NotDone(
            "the URL is not an absolute http or https address, such as http://127.0.0.1:3000/ucanpay/payment"
                .to_owned(),
        )),
    }
}
