//! What is measured, by which command, and what it must reach.

/// The commands, in the order in which they run: memory first where a later one would leave traces.
pub(crate) const COMMANDS: &[&str] = &[
    "bench -p axum-shop --bench memory",
    "bench -p ucanpay-core --features aws-lc-rs --bench core -- figures-only",
    "bench -p ucanpay-core --features aws-lc-rs --bench languages",
    "bench -p ucanpay-transport --bench transport -- figures-only",
    "bench -p ucanpay-transport --bench memory",
    "bench -p ucanpay-axum --bench router",
    "bench -p ucanpay-sandbox",
    "bench -p ucanpay-storefront --bench ledger -- memory",
    "bench -p ucanpay-storefront --bench ledger -- settle",
    "bench -p ucanpay-storefront --bench ledger -- deliver",
    "bench -p ucanpay-storefront --bench ledger -- scale",
    "bench -p ucanpay-storefront --bench ledger -- postgres",
    "bench -p ucanpay-storefront --bench ledger -- overdue",
    "bench -p ucanpay-storefront --bench ledger -- instances",
];

/// What a row must reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    pub(crate) fn holds(self, result: f64) -> bool {
        match self {
            Self::AtMost(bound) => result <= bound,
            Self::AtLeast(bound) => result >= bound,
        }
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// As the benchmark names it.
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) yardstick: &'static str,
    pub(crate) bound: Bound,
}

const fn row(name: &'static str, what: &'static str, yardstick: &'static str, bound: Bound) -> Row {
    Row {
        name,
        what,
        yardstick,
        bound,
    }
}

use Bound::{AtLeast, AtMost};

/// What grows, and how many times: rows that compare much with little.
pub(crate) const GROWTH: &[(&str, &str, f64)] = &[
    (
        "scale one",
        "one settlement, 10,000 to 1,000,000 payments",
        100.0,
    ),
    (
        "scale claim",
        "16 due rows claimed, 10,000 to 1,000,000 payments",
        100.0,
    ),
    (
        "scale batched",
        "settled 64 at once, 10,000 to 1,000,000 payments",
        100.0,
    ),
    (
        "scale overdue",
        "asked about, 1,000 to 100,000 overdue",
        100.0,
    ),
    (
        "instances 2",
        "settled by 1 and by 2 instances on PostgreSQL",
        2.0,
    ),
    (
        "instances 4",
        "settled by 1 and by 4 instances on PostgreSQL",
        4.0,
    ),
];

/// All rows that something was asked of. What a benchmark says beside them is shown without a verdict.
pub(crate) const ROWS: &[Row] = &[
    row(
        "verify aws-lc 2048",
        "verify a notification, 2048, aws-lc",
        "bare verify",
        AtMost(1.2),
    ),
    row(
        "verify aws-lc 1024",
        "verify a notification, 1024, aws-lc",
        "bare verify",
        AtMost(1.6),
    ),
    row(
        "sign aws-lc 2048",
        "sign a unified order, 2048, aws-lc",
        "bare sign",
        AtMost(1.05),
    ),
    row(
        "sign rustcrypto 1024",
        "sign a unified order, 1024, rustcrypto",
        "bare sign",
        AtMost(1.05),
    ),
    row(
        "languages verify 2048",
        "verify a notification, 2048, calls a second",
        "the fastest of Java, Node, Python",
        AtLeast(1.4),
    ),
    row(
        "languages verify 1024",
        "verify a notification, 1024, calls a second",
        "the fastest of Java, Node, Python",
        AtLeast(1.4),
    ),
    row(
        "languages sign 2048",
        "sign, 2048, calls a second",
        "the fastest of Java, Node, Python",
        AtLeast(0.97),
    ),
    row(
        "router 16",
        "axum router, requests a second, 16 connections",
        "bare handler and bare verify, over a ledger in memory",
        AtLeast(0.85),
    ),
    row(
        "settle sqlite",
        "durable settle, SQLite, 64 at once",
        "a hand-written transaction each",
        AtLeast(5.0),
    ),
    row(
        "deliver sqlite",
        "events delivered from the outbox, SQLite, a second",
        "payments settled in the same burst, a second",
        AtLeast(0.5),
    ),
    row(
        "settle postgres",
        "durable settle, PostgreSQL, 64 at once",
        "the same statements in a bare loop",
        AtLeast(0.85),
    ),
    row(
        "call",
        "what a client call adds, without RSA",
        "one bare 2048-bit signature",
        AtMost(0.1),
    ),
    row(
        "scale one",
        "one settlement, 1,000,000 rows",
        "at 10,000 rows",
        AtMost(1.3),
    ),
    row(
        "scale claim",
        "16 due rows claimed, 1,000,000 rows",
        "at 10,000 rows",
        AtMost(1.3),
    ),
    row(
        "scale batched",
        "settled 64 at once, 1,000,000 rows",
        "at 10,000 rows",
        AtLeast(0.5),
    ),
    row(
        "scale overdue",
        "100,000 overdue payments asked about, each",
        "where 1,000 are overdue",
        AtLeast(0.5),
    ),
    row(
        "shop idle",
        "shop with the sandbox, idle",
        "resident, MiB",
        AtMost(64.0),
    ),
    row(
        "shop busy",
        "shop with the sandbox, 64 busy connections",
        "resident, MiB",
        AtMost(128.0),
    ),
    row(
        "shop pages cpu",
        "shop with 5,000 order pages open, at work for them",
        "a core, %",
        AtMost(5.0),
    ),
    row(
        "ledger memory",
        "what 900,000 more notifications add",
        "resident, MiB",
        AtMost(8.0),
    ),
    row(
        "transport memory",
        "10,000 calls at once",
        "resident at the most, MiB",
        AtMost(200.0),
    ),
    row(
        "sandbox router",
        "sandbox, unified orders through its router",
        "its two RSA operations alone",
        AtLeast(0.7),
    ),
    row(
        "sandbox orders",
        "sandbox, unified orders over loopback",
        "its two RSA operations alone",
        AtLeast(0.7),
    ),
    row(
        "sandbox memory",
        "sandbox, 10,000 open orders",
        "resident, MiB",
        AtMost(150.0),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_holds_at_its_edge() {
        assert!(AtMost(1.2).holds(1.2) && !AtMost(1.2).holds(1.21));
        assert!(AtLeast(0.85).holds(0.85) && !AtLeast(0.85).holds(0.84));
        assert!(!AtMost(1.2).holds(f64::NAN) && !AtLeast(0.5).holds(f64::NAN));
    }

    #[test]
    fn no_row_stands_twice() {
        for (at, row) in ROWS.iter().enumerate() {
            assert!(
                ROWS[..at].iter().all(|other| other.name != row.name),
                "{}",
                row.name
            );
        }
    }
}
