//! Many decisions in one transaction: load what all of them concern, decide in memory one after the other, write the sum.
//!
//! Each statement serves all jobs at once, so the number of statements does not grow with the number of jobs. A decision sees
//! what the decisions before it in the same batch did, as if each had been committed alone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::{SqliteConnection, SqlitePool};

use super::queue::Job;
use super::write::Changes;
use super::{BEGIN, read, write};
use crate::id::{PaymentKey, ProviderId, Reference};
use crate::ledger::{Applied, Decision, Loaded, PaymentView, decide};
use crate::store::StoreError;

/// Decides and commits all jobs, or none of them. The answers stand in the order of the jobs.
pub(super) async fn commit(
    writer: &SqlitePool,
    jobs: Vec<Job>,
) -> Result<Vec<Applied>, StoreError> {
    let mut tx = writer.begin_with(BEGIN).await?;
    let mut ledger = Ledger::load(&mut tx, &jobs).await?;
    let mut applied = Vec::with_capacity(jobs.len());
    let mut changes = Changes::default();
    for Job { key, command, now } in jobs {
        let loaded = ledger.loaded(&key, command.gateway_number(), command.refund_number());
        let is_new = loaded.view.is_none();
        let decision = decide(&key, loaded, command, now);
        ledger.follow(&key, &decision);
        applied.push(Applied {
            outcome: decision.outcome.clone(),
            view: decision.view.clone(),
            events: !decision.events.is_empty(),
        });
        changes.add(&key, is_new, decision);
    }
    write::changes(&mut tx, &changes).await?;
    tx.commit().await?;
    Ok(applied)
}

/// A number at a provider.
type Numbered = (ProviderId, String);

/// The part of the ledger that a batch concerns, as it stands between two of its decisions.
struct Ledger {
    views: HashMap<PaymentKey, Arc<PaymentView>>,
    gateway_numbers: HashMap<Numbered, Reference>,
    refunds: HashMap<Numbered, Reference>,
}

impl Ledger {
    /// Reads all that the jobs concern, under the write lock.
    async fn load(tx: &mut SqliteConnection, jobs: &[Job]) -> Result<Self, StoreError> {
        let keys: HashSet<&PaymentKey> = jobs.iter().map(|job| &job.key).collect();
        let numbers = |number: fn(&Job) -> Option<&str>| -> HashSet<(&ProviderId, &str)> {
            jobs.iter()
                .filter_map(|job| Some((&job.key.provider, number(job)?)))
                .collect()
        };
        let gateway_numbers = numbers(|job| job.command.gateway_number());
        let refunds = numbers(|job| job.command.refund_number());
        let views = read::views(tx, &keys).await?;
        Ok(Self {
            views: views
                .into_iter()
                .map(|(key, view)| (key, Arc::new(view)))
                .collect(),
            gateway_numbers: read::gateway_number_owners(tx, &gateway_numbers).await?,
            refunds: read::refund_owners(tx, &refunds).await?,
        })
    }

    fn loaded(
        &self,
        key: &PaymentKey,
        gateway_number: Option<&str>,
        refund: Option<&str>,
    ) -> Loaded {
        let owner = |owners: &HashMap<Numbered, Reference>, number: Option<&str>| {
            let numbered = (key.provider.clone(), number?.to_owned());
            owners.get(&numbered).cloned()
        };
        Loaded {
            view: self.views.get(key).cloned(),
            gateway_number_owner: owner(&self.gateway_numbers, gateway_number),
            refund_owner: owner(&self.refunds, refund),
        }
    }

    /// What later decisions of this batch must know of this one.
    fn follow(&mut self, key: &PaymentKey, decision: &Decision) {
        if let Some(view) = &decision.view {
            self.views.insert(key.clone(), view.clone());
        }
        let payment = decision.payment.as_ref();
        if let Some(number) = payment.and_then(|payment| payment.gateway_number.clone()) {
            let numbered = (key.provider.clone(), number);
            self.gateway_numbers.insert(numbered, key.reference.clone());
        }
        for refund in &decision.refunds {
            let numbered = (key.provider.clone(), refund.number.to_string());
            self.refunds.insert(numbered, key.reference.clone());
        }
    }
}
