//! Settings that cannot work are refused before anything is sent.

use crate::scripted::*;
use std::time::Duration;
use ucanpay_transport::{Client, ConfigError, Effect, Error};

fn assert_shared<T: Clone + Send + Sync + 'static>(_: &T) {}

#[test]
fn a_client_is_clone_send_and_sync() {
    assert_shared(&Client::with_service(merchant(), Gateway::default()));
}

#[test]
fn a_call_can_move_between_threads() {
    fn assert_send<T: Send>(_: &T) {}
    let client = Client::with_service(merchant(), Gateway::default());
    let query = query();
    assert_send(&client.call(&query));
}

#[test]
fn a_base_url_that_cannot_work_is_a_config_error_without_the_url() {
    let error = Client::builder(merchant())
        .base_url("https://user:hunter2@api.ucanpay.ca")
        .build_with(Gateway::default())
        .unwrap_err();
    assert!(
        matches!(error, Error::Config(ConfigError::BaseUrl { .. })),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::None);
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn a_port_that_does_not_exist_is_a_config_error() {
    let error = Client::builder(merchant())
        .base_url("https://api.ucanpay.ca:70000")
        .build_with(Gateway::default())
        .unwrap_err();
    assert!(
        matches!(error, Error::Config(ConfigError::BaseUrl { reason }) if reason.contains("port")),
    );
}

#[test]
fn a_time_out_of_zero_is_a_config_error() {
    for builder in [
        Client::builder(merchant()).attempt_timeout(Duration::ZERO),
        Client::builder(merchant()).total_timeout(Duration::ZERO),
    ] {
        let error = builder.build_with(Gateway::default()).unwrap_err();
        assert!(
            matches!(error, Error::Config(ConfigError::ZeroTimeout(_))),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn requests_go_under_the_base_url() {
    let gateway = Gateway::replying([paid()]);
    let client = Client::builder(merchant())
        .base_url("http://127.0.0.1:8090/gateway/")
        .build_with(gateway.clone())
        .unwrap();
    client.call(&query()).await.unwrap();
    assert_eq!(
        gateway.requests()[0].uri(),
        "http://127.0.0.1:8090/gateway/payment/orderquery"
    );
}
