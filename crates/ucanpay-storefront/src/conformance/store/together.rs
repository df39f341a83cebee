//! Many at once, and callers who go away.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::given::{
    CENTS, account, at, create, first_lease, key, number, paid, refunded, request_refund,
};
use crate::conformance::report::{Report, Shortfall, must};
use crate::id::PaymentKey;
use crate::ledger::{
    Command, EventKind, History, LatePolicy, Outcome, PaymentState, Target, Verdict,
};
use crate::store::{PaymentStore, StoreError};
use crate::time::Timestamp;

const MANY: usize = 64;

pub(super) async fn expectations(
    open: &impl AsyncFn() -> Arc<dyn PaymentStore>,
    report: &mut Report,
) {
    report
        .expect("of many who record one payment, one does", async {
            let outcomes = at_once(open().await, &key("one", "A"), new).await?;
            one(&outcomes, "Recorded", |outcome| {
                matches!(outcome, Outcome::Recorded(_))
            })?;
            one_of_the_others(&outcomes, MANY - 1, |outcome| {
                *outcome == Outcome::AlreadyRecorded
            })
        })
        .await;
    report
        .expect("of many who claim one row, one has it", async {
            let store = open().await;
            let key = key("one", "A");
            record(&store, &key).await?;
            let claim = || Command::Claim(Target::Payment, at(160));
            let outcomes = at_once(store, &key, claim).await?;
            one(&outcomes, "Claimed", |outcome| {
                matches!(outcome, Outcome::Claimed(_))
            })?;
            one_of_the_others(&outcomes, MANY - 1, |outcome| *outcome == Outcome::Busy)
        })
        .await;
    report
        .expect("of many copies of one notification, one counts", async {
            copies(open().await).await
        })
        .await;
    report
        .expect("of many refunds of all the money, one is recorded", async {
            refunds(open().await).await
        })
        .await;
    report
        .expect("many payments paid at once are all paid", async {
            all_paid(open().await).await
        })
        .await;
    report
        .expect("what many claim at once, each of them has alone", async {
            claims(open().await).await
        })
        .await;
    report
        .expect(
            "a command whose caller goes away has happened wholly or not at all",
            async { dropped(open().await).await },
        )
        .await;
}

fn new() -> Command {
    create(CENTS, LatePolicy::Review, at(0))
}

/// Records a payment that nobody has leased.
async fn record(store: &Arc<dyn PaymentStore>, key: &PaymentKey) -> Result<(), Shortfall> {
    store.apply(key, new(), at(0)).await?;
    store
        .apply(key, Command::Release(first_lease(at(0))), at(0))
        .await?;
    Ok(())
}

/// The same command by many callers at once.
async fn at_once(
    store: Arc<dyn PaymentStore>,
    key: &PaymentKey,
    command: impl Fn() -> Command,
) -> Result<Vec<Outcome>, Shortfall> {
    let mut calls = JoinSet::new();
    for _ in 0..MANY {
        let (store, key, command) = (Arc::clone(&store), key.clone(), command());
        calls.spawn(async move { store.apply(&key, command, at(100)).await });
    }
    let mut outcomes = Vec::new();
    while let Some(called) = calls.join_next().await {
        outcomes.push(called??.outcome);
    }
    Ok(outcomes)
}

fn one(
    outcomes: &[Outcome],
    word: &str,
    is_it: impl Fn(&Outcome) -> bool,
) -> Result<(), Shortfall> {
    let count = outcomes.iter().filter(|outcome| is_it(outcome)).count();
    must!(
        count == 1,
        "{count} of {} were answered {word}",
        outcomes.len()
    );
    Ok(())
}

fn one_of_the_others(
    outcomes: &[Outcome],
    expected: usize,
    is_it: impl Fn(&Outcome) -> bool,
) -> Result<(), Shortfall> {
    let count = outcomes.iter().filter(|outcome| is_it(outcome)).count();
    must!(count == expected, "only {count} of the others were told so");
    Ok(())
}

async fn history(store: &Arc<dyn PaymentStore>, key: &PaymentKey) -> Result<History, Shortfall> {
    let history = store.history(key).await?;
    history.ok_or_else(|| Shortfall::NotMet(format!("payment {key} is not there")))
}

fn told(history: &History, kind: EventKind) -> usize {
    let events = history.events.iter();
    events.filter(|kept| kept.event.kind == kind).count()
}

async fn copies(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    let key = key("one", "A");
    record(&store, &key).await?;
    let outcomes = at_once(Arc::clone(&store), &key, || paid(&key)).await?;
    let applied = Outcome::Observed(Verdict::Applied);
    one(&outcomes, "applied", |outcome| *outcome == applied)?;
    let history = history(&store, &key).await?;
    let count = told(&history, EventKind::PaymentSucceeded);
    must!(count == 1, "PaymentSucceeded was told {count} times");
    let proofs: Vec<u64> = history.evidence.iter().map(|kept| kept.seen).collect();
    let expected = [u64::try_from(MANY)?];
    must!(
        proofs == expected,
        "the proof is kept and counted as {proofs:?}"
    );
    Ok(())
}

