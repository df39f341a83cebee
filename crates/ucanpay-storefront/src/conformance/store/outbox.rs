//! Events: in order within a payment, one at a time, tried again, parked.

use std::sync::Arc;

use super::given::{CENTS, at, create, key, paid};
use super::pair::Pair;
use crate::conformance::report::{Report, Shortfall, must};
use crate::id::PaymentKey;
use crate::ledger::{EventKind, LatePolicy};
use crate::store::{ClaimedEvent, Delivery, PaymentStore, Unparking};

pub(super) async fn expectations(
    open: &impl AsyncFn() -> Arc<dyn PaymentStore>,
    report: &mut Report,
) {
    report
        .expect(
            "the events of a payment come one after the other, those of others beside them",
            async { in_order(open().await).await },
        )
        .await;
    report
        .expect(
            "an event is one claimer's until the lease ends, and then another's",
            async { leased(open().await).await },
        )
        .await;
    report
        .expect(
            "a failed delivery comes again, counted, and not before its time",
            async { later(open().await).await },
        )
        .await;
    report
        .expect(
            "a parked event waits for a person, and the payment's later ones behind it",
            async { parked(open().await).await },
        )
        .await;
    report
        .expect(
            "deliveries that end together end each in its own way",
            async { together(open().await).await },
        )
        .await;
    report
        .expect("a message of no payment is told once", async {
            let pair = Pair::new(open().await);
            let stranger = key("one", "nobody");
            for now in [at(0), at(1)] {
                pair.apply(&stranger, paid(&stranger), now).await?;
            }
            let told = pair.claim_events(at(2), at(62)).await?;
            must!(told.len() == 1, "it was told {} times", told.len());
            must!(
                told[0].event.kind == EventKind::NotificationUnmatched
                    && told[0].event.reference.is_none(),
                "it was told as {:?}",
                told[0].event
            );
            Ok(())
        })
        .await;
}

/// Two payments, each recorded and paid.
async fn two(store: Arc<dyn PaymentStore>) -> Result<Pair, Shortfall> {
    let pair = Pair::new(store);
    for reference in ["A", "B"] {
        let key = key("one", reference);
        let command = create(CENTS, LatePolicy::Review, at(0));
        pair.apply(&key, command, at(0)).await?;
        pair.apply(&key, paid(&key), at(1)).await?;
    }
    Ok(pair)
}

fn of<'a>(claimed: &'a [ClaimedEvent], key: &PaymentKey) -> Option<&'a ClaimedEvent> {
    claimed
        .iter()
        .find(|claimed| claimed.event.reference.as_ref() == Some(&key.reference))
}

async fn in_order(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    let pair = two(store).await?;
    let expected = [EventKind::PaymentCreated, EventKind::PaymentSucceeded];
    for (round, kind) in (1..).zip(expected) {
        let now = at(10 * round);
        let claimed = pair.claim_events(now, at(10 * round + 5)).await?;
        must!(
            claimed.len() == 2,
            "two payments have an event to tell, and {} are claimed",
            claimed.len()
        );
        for event in &claimed {
            must!(
                event.event.kind == kind && event.event.sequence == round,
                "event {round} of a payment is to be {kind}, and number {} came, {}",
                event.event.sequence,
                event.event.kind
            );
            let delivered = Delivery::Delivered(now);
            pair.settle_event(event, delivered).await?;
        }
    }
    for round in 3..10 {
        for event in pair
            .claim_events(at(10 * round), at(10 * round + 5))
            .await?
        {
            let delivered = Delivery::Delivered(at(10 * round));
            pair.settle_event(&event, delivered).await?;
        }
    }
    let again = pair.claim_events(at(7_000), at(7_060)).await?;
    must!(again.is_empty(), "delivered, and claimed again: {again:?}");
    let key = key("one", "A");
    pair.compare(&key).await
}

async fn leased(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    let pair = two(store).await?;
    let first = pair.claim_events(at(10), at(70)).await?;
    must!(first.len() == 2, "claimed {} of 2", first.len());
    let meanwhile = pair.claim_events(at(11), at(71)).await?;
    must!(
        meanwhile.is_empty(),
        "claimed by somebody else meanwhile: {meanwhile:?}"
    );
    let then = pair.claim_events(at(70), at(130)).await?;
    must!(
        then.len() == 2,
        "after the lease, {} of 2 are claimed again",
        then.len()
    );
    // Whoever lost it has no say any more.
    pair.settle_event(&first[0], Delivery::Delivered(at(71)))
        .await?;
    let after = pair.claim_events(at(130), at(190)).await?;
    must!(
        after.len() == 2,
        "settled by whoever had lost it, an event counts as delivered"
    );
    Ok(())
}

