//! The store beside the model: the same step on both, and all that can be read is compared.

use std::fmt::Debug;
use std::sync::Arc;

use crate::conformance::report::Shortfall;
use crate::id::{PaymentKey, ProviderId};
use crate::ledger::{Applied, Command, Lease};
use crate::store::{ClaimedEvent, Delivery, MemoryStore, PaymentStore, StoreError, Unparking};
use crate::time::Timestamp;

/// More than any check records.
pub(super) const ALL: u32 = 1_000;

pub(super) struct Pair {
    pub(super) model: MemoryStore,
    pub(super) tested: Arc<dyn PaymentStore>,
}

impl Pair {
    pub(super) fn new(tested: Arc<dyn PaymentStore>) -> Self {
        let model = MemoryStore::new();
        Self { model, tested }
    }

    /// Gives the command to both, and compares what they answer and what stands there then.
    pub(super) async fn apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, Shortfall> {
        let expected = self.model.apply(key, command.clone(), now).await?;
        let found = self.tested.apply(key, command, now).await?;
        same("the outcome", &expected.outcome, &found.outcome)?;
        same("the view in the answer", &expected.view, &found.view)?;
        same("whether events wait", &expected.events, &found.events)?;
        self.compare(key).await?;
        Ok(found)
    }

    /// What is kept of one payment.
    pub(super) async fn compare(&self, key: &PaymentKey) -> Result<(), Shortfall> {
        let (model, tested) = (&self.model, &self.tested);
        same("`load`", &model.load(key).await?, &tested.load(key).await?)?;
        let (expected, found) = (model.history(key).await?, tested.history(key).await?);
        same("`history`", &expected, &found)
    }

    /// What is read of all payments together.
    pub(super) async fn compare_lists(
        &self,
        account: &ProviderId,
        now: Timestamp,
    ) -> Result<(), Shortfall> {
        let (model, tested) = (&self.model, &self.tested);
        for limit in [3, ALL] {
            let (expected, found) = (model.recent(limit).await?, tested.recent(limit).await?);
            same("`recent`", &expected, &found)?;
            let expected = model.under_review(limit).await?;
            same(
                "`under_review`",
                &expected,
                &tested.under_review(limit).await?,
            )?;
            let expected = model.parked_events(limit).await?;
            same(
                "`parked_events`",
                &expected,
                &tested.parked_events(limit).await?,
            )?;
        }
        let expected = model.blocked_until(account).await?;
        same(
            "`blocked_until`",
            &expected,
            &tested.blocked_until(account).await?,
        )?;
        same(
            "`census`",
            &model.census(now).await?,
            &tested.census(now).await?,
        )
    }

    /// Claims all that is due on both.
    pub(super) async fn claim_due(
        &self,
        account: &ProviderId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(PaymentKey, Lease)>, Shortfall> {
        let in_any_order = |mut rows: Vec<(PaymentKey, Lease)>| {
            rows.sort_by_key(|row| format!("{row:?}"));
            rows
        };
        let expected = self.model.claim_due(account, now, until, ALL).await?;
        let found = self.tested.claim_due(account, now, until, ALL).await?;
        let (expected, found) = (in_any_order(expected), in_any_order(found));
        same("`claim_due`", &expected, &found)?;
        Ok(found)
    }

    /// Claims all events that wait on both.
    pub(super) async fn claim_events(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<ClaimedEvent>, Shortfall> {
        let claim = async |store: &dyn PaymentStore| -> Result<_, StoreError> {
            let mut claimed = store.claim_events(now, until, ALL).await?;
            claimed.sort_by(|one, other| one.event.id.cmp(&other.event.id));
            let words: Vec<String> = claimed.iter().map(|event| format!("{event:?}")).collect();
            Ok((claimed, words))
        };
        let (_, expected) = claim(&self.model).await?;
        let (claimed, found) = claim(&*self.tested).await?;
        same("`claim_events`", &expected, &found)?;
        Ok(claimed)
    }

    pub(super) async fn settle_event(
        &self,
        event: &ClaimedEvent,
        delivery: Delivery,
    ) -> Result<(), Shortfall> {
        self.settle_events(&[(event.clone(), delivery)]).await
    }

    pub(super) async fn settle_events(
        &self,
        ended: &[(ClaimedEvent, Delivery)],
    ) -> Result<(), Shortfall> {
        self.model.settle_events(ended).await?;
        Ok(self.tested.settle_events(ended).await?)
    }

    pub(super) async fn unpark_event(
        &self,
        id: &str,
        unparking: Unparking,
        now: Timestamp,
    ) -> Result<bool, Shortfall> {
        let expected = self.model.unpark_event(id, unparking.clone(), now).await?;
        let found = self.tested.unpark_event(id, unparking, now).await?;
        same("`unpark_event`", &expected, &found)?;
        Ok(found)
    }
}

/// How much is shown on either side of the first difference.
const AROUND: usize = 70;

/// Both must be the same, and look the same.
fn same<T: Debug + PartialEq>(what: &str, model: &T, store: &T) -> Result<(), Shortfall> {
    if model == store {
        return Ok(());
    }
    let (model, store) = (format!("{model:?}"), format!("{store:?}"));
    let differ = model
        .chars()
        .zip(store.chars())
        .take_while(|(one, other)| one == other)
        .count();
    let part = |text: &str| -> String {
        let from = differ.saturating_sub(AROUND);
        text.chars().skip(from).take(2 * AROUND).collect()
    };
    Err(Shortfall::NotMet(format!(
        "{what} differs: the model has `{}`, the store `{}`",
        part(&model),
        part(&store)
    )))
}
