//! `ucanpay:reconcile`: one pass of the reconciler, for a schedule or an impatient merchant.

use async_trait::async_trait;
use loco_rs::Result;
use loco_rs::app::AppContext;
use loco_rs::task::{Task, TaskInfo, Vars};

use super::arguments::Arguments;
use super::tell;
use crate::one_line::told;
use crate::payments;

pub(super) struct Reconcile;

#[async_trait]
impl Task for Reconcile {
    fn task(&self) -> TaskInfo {
        TaskInfo {
            name: "ucanpay:reconcile".to_owned(),
            detail: "asks the gateway about every payment and refund whose time has come"
                .to_owned(),
        }
    }

    async fn run(&self, ctx: &AppContext, vars: &Vars) -> Result<()> {
        Arguments::of(vars, &[])?;
        let report = payments(ctx)?.reconcile().await.map_err(told)?;
        tell(&format!(
            "asked about {} payments and refunds",
            report.asked
        ));
        Ok(())
    }
}
