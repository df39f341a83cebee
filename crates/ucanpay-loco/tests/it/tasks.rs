//! The tasks, run as `cargo loco task` runs them.

use loco_rs::app::{AppContext, Hooks as _};
use loco_rs::boot::run_task;
use loco_rs::task::Vars;
use ucanpay_storefront::{PaymentKey, Reference};

use crate::app::{App, Bench, Running, Told, until};

async fn run(ctx: &AppContext, task: &str, arguments: &[(&str, &str)]) -> Result<(), String> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let vars = Vars::from_cli_args(arguments.iter().map(own).collect());
    let ran = run_task::<App>(ctx, Some(&format!("ucanpay:{task}")), &vars).await;
    ran.map_err(|error| error.to_string())
}

fn key(app: &Running, reference: &str) -> PaymentKey {
    let payments = ucanpay_loco::payments(&app.ctx).unwrap();
    payments.key(Reference::new(reference).unwrap())
}

#[tokio::test]
async fn a_refund_is_made_once_under_its_number() {
    let app = Bench::new().await.start().await;
    app.paid("A1").await;
    let refund = [
        ("reference", "A1"),
        ("cents", "200"),
        ("reason", "cold"),
        ("number", "R1"),
    ];
    for _ in 0..2 {
        run(&app.ctx, "refund", &refund).await.unwrap();
    }
    let payments = ucanpay_loco::payments(&app.ctx).unwrap();
    let view = payments.payment(&key(&app, "A1")).await.unwrap().unwrap();
    assert_eq!(view.refunds.len(), 1);
    assert_eq!(view.refunds[0].amount.cents(), 200);
}

#[tokio::test]
async fn a_refund_with_a_wrong_argument_is_not_made() {
    let app = Bench::new().await.start().await;
    app.paid("A1").await;
    for (arguments, words) in [
        (
            vec![("cents", "1"), ("reason", "x")],
            "reference is missing",
        ),
        (
            vec![("reference", "A1"), ("reason", "x")],
            "cents is missing",
        ),
        (
            vec![("reference", "A1"), ("cents", "4.50"), ("reason", "x")],
            "whole number",
        ),
        (
            vec![("reference", "A1"), ("cents", "1")],
            "reason is missing",
        ),
        (
            vec![("reference", "A1"), ("amount", "1")],
            "amount is not known",
        ),
        // As `number:$NUMBER` is where the variable is not set: it would be another refund.
        (
            vec![
                ("reference", "A1"),
                ("cents", "1"),
                ("reason", "x"),
                ("number", ""),
            ],
            "number is empty",
        ),
        (
            vec![("reference", "B1"), ("cents", "1"), ("reason", "x")],
            "no such payment",
        ),
    ] {
        let error = run(&app.ctx, "refund", &arguments).await.unwrap_err();
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
    let payments = ucanpay_loco::payments(&app.ctx).unwrap();
    let view = payments.payment(&key(&app, "A1")).await.unwrap().unwrap();
    assert_eq!(view.refunds, []);
}

#[tokio::test]
async fn a_parked_event_is_listed_and_released_by_a_person() {
    let mut bench = Bench::new().await;
    bench.set("delivery_attempts", 1);
    let app = bench.start().await;
    let told = Told::of(&app.ctx);
    told.fail(1);
    app.place("A1").await;
    let payments = ucanpay_loco::payments(&app.ctx).unwrap();
    until(async || payments.parked_events(2).await.unwrap().len() == 1).await;
    let id = payments.parked_events(1).await.unwrap()[0].event.id.clone();
    run(&app.ctx, "review", &[]).await.unwrap();
    let unwell = run(&app.ctx, "health", &[]).await.unwrap_err();
    assert!(unwell.contains("looked into"), "{unwell}");
    let unclear = run(&app.ctx, "review", &[("event", &id)])
        .await
        .unwrap_err();
    assert!(unclear.contains("release:yes or skip"), "{unclear}");
    assert!(told.kinds().is_empty());
    run(&app.ctx, "review", &[("event", &id), ("release", "yes")])
        .await
        .unwrap();
    until(async || !told.kinds().is_empty()).await;
    run(&app.ctx, "health", &[]).await.unwrap();
}

#[tokio::test]
async fn a_parked_event_that_is_skipped_lets_the_later_ones_through() {
    let mut bench = Bench::new().await;
    bench.set("delivery_attempts", 1);
    let app = bench.start().await;
    let told = Told::of(&app.ctx);
    told.fail(1);
    app.paid("A1").await;
    let payments = ucanpay_loco::payments(&app.ctx).unwrap();
    until(async || payments.parked_events(2).await.unwrap().len() == 1).await;
    let id = payments.parked_events(1).await.unwrap()[0].event.id.clone();
    assert!(told.kinds().is_empty(), "they wait behind it");
    let skip = [("event", id.as_str()), ("skip", "known by hand")];
    run(&app.ctx, "review", &skip).await.unwrap();
    until(async || told.kinds().contains(&"payment_succeeded".to_owned())).await;
    assert!(!told.kinds().contains(&"payment_created".to_owned()));
}

#[tokio::test]
async fn reconciling_finds_a_payment_whose_notification_never_came() {
    let mut bench = Bench::new().await;
    bench.set("notify_base_url", "http://127.0.0.1:1");
    let app = bench.start().await;
    app.place("A1").await;
    // From here on nobody asks but the task.
    App::on_shutdown(&app.ctx).await;
    app.pay("A1").await;
    until(async || {
        run(&app.ctx, "reconcile", &[]).await.unwrap();
        app.status("A1").await["paid"] == true
    })
    .await;
}

#[tokio::test]
async fn a_timeline_is_told_for_a_payment_that_is_there_and_for_no_other() {
    let app = Bench::new().await.start().await;
    app.paid("A1").await;
    run(&app.ctx, "timeline", &[("reference", "A1")])
        .await
        .unwrap();
    let error = run(&app.ctx, "timeline", &[("reference", "B1")])
        .await
        .unwrap_err();
    assert!(error.contains("does not stand in the ledger"), "{error}");
}

#[tokio::test]
async fn with_ask_the_gateway_tells_what_it_was_not_asked_for_before() {
    let mut bench = Bench::new().await;
    bench.set("notify_base_url", "http://127.0.0.1:1");
    let app = bench.start().await;
    app.place("A1").await;
    // From here on nobody asks but the task.
    App::on_shutdown(&app.ctx).await;
    app.pay("A1").await;
    let timeline =
        async |ask| run(&app.ctx, "timeline", &[("reference", "A1"), ("ask", ask)]).await;
    let error = timeline("no").await.unwrap_err();
    assert!(error.contains("write ask:yes"), "{error}");
    assert_eq!(app.status("A1").await["paid"], false);
    timeline("yes").await.unwrap();
    assert_eq!(app.status("A1").await["paid"], true);
}