async fn later(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    let pair = two(store).await?;
    let key = key("one", "A");
    for (round, attempts) in [(10, 0), (40, 1), (70, 2)] {
        let claimed = pair.claim_events(at(round), at(round + 5)).await?;
        let Some(event) = of(&claimed, &key) else {
            return Err(Shortfall::NotMet(format!("not claimed again at {round} s")));
        };
        must!(
            event.attempts == attempts && event.event.sequence == 1,
            "tried {attempts} times, it says {} (event {})",
            event.attempts,
            event.event.sequence
        );
        pair.settle_event(event, Delivery::Later(at(round + 30)))
            .await?;
        let early = pair.claim_events(at(round + 29), at(round + 29)).await?;
        must!(of(&early, &key).is_none(), "claimed before its time");
    }
    pair.compare(&key).await
}

async fn together(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    let pair = Pair::new(store);
    for reference in ["A", "B", "C", "D"] {
        let key = key("one", reference);
        let command = create(CENTS, LatePolicy::Review, at(0));
        pair.apply(&key, command, at(0)).await?;
    }
    // One of the four passes to somebody else before its end is noted.
    let lost = pair.tested.claim_events(at(1), at(5), 1).await?;
    let lost_in_model = pair.model.claim_events(at(1), at(5), 1).await?;
    must!(
        lost.len() == 1 && lost[0].event.id == lost_in_model[0].event.id,
        "asked for one, the oldest, {} came: {lost:?}",
        lost.len()
    );
    let claimed = pair.claim_events(at(10), at(70)).await?;
    must!(claimed.len() == 4, "claimed {} of 4", claimed.len());
    let rest = claimed
        .iter()
        .filter(|one| one.event.id != lost[0].event.id);
    let ends = [
        Delivery::Delivered(at(11)),
        Delivery::Later(at(40)),
        Delivery::Parked(at(11), "no printer: \"none\"".into()),
    ];
    let mut ended: Vec<_> = rest.cloned().zip(ends).collect();
    ended.insert(1, (lost[0].clone(), Delivery::Delivered(at(11))));
    pair.settle_events(&ended).await?;
    pair.settle_events(&[]).await?;

    for (event, _) in &ended {
        let reference = event.event.reference.clone();
        pair.compare(&key("one", reference.as_ref().map_or("", |of| of.as_str())))
            .await?;
    }
    let then = pair.claim_events(at(70), at(130)).await?;
    let again: Vec<&str> = then.iter().map(|one| one.event.id.as_str()).collect();
    let mut expected = [&lost[0].event.id, &ended[2].0.event.id];
    expected.sort_unstable();
    must!(
        again == expected,
        "to be told still are {expected:?}, and {again:?} were claimed"
    );
    Ok(())
}

async fn parked(store: Arc<dyn PaymentStore>) -> Result<(), Shortfall> {
    let pair = two(store).await?;
    let key = key("one", "A");
    let claimed = pair.claim_events(at(10), at(15)).await?;
    let event = of(&claimed, &key).ok_or_else(|| Shortfall::NotMet("not claimed".into()))?;
    let id = event.event.id.clone();
    pair.settle_event(event, Delivery::Parked(at(10), "no printer".into()))
        .await?;
    let behind = pair.claim_events(at(20), at(25)).await?;
    must!(
        of(&behind, &key).is_none(),
        "the payment's next event did not wait behind the parked one"
    );
    let parked = pair.tested.parked_events(9).await?;
    must!(
        parked.len() == 1 && parked[0].event.id == id && parked[0].trouble == "no printer",
        "parked: {parked:?}"
    );
    let no_such = pair
        .unpark_event("no such event", Unparking::Release, at(30))
        .await?;
    must!(!no_such, "an event that is not there was released");

    must!(
        pair.unpark_event(&id, Unparking::Release, at(30)).await?,
        "it was not released"
    );
    let again = pair.claim_events(at(31), at(36)).await?;
    let event =
        of(&again, &key).ok_or_else(|| Shortfall::NotMet("released, and not claimed".into()))?;
    must!(
        event.event.id == id && event.attempts == 0,
        "released, {} came, tried {} times",
        event.event.id,
        event.attempts
    );
    pair.settle_event(event, Delivery::Parked(at(32), "no printer".into()))
        .await?;
    let skip = Unparking::Skip("told by hand".into());
    must!(
        pair.unpark_event(&id, skip.clone(), at(40)).await?,
        "it was not skipped"
    );
    must!(
        !pair.unpark_event(&id, skip, at(41)).await?,
        "it was skipped twice"
    );
    let next = pair.claim_events(at(50), at(55)).await?;
    let event =
        of(&next, &key).ok_or_else(|| Shortfall::NotMet("skipped, and nothing follows".into()))?;
    must!(
        event.event.sequence == 2,
        "after the skipped one came number {}",
        event.event.sequence
    );
    pair.compare(&key).await
}
