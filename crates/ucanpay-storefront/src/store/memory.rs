//! A ledger that ends with the process: for tests and for trying things out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{ClaimedEvent, Delivery, ParkedEvent, PaymentStore, Signals, StoreError, Unparking};
use crate::id::{PaymentKey, ProviderId, Reference};
use crate::ledger::{
    Applied, Census, Command, Event, EventFate, EventKind, EvidenceRecord, History, KeptEvent,
    KeptEvidence, LATELY, Lease, Loaded, PaymentState, PaymentView, RefundState, Reversal,
    Schedule, Target, Transition, Verdict, decide,
};
use crate::time::Timestamp;
use crate::wording::Wording;

/// A ledger in memory. Nothing survives the process.
///
/// ```
/// # #[cfg(feature = "mock")]
/// # {
/// use std::sync::Arc;
/// use ucanpay_storefront::provider::ScriptedProvider;
/// use ucanpay_storefront::{MemoryStore, PaymentRegistry, Payments};
///
/// let registry = PaymentRegistry::builder().register(ScriptedProvider::new()).build()?;
/// let payments = Payments::new(Arc::new(MemoryStore::new()), registry); // for a test: no file, no server
/// assert_eq!(payments.registry().default_id().as_str(), "scripted");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    payments: BTreeMap<PaymentKey, Arc<PaymentView>>,
    evidence: BTreeMap<(ProviderId, String), (EvidenceRecord, u64)>,
    transitions: Vec<(PaymentKey, Transition)>,
    outbox: Vec<Waiting>,
    blocked_until: BTreeMap<ProviderId, Timestamp>,
}

#[derive(Debug)]
struct Waiting {
    event: Event,
    delivered_at: Option<Timestamp>,
    attempts: u32,
    next_attempt_at: Timestamp,
    lease_until: Option<Timestamp>,
    parked: Option<(Timestamp, String)>,
    skip_note: Option<Wording>,
}

impl Waiting {
    fn kept(&self) -> KeptEvent {
        let fate = match (self.delivered_at, &self.skip_note, &self.parked) {
            (Some(at), Some(note), _) => EventFate::Skipped(at, note.clone()),
            (Some(at), None, _) => EventFate::Delivered(at),
            (None, _, Some((since, trouble))) => EventFate::Parked(*since, trouble.clone()),
            (None, _, None) => EventFate::Waiting,
        };
        KeptEvent {
            event: self.event.clone(),
            attempts: self.attempts,
            fate,
        }
    }
}

impl MemoryStore {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // A decision is complete before the first table is touched, so a poisoned lock guards whole decisions.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn loaded(&self, key: &PaymentKey, command: &Command) -> Loaded {
        let owner = |is_it: &dyn Fn(&PaymentView) -> bool| -> Option<Reference> {
            self.payments
                .iter()
                .find(|(other, view)| other.provider == key.provider && is_it(view))
                .map(|(other, _)| other.reference.clone())
        };
        Loaded {
            view: self.payments.get(key).cloned(),
            gateway_number_owner: command.gateway_number().and_then(|number| {
                owner(&|view| view.payment.gateway_number.as_deref() == Some(number))
            }),
            refund_owner: command.refund_number().and_then(|number| {
                owner(&|view| {
                    view.refunds
                        .iter()
                        .any(|refund| refund.number.as_str() == number)
                })
            }),
        }
    }
}

/// The first of them, as many as were asked for.
fn copies(views: Vec<&Arc<PaymentView>>, limit: u32) -> Vec<PaymentView> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let views = views.into_iter().take(limit);
    views.map(|view| (**view).clone()).collect()
}

