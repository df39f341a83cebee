//! What must be true once everything has come to rest: the ledger against the gateway, and against itself.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ucanpay_core::SignatureScheme;
use ucanpay_storefront::ledger::{DiscrepancyKind, EventFate, EventKind, History, Verdict};
use ucanpay_storefront::provider::Source;
use ucanpay_storefront::{
    Clock as _, LatePolicy, PaymentState, PaymentView, Reference, Refund, RefundNumber,
    RefundState, Reversal,
};

use super::laws;
use super::world::World;

pub(crate) async fn check(world: &World) {
    let gateway = world.gateway().await;
    let gateway: BTreeMap<String, Value> = gateway
        .into_iter()
        .map(|order| (order["outTradeNo"].as_str().unwrap().to_owned(), order))
        .collect();
    let mut stuck = Stuck::default();
    for order in world.references() {
        let history = world
            .audit
            .ledger
            .history(&world.key(&order))
            .await
            .unwrap();
        // The process may have died before the intent was recorded; then nothing was sent either.
        let at_gateway = gateway.get(order.as_str());
        let Some(history) = history else {
            assert!(at_gateway.is_none(), "{order}: sent before it was recorded");
            continue;
        };
        let told = format!("{order}: {history:#?}\nat the gateway: {at_gateway:#?}");
        agrees_with_the_gateway(world, &history, at_gateway, &mut stuck, &told);
        agrees_with_itself(&history, &told);
        each_proof_proves(world, &history, &told);
        a_late_payment_is_looked_after(world, &history, &told);
        the_shop_was_told(world, &order, &history, &told);
        if let Some(at_gateway) = at_gateway {
            what_was_acknowledged_is_kept(&history, at_gateway, &told);
        }
    }
    let census = world.audit.ledger.census(world.clock.now()).await.unwrap();
    for account in census.accounts.values() {
        let unsettled = account.payments.total();
        assert_eq!(unsettled, stuck.payments, "payments never settled");
        assert_eq!(
            account.refunds.total(),
            stuck.refunds,
            "refunds never settled"
        );
    }
    assert_eq!(census.undelivered.count, 0, "events never delivered");
    assert_eq!(census.parked.count, 0, "events parked");
}

/// What can never settle, and a person has been told.
#[derive(Default)]
struct Stuck {
    /// The gateway took another amount, or does not tell the end.
    payments: u64,
    /// Their money went back another way, and the gateway takes them no more.
    refunds: u64,
}

