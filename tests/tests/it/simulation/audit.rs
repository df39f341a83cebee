//! Watches a ledger: every command that any instance gives it is held against the laws as soon as it is done.
//!
//! It also knows what was ever frozen, so that the way to the gateway ([`Watched`](super::watched::Watched)) and the answer
//! to a notification can be held against what is committed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ucanpay_storefront::ledger::{Applied, Block, Command, EventFate, History, Lease, Target};
use ucanpay_storefront::provider::{FrozenRequest, Source};
use ucanpay_storefront::{
    PaymentKey, PaymentState, PaymentStore, ProviderId, StoreError, Timestamp,
};

use super::laws::{self, Done};
use super::{SEED, setting};

/// How much of what happened last is told when a law is broken.
const TOLD: usize = 60;

/// A payment, or a refund of it by its number.
type Asked = (PaymentKey, Option<String>);

#[derive(Debug)]
pub(crate) struct Audit {
    pub(crate) ledger: Arc<dyn PaymentStore>,
    known: Mutex<BTreeMap<PaymentKey, History>>,
    frozen: Mutex<BTreeMap<Asked, Vec<FrozenRequest>>>,
    broken: Mutex<Vec<String>>,
    happened: Mutex<VecDeque<String>>,
    latest: Mutex<Timestamp>,
    /// Whether all that happens is told: where one history is played again.
    aloud: bool,
}

impl Audit {
    pub(crate) fn of(ledger: Arc<dyn PaymentStore>) -> Self {
        Self {
            ledger,
            known: Mutex::default(),
            frozen: Mutex::default(),
            broken: Mutex::default(),
            happened: Mutex::default(),
            latest: Mutex::new(Timestamp::from_millis(0)),
            aloud: setting(SEED).is_some(),
        }
    }

    /// The laws broken so far; what led there.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let broken = self.broken.lock().unwrap();
        if broken.is_empty() {
            return Ok(());
        }
        Err(format!(
            "{}\n\n{}",
            self.happened().join("\n"),
            broken.join("\n\n")
        ))
    }

    /// What happened last, oldest first.
    pub(crate) fn happened(&self) -> Vec<String> {
        self.happened.lock().unwrap().iter().cloned().collect()
    }

    pub(crate) fn note(&self, what: String) {
        if self.aloud {
            println!("{what}");
        }
        let mut happened = self.happened.lock().unwrap();
        if happened.len() == TOLD {
            happened.pop_front();
        }
        happened.push_back(what);
    }

    pub(crate) fn broke(&self, law: &str, told: &str) {
        self.broken
            .lock()
            .unwrap()
            .push(format!("BROKEN {law}\n{told}"));
    }

    /// Gives the command to the ledger, and judges what became of it. The ledgers of the simulation take one step at a time,
    /// so what stands there before and after is what this command found and left.
    pub(crate) async fn apply(
        &self,
        key: &PaymentKey,
        command: Command,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        let standing = self.ledger.blocked_until(&key.provider).await?;
        let given = command.clone();
        let applied = self.ledger.apply(key, command, now).await?;
        let after = self.history(key).await?;
        let before = self.known.lock().unwrap().remove(key);
        let done = Done {
            before: before.as_ref(),
            command: &given,
            applied: &applied,
            after: after.as_ref(),
            now,
            latest: self.passes(now),
        };
        let line = format!("{now} {key} {} -> {:?}", name(&given), applied.outcome);
        for law in laws::judge(&done).0 {
            let told = format!("{line}\n{given:#?}\n{}", change(&before, &after));
            self.broke(law, &told);
        }
        if let Command::GiveUp {
            block: Some(wait), ..
        } = &given
        {
            let until = self.ledger.blocked_until(&key.provider).await?;
            let due = now.after((*wait).min(Duration::from_secs(3_600)));
            let kept = until.is_some_and(|until| until >= due);
            let shortened = standing.is_some_and(|was| {
                Block::rest(was, now).is_some() && until.is_none_or(|until| until < was)
            });
            if !kept || shortened {
                self.broke("10: a block is committed, and never shortened", &line);
            }
        }
        self.note(line);
        if let Some(history) = after {
            self.freeze(key, &history);
            self.known.lock().unwrap().insert(key.clone(), history);
        }
        Ok(applied)
    }

    /// The latest moment that any command was given at, now that one is given at this.
    fn passes(&self, now: Timestamp) -> Timestamp {
        let mut latest = self.latest.lock().unwrap();
        *latest = (*latest).max(now);
        *latest
    }

    /// What the ledger keeps of a payment, without how far its events are delivered: no command changes that.
    async fn history(&self, key: &PaymentKey) -> Result<Option<History>, StoreError> {
        let mut history = self.ledger.history(key).await?;
        for kept in history.iter_mut().flat_map(|history| &mut history.events) {
            (kept.attempts, kept.fate) = (0, EventFate::Waiting);
        }
        Ok(history)
    }

    /// Remembers what was frozen.
    fn freeze(&self, key: &PaymentKey, history: &History) {
        let mut frozen = self.frozen.lock().unwrap();
        let mut keep = |row: Option<String>, request: &FrozenRequest| {
            let kept = frozen.entry((key.clone(), row)).or_default();
            if kept.last() != Some(request) {
                kept.push(request.clone());
            }
        };
        keep(None, &history.view.payment.request);
        for refund in &history.view.refunds {
            if let Some(request) = &refund.request {
                keep(Some(refund.number.to_string()), request);
            }
        }
    }

    /// Takes due rows from the ledger, and looks whether they were to be had.
    pub(crate) async fn claim_due(
        &self,
        account: &ProviderId,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(PaymentKey, Lease)>, StoreError> {
        let claimed = self.ledger.claim_due(account, now, until, limit).await?;
        let stood: BTreeMap<PaymentKey, History> = {
            let known = self.known.lock().unwrap();
            let keys = claimed.iter().map(|(key, _)| key);
            keys.filter_map(|key| Some((key.clone(), known.get(key)?.clone())))
                .collect()
        };
        for (key, lease) in &claimed {
            let Some(history) = self.history(key).await? else {
                self.broke("13: only what is recorded is claimed", &key.to_string());
                continue;
            };
            let mut known = self.known.lock().unwrap();
            let before = stood.get(key);
            known.insert(key.clone(), history.clone());
            let line = format!("{now} {key} claimed {lease:?}");
            let was = before.and_then(|before| laws::schedule(&before.view, &lease.target));
            let free = was.is_some_and(|row| {
                !laws::is_leased(row.lease_until, now)
                    && row.next_check_at.is_some_and(|at| {
                        at <= now || at.since(now) > Duration::from_secs(6 * 3_600)
                    })
            });
            let is = laws::schedule(&history.view, &lease.target);
            let ours = is.is_some_and(|row| row.lease_until == Some(until));
            if !free || !ours || lease.until != until {
                let told = format!("{line}\nbefore: {before:#?}\nafter: {history:#?}");
                self.broke("13: only a due and free row is claimed, and leased", &told);
            }
            self.note(line);
        }
        Ok(claimed)
    }

    /// Whether these bytes were committed before they go out now.
    pub(crate) fn sends(&self, key: &PaymentKey, request: &FrozenRequest) {
        let frozen = self.frozen.lock().unwrap();
        let kept = frozen.get(&(key.clone(), None));
        if !kept.is_some_and(|kept| kept.contains(request)) {
            drop(frozen);
            let told = format!("{key}: {}", request.path);
            self.broke("11: what is sent was committed before", &told);
        }
    }

    /// The refund that these bytes ask for, if they were committed.
    pub(crate) fn refund_of(&self, request: &FrozenRequest) -> Option<(PaymentKey, String)> {
        let frozen = self.frozen.lock().unwrap();
        let mut rows = frozen.iter().filter(|(_, kept)| kept.contains(request));
        rows.find_map(|((key, refund), _)| Some((key.clone(), refund.clone()?)))
    }

    /// The row as it stands.
    pub(crate) fn known(&self, key: &PaymentKey) -> Option<History> {
        self.known.lock().unwrap().get(key).cloned()
    }

    /// How many payments are paid.
    pub(crate) fn paid(&self) -> usize {
        let known = self.known.lock().unwrap();
        let states = known.values().map(|history| history.view.payment.state);
        states.filter(|state| *state == PaymentState::Paid).count()
    }

    /// SUCCESS leaves the shop: the evidence is committed.
    pub(crate) async fn acknowledged(&self, key: &PaymentKey, body: &str) {
        let Ok(Some(history)) = self.ledger.history(key).await else {
            return;
        };
        let kept = history.evidence.iter().any(|kept| {
            kept.record.source == Source::Notification
                && body.contains(&kept.record.evidence.signature)
        });
        if !kept {
            let told = format!("{body}\n{history:#?}");
            self.broke("5: SUCCESS is answered after the commit", &told);
        }
    }
}