async fn refunds(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    let key = key("one", "A");
    record(&store, &key).await?;
    store.apply(&key, paid(&key), at(1)).await?;
    let mut calls = JoinSet::new();
    for nth in 0..MANY {
        let (store, key) = (Arc::clone(&store), key.clone());
        let command = request_refund(&number(&format!("R{nth}")), CENTS, at(2));
        calls.spawn(async move { store.apply(&key, command, at(2)).await });
    }
    let mut outcomes = Vec::new();
    while let Some(called) = calls.join_next().await {
        outcomes.push(called??.outcome);
    }
    one(&outcomes, "Recorded", |outcome| {
        matches!(outcome, Outcome::Recorded(_))
    })?;
    let history = history(&store, &key).await?;
    let count = history.view.refunds.len();
    must!(count == 1, "{count} refunds stand in the ledger");
    let refund = history.view.refunds[0].number.clone();
    store
        .apply(&key, refunded(&key, &refund, CENTS), at(3))
        .await?;
    let refunded = self::history(&store, &key).await?.view.refunded();
    must!(refunded == CENTS, "{refunded} cents went back of {CENTS}");
    Ok(())
}

async fn all_paid(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    let keys: Vec<PaymentKey> = (0..MANY)
        .map(|nth| key("one", &format!("A{nth}")))
        .collect();
    let mut calls = JoinSet::new();
    for key in keys.clone() {
        let store = Arc::clone(&store);
        calls.spawn(async move {
            store.apply(&key, new(), at(0)).await?;
            store.apply(&key, paid(&key), at(1)).await
        });
    }
    while let Some(called) = calls.join_next().await {
        called??;
    }
    for key in &keys {
        let history = history(&store, key).await?;
        let state = history.view.payment.state;
        must!(state == PaymentState::Paid, "payment {key} is {state}");
        let count = told(&history, EventKind::PaymentSucceeded);
        must!(
            count == 1,
            "PaymentSucceeded of {key} was told {count} times"
        );
    }
    Ok(())
}

async fn claims(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    const ROWS: usize = 40;
    for nth in 0..ROWS {
        record(&store, &key("one", &format!("A{nth}"))).await?;
    }
    let mut calls = JoinSet::new();
    for _ in 0..MANY / 4 {
        let store = Arc::clone(&store);
        calls.spawn(async move {
            let (now, until) = (at(100), at(160));
            let rows = store.claim_due(&account("one"), now, until, 5).await?;
            let events = store.claim_events(now, until, 5).await?;
            Ok::<_, StoreError>((rows, events))
        });
    }
    let (mut rows, mut events) = (Vec::new(), Vec::new());
    while let Some(called) = calls.join_next().await {
        let (some, told) = called??;
        rows.extend(some.into_iter().map(|(key, _)| key.to_string()));
        events.extend(told.into_iter().map(|claimed| claimed.event.id));
    }
    // A claimer may pass over what another is just taking; the next one takes it.
    let left = store
        .claim_due(&account("one"), at(101), at(161), 100)
        .await?;
    rows.extend(left.into_iter().map(|(key, _)| key.to_string()));
    let left = store.claim_events(at(101), at(161), 100).await?;
    events.extend(left.into_iter().map(|claimed| claimed.event.id));
    for (what, claimed) in [("rows", rows), ("events", events)] {
        let apart: HashSet<&String> = claimed.iter().collect();
        must!(
            apart.len() == claimed.len(),
            "{} {what} were claimed, and only {} of them by one claimer",
            claimed.len(),
            apart.len()
        );
        must!(
            claimed.len() == ROWS,
            "{} of {ROWS} {what} were claimed",
            claimed.len()
        );
    }
    Ok(())
}

/// Each caller goes away a little later than the last.
async fn dropped(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    for nth in 0..24_u64 {
        let key = key("one", &format!("A{nth}"));
        let patience = Duration::from_micros(nth * 150);
        let now = |later: u64| -> Timestamp { at(10 * nth + later) };
        let _ = tokio::time::timeout(patience, store.apply(&key, new(), now(0))).await;
        whole(&store, &key).await?;
        store.apply(&key, new(), now(1)).await?;
        whole(&store, &key).await?;
        let _ = tokio::time::timeout(patience, store.apply(&key, paid(&key), now(2))).await;
        whole(&store, &key).await?;
        store.apply(&key, paid(&key), now(3)).await?;
        let history = whole(&store, &key).await?;
        let paid = history.is_some_and(|history| history.view.payment.state == PaymentState::Paid);
        must!(paid, "notified twice, {key} is not paid");
    }
    Ok(())
}

/// A payment with all that belongs to it, or nothing of it.
async fn whole(
    store: &Arc<dyn PaymentStore>,
    key: &PaymentKey,
) -> Result<Option<History>, Shortfall> {
    let Some(history) = store.history(key).await? else {
        return Ok(None);
    };
    let paid = usize::from(history.view.payment.state == PaymentState::Paid);
    let (moves, proofs) = (history.transitions.len(), history.evidence.len());
    let created = told(&history, EventKind::PaymentCreated);
    let succeeded = told(&history, EventKind::PaymentSucceeded);
    must!(
        created == 1 && succeeded == paid && proofs == paid && moves == 1 + paid,
        "{key} is {}, with {moves} moves, {proofs} proofs, PaymentCreated told {created} times and PaymentSucceeded \
         {succeeded}",
        history.view.payment.state
    );
    Ok(Some(history))
}