#[async_trait]
impl PaymentStore for MemoryStore {
    async fn apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        let mut tables = self.tables();
        let loaded = tables.loaded(key, &command);
        let decision = decide(key, loaded, command, now);
        let changed = decision.payment.is_some()
            || decision.renewed.is_some()
            || !decision.refunds.is_empty()
            || !decision.discrepancies.is_empty();
        if let Some(view) = decision.view.as_ref().filter(|_| changed) {
            tables.payments.insert(key.clone(), view.clone());
        }
        if let Some(record) = decision.evidence {
            let id = (key.provider.clone(), record.digest.clone());
            let applied = record.verdict == Verdict::Applied;
            let (kept, seen) = tables.evidence.entry(id).or_insert((record, 0));
            *seen += 1;
            if applied {
                kept.verdict = Verdict::Applied;
            }
        }
        if let Some(block) = decision.block {
            let standing = tables.blocked_until.get(&block.account).copied();
            if block.replaces(standing) {
                tables.blocked_until.insert(block.account, block.until);
            }
        }
        let moves = decision.transitions.into_iter();
        tables
            .transitions
            .extend(moves.map(|transition| (key.clone(), transition)));
        let events = !decision.events.is_empty();
        for event in decision.events {
            // Only an unmatched message can tell the same thing twice.
            if event.reference.is_some() || tables.outbox.iter().all(|w| w.event.id != event.id) {
                tables.outbox.push(Waiting {
                    next_attempt_at: event.at,
                    event,
                    delivered_at: None,
                    attempts: 0,
                    lease_until: None,
                    parked: None,
                    skip_note: None,
                });
            }
        }
        Ok(Applied {
            outcome: decision.outcome,
            view: decision.view,
            events,
        })
    }

    async fn load(&self, key: &PaymentKey) -> Result<Option<PaymentView>, StoreError> {
        let tables = self.tables();
        Ok(tables.payments.get(key).map(|view| (**view).clone()))
    }

    async fn history(&self, key: &PaymentKey) -> Result<Option<History>, StoreError> {
        let tables = self.tables();
        let Some(view) = tables.payments.get(key).cloned() else {
            return Ok(None);
        };
        let of_it = |provider: &ProviderId, reference: Option<&str>| {
            *provider == key.provider && reference == Some(key.reference.as_str())
        };
        let transitions = tables.transitions.iter().filter(|(of, _)| of == key);
        let transitions = transitions.map(|(_, row)| row.clone()).collect();
        let evidence = tables.evidence.iter();
        let evidence = evidence
            .filter(|((provider, _), (record, _))| of_it(provider, record.reference.as_deref()));
        let mut evidence: Vec<KeptEvidence> = evidence
            .map(|(_, (record, seen))| KeptEvidence {
                record: record.clone(),
                seen: *seen,
            })
            .collect();
        // The digests are in order already.
        evidence.sort_by_key(|kept| kept.record.at);
        let events = tables.outbox.iter().filter(|waiting| {
            let reference = waiting.event.reference.as_ref();
            of_it(&waiting.event.provider, reference.map(Reference::as_str))
        });
        let events = events.map(Waiting::kept).collect();
        Ok(Some(History {
            view: Arc::unwrap_or_clone(view),
            transitions,
            evidence,
            events,
        }))
    }

    async fn census(&self, now: Timestamp) -> Result<Census, StoreError> {
        let tables = self.tables();
        let mut census = Census::default();
        let lately = now.before(LATELY);
        for (key, view) in &tables.payments {
            let payment = &view.payment;
            census.paid += u64::from(payment.paid_at.is_some_and(|at| at > lately));
            for open in view.open_discrepancies() {
                census.reviews.add(open.opened_at);
            }
            if let Some(at) = payment.schedule.next_check_at {
                let account = census.account(&key.provider);
                let rows = match (payment.state, payment.reversal) {
                    (PaymentState::Closed, _) | (PaymentState::Paid, Some(Reversal::Refused)) => {
                        &mut account.watched
                    }
                    _ => &mut account.payments,
                };
                rows.add(payment.created_at, at, now);
            }
            for refund in &view.refunds {
                if let Some(at) = refund.schedule.next_check_at {
                    let account = census.account(&key.provider);
                    let rows = match refund.state {
                        RefundState::Failed => &mut account.watched,
                        _ => &mut account.refunds,
                    };
                    rows.add(refund.created_at, at, now);
                }
            }
        }
        for (provider, until) in &tables.blocked_until {
            census.account(provider).blocked_until = Some(*until);
        }
        for waiting in &tables.outbox {
            let event = &waiting.event;
            let recovered = event.kind == EventKind::RecoveredByQuery && event.at > lately;
            census.recovered += u64::from(recovered);
            match (&waiting.delivered_at, &waiting.parked) {
                (Some(_), _) => {}
                (None, None) => census.undelivered.add(event.at),
                (None, Some((since, _))) => census.parked.add(*since),
            }
        }
        Ok(census)
    }

    async fn recent(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        let tables = self.tables();
        let mut views: Vec<_> = tables.payments.values().collect();
        views.sort_by_key(|view| std::cmp::Reverse(view.payment.created_at));
        Ok(copies(views, limit))
    }

    async fn under_review(&self, limit: u32) -> Result<Vec<PaymentView>, StoreError> {
        let tables = self.tables();
        let open_since = |view: &PaymentView| {
            let open = view.open_discrepancies();
            open.map(|row| row.opened_at).min()
        };
        let mut views: Vec<_> = tables
            .payments
            .values()
            .filter(|view| view.needs_review())
            .collect();
        views.sort_by_key(|view| open_since(view));
        Ok(copies(views, limit))
    }

    async fn blocked_until(&self, account: &ProviderId) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.tables().blocked_until.get(account).copied())
    }

    async fn claim_due(
        &self,
        account: &ProviderId,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut tables = self.tables();
        let mut due = Vec::new();
        for (key, view) in &tables.payments {
            let payment = (None, view.payment.schedule);
            let refunds = view.refunds.iter().enumerate();
            let refunds = refunds.map(|(nth, refund)| (Some(nth), refund.schedule));
            for (refund, schedule) in std::iter::once(payment).chain(refunds) {
                if key.provider == *account && schedule.due(now) {
                    due.push((schedule.next_check_at, key.clone(), refund));
                }
            }
        }
        due.sort_by_key(|(at, ..)| *at);
        let mut claimed = Vec::new();
        for (due, key, refund) in due.into_iter().take(limit) {
            let Some(view) = tables.payments.get_mut(&key).map(Arc::make_mut) else {
                continue;
            };
            let target = match refund.map(|nth| &mut view.refunds[nth]) {
                None => {
                    view.payment.schedule.lease_until = Some(until);
                    Target::Payment
                }
                Some(refund) => {
                    refund.schedule.lease_until = Some(until);
                    Target::Refund(refund.number.clone())
                }
            };
            claimed.push((key, Lease { target, until, due }));
        }
        Ok(claimed)
    }

    async fn claim_events(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<ClaimedEvent>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut claimed: Vec<ClaimedEvent> = Vec::new();
        let mut passed: Vec<(ProviderId, Option<Reference>)> = Vec::new();
        for waiting in &mut self.tables().outbox {
            if waiting.delivered_at.is_some() {
                continue;
            }
            let payment = (
                waiting.event.provider.clone(),
                waiting.event.reference.clone(),
            );
            let first = payment.1.is_none() || !passed.contains(&payment);
            let schedule = Schedule {
                next_check_at: Some(waiting.next_attempt_at),
                lease_until: waiting.lease_until,
            };
            let deliverable = waiting.parked.is_none() && schedule.due(now);
            if first && deliverable && claimed.len() < limit {
                waiting.lease_until = Some(until);
                claimed.push(ClaimedEvent {
                    event: waiting.event.clone(),
                    attempts: waiting.attempts,
                    lease_until: until,
                });
            }
            passed.push(payment);
        }
        Ok(claimed)
    }

    async fn settle_events(&self, ended: &[(ClaimedEvent, Delivery)]) -> Result<(), StoreError> {
        let mut tables = self.tables();
        for (event, delivery) in ended {
            let ours = tables.outbox.iter_mut().find(|waiting| {
                waiting.event.id == event.event.id && waiting.lease_until == Some(event.lease_until)
            });
            let Some(waiting) = ours else {
                continue;
            };
            waiting.lease_until = None;
            waiting.attempts = waiting.attempts.saturating_add(1);
            match delivery {
                Delivery::Delivered(at) => waiting.delivered_at = Some(*at),
                Delivery::Later(at) => waiting.next_attempt_at = *at,
                Delivery::Parked(at, trouble) => waiting.parked = Some((*at, trouble.clone())),
            }
        }
        Ok(())
    }

    async fn parked_events(&self, limit: u32) -> Result<Vec<ParkedEvent>, StoreError> {
        let tables = self.tables();
        let parked = tables.outbox.iter().filter_map(|waiting| {
            let (parked_at, trouble) = waiting.parked.clone()?;
            Some(ParkedEvent {
                event: waiting.event.clone(),
                attempts: waiting.attempts,
                parked_at,
                trouble,
            })
        });
        let mut parked: Vec<_> = parked.collect();
        parked.sort_by_key(|event| event.parked_at);
        parked.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(parked)
    }

    fn signals(&self) -> Option<Arc<dyn Signals>> {
        None
    }

    async fn unpark_event(
        &self,
        id: &str,
        unparking: Unparking,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        let parked = tables
            .outbox
            .iter_mut()
            .find(|waiting| waiting.event.id == id && waiting.parked.is_some());
        let Some(waiting) = parked else {
            return Ok(false);
        };
        waiting.parked = None;
        match unparking {
            Unparking::Release => {
                waiting.attempts = 0;
                waiting.next_attempt_at = now;
            }
            Unparking::Skip(note) => {
                waiting.delivered_at = Some(now);
                waiting.skip_note = Some(note);
            }
        }
        Ok(true)
    }
}
