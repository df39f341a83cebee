//! `ucanpay:refund`: money goes back, asked for at the terminal.

use async_trait::async_trait;
use loco_rs::Result;
use loco_rs::app::AppContext;
use loco_rs::task::{Task, TaskInfo, Vars};
use ucanpay_core::Amount;
use ucanpay_storefront::{RefundNumber, RefundRequest};

use super::arguments::Arguments;
use super::tell;
use crate::one_line::told;
use crate::payments;

pub(super) struct GiveBack;

#[async_trait]
impl Task for GiveBack {
    fn task(&self) -> TaskInfo {
        TaskInfo {
            name: "ucanpay:refund".to_owned(),
            detail: "gives money back: reference:<payment> cents:<amount> reason:<words> [number:<refund>]"
                .to_owned(),
        }
    }

    async fn run(&self, ctx: &AppContext, vars: &Vars) -> Result<()> {
        let arguments = Arguments::of(
            vars,
            &["reference", "provider", "cents", "reason", "number"],
        )?;
        let payments = payments(ctx)?;
        let key = arguments.payment(&payments)?;
        let amount = Amount::new(arguments.number("cents")?).map_err(told)?;
        let number = match arguments.get("number") {
            Some(number) => RefundNumber::new(number).map_err(told)?,
            None => RefundNumber::random(),
        };
        // Told before it is asked for: if this breaks off, the same number asks for the same refund.
        tell(&format!(
            "refund {number} of payment {key}: to repeat it, add number:{number}"
        ));
        let request = RefundRequest {
            number: Some(number.clone()),
            amount,
            reason: arguments.need("reason")?.into(),
        };
        let refund = payments.refund(&key, request).await.map_err(told)?;
        tell(&format!(
            "refund {number}: {} cents, {}",
            refund.amount.cents(),
            refund.state
        ));
        Ok(())
    }
}
