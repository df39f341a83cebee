//! `ucanpay doctor`: is everything set up to take payments? Each line says what is so, and what to do where it is not.
//!
//! It reads settings and keys, looks the gateway up, opens its address, compares clocks, and posts a message that nobody
//! signed to the notify addresses. It changes nothing anywhere.

mod account;
mod network;

use std::fmt::Write as _;

use serde_json::{Value, json};
use ucanpay_storefront::{SettingError, UcanpayAccount};

use crate::{
    args::DoctorArguments,
    gateway::block_on,
    outcome::{Done, Failure},
    style::{Colour, Style},
};

pub(crate) fn doctor(
    arguments: &DoctorArguments,
    account: &UcanpayAccount,
) -> Result<Done, Failure> {
    let mut checks = account::checks(account);
    if !arguments.offline {
        checks.extend(block_on(network::checks(account))?);
    }
    let code = u8::from(checks.iter().any(|check| check.verdict == Verdict::Bad));
    let text = if arguments.json {
        format!("{}\n", to_json(&checks))
    } else {
        to_table(&checks, Style::of_stdout())
    };
    Ok(Done { text, code })
}

/// Whether an address is this machine's own.
fn is_local(url: &reqwest::Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
        None => false,
    }
}

/// One line.
struct Check {
    what: &'static str,
    verdict: Verdict,
    found: String,
    /// What to do.
    advice: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    /// It may be meant so.
    Doubtful,
    Bad,
    /// Something else has to be mended first.
    Unknown,
}

impl Check {
    fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self::new(what, Verdict::Good, found, None)
    }

    fn doubtful(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(what, Verdict::Doubtful, found, Some(advice.into()))
    }

    fn bad(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(what, Verdict::Bad, found, Some(advice.into()))
    }

    /// A setting that cannot be used.
    fn wrong(what: &'static str, error: &SettingError) -> Self {
        let found = format!("{} {}", error.setting(), error.problem());
        Self::bad(what, found, error.advice())
    }

    /// A setting as it was read.
    fn of(what: &'static str, read: Result<impl Into<String>, SettingError>) -> Self {
        match read {
            Ok(found) => Self::good(what, found),
            Err(error) => Self::wrong(what, &error),
        }
    }

    fn unknown(what: &'static str, why: impl Into<String>) -> Self {
        Self::new(what, Verdict::Unknown, why, None)
    }

    fn new(
        what: &'static str,
        verdict: Verdict,
        found: impl Into<String>,
        advice: Option<String>,
    ) -> Self {
        Self {
            what,
            verdict,
            found: found.into(),
            advice,
        }
    }
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Doubtful => "look",
            Self::Bad => "BAD",
            Self::Unknown => "-",
        }
    }
}

fn to_table(checks: &[Check], style: Style) -> String {
    const INVARIANT: &str = "writing to a String cannot fail";
    let mut table = String::new();
    for check in checks {
        let colour = match check.verdict {
            Verdict::Good => Colour::Good,
            Verdict::Doubtful | Verdict::Unknown => Colour::Doubtful,
            Verdict::Bad => Colour::Bad,
        };
        let word = style.paint(check.verdict.word(), 4, colour);
        writeln!(table, "{word}  {:16}  {}", check.what, check.found).expect(INVARIANT);
        if let Some(advice) = &check.advice {
            writeln!(table, "{:24}{advice}", "").expect(INVARIANT);
        }
    }
    let bad = |check: &&Check| check.verdict == Verdict::Bad;
    match checks.iter().filter(bad).count() {
        0 => table.push_str("\nNothing is in the way.\n"),
        1 => table.push_str("\nOne thing is in the way.\n"),
        more => writeln!(table, "\n{more} things are in the way.").expect(INVARIANT),
    }
    table
}

fn to_json(checks: &[Check]) -> Value {
    let checks = checks.iter().map(|check| {
        let verdict = match check.verdict {
            Verdict::Good => "good",
            Verdict::Doubtful => "look",
            Verdict::Bad => "bad",
            Verdict::Unknown => "unknown",
        };
        json!({"what": check.what, "verdict": verdict, "found": check.found, "advice": check.advice})
    });
    json!({"checks": checks.collect::<Vec<_>>()})
}