fn agrees_with_the_gateway(
    world: &World,
    history: &History,
    order: Option<&Value>,
    stuck: &mut Stuck,
    told: &str,
) {
    let payment = &history.view.payment;
    let raised = |kind| laws::was_raised(&history.view, kind);
    if order.is_some_and(|order| order["totalAmt"] != payment.amount.cents()) {
        world.seen.see("the gateway took another amount");
        assert!(raised(DiscrepancyKind::Mismatch), "another amount\n{told}");
        // The answer to a reversal or a close states no amount, and ends the payment: what was taken went back, or nothing
        // was taken.
        let status = order.and_then(|order| order["tradeStatus"].as_str());
        let taken = order.is_some_and(|order| !order["paidTime"].is_null());
        let over = status == Some("REVOKED") || (status == Some("CLOSED") && !taken);
        let ended = over && payment.state == PaymentState::Closed;
        assert!(
            ended || payment.state == PaymentState::Expired,
            "not ours\n{told}"
        );
        stuck.payments += u64::from(!ended);
        return;
    }
    let taken = order.is_some_and(|order| !order["paidTime"].is_null());
    let reversed = order.is_some_and(|order| order["tradeStatus"] == "REVOKED");
    // The answer that said it was lost, and the gateway cannot be asked: it wants a number that it will not tell, or tells
    // nothing of what is not paid. Then it stays open, so that nobody acts on it, and a person knows.
    let status = order.and_then(|order| order["tradeStatus"].as_str());
    let ended = matches!(status, Some("CLOSED" | "REVOKED"));
    let cannot_be_asked = world.does("own-numbers=mandatory")
        && payment.gateway_number.is_none()
        && (world.does("re-entry=refuse") || taken || ended);
    let tells_nothing = world.does("unpaid=not-exist") && !taken && ended;
    if (cannot_be_asked || tells_nothing) && payment.state == PaymentState::Expired {
        let reversing = payment.reversal == Some(Reversal::Requested);
        let wish = if reversing {
            "to be reversed: "
        } else {
            "to be closed: "
        };
        let mut rows = history.view.discrepancies.iter();
        let knows = rows.any(|row| {
            let counts = row.is_open() || !reversing;
            row.kind == DiscrepancyKind::Refused && row.note.starts_with(wish) && counts
        });
        assert!(knows, "a person knows\n{told}");
        world.seen.see("an end that nobody tells");
        stuck.payments += 1;
        return;
    }
    let paid = payment.state == PaymentState::Paid;
    // 4 and 15: paid here means that the gateway took the money, and the other way round; but what was reversed before it
    // was seen paid is closed.
    assert_eq!(paid, taken && (paid || !reversed), "paid?\n{told}");
    if paid {
        world.seen.see("paid");
        if waits_for_another(world, &history.view) && payment.reversal != Some(Reversal::Refused) {
            stuck.payments += 1;
        }
        if payment.closed_at.is_some() {
            world.seen.see("paid after it was closed");
            assert!(payment.late, "late?\n{told}");
        }
    } else {
        // Its time is up, eleven hours after the last thing happened.
        assert_eq!(payment.state, PaymentState::Closed, "closed?\n{told}");
        assert!(ended, "closed at the gateway?\n{told}");
        world.seen.see("closed");
    }
    let Some(order) = order else {
        return;
    };
    assert_eq!(
        payment.reversal == Some(Reversal::Done),
        reversed,
        "reversed?\n{told}"
    );
    if reversed && taken {
        world.seen.see("reversed after it was paid");
    }
    // 9 and 10: each refund was executed once at most, and all of them together fit.
    let refunds = order["refunds"].as_array().unwrap();
    // A failed refund is asked about by our number alone, and this gateway wants its own. Whether it went through after all
    // is told by a notification; one of the faults is that it names another amount, and then a person looks.
    let unconfirmed = |row: &Refund| {
        let about_it = laws::about(row.number.as_str());
        let misled = laws::was_raised_about(&history.view, DiscrepancyKind::Mismatch, &about_it);
        world.does("own-numbers=mandatory") && misled && row.state == RefundState::Failed
    };
    let (mut returned, mut known) = (0, 0);
    let mut at_gateway = BTreeMap::new();
    for refund in refunds {
        let number = refund["outRefundNo"].as_str().unwrap();
        let status = refund["refundStatus"].as_str().unwrap();
        // One of the portal's is known if the gateway told of it, and is a row if money went back.
        let portal = number.starts_with('P');
        let rows = history.view.refunds.iter();
        let rows: Vec<_> = rows.filter(|row| row.number.as_str() == number).collect();
        let stands = rows.len();
        if status == "SUCCESS" {
            let cents = refund["refundAmt"].as_i64().unwrap();
            returned += cents;
            // Of the portal's there is no other word than the gateway's, and one of the faults is a word that is false.
            let recorded: i64 = rows.iter().map(|row| row.amount.cents()).sum();
            let misled = portal && recorded == cents + 1;
            assert!(
                stands == 0 || recorded == cents || misled,
                "refund {number}\n{told}"
            );
            known += match rows.iter().any(|row| unconfirmed(row)) {
                true => 0,
                false => recorded,
            };
            world.seen.see("refunded");
        }
        if portal && stands == 0 {
            continue;
        }
        let before = at_gateway.insert(number, status);
        assert!(before.is_none(), "refund {number} twice\n{told}");
        assert_eq!(stands, 1, "refund {number} in the ledger\n{told}");
    }
    if reversed {
        assert_eq!(returned, 0, "reversed and refunded\n{told}");
    }
    assert!(
        returned <= payment.amount.cents(),
        "too much went back\n{told}"
    );
    assert_eq!(history.view.refunded(), known, "refunded\n{told}");
    for refund in &history.view.refunds {
        let about_it = laws::about(refund.number.as_str());
        let refused = laws::was_raised_about(&history.view, DiscrepancyKind::Refused, &about_it);
        // The gateway takes it no more: all went back by a reversal, or too little of it is left.
        let cents = refund.amount.cents();
        let no_more = reversed || returned + cents > payment.amount.cents();
        let elsewhere = no_more && (refused || raised(DiscrepancyKind::RefundedTooMuch));
        let status = at_gateway.get(refund.number.as_str()).copied();
        let waits = refund.state == RefundState::Requested;
        if elsewhere && waits && status.is_none() {
            world.seen.see("a refund whose money went back another way");
            stuck.refunds += 1;
            continue;
        }
        // Asked for again after it had failed, and not taken any more; nor can the gateway be asked, which wants the number
        // that its answer would have brought.
        let cannot_be_asked = world.does("own-numbers=mandatory")
            && refund.gateway_number.is_none()
            && status == Some("FAIL");
        if cannot_be_asked && waits && refused {
            world.seen.see("a failed refund that nobody tells");
            stuck.refunds += 1;
            continue;
        }
        let expected = match status {
            Some("SUCCESS") if unconfirmed(refund) => RefundState::Failed,
            Some("SUCCESS") => RefundState::Succeeded,
            Some("FAIL") => RefundState::Failed,
            Some("REFUNDCLOSE") => RefundState::Closed,
            other => panic!(
                "refund {} is {other:?} at the gateway\n{told}",
                refund.number
            ),
        };
        assert_eq!(refund.state, expected, "refund {}\n{told}", refund.number);
    }
}

