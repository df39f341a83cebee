//! An order as the gateway keeps it, its refunds inside, and what its state means on the wire.

use serde::{Deserialize, Serialize};

use crate::clock::TimeForm;
use crate::gateway::Terms;
use crate::message::Members;

/// An order. All amounts are cents, all times milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The merchant's number, unique per merchant: `outTradeNo`.
    pub(crate) out_trade_no: String,
    /// The gateway's number: `ucpOrderNo`.
    pub(crate) ucp_order_no: u64,
    pub(crate) subject: String,
    /// Member `body`.
    pub(crate) description: String,
    pub(crate) device_no: Option<String>,
    pub(crate) scene: String,
    pub(crate) currency: String,
    /// What the merchant asked for.
    pub(crate) ordered_amount: i64,
    pub(crate) notify_url: String,
    /// The request's canonical string without nonce and signature: what a re-entry must repeat.
    pub(crate) parameters: String,
    pub(crate) placed_at: i64,
    pub(crate) payment: Payment,
    pub(crate) refunds: Vec<Refund>,
    /// No notification is ever sent about this order.
    pub(crate) muted: bool,
    /// The next refund submitted will fail (set by the control API).
    pub(crate) next_refund_fails: bool,
    /// The merchant reversed it: an unpaid order ended, a paid one was returned to the buyer whole.
    #[serde(default)]
    pub(crate) reversed_at: Option<i64>,
    /// When the buyer pays although the order was closed (set by the fault plan).
    #[serde(default)]
    pub(crate) pays_late_at: Option<i64>,
    /// What happened to it, the oldest first.
    #[serde(default)]
    pub(crate) history: Vec<Event>,
}

/// Something that happened to an order, in a few words for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) at: i64,
    pub(crate) what: String,
}

/// Whether the buyer has paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Payment {
    Awaited,
    /// The buyer has begun and not ended.
    Paying {
        since: i64,
    },
    /// The last attempt failed; the buyer may try again.
    Declined {
        at: i64,
    },
    Paid {
        at: i64,
        amount: i64,
    },
    /// The merchant closed it; nobody can pay it any more.
    Closed {
        at: i64,
    },
}

/// A refund of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub(crate) out_refund_no: String,
    pub(crate) ucp_refund_no: u64,
    pub(crate) amount: i64,
    /// Member `refundDesc`.
    pub(crate) reason: String,
    pub(crate) notify_url: String,
    /// As for the order.
    pub(crate) parameters: String,
    pub(crate) state: RefundState,
}

/// How far a refund is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RefundState {
    /// `settles_at` is `i64::MAX` for a refund that is stuck.
    Processing {
        settles_at: i64,
        #[serde(default)]
        end: RefundEnd,
    },
    Succeeded {
        at: i64,
    },
    Failed {
        at: i64,
    },
    Closed {
        at: i64,
    },
}

/// How a refund ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RefundEnd {
    #[default]
    Succeeds,
    Fails,
    Closes,
}

impl RefundEnd {
    pub(crate) fn at(self, at: i64) -> RefundState {
        match self {
            Self::Succeeds => RefundState::Succeeded { at },
            Self::Fails => RefundState::Failed { at },
            Self::Closes => RefundState::Closed { at },
        }
    }
}

