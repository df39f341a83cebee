//! Whatever happens, in whatever order: the ledger keeps its promises all the way, and in the end it agrees with the
//! gateway.

use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use ucanpay_storefront::ledger::Command;
use ucanpay_storefront::provider::{PaymentStatus, ProviderErrorKind as Kind, RefundStatus};
use ucanpay_storefront::{Clock as _, LatePolicy, PaymentState, Policies, RefundState, Reversal};

use crate::gateway::Fault;
use crate::invariants::check_history;
use crate::shop::Shop;

const AMOUNT: i64 = 450;
const REFERENCES: [&str; 2] = ["A1", "A2"];

/// The refunds that the shop asks for, each time under the same number.
const REFUNDS: [i64; 4] = [AMOUNT, 300, 150, 100];

/// One thing that happens to one of the payments, or to the line.
#[derive(Clone, Debug)]
enum Step {
    Start,
    /// The shop's wishes.
    Close,
    Reverse,
    Refund(usize),
    /// The same two wishes, by a process that dies after its commit.
    CloseAndDie,
    ReverseAndDie,
    /// The buyer's.
    Pays,
    FailsToPay,
    PaysThoughClosed,
    /// The gateway's: the result of a refund, news, old news again.
    Ends(usize, RefundStatus),
    Tells,
    TellsRefund(usize),
    TellsAgain(usize),
    /// A person closes a discrepancy.
    Settles(u32),
    /// The next call meets this.
    Meets(Fault),
    /// Seconds go by, the reconciler at work.
    Passes(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let result = prop_oneof![
        3 => Just(RefundStatus::Succeeded),
        2 => Just(RefundStatus::Failed),
        1 => Just(RefundStatus::Closed),
    ];
    let kind = prop_oneof![
        Just(Kind::AskFirst),
        Just(Kind::Refused),
        Just(Kind::NotThisWay),
        Just(Kind::Unclear),
        Just(Kind::Later),
    ];
    let fault = prop_oneof![
        Just(Fault::Nothing),
        Just(Fault::Unreachable),
        Just(Fault::AnswerLost),
        Just(Fault::WrongAmount),
        Just(Fault::AnotherPayment),
        Just(Fault::Says(Kind::Blocked)),
        kind.clone().prop_map(Fault::Says),
        kind.prop_map(Fault::DoneButSays),
    ];
    prop_oneof![
        2 => Just(Step::Start),
        1 => Just(Step::Close),
        1 => Just(Step::Reverse),
        12 => (0..REFUNDS.len()).prop_map(Step::Refund),
        1 => Just(Step::CloseAndDie),
        1 => Just(Step::ReverseAndDie),
        3 => Just(Step::Pays),
        1 => Just(Step::FailsToPay),
        2 => Just(Step::PaysThoughClosed),
        8 => (any::<usize>(), result).prop_map(|(n, status)| Step::Ends(n, status)),
        4 => Just(Step::Tells),
        8 => any::<usize>().prop_map(Step::TellsRefund),
        4 => any::<usize>().prop_map(Step::TellsAgain),
        2 => (1_u32..4).prop_map(Step::Settles),
        3 => fault.prop_map(Step::Meets),
        6 => prop_oneof![6 => 1_u64..40, 1 => Just(900), 1 => Just(7_300)].prop_map(Step::Passes),
    ]
}

/// A shop in which any of that happens.
struct World {
    shop: Shop,
    /// What the gateway has sent so far.
    sent: Vec<Vec<u8>>,
    /// Whose money the gateway took at some time.
    took: HashSet<&'static str>,
}

impl World {
    async fn meets(&mut self, reference: &'static str, step: Step) {
        let (shop, gateway) = (&self.shop, &self.shop.gateway);
        let key = shop.key(reference);
        let until = shop.clock.now().after(Duration::from_secs(60));
        let status = gateway.order(reference);
        match step {
            Step::Start => drop(shop.start(reference, AMOUNT).await.unwrap()),
            // What is refused is refused: the laws are asked of what stands afterwards.
            Step::Close => drop(shop.payments.close(&key).await),
            Step::Reverse => drop(shop.payments.reverse(&key).await),
            Step::Refund(n) => {
                let number = format!("{reference}R{n}");
                drop(shop.refund(reference, &number, REFUNDS[n]).await);
            }
            Step::CloseAndDie => self.dies(reference, Command::Close(None, until)).await,
            Step::ReverseAndDie => {
                let window = Duration::from_secs(7 * 86_400);
                let command = Command::Reverse { window, until };
                self.dies(reference, command).await;
            }
            Step::Pays => {
                if matches!(status, Some(PaymentStatus::NotPaid | PaymentStatus::Failed)) {
                    gateway.set_status(reference, PaymentStatus::Paid);
                    self.took.insert(reference);
                }
            }
            Step::FailsToPay => {
                if status == Some(PaymentStatus::NotPaid) {
                    gateway.set_status(reference, PaymentStatus::Failed);
                }
            }
            Step::PaysThoughClosed => {
                if status == Some(PaymentStatus::Closed) {
                    gateway.set_status(reference, PaymentStatus::Paid);
                    self.took.insert(reference);
                }
            }
            Step::Ends(n, result) => self.ends(reference, n, result),
            Step::Tells => self.tells(reference).await,
            Step::TellsRefund(n) => self.tells_refund(reference, n).await,
            Step::TellsAgain(n) => {
                if let Some(note) = nth(&self.sent, n) {
                    let _receipt = shop.note(note.clone()).await.unwrap();
                }
            }
            Step::Settles(n) => drop(shop.payments.settle_review(&key, n, "looked").await),
            Step::Meets(fault) => gateway.next_call(fault),
            Step::Passes(seconds) => self.passes(seconds).await,
        }
    }

