//! What a sandbox begins with, and begins with again after a reset: orders, and a fault plan.
//!
//! An order is put to the gateway like a merchant's request, so that nothing can stand in a seed that could not have come
//! about. `docs/sandbox.md` has the format.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::error::SandboxError;
use crate::faults::FaultPlan;
use crate::gateway::{Change, Decision, Gateway};
use crate::message::Members;
use crate::orders::PayInstruction;

/// What an order in a seed may say besides its `tradeStatus`.
const MEMBERS: [&str; 8] = [
    "outTradeNo",
    "totalAmt",
    "notifyUrl",
    "subject",
    "body",
    "deviceNo",
    "sceneType",
    "currency",
];

/// The orders and the fault plan that a sandbox begins with.
///
/// ```
/// use ucanpay_sandbox::Seed;
///
/// let seed = Seed::from_json(
///     r#"{
///         "orders": [
///             { "outTradeNo": "A1", "totalAmt": 450, "notifyUrl": "http://127.0.0.1:3000/ucanpay/payment" },
///             { "outTradeNo": "A2", "totalAmt": 1250, "notifyUrl": "http://127.0.0.1:3000/ucanpay/payment",
///               "tradeStatus": "SUCCESS" }
///         ],
///         "faults": { "seed": 7, "faults": [{ "fault": "notification.duplicate", "chance": 0.2 }] }
///     }"#,
/// );
/// assert!(seed.is_ok()); // for SandboxConfig::with_seed
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    #[serde(default)]
    orders: Vec<SeededOrder>,
    #[serde(default)]
    pub(crate) faults: FaultPlan,
}

#[derive(Clone, Debug, Deserialize)]
struct SeededOrder {
    #[serde(rename = "tradeStatus", default)]
    status: SeededStatus,
    /// Of a request that places it.
    #[serde(flatten)]
    members: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
enum SeededStatus {
    #[default]
    #[serde(rename = "NOTPAY")]
    NotPaid,
    #[serde(rename = "USERPAYING")]
    Paying,
    #[serde(rename = "PAYERROR")]
    Declined,
    #[serde(rename = "SUCCESS")]
    Paid,
    #[serde(rename = "CLOSED")]
    Closed,
}

impl Seed {
    /// Reads a seed, such as the content of a file.
    ///
    /// ```
    /// use ucanpay_sandbox::{SandboxError, Seed};
    ///
    /// let misspelt = Seed::from_json(r#"{ "order": [] }"#);
    /// let Err(SandboxError::Seed(reason)) = misspelt else { panic!("it was taken") };
    /// assert!(reason.to_string().starts_with("unknown field `order`, expected `orders` or `faults` at line 1"));
    /// ```
    ///
    /// # Errors
    /// [`SandboxError::Seed`], which says at which line and why. Whether its orders can be placed shows when the sandbox
    /// is opened.
    pub fn from_json(text: &str) -> Result<Self, SandboxError> {
        serde_json::from_str(text).map_err(|error| SandboxError::Seed(error.into()))
    }

    /// Puts the orders to an empty gateway, which takes them up; the changes are still to be written. Nobody is notified
    /// of what has happened before the beginning.
    pub(crate) fn sow(&self, gateway: &mut Gateway, now: i64) -> Result<Vec<Change>, SandboxError> {
        let mut sown = Vec::new();
        for order in &self.orders {
            let changes = order
                .changes(gateway, now)
                .map_err(|reason| SandboxError::Seed(reason.into()))?;
            sown.extend(changes);
        }
        Ok(sown)
    }
}

impl SeededOrder {
    fn changes(&self, gateway: &mut Gateway, now: i64) -> Result<Vec<Change>, String> {
        let mut members = json!({
            "subject": "seeded", "body": "seeded order", "deviceNo": "web", "sceneType": "NATIVE", "currency": "CAD",
        });
        for (name, value) in &self.members {
            // A misspelt member must not pass for one that was left out.
            if !MEMBERS.contains(&name.as_str()) {
                return Err(format!(
                    "{name} is no member of an order; there are {}",
                    MEMBERS.join(", ")
                ));
            }
            members[name] = value.clone();
        }
        members["merchantId"] = gateway.terms.merchant_id.clone().into();
        members["nonceStr"] = "seed".into();
        members["signType"] = gateway.terms.sign_type.into();
        let number = members["outTradeNo"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let wrong = |reason: String| format!("order {number:?}: {reason}");

        let members =
            Members::read(&members.to_string()).map_err(|error| wrong(error.to_string()))?;
        let placed = gateway.call(Call::UnifiedOrder, &members, now);
        placed
            .answer
            .map_err(|refusal| wrong(refusal.to_string()))?;
        gateway.apply(placed.changes.clone());
        let mut changes = placed.changes;

        let next = match self.status {
            SeededStatus::NotPaid => return Ok(changes),
            SeededStatus::Paying => done(gateway.stall(&number, now)),
            SeededStatus::Declined => done(gateway.decline(&number, now)),
            SeededStatus::Paid => done(gateway.pay(&number, PayInstruction::default(), now)),
            SeededStatus::Closed => done(gateway.call(Call::CloseOrder, &members, now)),
        };
        let next = next.ok_or_else(|| wrong("its number stands in the seed twice".to_owned()))?;
        gateway.apply(next.clone());
        changes.extend(next);
        Ok(changes)
    }
}

/// The changes of a decision that was no refusal.
fn done<T, E>(decision: Decision<Result<T, E>>) -> Option<Vec<Change>> {
    decision.answer.is_ok().then_some(decision.changes)
}
