//! The app starts, takes payments, and stops; or says why it does not.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use loco_rs::app::{AppContext, Hooks as _};
use loco_rs::boot::{StartMode, create_context, list_endpoints};
use loco_rs::doctor::CheckStatus;
use loco_rs::environment::Environment;
use tower::ServiceExt as _;
use ucanpay_core::PrivateKey;
use ucanpay_storefront::Payments;

use crate::app::{App, Bench, Told, ask, until};

#[tokio::test]
async fn an_app_takes_a_paid_notification_and_its_worker_is_told_once() {
    let app = Bench::new().await.start().await;
    let view = app.place("A1").await;
    assert!(view.payment.pay_link.is_some());
    assert_eq!(app.status("A1").await["state"], "awaiting_payment");
    app.pay("A1").await;
    until(async || app.status("A1").await["paid"] == true).await;
    let told = Told::of(&app.ctx);
    let paid = |kinds: Vec<String>| {
        kinds
            .iter()
            .filter(|kind| *kind == "payment_succeeded")
            .count()
    };
    until(async || paid(told.kinds()) == 1).await;
    App::on_shutdown(&app.ctx).await;
    assert_eq!(paid(told.kinds()), 1, "{:?}", told.kinds());
}

#[tokio::test]
async fn an_event_comes_again_until_the_worker_has_performed() {
    let app = Bench::new().await.start().await;
    let told = Told::of(&app.ctx);
    told.fail(1);
    app.paid("A1").await;
    until(async || told.kinds().contains(&"payment_succeeded".to_owned())).await;
    assert_eq!(
        told.kinds()[0],
        "payment_created",
        "in order, in spite of the failure"
    );
}

#[tokio::test]
async fn a_refused_notification_changes_nothing() {
    let app = Bench::new().await.start().await;
    app.place("A1").await;
    let forged = r#"{"code":0,"data":{"outTradeNo":"A1","tradeStatus":"SUCCESS","sign":"AAAA"}}"#;
    let request = Request::post("/ucanpay/payment")
        .body(Body::from(forged))
        .unwrap();
    let (status, text) = ask(&app.router, request).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(text.contains("FAIL"), "{text}");
    assert_eq!(app.status("A1").await["paid"], false);
}

#[tokio::test]
async fn the_routes_are_listed_as_locos_own() {
    let bench = Bench::new().await;
    let ctx = create_context::<App>(&Environment::Test, bench.config())
        .await
        .unwrap();
    let routes: Vec<_> = list_endpoints::<App>(&ctx)
        .iter()
        .map(ToString::to_string)
        .collect();
    for route in [
        "[POST] /ucanpay/payment",
        "[POST] /ucanpay/refund",
        "[POST] /ucanpay/{account}/payment",
        "[POST] /ucanpay/{account}/refund",
        "[GET] /ucanpay/status/{reference}",
        "[GET] /ucanpay/status/{reference}/events",
        "[GET] /ucanpay/status/{reference}/qr.svg",
    ] {
        assert!(
            routes.iter().any(|there| there == route),
            "{route}: {routes:?}"
        );
    }
}

#[tokio::test]
async fn a_context_alone_touches_no_table() {
    let bench = Bench::new().await;
    let ctx = create_context::<App>(&Environment::Test, bench.config())
        .await
        .unwrap();
    assert!(ctx.shared_store.contains::<Payments>());
    // The context of a task, before anybody has migrated: it says so, and makes nothing.
    let payments = ucanpay_loco::payments(&ctx).unwrap();
    let error = payments.payments(1).await.unwrap_err().to_string();
    assert!(error.contains("run the shop's migrations"), "{error}");
}

#[tokio::test]
async fn an_app_without_the_ledgers_tables_does_not_start_and_says_what_to_run() {
    let mut bench = Bench::new().await;
    bench.config["database"]["auto_migrate"] = false.into();
    let Err(error) = bench.boot().await else {
        panic!("it started");
    };
    assert!(
        error.to_string().contains("cargo loco db migrate"),
        "{error}"
    );
}

#[tokio::test]
async fn an_app_that_notifications_do_not_reach_does_not_start_unless_told_to() {
    let mut bench = Bench::new().await;
    bench.set("notify_base_url", "http://127.0.0.1:1/api");
    let Err(error) = bench.boot().await else {
        panic!("it started");
    };
    assert!(
        error.to_string().contains("/api/ucanpay/payment"),
        "{error}"
    );
    bench.set("self_check", false);
    bench.boot().await.unwrap();
}

