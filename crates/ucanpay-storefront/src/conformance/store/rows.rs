//! Leases, due rows, lists, blocks.

use std::sync::Arc;

use super::given::{CENTS, account, at, create, first_lease, key, paid, seconds};
use super::pair::Pair;
use crate::conformance::report::{Report, Shortfall, must};
use crate::ledger::{Command, LatePolicy, Lease, Outcome, Target, Tell};
use crate::store::PaymentStore;
use crate::time::Timestamp;

pub(super) async fn expectations(
    open: &impl AsyncFn() -> Arc<dyn PaymentStore>,
    report: &mut Report,
) {
    report
        .expect("what nobody recorded is not there", async {
            let store = open().await;
            must!(
                store.load(&key("one", "A1")).await?.is_none(),
                "`load` found it"
            );
            must!(
                store.history(&key("one", "A1")).await?.is_none(),
                "`history` found it"
            );
            must!(store.recent(9).await?.is_empty(), "`recent` found it");
            Ok(())
        })
        .await;
    report
        .expect(
            "a leased row is nobody else's until the lease ends",
            async { lease(open().await).await },
        )
        .await;
    report
        .expect("a result under a lost lease writes nothing", async {
            lost_lease(open().await).await
        })
        .await;
    report
        .expect(
            "rows are claimed when they are due, for their account, longest due first",
            async { due(open().await).await },
        )
        .await;
    report
        .expect(
            "a clock that was set back leaves no row behind that is never due",
            async { set_back(open().await).await },
        )
        .await;
    report
        .expect("lists are in order and as long as was asked for", async {
            lists(open().await).await
        })
        .await;
    report
        .expect("a block is noted and never shortened", async {
            block(open().await).await
        })
        .await;
    report
        .expect("two accounts may have payments of one number", async {
            let pair = Pair::new(open().await);
            for (place, account) in (0..).zip(["one", "two"]) {
                let key = key(account, "A1");
                let now = at(place);
                let recorded = pair.apply(&key, new(now), now).await?;
                must!(
                    matches!(recorded.outcome, Outcome::Recorded(_)),
                    "account {account}: {:?}",
                    recorded.outcome
                );
                pair.apply(&key, paid(&key), at(2)).await?;
            }
            pair.compare_lists(&account("one"), at(3)).await
        })
        .await;
}

fn new(now: Timestamp) -> Command {
    create(CENTS, LatePolicy::Review, now)
}

async fn lease(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    let key = key("one", "A1");
    let claim = |now: Timestamp| Command::Claim(Target::Payment, now.after(seconds(60)));
    store.apply(&key, new(at(0)), at(0)).await?;
    for (now, expected) in [
        (at(1), false),
        (at(59), false),
        (at(60), true),
        (at(61), false),
        (at(121), true),
    ] {
        let outcome = store.apply(&key, claim(now), now).await?.outcome;
        let claimed = matches!(outcome, Outcome::Claimed(_));
        must!(
            claimed == expected,
            "{} s after it was leased for 60 s, a claim is answered {outcome:?}",
            now.since(at(0)).as_secs()
        );
    }
    Ok(())
}

async fn lost_lease(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    let pair = Pair::new(store);
    let key = key("one", "A1");
    pair.apply(&key, new(at(0)), at(0)).await?;
    let claim = Command::Claim(Target::Payment, at(130));
    pair.apply(&key, claim, at(70)).await?;
    let before = pair.tested.history(&key).await?;
    let Command::Observe(fact, _) = paid(&key) else {
        return Ok(());
    };
    for command in [
        Command::Observe(fact.clone(), Some(first_lease(at(0)))),
        Command::ObserveAndHold(fact, first_lease(at(0)), at(140)),
        Command::Release(first_lease(at(0))),
        Command::Close(Some(first_lease(at(0))), at(140)),
    ] {
        let outcome = pair.apply(&key, command, at(71)).await?.outcome;
        must!(
            outcome == Outcome::StaleLease,
            "it was answered {outcome:?}"
        );
    }
    must!(
        pair.tested.history(&key).await? == before,
        "something was written"
    );
    Ok(())
}