    async fn dies(&self, reference: &str, command: Command) {
        let (key, now) = (self.shop.key(reference), self.shop.clock.now());
        self.shop.store.apply(&key, command, now).await.unwrap();
    }

    fn ends(&self, reference: &str, n: usize, result: RefundStatus) {
        let gateway = &self.shop.gateway;
        let refunds = gateway.refunds_of(reference);
        if let Some((number, RefundStatus::Processing, _)) = nth(&refunds, n) {
            if result == RefundStatus::Succeeded {
                gateway.set_status(reference, PaymentStatus::PaidAndReturned);
            }
            gateway.set_refund(number, result);
        }
    }

    async fn tells(&mut self, reference: &str) {
        let word = match self.shop.gateway.order(reference) {
            None => return,
            Some(PaymentStatus::Paid) => "SUCCESS",
            Some(PaymentStatus::PaidAndReturned) => "REFUND",
            Some(PaymentStatus::NotPaid) => "NOTPAY",
            Some(PaymentStatus::Failed) => "PAYERROR",
            Some(PaymentStatus::Closed) => "CLOSED",
            Some(PaymentStatus::Reversed) => "REVOKED",
            Some(other) => panic!("{other:?}"),
        };
        let alter = json!({"status": word});
        let note = self.shop.gateway.payment_note(reference, &alter);
        self.sends(note).await;
    }

    async fn tells_refund(&mut self, reference: &str, n: usize) {
        let refunds = self.shop.gateway.refunds_of(reference);
        let Some((number, status, _)) = nth(&refunds, n) else {
            return;
        };
        let word = match status {
            RefundStatus::Processing => "PROCESSING",
            RefundStatus::Succeeded => "SUCCESS",
            RefundStatus::Failed => "FAIL",
            RefundStatus::Closed => "REFUNDCLOSE",
            other => panic!("{other:?}"),
        };
        let alter = json!({"status": word});
        let note = self.shop.gateway.refund_note(reference, number, &alter);
        self.sends(note).await;
    }

    async fn sends(&mut self, note: Vec<u8>) {
        let _receipt = self.shop.note(note.clone()).await.unwrap();
        self.sent.push(note);
    }

    async fn passes(&self, seconds: u64) {
        let step = if seconds < 100 { 1 } else { 60 };
        for _ in 0..seconds.div_ceil(step) {
            self.shop.clock.advance(Duration::from_secs(step));
            self.shop.payments.reconcile().await.unwrap();
        }
    }

    /// What must hold at every moment.
    async fn holds(&self) {
        for reference in REFERENCES {
            let key = self.shop.key(reference);
            if let Some(history) = self.shop.store.history(&key).await.unwrap() {
                check_history(&history);
            }
            // The gateway here refuses nothing: that no more goes back than came is the ledger's doing.
            let refunds = self.shop.gateway.refunds_of(reference);
            let on_its_way = |status: &RefundStatus| {
                matches!(status, RefundStatus::Processing | RefundStatus::Succeeded)
            };
            let refunded: i64 = refunds
                .iter()
                .filter(|(_, status, _)| on_its_way(status))
                .map(|(_, _, cents)| cents)
                .sum();
            let undone = self.shop.gateway.order(reference) == Some(PaymentStatus::Reversed);
            let came = if self.took.contains(reference) && !undone {
                AMOUNT
            } else {
                0
            };
            assert!(
                refunded <= came,
                "{reference}: {refunded} of {came} went back"
            );
        }
    }