fn agrees_with_itself(history: &History, told: &str) {
    let payment = &history.view.payment;
    let count = |kind| {
        let events = history.events.iter();
        events.filter(|kept| kept.event.kind == kind).count()
    };
    // 2: paid, and exactly one PaymentSucceeded.
    let paid = payment.state == PaymentState::Paid;
    assert_eq!(
        count(EventKind::PaymentSucceeded),
        usize::from(paid),
        "{told}"
    );
    assert_eq!(
        count(EventKind::LatePayment),
        usize::from(payment.late),
        "{told}"
    );
    // 3: paid, and proof of it.
    if paid {
        let moved = history.transitions.iter();
        let mut moved = moved.filter(|row| row.refund.is_none() && row.from != Some("paid"));
        let moved = moved.find(|row| row.to == "paid").expect(told);
        let mut proofs = history.evidence.iter();
        let proof = proofs.find(|kept| Some(&kept.record.digest) == moved.evidence.as_ref());
        let proof = &proof.expect(told).record;
        assert_eq!(proof.verdict, Verdict::Applied, "{told}");
        assert!(
            proof
                .evidence
                .signed_text
                .contains(payment.key.reference.as_str()),
            "{told}"
        );
    }
    // 6: the log, replayed, gives the row.
    let mut rows: BTreeMap<Option<&str>, (&str, u64)> = BTreeMap::new();
    for row in &history.transitions {
        let number = row.refund.as_ref().map(RefundNumber::as_str);
        let before = rows.insert(number, (row.to, row.version));
        assert_eq!(row.from, before.map(|(state, _)| state), "{told}");
        assert_eq!(
            row.version,
            before.map_or(1, |(_, version)| version + 1),
            "{told}"
        );
    }
    let stands = Some(&(payment.state.as_str(), payment.version));
    assert_eq!(rows.get(&None), stands, "{told}");
    for refund in &history.view.refunds {
        let stands = Some(&(refund.state.as_str(), refund.version));
        assert_eq!(rows.get(&Some(refund.number.as_str())), stands, "{told}");
    }
    // 8: one ReviewRequired for each discrepancy.
    let discrepancies = history.view.discrepancies.len();
    assert_eq!(count(EventKind::ReviewRequired), discrepancies, "{told}");
}

