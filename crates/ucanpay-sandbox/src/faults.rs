//! The fault plan: what goes wrong, where and how often. It only decides: `answering.rs`, `ending.rs`, `refunds.rs` and
//! `sending.rs` ask it, `api.rs` and `notifier.rs` carry it out.
//!
//! Whether a fault strikes depends on the seed, the rule, the order, the place, and how often that order has come by that
//! place: on nothing that happens to other orders, and on no clock. So the same seed gives each order the same history,
//! however its requests and those of others are interleaved. Only `times` counts over all orders together.
//!
//! The plan is not kept in a state file.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::call::Call;
use crate::duration::duration_ms;

/// What can go wrong. The word before the dot says where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fault {
    /// Nothing is done and nothing answered.
    #[serde(rename = "call.drop")]
    CallDrop,
    /// It is done, and answered late.
    #[serde(rename = "call.delay")]
    CallDelay,
    /// It is done, and half of the answer comes.
    #[serde(rename = "call.truncate")]
    CallTruncate,
    /// It is done, and nothing answered.
    #[serde(rename = "call.lost_answer")]
    CallLostAnswer,
    /// It is done, and answered SYSTEMERROR.
    #[serde(rename = "call.system_error_done")]
    CallSystemErrorDone,
    /// It is not done, and answered SYSTEMERROR.
    #[serde(rename = "call.system_error_not_done")]
    CallSystemErrorNotDone,
    /// It is not done, and answered HTTP 429 with `Retry-After`.
    #[serde(rename = "call.too_many_requests")]
    CallTooManyRequests,
    /// It is not done, and every call is refused with INVALID_REQ_TOO_MUCH for 60 s.
    #[serde(rename = "call.block")]
    CallBlock,
    /// It is done, and the answer's signature does not verify.
    #[serde(rename = "call.corrupt_signature")]
    CallCorruptSignature,
    /// This attempt is not sent.
    #[serde(rename = "notification.drop")]
    NotificationDrop,
    /// It is sent later.
    #[serde(rename = "notification.delay")]
    NotificationDelay,
    /// It is sent twice at once.
    #[serde(rename = "notification.duplicate")]
    NotificationDuplicate,
    /// It is sent after the order's next notification.
    #[serde(rename = "notification.reorder")]
    NotificationReorder,
    /// Its signature does not verify.
    #[serde(rename = "notification.corrupt")]
    NotificationCorrupt,
    /// Half of it is sent.
    #[serde(rename = "notification.truncate")]
    NotificationTruncate,
    /// It says another amount, signed by the true key.
    #[serde(rename = "notification.wrong_amount")]
    NotificationWrongAmount,
    /// The order is paid after it was closed.
    #[serde(rename = "buyer.late_payment")]
    BuyerLatePayment,
    /// The refund has no result until the control API gives it one.
    #[serde(rename = "refund.stuck")]
    RefundStuck,
    /// The refund ends as FAIL.
    #[serde(rename = "refund.fail")]
    RefundFail,
    /// The refund ends as REFUNDCLOSE.
    #[serde(rename = "refund.close")]
    RefundClose,
    /// It is not done, and answered NOTENOUGH; a paid order that is reversed, too.
    #[serde(rename = "refund.not_enough")]
    RefundNotEnough,
    /// It is not done, and answered USER_ACCOUNT_ABNORMAL.
    #[serde(rename = "refund.account_closed")]
    RefundAccountClosed,
    /// It is not done, and answered FREQUENCY_LIMITED.
    #[serde(rename = "refund.limited")]
    RefundLimited,
    /// It is not done, and answered ERROR.
    #[serde(rename = "refund.error")]
    RefundError,
}

/// Where a fault may strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// A call whose signature is good.
    Call,
    /// An attempt to deliver.
    Notification,
    /// An order being closed.
    Buyer,
    /// A refund, or the reversal of a paid order, that is in order.
    Refund,
}

impl Fault {
    /// The name in the plan: `call.drop`.
    pub(crate) fn name(self) -> String {
        let name = serde_json::to_value(self).unwrap_or_default();
        name.as_str().unwrap_or_default().to_owned()
    }

