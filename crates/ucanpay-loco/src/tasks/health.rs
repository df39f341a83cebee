//! `ucanpay:health`: how the ledger does, for a person, and for what watches the shop by exit statuses.

use async_trait::async_trait;
use loco_rs::app::AppContext;
use loco_rs::task::{Task, TaskInfo, Vars};
use loco_rs::{Error, Result};

use super::arguments::Arguments;
use super::tell;
use crate::one_line::told;
use crate::payments;

pub(super) struct Look;

#[async_trait]
impl Task for Look {
    fn task(&self) -> TaskInfo {
        TaskInfo {
            name: "ucanpay:health".to_owned(),
            detail: "tells what waits in the ledger; fails if somebody should look into something"
                .to_owned(),
        }
    }

    async fn run(&self, ctx: &AppContext, vars: &Vars) -> Result<()> {
        Arguments::of(vars, &[])?;
        let health = payments(ctx)?.health().await.map_err(told)?;
        for (id, account) in &health.census.accounts {
            tell(&format!(
                "account {id}: {} payments and {} refunds are not settled; {} of them are due to be asked about",
                account.payments.total(),
                account.refunds.total(),
                account.payments.due.count + account.refunds.due.count
            ));
        }
        tell(&format!(
            "paid within a day: {}, of these found by asking: {}; events not delivered yet: {}",
            health.census.paid, health.census.recovered, health.census.undelivered.count
        ));
        let concerns = health.concerns();
        for concern in &concerns {
            tell(&format!("look into this: {concern}"));
        }
        match concerns.len() {
            0 => Ok(()),
            many => Err(Error::Message(format!(
                "{many} of the above should be looked into"
            ))),
        }
    }
}
