//! Notifications on their way to the merchant: one delivery a notification, its attempts beside it.

use serde::{Deserialize, Serialize};

use crate::faults::Fault;
use crate::message::Members;

/// What a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Topic {
    Payment,
    Refund,
}

impl Topic {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
        }
    }
}

/// A notification the gateway has decided to send; it becomes a [`Delivery`] once it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) out_trade_no: String,
    pub(crate) topic: Topic,
    pub(crate) url: String,
    pub(crate) data: Members,
    /// When to send it first, in milliseconds since the Unix epoch.
    pub(crate) first_attempt_at: i64,
}

/// A signed notification. Every attempt sends the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) id: u64,
    pub(crate) out_trade_no: String,
    pub(crate) topic: Topic,
    pub(crate) url: String,
    pub(crate) body: String,
    /// `None` once the merchant has answered SUCCESS.
    pub(crate) next_attempt_at: Option<i64>,
    #[serde(default)]
    pub(crate) postponed: Postponed,
}

/// Whether the fault plan has put a delivery off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Postponed {
    #[default]
    Never,
    Once,
    /// Until an attempt at another delivery of the order has been made.
    BehindTheNext,
}

/// So many attempts of each delivery are kept, the last ones.
pub(crate) const KEPT_ATTEMPTS: usize = 20;

/// One attempt to deliver, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) delivery: u64,
    /// From 1.
    pub(crate) number: u32,
    pub(crate) at: i64,
    pub(crate) outcome: Outcome,
    /// What the fault plan did to it.
    #[serde(default)]
    pub(crate) fault: Option<Fault>,
    pub(crate) next_attempt_at: Option<i64>,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// HTTP 2xx and `return_code` SUCCESS.
    Accepted { status: u16, answer: String },
    /// Any other answer.
    Refused { status: u16, answer: String },
    /// No whole answer in time, or nothing sent.
    Failed { error: String },
}
