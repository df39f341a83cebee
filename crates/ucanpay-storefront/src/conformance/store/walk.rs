//! Hundreds of commands, drawn by lot, sensible and senseless: each leaves in the store what it leaves in the model.
//!
//! The lots come from a number, so that a walk that fails is made again.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use super::given::{self, BEGIN, CENTS, cents, fact, refund_claim, seconds};
use super::pair::Pair;
use crate::conformance::report::Shortfall;
use crate::id::{PaymentKey, RefundNumber};
use crate::ledger::{Command, LatePolicy, Lease, Outcome, Target, Tell};
use crate::provider::{Claim, Fact, PaymentStatus, RefundStatus, Source};
use crate::store::{ClaimedEvent, Delivery, PaymentStore, Unparking};
use crate::time::Timestamp;

/// How many steps one walk has.
const STEPS: usize = 220;

const ACCOUNTS: [&str; 2] = ["one", "two"];

/// Walks, and says which kinds of outcome were met on the way.
pub(super) async fn walk(
    store: Arc<dyn PaymentStore>,
    lots: u64,
) -> Result<BTreeSet<String>, Shortfall> {
    let mut walker = Walker {
        pair: Pair::new(store),
        lots: Lots(lots.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
        now: BEGIN,
        leases: Vec::new(),
        facts: Vec::new(),
        claimed: Vec::new(),
        met: BTreeSet::new(),
    };
    for step in 1..=STEPS {
        walker.step().await.map_err(|shortfall| match shortfall {
            Shortfall::NotMet(reason) => {
                Shortfall::NotMet(format!("walk {lots}, step {step}: {reason}"))
            }
            Shortfall::NotTried(reason) => Shortfall::NotTried(reason),
        })?;
    }
    Ok(walker.met)
}

/// Xorshift: any sequence will do, so long as it is the same each time.
struct Lots(u64);

impl Lots {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % count.max(1)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> Option<T> {
        choices.get(self.below(choices.len())).cloned()
    }
}

struct Walker {
    pair: Pair,
    lots: Lots,
    now: Timestamp,
    /// Leases that were given out, stale ones too.
    leases: Vec<(PaymentKey, Lease)>,
    /// Facts told before.
    facts: Vec<(PaymentKey, Fact)>,
    /// Events claimed before.
    claimed: Vec<ClaimedEvent>,
    /// The kinds of outcome so far.
    met: BTreeSet<String>,
}

impl Walker {
    async fn step(&mut self) -> Result<(), Shortfall> {
        let millis = 1 + self.lots.below(9_000);
        let pause = std::time::Duration::from_millis(u64::try_from(millis).unwrap_or(1));
        self.now = self.now.after(pause);
        if self.lots.one_in(40) {
            // Beyond leases, expiries, and back-offs.
            self.now = self.now.after(seconds(700));
        }
        match self.lots.below(10) {
            0 => self.look_after_rows().await,
            1 => self.look_after_events().await,
            _ => self.command().await,
        }
    }

    async fn look_after_rows(&mut self) -> Result<(), Shortfall> {
        let account = given::account(self.account());
        let until = self.now.after(seconds(60));
        let due = self.pair.claim_due(&account, self.now, until).await?;
        for (key, _) in &due {
            self.pair.compare(key).await?;
        }
        self.leases.extend(due);
        self.pair.compare_lists(&account, self.now).await
    }

    async fn look_after_events(&mut self) -> Result<(), Shortfall> {
        let until = self.now.after(seconds(60));
        let claimed = self.pair.claim_events(self.now, until).await?;
        self.claimed.extend(claimed);
        let mut ended: Vec<(ClaimedEvent, Delivery)> = Vec::new();
        for _ in 0..4 {
            let Some(event) = self.lots.of(&self.claimed) else {
                break;
            };
            // One delivery ends once.
            let same = |(other, _): &(ClaimedEvent, Delivery)| {
                other.event.id == event.event.id && other.lease_until == event.lease_until
            };
            if ended.iter().any(same) {
                continue;
            }
            let delivery = match self.lots.below(4) {
                0 => Delivery::Later(self.now.after(seconds(30))),
                1 => Delivery::Parked(self.now, "no printer: 'none'".into()),
                _ => Delivery::Delivered(self.now),
            };
            ended.push((event, delivery));
        }
        self.pair.settle_events(&ended).await?;
        for (event, _) in ended {
            if self.lots.one_in(2) {
                let unparking = match self.lots.below(2) {
                    0 => Unparking::Release,
                    _ => Unparking::Skip("sent by hand".into()),
                };
                self.pair
                    .unpark_event(&event.event.id, unparking, self.now)
                    .await?;
            }
        }
        Ok(())
    }

    async fn command(&mut self) -> Result<(), Shortfall> {
        let key = self.key();
        let (key, command) = match self.lots.below(20) {
            0..3 => (key, self.create()),
            3..5 => {
                let (refund, amount) = self.refund(&key);
                let command = given::request_refund(&refund, amount, self.now);
                (key, command)
            }
            5..10 => {
                let fact = self.fact(&key);
                (key, Command::Observe(Box::new(fact), None))
            }
            10 => match self.lots.of(&self.facts) {
                Some((key, fact)) => (key, Command::Observe(Box::new(fact), None)),
                None => (key, self.create()),
            },
            11 => {
                let target = self.target(&key);
                (key, Command::Claim(target, self.now.after(seconds(60))))
            }
            12 => (key, Command::Close(None, self.now.after(seconds(60)))),
            13 => {
                let (window, until) = (seconds(2_000), self.now.after(seconds(60)));
                (key, Command::Reverse { window, until })
            }
            14 => {
                let discrepancy = u32::try_from(1 + self.lots.below(3)).unwrap_or(1);
                let note = "looked at: \u{2713}".into();
                (key, Command::SettleReview { discrepancy, note })
            }
            _ => match self.lots.of(&self.leases) {
                Some((key, lease)) => {
                    let command = self.under(&key, lease);
                    (key, command)
                }
                None => (key, self.create()),
            },
        };
        let word = first_word(&command);
        let applied = self.pair.apply(&key, command, self.now).await;
        let applied = applied.map_err(|shortfall| match shortfall {
            Shortfall::NotMet(reason) => Shortfall::NotMet(format!("{word}: {reason}")),
            Shortfall::NotTried(reason) => Shortfall::NotTried(reason),
        })?;
        self.met.insert(match &applied.outcome {
            Outcome::Observed(verdict) => first_word(verdict),
            outcome => first_word(outcome),
        });
        if let Outcome::Recorded(lease) | Outcome::Claimed(lease) = applied.outcome {
            self.leases.push((key, lease));
        }
        Ok(())
    }

    /// What is done under a lease, or under what was one.
    fn under(&mut self, key: &PaymentKey, lease: Lease) -> Command {
        let until = self.now.after(seconds(60));
        match self.lots.below(8) {
            0 => Command::Release(lease),
            1 => Command::Renew(lease, given::request("renewed"), until),
            2 => Command::RefuseReversal(lease, "too old".into()),
            3 => Command::Close(Some(lease), until),
            4 => Command::GiveUp {
                lease,
                trouble: "no connection: 'refused'".into(),
                tell: match self.lots.one_in(4) {
                    true => Tell::Again,
                    false => Tell::Nobody,
                },
                hold: self.lots.one_in(2).then(|| seconds(300)),
                block: self.lots.one_in(3).then(|| seconds(90)),
            },
            5 => Command::ObserveAndHold(Box::new(self.fact(key)), lease, until),
            _ => Command::Observe(Box::new(self.fact(key)), Some(lease)),
        }
    }

    fn create(&mut self) -> Command {
        let amount = if self.lots.one_in(6) { 1 } else { CENTS };
        let late = match self.lots.below(2) {
            0 => LatePolicy::Review,
            _ => LatePolicy::AutoRefund,
        };
        given::create(amount, late, self.now)
    }

    fn fact(&mut self, key: &PaymentKey) -> Fact {
        let claim = match self.lots.below(12) {
            0..2 => Claim::Placed,
            2..5 => Claim::Payment(PaymentStatus::Paid),
            5..9 => Claim::Payment(
                self.lots
                    .of(&[
                        PaymentStatus::PaidAndReturned,
                        PaymentStatus::NotPaid,
                        PaymentStatus::Paying,
                        PaymentStatus::Failed,
                        PaymentStatus::Closed,
                        PaymentStatus::Reversed,
                        PaymentStatus::Other("NEW".into()),
                    ])
                    .unwrap_or(PaymentStatus::NotPaid),
            ),
            9 => {
                let (refund, amount) = self.refund(key);
                Claim::RefundAccepted(refund_claim(&refund, amount))
            }
            _ => {
                let (refund, amount) = self.refund(key);
                let status = self
                    .lots
                    .of(&[
                        RefundStatus::Succeeded,
                        RefundStatus::Processing,
                        RefundStatus::Failed,
                        RefundStatus::Closed,
                        RefundStatus::Other("NEW".into()),
                    ])
                    .unwrap_or(RefundStatus::Processing);
                Claim::Refund(refund_claim(&refund, amount), status)
            }
        };
        let source = self
            .lots
            .of(&[Source::Notification, Source::Query, Source::Answer])
            .unwrap_or(Source::Query);
        let mut fact = fact(key, source, claim, &self.now.to_string());
        match self.lots.below(12) {
            0 => fact.amount = Some(cents(1)),
            1 => fact.gateway_number = Some(format!("G-{}", self.key().reference)),
            2 => fact.missing = vec!["currency"],
            3 => fact.pay_link = None,
            4 => fact.reference = Some("another".into()),
            _ => {}
        }
        self.facts.push((key.clone(), fact.clone()));
        fact
    }

    fn account(&mut self) -> &'static str {
        ACCOUNTS[self.lots.below(ACCOUNTS.len())]
    }

    /// One of six payments.
    fn key(&mut self) -> PaymentKey {
        let account = self.account();
        given::key(account, &format!("A{}", self.lots.below(3)))
    }

    fn target(&mut self, key: &PaymentKey) -> Target {
        if self.lots.one_in(2) {
            Target::Payment
        } else {
            Target::Refund(self.refund(key).0)
        }
    }

    /// A refund of the payment; once in a while one whose number is another payment's.
    fn refund(&mut self, key: &PaymentKey) -> (RefundNumber, i64) {
        let of = if self.lots.one_in(10) {
            self.key().reference
        } else {
            key.reference.clone()
        };
        let nth = self.lots.below(3);
        let amount = [100, 200, CENTS][nth];
        (given::number(&format!("{of}-{nth}")), amount)
    }
}

/// The variant, without what it holds.
fn first_word(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    let word = text.split(['(', ' ']).next().unwrap_or_default();
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::store::WALKS;
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn the_walks_meet_every_kind_of_outcome() {
        let mut met = BTreeSet::new();
        for lots in 1..=WALKS {
            let store = Arc::new(MemoryStore::new());
            met.extend(walk(store, lots).await.expect("the model equals itself"));
        }
        let met: Vec<&str> = met.iter().map(String::as_str).collect();
        let every = [
            "AlreadyRecorded",
            "Applied",
            "Busy",
            "Claimed",
            "Conflict",
            "Ended",
            "NotFound",
            "Noted",
            "NothingNew",
            "Recorded",
            "RefundRefused",
            "ReversalRefused",
            "Review",
            "Settled",
            "StaleLease",
            "Unmatched",
        ];
        assert_eq!(met, every);
    }
}
