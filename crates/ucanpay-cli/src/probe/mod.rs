//! `ucanpay probe`: what a merchant's own endpoint does with notifications, genuine and otherwise, told from outside.
//!
//! It needs an order that is not paid, and the private half of a key that the endpoint takes for the gateway's: a test
//! system, never the real one. [`cases`] has what is sent; this file sends it, looks at the order, and judges.

mod cases;
mod verdict;

use std::{
    io::{IsTerminal as _, Write},
    time::Duration,
};

use futures_util::{StreamExt as _, future::join_all, stream};
use reqwest::{Body, Url};
use ucanpay_storefront::UcanpayAccount;

use self::{
    cases::{Case, Expected, Order, Sent, cases},
    verdict::{Finding, Findings},
};
use crate::{
    args::ProbeArguments,
    gateway::block_on,
    http::{Answer, Http, NoAnswer, Reply, url},
    notice::Seal,
    outcome::{Done, Failure},
};

/// How long a shop may take to show a payment that it has acknowledged.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);
/// How long something that must not happen is waited for, once.
const LATE: Duration = Duration::from_secs(1);

pub(crate) fn probe(
    arguments: &ProbeArguments,
    account: &UcanpayAccount,
    stderr: &mut dyn Write,
) -> Result<Done, Failure> {
    let seal = Seal::of(&arguments.about, account)?;
    let cases = cases(&arguments.about, &seal, account)?;
    let address = url(&arguments.url)?;
    let endpoint = Endpoint {
        http: Http::new(&address, arguments.timeout)?,
        // Stays until the one who is not kept waiting has had all of his time.
        slow: Http::new(&address, arguments.timeout * 3)?,
        url: address,
        page: Page::of(arguments)?,
    };
    let findings = block_on(endpoint.try_all(cases, stderr))??;
    Ok(findings.shown(arguments.json))
}

/// Where the order can be looked at.
struct Page {
    http: Http,
    url: Url,
    paid: String,
}

impl Page {
    fn of(arguments: &ProbeArguments) -> Result<Option<Self>, Failure> {
        let (Some(address), Some(paid)) = (&arguments.order_url, &arguments.paid) else {
            return Ok(None);
        };
        let url = url(address)?;
        Ok(Some(Self {
            http: Http::new(&url, arguments.timeout)?,
            url,
            paid: paid.clone(),
        }))
    }

    async fn order(&self) -> Result<Order, Failure> {
        let answer = self.http.get(&self.url).await.map_err(|none| {
            Failure::NotDone(format!("--order-url cannot be read: {}", none.why))
        })?;
        match answer.status {
            200 if answer.body.contains(&self.paid) => Ok(Order::Paid),
            200 => Ok(Order::Unpaid),
            status => Err(Failure::NotDone(format!(
                "--order-url cannot be read: it answers HTTP {status}"
            ))),
        }
    }

