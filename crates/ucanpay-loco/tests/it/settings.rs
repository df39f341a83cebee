//! A setting that cannot be used is named by its path.

use std::ffi::OsString;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use loco_rs::app::Hooks as _;
use serde_json::{Value, json};
use ucanpay_loco::Settings;

use crate::app::{App, Bench, ask};

fn read(bench: &Bench, environment: &[(&str, &str)]) -> Result<Settings, String> {
    let lookup = |name: &str| {
        let found = environment.iter().find(|(there, _)| *there == name);
        found.map(|(_, value)| OsString::from(value))
    };
    let settings = Settings::read(&bench.config(), lookup).map_err(|error| error.to_string())?;
    let registry = settings.registry().map_err(|error| error.to_string())?;
    registry.build().map_err(|error| error.to_string())?;
    Ok(settings)
}

/// The configuration with this account in a list, and another one after it.
fn listed(good: &Value) -> Value {
    let mut counter = good["settings"]["ucanpay"].clone();
    counter["provider"] = "ucanpay".into();
    let mut terrace = counter.clone();
    terrace["id"] = "terrace".into();
    terrace["merchant_id"] = 2000000011.into();
    let mut config = good.clone();
    config["settings"]["ucanpay"] = json!({ "self_check": true, "accounts": [counter, terrace] });
    config
}

#[tokio::test]
async fn each_bad_setting_is_named_by_its_path_and_what_to_do_is_said() {
    let mut bench = Bench::new().await;
    read(&bench, &[]).unwrap();
    let good = bench.config.clone();
    let own = good["settings"]["ucanpay"]["private_key_file"].clone();
    let cases: [(&str, Value, &str); 17] = [
        ("merchant_id", Value::Null, "is not set"),
        ("merchant_id", json!({}), "is neither a text"),
        ("private_key_file", json!(""), "is not set"),
        (
            "private_key_file",
            json!("/nowhere/own.pem"),
            "cannot be read",
        ),
        ("platform_key_file", Value::Null, "is not set"),
        ("platform_key_file", json!(","), "names no key file"),
        ("platform_key_file", own, "public key"),
        ("notify_base_url", json!("shop.example"), "cannot be used"),
        ("base_url", json!("gateway"), "cannot be used"),
        ("pay_link_base_url", json!("pay"), "http or https"),
        ("signed_set", json!("nonsense"), "ucanpay explain"),
        ("scheme", json!("sha512"), "ucanpay explain"),
        (
            "pay_link_style",
            json!("pretty"),
            "as-printed or fully-encoded",
        ),
        ("self_check", json!("maybe"), "true or false"),
        ("late_payment", json!("keep"), "review or auto_refund"),
        ("delivery_attempts", json!(0), "whole number"),
        ("merchent_id", json!("1"), "merchant_id"),
    ];
    for (name, value, words) in cases {
        bench.config = good.clone();
        bench.set(name, value.clone());
        let error = read(&bench, &[]).unwrap_err();
        assert!(
            error.starts_with(&format!("settings.ucanpay.{name} ")),
            "{name} {value}: {error}"
        );
        assert!(error.contains(words), "{name} {value}: {error}");
    }
}

#[tokio::test]
async fn the_merchants_own_key_is_not_taken_for_the_gateways() {
    let mut bench = Bench::new().await;
    let own = bench.config["settings"]["ucanpay"]["private_key_file"].clone();
    let key = std::fs::read(own.as_str().unwrap()).unwrap();
    let public = ucanpay_core::PrivateKey::from_bytes(&key)
        .unwrap()
        .public_key()
        .to_spki_pem();
    let path = bench.folder.path().join("own.pub.pem");
    std::fs::write(&path, public).unwrap();
    bench.set("platform_key_file", path.display().to_string());
    let error = read(&bench, &[]).unwrap_err();
    assert!(
        error.contains("settings.ucanpay.platform_key_file names the merchant's own key"),
        "{error}"
    );
}