    fn place(self) -> Place {
        match self {
            Self::CallDrop
            | Self::CallDelay
            | Self::CallTruncate
            | Self::CallLostAnswer
            | Self::CallSystemErrorDone
            | Self::CallSystemErrorNotDone
            | Self::CallTooManyRequests
            | Self::CallBlock
            | Self::CallCorruptSignature => Place::Call,
            Self::NotificationDrop
            | Self::NotificationDelay
            | Self::NotificationDuplicate
            | Self::NotificationReorder
            | Self::NotificationCorrupt
            | Self::NotificationTruncate
            | Self::NotificationWrongAmount => Place::Notification,
            Self::BuyerLatePayment => Place::Buyer,
            Self::RefundStuck
            | Self::RefundFail
            | Self::RefundClose
            | Self::RefundNotEnough
            | Self::RefundAccountClosed
            | Self::RefundLimited
            | Self::RefundError => Place::Refund,
        }
    }

    /// How long it lasts unless the rule says otherwise, in milliseconds; `None` for a fault that takes no time.
    fn usual_wait(self) -> Option<i64> {
        match self {
            Self::CallDelay | Self::NotificationDelay => Some(30_000),
            Self::CallTooManyRequests | Self::BuyerLatePayment => Some(5000),
            Self::NotificationReorder => Some(60_000),
            _ => None,
        }
    }
}

/// What goes wrong, and the seed of its chances.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultPlan {
    #[serde(default)]
    pub(crate) seed: u64,
    pub(crate) faults: Vec<Rule>,
}

/// One line of the plan. Of several that fit, the first one that strikes is carried out.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "RuleText")]
pub(crate) struct Rule {
    pub(crate) fault: Fault,
    /// Only this `outTradeNo`.
    pub(crate) order: Option<String>,
    /// Only this call (`unifiedorder` …), or this kind of notification (`payment`, `refund`).
    pub(crate) on: Option<String>,
    /// From 0, never, to 1, always.
    pub(crate) chance: f64,
    /// It strikes at most so often, over all orders.
    pub(crate) times: Option<u64>,
    /// In milliseconds; zero for a fault that takes no time.
    pub(crate) wait: i64,
}

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    fault: Fault,
    order: Option<String>,
    on: Option<String>,
    chance: Option<f64>,
    times: Option<u64>,
    #[serde(rename = "for")]
    wait: Option<String>,
}

impl TryFrom<RuleText> for Rule {
    type Error = &'static str;

    fn try_from(text: RuleText) -> Result<Self, Self::Error> {
        let known = |on: &str| match text.fault.place() {
            Place::Call => Call::ALL.iter().any(|call| call.name() == on),
            Place::Notification => matches!(on, "payment" | "refund"),
            Place::Buyer | Place::Refund => false,
        };
        if !text.on.as_deref().is_none_or(known) {
            return Err(
                "on: a call such as refundquery for call.…, payment or refund for notification.…, \
                        and nothing for the others",
            );
        }
        let chance = text.chance.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&chance) {
            return Err("chance: a number from 0 to 1");
        }
        let usual = text.fault.usual_wait();
        let wait = match &text.wait {
            None => usual.unwrap_or_default(),
            Some(_) if usual.is_none() => return Err("for: this fault takes no time"),
            Some(wait) => duration_ms(wait).ok_or("for: a duration such as 5s or 500ms")?,
        };
        Ok(Self {
            fault: text.fault,
            order: text.order,
            on: text.on,
            chance,
            times: text.times,
            wait,
        })
    }
}

/// An order that comes by a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Occasion {
    pub(crate) place: Place,
    /// The call, or the kind of notification.
    pub(crate) on: &'static str,
    pub(crate) out_trade_no: String,
}

/// What the plan says about an occasion. It counts once it is [recorded](Faults::record).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draw {
    occasion: Occasion,
    /// The index of the rule, and what it says.
    struck: Option<(usize, Strike)>,
}

