//! One block for all: while the gateway takes no calls of an account, no instance makes one.

use std::sync::Arc;
use std::time::Duration;

use ucanpay_storefront::ledger::{Block, Command, Lease, Outcome, Target, Tell};
use ucanpay_storefront::provider::ProviderErrorKind as Kind;
use ucanpay_storefront::{Clock as _, Closing, PaymentState, RefundState};

use crate::gateway::Fault;
use crate::shop::{Shop, shops};

const SECOND: Duration = Duration::from_secs(1);

/// Another instance on the same ledger.
fn twin(shop: &Shop) -> Shop {
    let (store, clock) = (Arc::clone(&shop.store), Arc::clone(&shop.clock));
    Shop::with(store, shop.gateway.clone(), clock, None)
}

/// Both instances at work for some seconds.
async fn both(shop: &Shop, twin: &Shop, seconds: u64) {
    for _ in 0..seconds {
        shop.clock.advance(SECOND);
        let (one, two) = tokio::join!(shop.payments.reconcile(), twin.payments.reconcile());
        one.unwrap();
        two.unwrap();
    }
}

#[tokio::test]
async fn no_instance_makes_a_call_inside_the_window_and_what_was_recorded_goes_out_after_it() {
    for shop in shops().await {
        shop.paid("P1", 450).await;
        for reference in ["A1", "A2", "A3"] {
            shop.start(reference, 450).await.unwrap();
        }
        shop.gateway.next_call(Fault::Says(Kind::Blocked));
        let blocked = shop.start("B1", 450).await.unwrap();
        assert!(blocked.payment.pay_link.is_none());
        let calls = shop.gateway.calls();

        // Everything that a shop may want, by either instance, and after a restart.
        let other = twin(&shop);
        both(&shop, &other, 20).await;
        let started = other.start("B2", 450).await.unwrap();
        assert_eq!(started.payment.state, PaymentState::Created);
        let trouble = started.payment.trouble.expect("why there is no link");
        assert!(
            trouble.contains("no calls of this account for 4"),
            "{trouble}"
        );
        let refund = other.refund("P1", "R1", 100).await.unwrap();
        assert_eq!(refund.state, RefundState::Requested);
        shop.payments.refresh(&shop.key("A1")).await.unwrap();
        let closing = other.payments.close(&shop.key("A2")).await.unwrap();
        assert!(matches!(closing, Closing::StillOpen(_)));
        let shop = shop.restarted().await;
        both(&shop, &other, 39).await;
        shop.start("B1", 450).await.unwrap();
        assert_eq!(shop.gateway.calls(), calls, "a call inside the window");

        both(&shop, &other, 60).await;
        assert!(shop.gateway.calls() > calls);
        for reference in ["B1", "B2"] {
            assert!(shop.view(reference).await.payment.pay_link.is_some());
        }
        assert_eq!(
            shop.view("P1").await.refunds[0].state,
            RefundState::Processing
        );
        assert_eq!(shop.view("A2").await.payment.state, PaymentState::Closed);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_query_that_meets_the_block_after_an_open_answer_notes_it_too() {
    for shop in shops().await {
        shop.gateway.next_call(Fault::Says(Kind::AskFirst));
        shop.gateway.next_call(Fault::Says(Kind::Blocked));
        shop.start("A1", 450).await.unwrap();
        assert_eq!(shop.gateway.calls(), 2);
        shop.start("A2", 450).await.unwrap();
        assert_eq!(shop.gateway.calls(), 2);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_block_met_while_a_payment_is_ended_holds_for_the_next_step_too() {
    // The query before the close, the close itself, the query after it; and placing what was never placed.
    for (step, placed) in [(0, true), (1, true), (2, true), (0, false)] {
        for shop in shops().await {
            if !placed {
                shop.gateway.next_call(Fault::Unreachable);
            }
            shop.start("A1", 450).await.unwrap();
            for _ in 0..step {
                shop.gateway.next_call(Fault::Nothing);
            }
            shop.gateway.next_call(Fault::Says(Kind::Blocked));
            let calls = shop.gateway.calls();
            let _ = shop.payments.close(&shop.key("A1")).await.unwrap();
            let _ = shop.payments.close(&shop.key("A1")).await.unwrap();
            shop.pass(30).await;
            let made = shop.gateway.calls() - calls;
            // A close whose answer ends the payment leaves nothing to ask.
            assert!(made <= step + 1, "{made} calls, blocked at {step}");
            shop.check().await;
        }
    }
}

#[tokio::test]
async fn a_call_in_flight_when_the_block_is_committed_counts_and_none_follows_it() {
    for lost in [true, false] {
        for shop in shops().await {
            shop.start("A1", 450).await.unwrap();
            let gate = shop.gateway.hold_next_cancellation();
            let (payments, key) = (shop.payments.clone(), shop.key("A1"));
            let closing = tokio::spawn(async move { payments.close(&key).await.unwrap() });
            gate.arrived().await;
            // The close is out. Another instance is told that the account is blocked.
            shop.gateway.next_call(Fault::Says(Kind::Blocked));
            twin(&shop).start("B1", 450).await.unwrap();
            let calls = shop.gateway.calls();
            if lost {
                shop.gateway.next_call(Fault::AnswerLost);
            }
            gate.open();
            let closing = closing.await.unwrap();
            assert_eq!(matches!(closing, Closing::Closed(_)), !lost);
            shop.pass(58).await;
            assert_eq!(shop.gateway.calls(), calls + 1, "the one in flight");
            shop.pass(20).await;
            assert_eq!(shop.view("A1").await.payment.state, PaymentState::Closed);
            shop.check().await;
        }
    }
}

fn give_up(seconds: u64) -> Command {
    let until = ucanpay_storefront::Timestamp::from_millis(1);
    Command::GiveUp {
        lease: Lease {
            target: Target::Payment,
            until,
            due: None,
        },
        trouble: "too many requests".into(),
        tell: Tell::Nobody,
        hold: None,
        block: Some(Duration::from_secs(seconds)),
    }
}

#[tokio::test]
async fn a_block_is_noted_though_the_lease_passed_on_and_is_never_shortened() {
    for shop in shops().await {
        shop.start("A1", 450).await.unwrap();
        let (key, now) = (shop.key("A1"), shop.clock.now());
        for (seconds, stands) in [(300, 300), (60, 300), (301, 301), (86_400, 3_600)] {
            let applied = shop.store.apply(&key, give_up(seconds), now).await.unwrap();
            assert_eq!(applied.outcome, Outcome::StaleLease);
            let until = shop.store.blocked_until(&key.provider).await.unwrap();
            assert_eq!(until, Some(now.after(Duration::from_secs(stands))));
        }
        shop.check().await;
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_leaves_no_block_behind() {
    for shop in shops().await {
        shop.gateway.next_call(Fault::Says(Kind::Blocked));
        shop.start("A1", 450).await.unwrap();
        let calls = shop.gateway.calls();
        shop.clock.set_back(Duration::from_secs(7_200));
        shop.start("A2", 450).await.unwrap();
        assert_eq!(shop.gateway.calls(), calls + 1);
        // A new block counts from the new time, though an end far ahead stands there.
        shop.gateway.next_call(Fault::Says(Kind::Blocked));
        shop.start("A3", 450).await.unwrap();
        let account = shop.key("A3").provider;
        let until = shop.store.blocked_until(&account).await.unwrap().unwrap();
        let rest = Block::rest(until, shop.clock.now());
        assert_eq!(rest, Some(Duration::from_secs(60)));
        shop.check().await;
    }
}

#[tokio::test]
async fn a_check_tells_whether_the_gateway_takes_this_account_and_asks_nothing_of_a_blocked_one() {
    for shop in shops().await {
        let check = async || {
            let mut accounts = shop.payments.check().await;
            assert_eq!(accounts.len(), 1);
            let (account, result) = accounts.remove(0);
            assert_eq!(account, *shop.payments.registry().default_id());
            result.map_err(|error| error.kind())
        };
        assert_eq!(check().await, Ok(()));
        for (fault, kind) in [
            (Fault::Says(Kind::BadSignature), Kind::BadSignature),
            (Fault::Says(Kind::Refused), Kind::Refused),
            (Fault::Unreachable, Kind::Unreachable),
        ] {
            shop.gateway.next_call(fault);
            assert_eq!(check().await, Err(kind));
        }
        shop.gateway.next_call(Fault::Says(Kind::Blocked));
        shop.start("A1", 450).await.unwrap();
        let calls = shop.gateway.calls();
        assert_eq!(check().await, Err(Kind::Later));
        assert_eq!(shop.gateway.calls(), calls);
        // It leaves nothing behind.
        assert_eq!(shop.payments.payments(9).await.unwrap().len(), 1);
        shop.check().await;
    }
}

#[tokio::test]
async fn a_block_that_the_check_meets_is_kept_to_by_all() {
    for shop in shops().await {
        let other = twin(&shop);
        shop.gateway.next_call(Fault::Says(Kind::Blocked));
        let checked = shop.payments.check().await;
        let met = checked[0].1.as_ref().unwrap_err();
        assert_eq!(met.kind(), Kind::Blocked);
        let calls = shop.gateway.calls();

        let started = other.start("A1", 450).await.unwrap();
        assert_eq!(started.payment.state, PaymentState::Created);
        let checked = other.payments.check().await;
        let held = checked[0].1.as_ref().unwrap_err();
        assert_eq!(held.kind(), Kind::Later);
        assert_eq!(shop.gateway.calls(), calls, "a call inside the window");

        both(&shop, &other, 75).await;
        assert!(other.view("A1").await.payment.pay_link.is_some());
        shop.check().await;
    }
}
