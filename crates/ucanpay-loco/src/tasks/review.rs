//! `ucanpay:review`: what waits for a person, seen and decided at the terminal.

use async_trait::async_trait;
use loco_rs::app::AppContext;
use loco_rs::task::{Task, TaskInfo, Vars};
use loco_rs::{Error, Result};
use ucanpay_storefront::Payments;

use super::arguments::Arguments;
use super::tell;
use crate::one_line::told;
use crate::payments;

/// The longest list that is shown at once; what is decided makes room for the next.
const SHOWN: u32 = 50;

pub(super) struct Review;

#[async_trait]
impl Task for Review {
    fn task(&self) -> TaskInfo {
        TaskInfo {
            name: "ucanpay:review".to_owned(),
            detail: "lists what waits for a person; decides with reference:<payment> discrepancy:<n> note:<words>, \
                     event:<id> release:yes, or event:<id> skip:<why>"
                .to_owned(),
        }
    }

    async fn run(&self, ctx: &AppContext, vars: &Vars) -> Result<()> {
        let names = &[
            "reference",
            "provider",
            "discrepancy",
            "note",
            "event",
            "release",
            "skip",
        ];
        let arguments = Arguments::of(vars, names)?;
        let payments = payments(ctx)?;
        if let Some(event) = arguments.get("event") {
            decide_event(&payments, &arguments, event).await
        } else if arguments.get("reference").is_some() {
            close(&payments, &arguments).await
        } else if vars.cli.is_empty() {
            list(&payments).await
        } else {
            Err(Error::string(
                "say which: reference:<payment> discrepancy:<n>, or event:<id>",
            ))
        }
    }
}

async fn list(payments: &Payments) -> Result<()> {
    let views = payments.under_review(SHOWN).await.map_err(told)?;
    let parked = payments.parked_events(SHOWN).await.map_err(told)?;
    for view in &views {
        let key = &view.payment.key;
        for discrepancy in view.open_discrepancies() {
            tell(&format!(
                "payment {} at {}, discrepancy {}: {}: {}",
                key.reference, key.provider, discrepancy.number, discrepancy.kind, discrepancy.note
            ));
        }
    }
    for parked in &parked {
        let reference = parked.event.reference.as_ref();
        tell(&format!(
            "event {} ({}) of payment {}: given up after {} attempts: {}",
            parked.event.id,
            parked.event.kind,
            reference.map_or("-", |reference| reference.as_str()),
            parked.attempts,
            parked.trouble
        ));
    }
    if views.is_empty() && parked.is_empty() {
        tell("nothing waits for a person");
    }
    Ok(())
}

async fn close(payments: &Payments, arguments: &Arguments<'_>) -> Result<()> {
    let key = arguments.payment(payments)?;
    let number = arguments.number("discrepancy")?;
    let note = arguments.need("note")?;
    payments
        .settle_review(&key, number, note)
        .await
        .map_err(told)?;
    tell(&format!("payment {key}, discrepancy {number}: closed"));
    Ok(())
}

async fn decide_event(payments: &Payments, arguments: &Arguments<'_>, event: &str) -> Result<()> {
    match (arguments.get("release"), arguments.get("skip")) {
        (Some("yes"), None) => {
            payments.release_event(event).await.map_err(told)?;
            tell(&format!("event {event}: delivered again from now on"));
        }
        (None, Some(why)) => {
            payments.skip_event(event, why).await.map_err(told)?;
            tell(&format!("event {event}: skipped"));
        }
        _ => return Err(Error::string("write either release:yes or skip:<why>")),
    }
    Ok(())
}