/// 3: what is kept is proof for anybody who has the gateway's key: nothing but the texts and the key is asked.
fn each_proof_proves(world: &World, history: &History, told: &str) {
    let scheme = SignatureScheme::DOCUMENTED;
    let key = world.keys.platform.public_key();
    let verifier = key.verifier();
    for kept in &history.evidence {
        let proof = &kept.record.evidence;
        assert_eq!(proof.key, key.fingerprint().as_str(), "{told}");
        let signature = STANDARD.decode(&proof.signature).expect(told);
        let message = scheme.message(&proof.signed_text, None);
        let proves = verifier.verify(scheme.digest, &message, &signature);
        assert!(proves, "{}\n{told}", proof.signed_text);
    }
}

/// A late payment is to go back by itself, and another refund stands before that one for good: it never settles, or it
/// failed and cannot be asked about.
fn waits_for_another(world: &World, view: &PaymentView) -> bool {
    view.owes_late_refund()
        && view.refunds.iter().any(|row| {
            let unconfirmed = row.state == RefundState::Failed && row.confirmed_at.is_none();
            !row.state.is_settled() || (unconfirmed && world.does("own-numbers=mandatory"))
        })
}

/// 4: somebody knows of it, or has seen it, or it went back as agreed.
fn a_late_payment_is_looked_after(world: &World, history: &History, told: &str) {
    let (view, payment) = (&history.view, &history.view.payment);
    if !payment.late {
        return;
    }
    let late = RefundNumber::of_late_payment(&payment.key);
    let of_it = view.refund(&late);
    let mut rows = view.discrepancies.iter();
    let row = rows.find(|row| row.kind == DiscrepancyKind::LatePayment);
    match &row.expect(told).closed {
        None => {
            let unknown_sum = laws::reserved(view) == 0
                && laws::was_raised(view, DiscrepancyKind::UnexplainedReturn);
            let nothing_owed = view.refundable() == 0 || unknown_sum;
            let fits = match (world.late, of_it) {
                (LatePolicy::AutoRefund, None) => nothing_owed || waits_for_another(world, view),
                (LatePolicy::AutoRefund, Some(row)) => row.state != RefundState::Succeeded,
                (_, row) => row.is_none(),
            };
            assert!(fits, "a late payment\n{told}");
            world.seen.see("a late payment that waits for a person");
        }
        Some(closed) if closed.note.as_str() == "seen" => {
            world.seen.see("a late payment that a person has seen");
        }
        Some(_) => {
            let succeeded = of_it.is_some_and(|row| row.state == RefundState::Succeeded);
            assert!(succeeded, "not refunded\n{told}");
            world.seen.see("a late payment that went back by itself");
        }
    }
}

/// 12: every event once or more, under one id, in order.
fn the_shop_was_told(world: &World, order: &Reference, history: &History, told: &str) {
    let shop = std::sync::Arc::clone(&world.shop);
    let handled = shop.handled.lock().unwrap();
    let handled = handled.get(order.as_str()).map_or(&[][..], Vec::as_slice);
    let events = history.events.iter().map(|kept| &kept.event);
    assert!(handled.iter().eq(events), "handled: {handled:#?}\n{told}");
    for (place, kept) in history.events.iter().enumerate() {
        let place = u64::try_from(place).unwrap();
        assert_eq!(kept.event.sequence, place + 1, "{told}");
        assert!(matches!(kept.fate, EventFate::Delivered(_)), "{told}");
        if kept.event.kind == EventKind::RecoveredByQuery {
            world.seen.see("found paid by asking");
        }
    }
}

/// 5: what was answered SUCCESS is kept.
fn what_was_acknowledged_is_kept(history: &History, order: &Value, told: &str) {
    for delivery in order["deliveries"].as_array().unwrap() {
        if delivery["accepted"] != true {
            continue;
        }
        let body = delivery["request"].as_str().unwrap();
        let attempts = delivery["attempts"].as_array().unwrap();
        // One that the fault plan changed on the way was not this body.
        let whole = attempts.iter().any(|attempt| {
            let answered = attempt["status"] == 200;
            answered && (attempt["fault"].is_null() || attempt["fault"] == "notification.duplicate")
        });
        if !whole {
            continue;
        }
        let kept = history.evidence.iter().any(|kept| {
            kept.record.source == Source::Notification
                && body.contains(&kept.record.evidence.signature)
        });
        assert!(kept, "acknowledged and not kept: {body}\n{told}");
    }
}
