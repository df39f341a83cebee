//! What only the network can tell: is the gateway there, do the clocks agree, do notifications reach the shop?

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use reqwest::Url;
use ucanpay_storefront::{NotificationTopic, UcanpayAccount};

use super::{Check, is_local};
use crate::http::{Answer, Http, NoAnswer, Reply, url};

const TIMEOUT: Duration = Duration::from_secs(10);
/// Clocks further apart than this confuse everybody who reads times.
const APART: SignedDuration = SignedDuration::from_secs(60);

pub(super) async fn checks(account: &UcanpayAccount) -> Vec<Check> {
    let mut checks = gateway(account).await;
    for topic in [NotificationTopic::Payment, NotificationTopic::Refund] {
        checks.push(layer(account, topic).await);
    }
    checks
}

async fn gateway(account: &UcanpayAccount) -> Vec<Check> {
    let advice = "it is the gateway's address, such as https://api.ucanpay.ca";
    let base = match account.base_url() {
        Ok(base) => url(base.text()),
        Err(error) => return vec![Check::wrong("gateway", &error)],
    };
    let base = match base {
        Ok(base) => base,
        Err(failure) => return vec![Check::bad("gateway", failure.to_string(), advice)],
    };
    let has_user = !base.username().is_empty() || base.password().is_some();
    if has_user || base.query().is_some() || base.fragment().is_some() {
        let found = "the address has a user, a query or a fragment, and paths are put behind it";
        return vec![Check::bad("gateway", found, advice)];
    }
    let mut checks = vec![name(&base).await];
    let http = match Http::new(&base, TIMEOUT) {
        Ok(http) => http,
        Err(failure) => {
            let advice = "install the machine's root certificates (ca-certificates)";
            checks.push(Check::bad("gateway", failure.to_string(), advice));
            return checks;
        }
    };
    let answer = http.get(&base).await;
    checks.push(tls(&base, answer.as_ref()));
    match answer {
        Ok(answer) => {
            let (status, took) = (answer.status, answer.took.as_millis());
            checks.push(Check::good(
                "gateway",
                format!("answers (HTTP {status}) in {took} ms"),
            ));
            checks.push(clock(&answer));
        }
        Err(none) => {
            checks.push(match none.tls {
                Some(_) => Check::unknown("gateway", "its TLS has to be mended first"),
                None => Check::bad(
                    "gateway",
                    none.why,
                    "look at the address, the firewall and the proxy",
                ),
            });
            checks.push(Check::unknown("clock", "told by the gateway's answer"));
        }
    }
    checks
}

/// Whether who answers is who should, and nobody reads on the way.
fn tls(base: &Url, answer: Result<&Answer, &NoAnswer>) -> Check {
    let what = "gateway's TLS";
    if base.scheme() == "http" {
        if is_local(base) {
            return Check::good(what, "none, and none is needed on this machine");
        }
        let advice = "anybody on the way reads what is paid, and can hold it up: use https";
        return Check::doubtful(what, "none", advice);
    }
    match answer.map_err(|none| none.tls) {
        Ok(_) => Check::good(
            what,
            "its certificate is trusted here, and is for this name",
        ),
        Err(Some(fault)) => Check::bad(what, fault.found(), fault.advice()),
        Err(None) => Check::unknown(what, "told by the gateway's answer"),
    }
}

/// Whether the gateway's name leads anywhere.
async fn name(base: &Url) -> Check {
    let what = "gateway's name";
    let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = base.port_or_known_default().unwrap_or(443);
    match tokio::net::lookup_host((host, port)).await {
        Ok(addresses) => {
            let mut shown: Vec<String> =
                addresses.map(|address| address.ip().to_string()).collect();
            shown.dedup();
            Check::good(what, format!("{host} is {}", shown.join(", ")))
        }
        Err(error) => Check::bad(
            what,
            format!("{host} is not known: {error}"),
            "look at the spelling, and at this machine's name service (DNS)",
        ),
    }
}

/// Held against the `Date` of the gateway's answer.
fn clock(answer: &Answer) -> Check {
    let what = "clock";
    let theirs = answer.date.as_deref().map(rfc2822::parse);
    let Some(Ok(theirs)) = theirs else {
        return Check::unknown(
            what,
            "the gateway's answer does not say what time it is there",
        );
    };
    let apart = Timestamp::now().duration_since(theirs.timestamp());
    if apart.abs() > APART {
        let way = if apart.is_positive() {
            "ahead of"
        } else {
            "behind"
        };
        let found = format!("{} s {way} the gateway's", apart.abs().as_secs());
        return Check::bad(
            what,
            found,
            "set it by NTP: windows for reversing and refunds are counted by it",
        );
    }
    Check::good(what, "agrees with the gateway's")
}

/// Posts what nobody has signed, which a listening endpoint answers with FAIL and forgets.
async fn layer(account: &UcanpayAccount, topic: NotificationTopic) -> Check {
    let what = match topic {
        NotificationTopic::Payment => "payment news",
        NotificationTopic::Refund => "refund news",
    };
    let address = match account.notify_url(topic) {
        Ok(address) => url(address.as_str()),
        Err(error) => {
            let why = format!("{} has to be mended first", error.setting());
            return Check::unknown(what, why);
        }
    };
    let ready = address.and_then(|address| Ok((Http::new(&address, TIMEOUT)?, address)));
    let (http, address) = match ready {
        Ok(ready) => ready,
        Err(failure) => return Check::unknown(what, failure.to_string()),
    };
    match http.post(&address, "{}").await {
        Err(NoAnswer {
            tls: Some(fault), ..
        }) => Check::bad(
            what,
            format!("{address} is not reached from here: {}", fault.found()),
            fault.advice(),
        ),
        Err(none) => Check::bad(
            what,
            format!("{address} is not reached from here: {}", none.why),
            "start the shop, and look at the address; where only the gateway can reach it, ask from outside",
        ),
        Ok(answer) => match answer.reply() {
            Reply::Fail => Check::good(
                what,
                format!("{address} is listening, and refuses what nobody signed"),
            ),
            Reply::Success => Check::bad(
                what,
                format!("{address} takes what nobody signed"),
                "anybody can pay any order there: verify signatures; `ucanpay probe` finds out more",
            ),
            Reply::Other => Check::bad(
                what,
                format!(
                    "{address} answers HTTP {}, and not as an endpoint for notifications",
                    answer.status
                ),
                "put UcanpayLayer last, after every route and fallback; look at proxies and their redirects",
            ),
        },
    }
}