impl Order {
    /// `tradeStatus`.
    pub(crate) fn trade_status(&self) -> &'static str {
        match self.payment {
            _ if self.reversed_at.is_some() => "REVOKED",
            Payment::Closed { .. } => "CLOSED",
            Payment::Awaited => "NOTPAY",
            Payment::Paying { .. } => "USERPAYING",
            Payment::Declined { .. } => "PAYERROR",
            Payment::Paid { .. } if self.refunded() > 0 => "REFUND",
            Payment::Paid { .. } => "SUCCESS",
        }
    }

    pub(crate) fn happened(&mut self, at: i64, what: impl Into<String>) {
        let what = what.into();
        self.history.push(Event { at, what });
    }

    /// `totalAmt`: what was paid, or what was ordered while nothing is paid.
    pub(crate) fn amount(&self) -> i64 {
        match self.payment {
            Payment::Paid { amount, .. } => amount,
            _ => self.ordered_amount,
        }
    }

    /// Whether the merchant closed or reversed it.
    pub(crate) fn has_ended(&self) -> bool {
        self.reversed_at.is_some() || matches!(self.payment, Payment::Closed { .. })
    }

    /// Whether a buyer can pay it now.
    pub(crate) fn is_payable(&self) -> bool {
        !self.has_ended() && !matches!(self.payment, Payment::Paid { .. })
    }

    /// Whether a payment that was under way when it was closed may still come through.
    pub(crate) fn is_payable_late(&self) -> bool {
        matches!(self.payment, Payment::Closed { .. }) && self.reversed_at.is_none()
    }

    /// The sum of the refunds that succeeded: `totalRefundAmt`.
    pub(crate) fn refunded(&self) -> i64 {
        self.refunds
            .iter()
            .filter(|refund| matches!(refund.state, RefundState::Succeeded { .. }))
            .map(|refund| refund.amount)
            .sum()
    }

    pub(crate) fn refund(&self, out_refund_no: &str) -> Option<&Refund> {
        self.refunds
            .iter()
            .find(|refund| refund.out_refund_no == out_refund_no)
    }

    /// The refund under way; there is at most one.
    pub(crate) fn processing(&self) -> Option<&Refund> {
        self.refunds
            .iter()
            .find(|refund| matches!(refund.state, RefundState::Processing { .. }))
    }

    /// When something happens to the order by itself: the refund under way has its result, or a late payment comes.
    pub(crate) fn happens_at(&self) -> Option<i64> {
        let settles_at = self.processing().and_then(|refund| match refund.state {
            RefundState::Processing { settles_at, .. } => Some(settles_at),
            _ => None,
        });
        settles_at.into_iter().chain(self.pays_late_at).min()
    }

    /// The `data` of a payment notification (reference: "Payment Result Notification").
    pub(crate) fn payment_notification(&self, terms: &Terms) -> Members {
        let ended_at = match self.payment {
            Payment::Paid { at, .. } | Payment::Declined { at } | Payment::Closed { at } => at,
            Payment::Paying { since } => since,
            Payment::Awaited => self.placed_at,
        };
        self.echoed(terms)
            .with("tradeStatus", terms.switches.status(self.trade_status()))
            .with(
                "timeEnd",
                terms.switches.time(ended_at, TimeForm::WithoutOffset),
            )
    }

    /// The `data` of a refund notification (reference: "Notification of Refund Result").
    pub(crate) fn refund_notification(&self, refund: &Refund, terms: &Terms) -> Members {
        let refunded_at = match refund.state {
            RefundState::Succeeded { at }
            | RefundState::Failed { at }
            | RefundState::Closed { at } => at,
            RefundState::Processing { settles_at, .. } => settles_at,
        };
        self.refund_answer(refund, terms)
            .with("refundStatus", terms.switches.status(refund.status()))
            .with(
                "refundTime",
                terms.switches.time(refunded_at, TimeForm::Spaced),
            )
    }

    /// The `data` of the answer to a refund (reference: "Requesting Refund"): accepted, no result yet.
    pub(crate) fn refund_answer(&self, refund: &Refund, terms: &Terms) -> Members {
        let answer = self
            .echoed(terms)
            .with("ucpRefundNo", refund.ucp_refund_no.to_string())
            .with("outRefundNo", &refund.out_refund_no);
        terms
            .switches
            .with_amount(answer, "refundAmt", refund.amount)
    }

    /// The members that every message about a payment or refund repeats.
    fn echoed(&self, terms: &Terms) -> Members {
        let echoed = Members::default()
            .with("merchantId", &terms.merchant_id)
            .with("deviceNo", self.device_no.as_deref().unwrap_or_default())
            .with("currency", &self.currency)
            .with("sceneType", &self.scene)
            .with("ucpOrderNo", self.ucp_order_no.to_string())
            .with("outTradeNo", &self.out_trade_no)
            .with("body", &self.description);
        terms
            .switches
            .with_amount(echoed, "totalAmt", self.amount())
    }
}

impl Refund {
    /// `refundStatus`.
    pub(crate) fn status(&self) -> &'static str {
        match self.state {
            RefundState::Processing { .. } => "PROCESSING",
            RefundState::Succeeded { .. } => "SUCCESS",
            RefundState::Failed { .. } => "FAIL",
            RefundState::Closed { .. } => "REFUNDCLOSE",
        }
    }

    /// For an order's history.
    pub(crate) fn result(&self) -> String {
        format!("refund {}: {}", self.out_refund_no, self.status())
    }

    /// Failed and closed refunds give their share of the order, and their place among the ten, back.
    pub(crate) fn counts(&self) -> bool {
        !matches!(
            self.state,
            RefundState::Failed { .. } | RefundState::Closed { .. }
        )
    }
}