    /// The line is good from now on, and nobody wants anything more.
    async fn settles_down(&mut self) {
        self.shop.gateway.no_more_faults();
        for _ in 0..3 {
            for reference in REFERENCES {
                for n in 0..self.shop.gateway.refunds_of(reference).len() {
                    self.ends(reference, n, RefundStatus::Succeeded);
                }
                // A buyer who paid though it was closed, after the watch for that: the gateway tells.
                self.tells(reference).await;
            }
            for _ in 0..9 {
                self.shop.clock.advance(Duration::from_secs(3_600));
                self.shop.payments.reconcile().await.unwrap();
            }
            self.holds().await;
        }
    }

    async fn agrees(&self) {
        for reference in REFERENCES {
            let key = self.shop.key(reference);
            let Some(view) = self.shop.payments.payment(&key).await.unwrap() else {
                continue;
            };
            let status = self.shop.gateway.order(reference);
            let stands = (view.payment.state, view.payment.reversal);
            let agrees = match &status {
                Some(PaymentStatus::Closed) => stands == (PaymentState::Closed, None),
                Some(PaymentStatus::Reversed) => {
                    matches!(stands.0, PaymentState::Closed | PaymentState::Paid)
                        && stands.1 == Some(Reversal::Done)
                }
                Some(PaymentStatus::Paid | PaymentStatus::PaidAndReturned) => {
                    stands.0 == PaymentState::Paid
                        && matches!(stands.1, None | Some(Reversal::Refused))
                }
                _ => false,
            };
            assert!(
                agrees,
                "{reference} is {stands:?}, and {status:?} at the gateway"
            );
            let theirs: Vec<_> = self
                .shop
                .gateway
                .refunds_of(reference)
                .into_iter()
                .map(|(number, status, _)| (number, format!("{status:?}")))
                .collect();
            let mut ours: Vec<_> = view
                .refunds
                .iter()
                .map(|refund| (refund.number.to_string(), named(refund.state)))
                .collect();
            ours.sort();
            assert_eq!(ours, theirs);
        }
    }
}

/// One of them, if there are any.
fn nth<T>(of: &[T], n: usize) -> Option<&T> {
    of.get(n.checked_rem(of.len())?)
}

fn named(state: RefundState) -> String {
    format!("{state:?}")
}

/// Lets it happen, and asks the laws after each step and at the end.
async fn happens(mut shop: Shop, policy: LatePolicy, steps: Vec<(usize, Step)>) {
    let policies = Policies::default().with_late_payment(policy);
    shop.payments = shop.payments.with_policies(policies);
    let mut world = World {
        shop,
        sent: Vec::new(),
        took: HashSet::new(),
    };
    for (which, step) in steps {
        world.meets(REFERENCES[which], step).await;
        world.holds().await;
    }
    world.settles_down().await;
    world.agrees().await;
    world.shop.check().await;
}

fn any_history() -> impl Strategy<Value = (LatePolicy, Vec<(usize, Step)>)> {
    let policy = prop_oneof![Just(LatePolicy::Review), Just(LatePolicy::AutoRefund)];
    // Mostly of one payment, and mostly of one that is paid soon.
    let step = (prop_oneof![5 => Just(0), 1 => Just(1)], any_step());
    let steps = proptest::collection::vec(step, 5..80);
    let begins = prop_oneof![
        1 => Just(vec![]),
        3 => Just(vec![Step::Start, Step::Pays, Step::Tells]),
        1 => Just(vec![Step::Start, Step::Close, Step::PaysThoughClosed, Step::Tells]),
    ];
    (policy, begins, steps).prop_map(|(policy, begins, steps)| {
        let begins = begins.into_iter().map(|step| (0, step));
        (policy, begins.chain(steps).collect())
    })
}

fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future);
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn every_history_keeps_the_promises_and_ends_in_the_truth((policy, steps) in any_history()) {
        run(happens(Shop::in_memory(), policy, steps));
    }
}

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn and_so_it_does_on_disk((policy, steps) in any_history()) {
        run(async { happens(Shop::on_sqlite().await, policy, steps).await });
    }
}