/// What stood there before, and the lines that differ afterwards.
fn change(before: &Option<History>, after: &Option<History>) -> String {
    let (was, is) = (format!("{before:#?}"), format!("{after:#?}"));
    let was: Vec<&str> = was.lines().collect();
    let news = is.lines().enumerate();
    let news = news.filter(|(nth, line)| was.get(*nth) != Some(line));
    let news: Vec<String> = news.map(|(nth, line)| format!("{nth}: {line}")).collect();
    format!("before: {}\nafter:\n{}", was.join("\n"), news.join("\n"))
}

fn name(command: &Command) -> String {
    let target = |lease: &Lease| match &lease.target {
        Target::Payment => String::new(),
        Target::Refund(number) => format!(" of {number}"),
    };
    match command {
        Command::Create(..) => "Create".into(),
        Command::RequestRefund(new, _) => format!("RequestRefund {}", new.number),
        Command::Claim(of, _) => format!("Claim {of:?}"),
        Command::Observe(fact, lease) => {
            let held = lease.as_ref().map_or("", |_| " under its lease");
            format!("Observe {:?} {:?}{held}", fact.source, fact.claim)
        }
        Command::ObserveAndHold(fact, ..) => format!("ObserveAndHold {:?}", fact.claim),
        Command::Close(lease, _) => format!("Close {}", lease.is_some()),
        Command::Reverse { .. } => "Reverse".into(),
        Command::RefuseReversal(_, trouble) => format!("RefuseReversal {trouble}"),
        Command::Release(lease) => format!("Release{}", target(lease)),
        Command::Renew(lease, ..) => format!("Renew{}", target(lease)),
        Command::GiveUp { lease, trouble, .. } => format!("GiveUp{} {trouble}", target(lease)),
        Command::SettleReview { discrepancy, .. } => format!("SettleReview {discrepancy}"),
        _ => "?".into(),
    }
}
