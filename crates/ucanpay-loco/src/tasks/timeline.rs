//! `ucanpay:timeline`: what happened to a payment, for the person who answers the buyer's call. The gateway is asked before,
//! if they want.

use async_trait::async_trait;
use loco_rs::app::AppContext;
use loco_rs::task::{Task, TaskInfo, Vars};
use loco_rs::{Error, Result};

use super::arguments::Arguments;
use super::tell;
use crate::one_line::told;
use crate::payments;

pub(super) struct Tell;

#[async_trait]
impl Task for Tell {
    fn task(&self) -> TaskInfo {
        TaskInfo {
            name: "ucanpay:timeline".to_owned(),
            detail: "tells what happened to a payment, oldest first: reference:<payment>; \
                     with ask:yes the gateway is asked before"
                .to_owned(),
        }
    }

    async fn run(&self, ctx: &AppContext, vars: &Vars) -> Result<()> {
        let arguments = Arguments::of(vars, &["reference", "provider", "ask"])?;
        let payments = payments(ctx)?;
        let key = arguments.payment(&payments)?;
        match arguments.get("ask") {
            None => {}
            // Where the gateway did not answer, the last line says so.
            Some("yes") => drop(payments.refresh(&key).await.map_err(told)?),
            Some(_) => return Err(Error::string("write ask:yes, or leave it out")),
        }
        let timeline = payments.timeline(&key).await.map_err(told)?;
        let timeline = timeline
            .ok_or_else(|| Error::Message(format!("payment {key} does not stand in the ledger")))?;
        for entry in &timeline.entries {
            tell(&entry.to_string());
        }
        let payment = &timeline.view.payment;
        tell(&format!(
            "now: {}, {} cents, {} refunded",
            payment.state,
            payment.amount.cents(),
            timeline.view.refunded()
        ));
        if let Some(trouble) = &payment.trouble {
            tell(&format!("the last question brought no answer: {trouble}"));
        }
        Ok(())
    }
}