#[tokio::test]
async fn a_production_app_that_would_drop_its_ledger_does_not_start() {
    let mut bench = Bench::new().await;
    bench.config["database"]["dangerously_recreate"] = true.into();
    bench.boot().await.unwrap();
    let started = App::boot(
        StartMode::ServerOnly,
        &Environment::Production,
        bench.config(),
    )
    .await;
    let Err(error) = started else {
        panic!("it started");
    };
    assert!(
        error.to_string().contains("database.dangerously_recreate"),
        "{error}"
    );
}

#[tokio::test]
async fn an_open_page_does_not_keep_the_app_from_stopping() {
    let app = Bench::new().await.start().await;
    app.place("A1").await;
    let request = Request::get("/ucanpay/status/A1/events")
        .body(Body::empty())
        .unwrap();
    let router = app.router.clone();
    let page = tokio::spawn(async move { ask(&router, request).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!page.is_finished());
    App::on_shutdown(&app.ctx).await;
    let page = tokio::time::timeout(Duration::from_secs(10), page).await;
    let (status, text) = page.expect("the page should have ended").unwrap();
    assert_eq!(status, StatusCode::OK);
    assert!(text.contains("awaiting_payment"), "{text}");
}

#[tokio::test]
async fn the_doctor_warns_of_what_waits_for_a_person() {
    let mut bench = Bench::new().await;
    bench.set("delivery_attempts", 1);
    let app = bench.start().await;
    Told::of(&app.ctx).fail(1);
    app.place("A1").await;
    until(async || doctor(&app.ctx).await.0 == CheckStatus::NotConfigure).await;
    let (_, words) = doctor(&app.ctx).await;
    assert!(words.contains("parked"), "{words}");
}

#[tokio::test]
async fn the_doctor_is_content_with_a_good_app_and_names_what_is_wrong_with_another() {
    let mut bench = Bench::new().await;
    bench.boot().await.unwrap();
    let ctx = create_context::<App>(&Environment::Test, bench.config())
        .await
        .unwrap();
    let (status, words) = doctor(&ctx).await;
    assert_eq!(status, CheckStatus::Ok, "{words}");

    let ctx = create_context::<App>(&Environment::Production, bench.config())
        .await
        .unwrap();
    let (status, words) = doctor(&ctx).await;
    assert_eq!(status, CheckStatus::NotOk);
    assert!(
        words.contains("settings.ucanpay.notify_base_url"),
        "{words}"
    );

    let uri = format!(
        "sqlite://{}/other.sqlite?mode=rwc",
        bench.folder.path().display()
    );
    bench.config["database"]["uri"] = uri.into();
    let ctx = create_context::<App>(&Environment::Test, bench.config())
        .await
        .unwrap();
    let (status, words) = doctor(&ctx).await;
    assert_eq!(status, CheckStatus::NotOk);
    assert!(words.contains("run the shop's migrations"), "{words}");
}

#[tokio::test]
async fn the_doctor_asks_the_gateway_whether_it_takes_our_key() {
    let mut bench = Bench::new().await;
    bench.boot().await.unwrap();
    let other = bench.folder.path().join("other.pem");
    let key = PrivateKey::generate(1024).unwrap();
    std::fs::write(&other, key.to_pkcs8_pem()).unwrap();
    bench.set("private_key_file", other.display().to_string());
    let ctx = create_context::<App>(&Environment::Test, bench.config())
        .await
        .unwrap();
    let (status, words) = doctor(&ctx).await;
    assert_eq!(status, CheckStatus::NotOk);
    assert!(words.contains("account ucanpay"), "{words}");
    assert!(words.contains("SIGNERROR"), "{words}");

    // Out of reach, it may be back in a moment: no reason to call the app unfit.
    bench.set("base_url", "http://127.0.0.1:1");
    let ctx = create_context::<App>(&Environment::Test, bench.config())
        .await
        .unwrap();
    let (status, words) = doctor(&ctx).await;
    assert_eq!(status, CheckStatus::NotConfigure);
    assert!(words.contains("account ucanpay"), "{words}");
}

#[tokio::test]
async fn a_notification_passes_locos_middleware() {
    let bench = Bench::new().await;
    let router = bench.boot().await.unwrap().router.unwrap();
    let request = Request::post("/ucanpay/payment").body(Body::empty());
    let answer = router.oneshot(request.unwrap()).await.unwrap();
    assert!(answer.status().is_client_error());
    // Which `request_id` of loco's has put there.
    assert!(answer.headers().contains_key("x-request-id"), "{answer:?}");
}

async fn doctor(ctx: &AppContext) -> (CheckStatus, String) {
    let initializers = App::initializers(ctx).await.unwrap();
    let check = initializers[0].check(ctx).await.unwrap().unwrap();
    let words = format!(
        "{} {}",
        check.message,
        check.description.unwrap_or_default()
    );
    (check.status, words)
}