    /// The order once it is as expected, or what it still is when that has taken too long.
    async fn order_becoming(&self, expected: Order) -> Result<Order, Failure> {
        let begun = std::time::Instant::now();
        loop {
            let order = self.order().await?;
            if order == expected || expected == Order::Unpaid || begun.elapsed() > SHOWN_WITHIN {
                return Ok(order);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A merchant's own endpoint.
struct Endpoint {
    http: Http,
    slow: Http,
    url: Url,
    page: Option<Page>,
}

impl Endpoint {
    async fn try_all(&self, cases: Vec<Case>, stderr: &mut dyn Write) -> Result<Findings, Failure> {
        let mut now = self.order().await?;
        if now == Some(Order::Paid) {
            let text = "the order is paid already, or --paid stands in its page before it is: give an order that nobody has paid";
            return Err(Failure::NotDone(text.to_owned()));
        }
        let all = cases.len();
        let mut findings = Findings::default();
        for (index, case) in cases.into_iter().enumerate() {
            progress(stderr, index, all, case.name);
            if index > 0 && case.leaves == Order::Paid && now == Some(Order::Unpaid) {
                // What was acknowledged before may have its effect late.
                tokio::time::sleep(LATE).await;
                now = self.order().await?;
                findings.blame_late(now);
            }
            let answers = self.send(&case.sent).await;
            if index == 0
                && let Some(Err(none)) = answers.first()
                && none.unreached
            {
                return Err(Failure::Later(format!("nobody was reached: {}", none.why)));
            }
            let before = now;
            now = match &self.page {
                None => None,
                Some(page) => Some(page.order_becoming(case.leaves).await?),
            };
            findings.add(judged(&case, &answers, before, now));
        }
        progress(stderr, all, all, "");
        Ok(findings)
    }

    async fn order(&self) -> Result<Option<Order>, Failure> {
        match &self.page {
            None => Ok(None),
            Some(page) => page.order().await.map(Some),
        }
    }

    async fn send(&self, sent: &Sent) -> Vec<Result<Answer, NoAnswer>> {
        match sent {
            Sent::Once(body) => vec![self.http.post(&self.url, body.clone()).await],
            Sent::Together(body, copies) => {
                let copies = (0..*copies).map(|_| self.http.post(&self.url, body.clone()));
                join_all(copies).await
            }
            Sent::Stalled(slow, meanwhile) => {
                let half = slow.as_bytes()[..slow.len() / 2].to_vec();
                let begun = stream::iter([Ok::<_, std::io::Error>(half)]);
                let stalled = Body::wrap_stream(begun.chain(stream::pending()));
                let stalled = self.slow.post(&self.url, stalled);
                let other = async {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    self.http.post(&self.url, meanwhile.clone()).await
                };
                tokio::pin!(stalled, other);
                let answer = tokio::select! {
                    answer = &mut other => answer,
                    // Sent away already, which is as good.
                    _ = &mut stalled => other.await,
                };
                vec![answer]
            }
        }
    }
}

/// Holds what came back against what was expected.
fn judged(
    case: &Case,
    answers: &[Result<Answer, NoAnswer>],
    before: Option<Order>,
    now: Option<Order>,
) -> Finding {
    let odd = answers.iter().find(|answer| !fits(answer, case.expected));
    let shown = odd.or(answers.first());
    let answer = match shown {
        Some(Ok(answer)) => answer.in_short(),
        Some(Err(none)) => none.why.clone(),
        None => String::new(),
    };
    let order_fits = now.map(|now| now == case.leaves);
    let met = match (odd, order_fits) {
        (Some(_), _) => Some(false),
        // An order that an earlier case has changed tells nothing about this one; but what is acknowledged has to count.
        (None, Some(false)) if before == now && case.expected != Expected::Success => None,
        (None, Some(fits)) => Some(fits),
        (None, None) if case.expected == Expected::Answer => None,
        (None, None) => Some(true),
    };
    let otherwise = match odd {
        Some(Err(_)) if case.expected != Expected::InTime => {
            "it has to answer whatever comes, and soon: the gateway takes silence for FAIL"
        }
        _ => case.otherwise,
    };
    Finding {
        name: case.name,
        expected: case.expected,
        leaves: case.leaves,
        answer,
        order: now,
        met,
        otherwise,
    }
}

fn fits(answer: &Result<Answer, NoAnswer>, expected: Expected) -> bool {
    match (answer, expected) {
        (Ok(answer), Expected::Success) => answer.reply() == Reply::Success,
        (Ok(answer), Expected::NoSuccess | Expected::Refusal) => answer.reply() != Reply::Success,
        (Ok(answer), Expected::Answer) => answer.reply() != Reply::Other,
        (Ok(_), Expected::InTime) => true,
        (Err(none), Expected::Refusal) => !none.timed_out,
        (Err(_), _) => false,
    }
}

/// A bar, where somebody sees it.
fn progress(stderr: &mut dyn Write, done: usize, all: usize, name: &str) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let line = if done == all {
        String::new()
    } else {
        let (bar, rest) = ("#".repeat(done), ".".repeat(all - done));
        format!("[{bar}{rest}] {name}")
    };
    // Nobody to see it is no reason to stop.
    let _ = write!(stderr, "\r\x1b[2K{line}").and_then(|()| stderr.flush());
}