#[tokio::test]
async fn the_environment_overrides_and_is_named_where_it_is_wrong() {
    let mut bench = Bench::new().await;
    let account = bench.config["settings"]["ucanpay"].take();
    let text = |name: &str| match &account[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (own, platform) = (text("private_key_file"), text("platform_key_file"));
    let mut environment = vec![
        ("UCANPAY_MERCHANT_ID", "2000000010"),
        ("UCANPAY_PRIVATE_KEY_FILE", own.as_str()),
        ("UCANPAY_PLATFORM_KEY_FILE", platform.as_str()),
        ("UCANPAY_NOTIFY_BASE_URL", "https://shop.example"),
    ];
    read(&bench, &environment).unwrap();
    bench.set("late_payment", "review");
    environment.push(("UCANPAY_LATE_PAYMENT", "never"));
    let error = read(&bench, &environment).unwrap_err();
    assert!(
        error.starts_with("UCANPAY_LATE_PAYMENT is \"never\""),
        "{error}"
    );
}

#[tokio::test]
async fn an_app_with_a_bad_setting_does_not_start() {
    let mut bench = Bench::new().await;
    bench.set("merchant_id", "");
    let Err(error) = bench.boot().await else {
        panic!("it started");
    };
    assert!(
        error
            .to_string()
            .contains("settings.ucanpay.merchant_id is not set"),
        "{error}"
    );
}

#[tokio::test]
async fn several_accounts_stand_in_a_list_and_each_of_their_settings_is_named() {
    let mut bench = Bench::new().await;
    let good = listed(&bench.config);
    bench.config = good.clone();
    read(&bench, &[]).unwrap();
    let cases: [(&str, &str, Value, &str); 5] = [
        (
            "/accounts/1/id",
            "accounts[1].id",
            Value::Null,
            "is not the first",
        ),
        (
            "/accounts/1/provider",
            "accounts[1].provider",
            json!("birch"),
            "no factory",
        ),
        (
            "/accounts/1/merchant_id",
            "accounts[1].merchant_id",
            json!(""),
            "is not set",
        ),
        (
            "/accounts/1/merchant_id",
            "accounts[1]",
            json!(2000000010),
            "once more",
        ),
        ("/accounts", "accounts", json!("one"), "is not a list"),
    ];
    for (pointer, place, value, words) in cases {
        bench.config = good.clone();
        let written = &mut bench.config["settings"]["ucanpay"];
        *written.pointer_mut(pointer).unwrap() = value;
        let error = read(&bench, &[]).unwrap_err();
        assert!(
            error.starts_with(&format!("settings.ucanpay.{place} ")),
            "{error}"
        );
        assert!(error.contains(words), "{error}");
    }
    bench.config = good;
    bench.set("merchant_id", "2000000012");
    let error = read(&bench, &[]).unwrap_err();
    assert!(error.contains("stands beside a list"), "{error}");
}

#[tokio::test]
async fn an_app_with_two_accounts_takes_payments_at_both_addresses() {
    let mut bench = Bench::new().await;
    bench.config = listed(&bench.config);
    bench.config["settings"]["ucanpay"]["accounts"][1]["base_url"] = "http://127.0.0.1:1".into();
    let app = bench.start().await;
    app.paid("A1").await;
    let request = Request::post("/ucanpay/terrace/payment").body(Body::empty());
    let (status, text) = ask(&app.router, request.unwrap()).await;
    assert_ne!(status, StatusCode::NOT_FOUND, "{text}");
    // The second one's gateway is away, and the doctor says whose.
    let initializers = App::initializers(&app.ctx).await.unwrap();
    let check = initializers[0].check(&app.ctx).await.unwrap().unwrap();
    let words = check.description.unwrap();
    assert!(words.contains("account terrace: "), "{words}");
    assert!(!words.contains("account ucanpay: "), "{words}");
}