async fn due(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    let references = ["C", "A", "B"];
    for (place, reference) in (0..).zip(references) {
        let key = key("one", reference);
        store.apply(&key, new(at(place)), at(place)).await?;
        store
            .apply(&key, Command::Release(first_lease(at(place))), at(place))
            .await?;
    }
    let other = key("two", "D");
    store.apply(&other, new(at(0)), at(0)).await?;
    store
        .apply(&other, Command::Release(first_lease(at(0))), at(0))
        .await?;
    let one = account("one");
    let early = store.claim_due(&one, at(5), at(65), 9).await?;
    must!(early.is_empty(), "claimed before they are due: {early:?}");
    let late = store.claim_due(&one, at(600), at(660), 2).await?;
    let claimed: Vec<&str> = late.iter().map(|(key, _)| key.reference.as_str()).collect();
    must!(
        claimed == ["C", "A"],
        "of C, A, B, two were to be claimed: {claimed:?}"
    );
    for (key, lease) in &late {
        let stands = store.load(key).await?;
        let due = stands.and_then(|view| view.payment.schedule.next_check_at);
        let (target, until) = (Target::Payment, at(660));
        must!(
            *lease == Lease { target, until, due },
            "the lease is not as asked for, or does not say since when the row is due: {lease:?}, {due:?}"
        );
    }
    let rest = store.claim_due(&one, at(601), at(661), 9).await?;
    let claimed: Vec<&str> = rest.iter().map(|(key, _)| key.reference.as_str()).collect();
    must!(claimed == ["B"], "only B was left: {claimed:?}");
    let (key, lease) = &late[0];
    let observed = store
        .apply(key, Command::Release(lease.clone()), at(602))
        .await?;
    must!(
        observed.outcome == Outcome::Noted,
        "a lease from `claim_due` is not taken for one: {:?}",
        observed.outcome
    );
    Ok(())
}

async fn set_back(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    let pair = Pair::new(store);
    let one = account("one");
    let ahead = at(10 * 86_400);
    let key = key("one", "A1");
    pair.apply(&key, new(ahead), ahead).await?;
    let due = pair.claim_due(&one, at(0), at(60)).await?;
    must!(
        due.len() == 1,
        "a row written by a clock ten days ahead is not due"
    );
    let events = pair.claim_events(at(0), at(60)).await?;
    must!(
        events.len() == 1,
        "an event written by a clock ten days ahead is not delivered"
    );
    Ok(())
}

async fn lists(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    let pair = Pair::new(store);
    for (place, reference) in (0..).zip(["B", "C", "A"]) {
        pair.apply(&key("one", reference), new(at(place)), at(place))
            .await?;
    }
    for (place, reference) in (10..).zip(["A", "B"]) {
        let give_up = Command::GiveUp {
            lease: first_lease(at(if reference == "A" { 2 } else { 0 })),
            trouble: "refused".into(),
            tell: Tell::Again,
            hold: None,
            block: None,
        };
        pair.apply(&key("one", reference), give_up, at(place))
            .await?;
    }
    pair.compare_lists(&account("one"), at(20)).await?;
    let names = |views: Vec<crate::ledger::PaymentView>| -> Vec<String> {
        let names = views.into_iter().map(|view| view.payment.key.reference);
        names.map(|reference| reference.to_string()).collect()
    };
    let recent = names(pair.tested.recent(2).await?);
    must!(recent == ["A", "C"], "the two newest are {recent:?}");
    let waiting = names(pair.tested.under_review(1).await?);
    must!(waiting == ["A"], "what waits longest is {waiting:?}");
    Ok(())
}

async fn block(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    let one = account("one");
    let blocked = |wait: u64, now: Timestamp| Command::GiveUp {
        lease: first_lease(now),
        trouble: "too many requests".into(),
        tell: Tell::Nobody,
        hold: None,
        block: Some(seconds(wait)),
    };
    must!(
        store.blocked_until(&one).await?.is_none(),
        "blocked from the beginning"
    );
    for (reference, now, wait, until) in [
        ("A", at(0), 120, at(120)),
        ("B", at(1), 30, at(120)),
        ("C", at(2), 300, at(302)),
    ] {
        let key = key("one", reference);
        store.apply(&key, new(now), now).await?;
        store.apply(&key, blocked(wait, now), now).await?;
        let found = store.blocked_until(&one).await?;
        must!(
            found == Some(until),
            "told to wait {wait} s, it is blocked until {found:?}"
        );
    }
    // A lease that has passed to somebody else does not hide what the gateway said.
    let key = key("one", "A");
    store.apply(&key, blocked(600, at(0)), at(3)).await?;
    let found = store.blocked_until(&one).await?;
    must!(
        found == Some(at(603)),
        "told so under a lost lease, it is blocked until {found:?}"
    );
    must!(
        store.blocked_until(&account("two")).await?.is_none(),
        "another account is blocked too"
    );
    Ok(())
}