/// A fault that strikes, and how long it lasts in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    pub(crate) wait: i64,
}

impl Draw {
    pub(crate) fn strike(&self) -> Option<Strike> {
        self.struck.map(|(_, strike)| strike)
    }
}

/// The plan, and what has come of it so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Faults {
    plan: FaultPlan,
    /// For each rule, how often it struck.
    happened: Vec<u64>,
    /// How often each order came by each place.
    visits: HashMap<Occasion, u64>,
}

impl Faults {
    pub(crate) fn new(plan: FaultPlan) -> Self {
        Self {
            happened: vec![0; plan.faults.len()],
            plan,
            visits: HashMap::new(),
        }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.plan.seed
    }

    /// Each rule, and how often it struck.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&Rule, u64)> {
        self.plan.faults.iter().zip(self.happened.iter().copied())
    }

    /// What the plan says about this occasion, of the faults that are possible now.
    pub(crate) fn draw(&self, occasion: Occasion, possible: impl Fn(Fault) -> bool) -> Draw {
        let visit = self.visits.get(&occasion).copied().unwrap_or_default();
        let struck = self.rules().enumerate().find(|(index, (rule, happened))| {
            rule.fault.place() == occasion.place
                && possible(rule.fault)
                && (rule.order.as_ref()).is_none_or(|order| *order == occasion.out_trade_no)
                && rule.on.as_deref().is_none_or(|on| on == occasion.on)
                && rule.times.is_none_or(|times| *happened < times)
                && self.chance(*index, &occasion, visit) < rule.chance
        });
        let struck = struck.map(|(index, (rule, _))| {
            let Rule { fault, wait, .. } = *rule;
            (index, Strike { fault, wait })
        });
        Draw { occasion, struck }
    }

    /// Counts a draw whose consequences are taken up. It must have been drawn from this plan.
    pub(crate) fn record(&mut self, draw: Draw) {
        if self.plan.faults.is_empty() {
            return;
        }
        *self.visits.entry(draw.occasion).or_default() += 1;
        if let Some((index, _)) = draw.struck {
            self.happened[index] += 1;
        }
    }

    /// From 0 to less than 1, evenly spread.
    fn chance(&self, rule: usize, occasion: &Occasion, visit: u64) -> f64 {
        let Occasion {
            place,
            on,
            out_trade_no,
        } = occasion;
        let seed = self.plan.seed;
        let text = format!("{seed}/{rule}/{place:?}/{on}/{visit}/{out_trade_no}");
        let hash = Sha256::digest(text);
        let drawn = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
        f64::from(drawn) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(plan: &str) -> Faults {
        Faults::new(serde_json::from_str(plan).unwrap())
    }

    fn call(order: &str) -> Occasion {
        Occasion {
            place: Place::Call,
            on: "refund",
            out_trade_no: order.to_owned(),
        }
    }

    /// What the plan says about so many calls, as they come.
    fn history(faults: &mut Faults, order: &str, calls: usize) -> Vec<Option<Fault>> {
        let mut next = || {
            let draw = faults.draw(call(order), |_| true);
            let strike = draw.strike();
            faults.record(draw);
            strike.map(|strike| strike.fault)
        };
        (0..calls).map(|_| next()).collect()
    }

    const RANDOM: &str = r#"{"seed":7,"faults":[{"fault":"call.drop","chance":0.3},{"fault":"call.delay","chance":0.3}]}"#;

    #[test]
    fn the_same_seed_gives_an_order_the_same_history_whatever_others_do() {
        let alone = history(&mut faults(RANDOM), "A1", 100);
        let mut mixed = faults(RANDOM);
        let mut among_others = Vec::new();
        for _ in 0..100 {
            history(&mut mixed, "A2", 3);
            among_others.extend(history(&mut mixed, "A1", 1));
        }
        assert_eq!(alone, among_others);
        let other_seed = history(&mut faults(&RANDOM.replace('7', "8")), "A1", 100);
        assert_ne!(alone, other_seed);
        assert_ne!(alone, history(&mut faults(RANDOM), "A2", 100));
    }

    #[test]
    fn a_chance_is_kept_and_every_strike_is_counted() {
        let mut faults = faults(RANDOM);
        let history = history(&mut faults, "A1", 10_000);
        for ((rule, happened), expected) in faults.rules().zip([3000.0, 2100.0]) {
            let seen = history.iter().filter(|fault| **fault == Some(rule.fault));
            assert_eq!(u64::try_from(seen.count()).unwrap(), happened);
            let happened = f64::from(u32::try_from(happened).unwrap());
            assert!((happened - expected).abs() < 200.0, "{happened}");
        }
    }

    #[test]
    fn a_rule_strikes_where_it_is_meant_to_and_as_often_as_it_may() {
        let mut faults = faults(
            r#"{"faults":[
                {"fault":"call.drop","order":"A1","on":"refund","times":2},
                {"fault":"call.delay","on":"refundquery"},
                {"fault":"refund.fail"}]}"#,
        );
        assert_eq!(history(&mut faults, "A2", 1), [None]);
        let dropped = Some(Fault::CallDrop);
        assert_eq!(history(&mut faults, "A1", 3), [dropped, dropped, None]);
        let impossible = faults.draw(call("A1"), |fault| fault != Fault::CallDrop);
        assert_eq!(impossible.strike(), None);
    }

    #[test]
    fn a_draw_that_is_not_recorded_has_not_happened() {
        let faults = faults(r#"{"faults":[{"fault":"call.drop","times":1}]}"#);
        for _ in 0..2 {
            assert!(faults.draw(call("A1"), |_| true).strike().is_some());
        }
    }

    #[test]
    fn a_fault_lasts_as_long_as_its_rule_says_or_as_usual() {
        let plan =
            r#"{"faults":[{"fault":"call.delay","for":"2s","times":0},{"fault":"call.delay"}]}"#;
        let strike = faults(plan).draw(call("A1"), |_| true).strike().unwrap();
        assert_eq!(strike.wait, 30_000);
        let strike = faults(&plan.replace(r#","times":0"#, ""))
            .draw(call("A1"), |_| true)
            .strike();
        assert_eq!(strike.unwrap().wait, 2000);
    }

    #[test]
    fn every_fault_stands_in_the_docs_with_the_time_it_usually_takes() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sandbox.md");
        let page = std::fs::read_to_string(page).unwrap();
        let error = serde_json::from_str::<Fault>(r#""?""#)
            .unwrap_err()
            .to_string();
        let (_, names) = error.split_once("expected one of ").unwrap();
        let names = names.split('`').filter(|name| name.contains('.'));
        let mut seen = 0;
        for name in names {
            let row = page
                .lines()
                .find(|line| line.starts_with(&format!("| `{name}` |")))
                .unwrap_or_else(|| panic!("no row for {name}"));
            let fault: Fault = serde_json::from_value(name.into()).unwrap();
            let usual = row.split('|').nth_back(1).unwrap().trim();
            assert_eq!(duration_ms(usual), fault.usual_wait(), "{name}");
            seen += 1;
        }
        assert_eq!(seen, 24);
    }

    #[test]
    fn a_plan_that_is_not_understood_says_why() {
        for (rule, expected) in [
            (r#"{"fault":"call.explode"}"#, "unknown variant"),
            (r#"{"fault":"call.drop","chance":1.5}"#, "chance: a number"),
            (r#"{"fault":"call.drop","on":"payment"}"#, "on: a call"),
            (r#"{"fault":"refund.fail","on":"refund"}"#, "on: a call"),
            (r#"{"fault":"call.drop","for":"5s"}"#, "takes no time"),
            (r#"{"fault":"call.delay","for":"soon"}"#, "for: a duration"),
            (r#"{"fault":"call.drop","once":true}"#, "unknown field"),
        ] {
            let plan = format!(r#"{{"faults":[{rule}]}}"#);
            let error = serde_json::from_str::<FaultPlan>(&plan).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
