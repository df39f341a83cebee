//! Commands that come at once share a commit on SQLite; each has the outcome that it would have had alone.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use ucanpay_core::{Amount, Currency};
use ucanpay_storefront::ledger::{Applied, Command, NewPayment, NewRefund, Outcome, Target};
use ucanpay_storefront::provider::{
    Claim, Evidence, Fact, FrozenRequest, PaymentStatus, RefundClaim, RefundLimits, RefundStatus,
    Source,
};
use ucanpay_storefront::{
    LatePolicy, MemoryStore, PaymentKey, PaymentStore, ProviderId, Reference, RefundNumber,
    SqliteStore, StoreError, Timestamp,
};

use crate::invariants;

const NOW: Timestamp = Timestamp::from_millis(1_772_366_400_000);

fn later(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

fn key(reference: &str) -> PaymentKey {
    PaymentKey {
        provider: ProviderId::new("ucanpay").unwrap(),
        reference: Reference::new(reference).unwrap(),
    }
}

fn request() -> FrozenRequest {
    FrozenRequest {
        path: "/payment/unifiedorder".to_owned(),
        body: Arc::from([0, 1, 0xfe, 0xff, b'{']),
        key: "SHA256:0123".to_owned(),
    }
}

fn create() -> Command {
    let new = NewPayment {
        merchant: "2000000010".to_owned(),
        amount: Amount::new(450).unwrap(),
        currency: Currency::CAD,
        subject: "caf\u{e9} \"1\"".into(),
        description: "back\\slash".into(),
        expires_at: later(7_200),
        late_policy: LatePolicy::Review,
        request: request(),
    };
    Command::Create(new, later(60))
}

fn refund(number: &str, cents: i64) -> Command {
    let new = NewRefund {
        number: RefundNumber::new(number).unwrap(),
        amount: Amount::new(cents).unwrap(),
        reason: "spilt".into(),
        request: request(),
        limits: RefundLimits {
            count: 10,
            window: Duration::from_secs(86_400),
        },
        under: None,
    };
    Command::RequestRefund(new, later(60))
}

fn fact(reference: &str, gateway_number: &str, claim: Claim) -> Fact {
    let signed_text = format!("{reference} {gateway_number} {claim:?}");
    Fact {
        source: Source::Notification,
        merchant: Some("2000000010".to_owned()),
        reference: Some(reference.to_owned()),
        gateway_number: Some(gateway_number.to_owned()),
        amount: Some(Amount::new(450).unwrap()),
        currency: Some("CAD".to_owned()),
        pay_link: None,
        claim,
        missing: Vec::new(),
        evidence: Evidence {
            signed_text,
            signature: "c2ln".to_owned(),
            key: "SHA256:4567".to_owned(),
        },
    }
}

fn observe(fact: Fact) -> Command {
    Command::Observe(Box::new(fact), None)
}

fn paid(reference: &str) -> Command {
    let number = format!("U{reference}");
    observe(fact(
        reference,
        &number,
        Claim::Payment(PaymentStatus::Paid),
    ))
}

/// A ledger file whose write lock is held from outside until everybody stands in the queue.
struct Ledger {
    store: SqliteStore,
    folder: TempDir,
}

impl Ledger {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(&format!("sqlite://{}", file(&folder)))
            .await
            .unwrap();
        Self { store, folder }
    }

    /// Another program with the same file open.
    async fn other(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(Path::new(&file(&self.folder)))
            .connect()
            .await
            .unwrap()
    }

    /// Gives all commands at once, in this order. The first one goes alone, for nobody was there yet; the others share a commit.
    async fn at_once(
        &self,
        commands: Vec<(PaymentKey, Command)>,
    ) -> Vec<Result<Applied, StoreError>> {
        let mut other = self.other().await;
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut other)
            .await
            .unwrap();
        let calls: Vec<JoinHandle<_>> = commands
            .into_iter()
            .map(|(key, command)| {
                let store = self.store.clone();
                tokio::spawn(async move { store.apply(&key, command, NOW).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        sqlx::query("COMMIT").execute(&mut other).await.unwrap();
        other.close().await.unwrap();
        let mut results = Vec::new();
        for call in calls {
            results.push(call.await.unwrap());
        }
        results
    }

    async fn check(&self) {
        invariants::check_sqlite(&format!("sqlite://{}", file(&self.folder))).await;
    }
}

fn file(folder: &TempDir) -> String {
    folder.path().join("shop.sqlite").display().to_string()
}

#[tokio::test]
async fn a_payment_recorded_paid_and_told_of_again_within_one_commit_is_paid_once() {
    let ledger = Ledger::new().await;
    let mut commands = vec![(key("FIRST"), create()), (key("A1"), create())];
    commands.extend((0..63).map(|_| (key("A1"), paid("A1"))));
    let results = ledger.at_once(commands).await;
    let applied = results
        .iter()
        .filter(|result| {
            let outcome = &result.as_ref().unwrap().outcome;
            format!("{outcome:?}").contains("Applied")
        })
        .count();
    assert_eq!(applied, 1);
    let view = ledger.store.load(&key("A1")).await.unwrap().unwrap();
    assert_eq!(view.payment.state.as_str(), "paid");
    assert_eq!(
        view.payment.request,
        request(),
        "the frozen bytes, unharmed"
    );
    assert_eq!(view.payment.subject.as_str(), "caf\u{e9} \"1\"");
    let seen: i64 = sqlx::query_scalar("SELECT seen FROM ucanpay_evidence")
        .fetch_one(&mut ledger.other().await)
        .await
        .unwrap();
    assert_eq!(seen, 63, "each copy is counted");
    ledger.check().await;
}

#[tokio::test]
async fn numbers_that_two_payments_claim_within_one_commit_go_to_the_first() {
    let ledger = Ledger::new().await;
    let claims =
        |reference: &str| observe(fact(reference, "U1", Claim::Payment(PaymentStatus::Paid)));
    let setup = vec![
        (key("A1"), create()),
        (key("A2"), create()),
        (key("A3"), create()),
        (key("A3"), paid("A3")),
    ];
    for result in ledger.at_once(setup).await {
        result.unwrap();
    }
    let results = ledger
        .at_once(vec![
            (key("FIRST"), create()),
            (key("A1"), claims("A1")),
            (key("A2"), claims("A2")),
            (key("A1"), refund("R1", 100)),
            (key("A3"), refund("R1", 100)),
        ])
        .await;
    let outcomes: Vec<_> = results
        .iter()
        .map(|result| format!("{:?}", result.as_ref().unwrap().outcome))
        .collect();
    assert!(outcomes[1].contains("Applied"), "{outcomes:?}");
    assert!(outcomes[2].contains("Review"), "{outcomes:?}");
    assert!(outcomes[3].contains("Recorded"), "{outcomes:?}");
    assert!(outcomes[4].contains("Conflict"), "{outcomes:?}");
    ledger.check().await;
}

#[tokio::test]
async fn a_command_that_fails_does_not_fail_its_neighbours() {
    let ledger = Ledger::new().await;
    let references: Vec<String> = (0..20).map(|number| format!("A{number}")).collect();
    let all = |command: fn(&str) -> Command| {
        let of = |reference: &String| (key(reference), command(reference));
        references.iter().map(of).collect::<Vec<_>>()
    };
    for result in ledger.at_once(all(|_| create())).await {
        result.unwrap();
    }
    // A row that this version did not write.
    sqlx::query("UPDATE ucanpay_payment SET currency = '?' WHERE reference = 'A7'")
        .execute(&mut ledger.other().await)
        .await
        .unwrap();
    let results = ledger.at_once(all(paid)).await;
    for (reference, result) in references.iter().zip(results) {
        match (reference.as_str(), result) {
            ("A7", Err(StoreError::Corrupt { .. })) => {}
            ("A7", other) => panic!("A7: {other:?}"),
            (_, Ok(applied)) => assert!(matches!(applied.outcome, Outcome::Observed(_))),
            (_, Err(error)) => panic!("{reference}: {error:?}"),
        }
    }
    let paid: i64 = sqlx::query_scalar("SELECT count(*) FROM ucanpay_payment WHERE state = 'paid'")
        .fetch_one(&mut ledger.other().await)
        .await
        .unwrap();
    assert_eq!(paid, 19);
}

#[tokio::test]
async fn a_command_that_breaks_a_constraint_or_meets_an_unreadable_value_fails_alone() {
    for harm in [
        // The place of the event that A7 is about to tell is taken.
        "INSERT INTO ucanpay_outbox (id, provider, reference, sequence, kind, details, created_at, next_attempt_at)
         SELECT id || '!', provider, reference, 2, kind, details, created_at, next_attempt_at
           FROM ucanpay_outbox WHERE reference = 'A7'",
        // Not UTF-8.
        "UPDATE ucanpay_payment SET merchant = CAST(X'FF' AS TEXT) WHERE reference = 'A7'",
    ] {
        let ledger = Ledger::new().await;
        let references: Vec<String> = (0..20).map(|number| format!("A{number}")).collect();
        for reference in &references {
            let created = ledger.store.apply(&key(reference), create(), NOW).await;
            created.unwrap();
        }
        sqlx::query(harm)
            .execute(&mut ledger.other().await)
            .await
            .unwrap();
        let commands = references.iter().map(|of| (key(of), paid(of)));
        let results = ledger.at_once(commands.collect()).await;
        for (reference, result) in references.iter().zip(results) {
            assert_eq!(result.is_err(), reference == "A7", "{reference}: {result:?}");
        }
    }
}

#[tokio::test]
async fn a_command_whose_caller_goes_away_is_carried_out() {
    let ledger = Ledger::new().await;
    let mut other = ledger.other().await;
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    for reference in ["A1", "A2"] {
        let key = key(reference);
        let call = ledger.store.apply(&key, create(), NOW);
        let gone = tokio::time::timeout(Duration::from_millis(20), call).await;
        assert!(gone.is_err());
    }
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    // It comes after them in the queue.
    ledger.store.apply(&key("A3"), create(), NOW).await.unwrap();
    for reference in ["A1", "A2", "A3"] {
        assert!(ledger.store.load(&key(reference)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_text_with_a_zero_character_is_not_cut_off() {
    let ledger = Ledger::new().await;
    ledger.store.apply(&key("A1"), create(), NOW).await.unwrap();
    let mut zero = fact("A1", "U1", Claim::Payment(PaymentStatus::Paid));
    zero.evidence.signed_text = "body=\0&totalAmt=450".to_owned();
    let applied = ledger.store.apply(&key("A1"), observe(zero), NOW).await;
    assert!(applied.is_ok(), "{applied:?}");
    let kept: String = sqlx::query_scalar("SELECT signed_text FROM ucanpay_evidence")
        .fetch_one(&mut ledger.other().await)
        .await
        .unwrap();
    assert_eq!(kept, "body=\u{fffd}&totalAmt=450");
    ledger.check().await;
}

/// Any command about one of three payments.
fn any_command() -> impl Strategy<Value = (PaymentKey, Command)> {
    let reference = prop_oneof![Just("A1"), Just("A2"), Just("A3")];
    let number = prop_oneof![Just("R1"), Just("R2"), Just("R3")];
    let gateway_number =
        prop_oneof![4 => Just(None), 1 => Just(Some("U1")), 1 => Just(Some("UA2"))];
    let status = prop_oneof![
        4 => Just(PaymentStatus::Paid),
        1 => Just(PaymentStatus::NotPaid),
        1 => Just(PaymentStatus::Closed),
        1 => Just(PaymentStatus::PaidAndReturned),
    ];
    let result = prop_oneof![
        Just(RefundStatus::Succeeded),
        Just(RefundStatus::Processing),
        Just(RefundStatus::Failed),
    ];
    let parts = (
        reference,
        number,
        gateway_number,
        status,
        result,
        1_i64..300,
        0..6,
    );
    parts.prop_map(
        |(reference, number, gateway, status, result, cents, kind)| {
            let own = format!("U{reference}");
            let gateway = gateway.unwrap_or(&own);
            let claim = || RefundClaim {
                number: Some(number.to_owned()),
                gateway_number: Some(format!("G{number}")),
                amount: Amount::new(cents).ok(),
            };
            let command = match kind {
                0 => create(),
                1 => refund(number, cents),
                2 => Command::Claim(
                    Target::Payment,
                    later(u64::try_from(cents).unwrap() % 60 + 1),
                ),
                3 => observe(fact(reference, gateway, Claim::Payment(status))),
                4 => observe(fact(reference, gateway, Claim::RefundAccepted(claim()))),
                _ => observe(fact(reference, gateway, Claim::Refund(claim(), result))),
            };
            (key(reference), command)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn together_they_come_to_what_they_come_to_one_by_one(
        commands in proptest::collection::vec(any_command(), 2..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let ledger = Ledger::new().await;
            let memory = MemoryStore::new();
            let mut expected = Vec::new();
            for (key, command) in commands.clone() {
                expected.push(memory.apply(&key, command, NOW).await.unwrap());
            }
            let results = ledger.at_once(commands).await;
            for (result, expected) in results.into_iter().zip(expected) {
                let result = result.unwrap();
                assert_eq!(result.outcome, expected.outcome);
                assert_eq!(result.view, expected.view);
                assert_eq!(result.events, expected.events);
            }
            for reference in ["A1", "A2", "A3"] {
                let key = key(reference);
                assert_eq!(ledger.store.load(&key).await.unwrap(), memory.load(&key).await.unwrap());
            }
            ledger.check().await;
        });
    }
}
