//! The settings of the ready HTTP service, over plain sockets; `tls.rs` has those of TLS.

use crate::listener::{answering, listen, read_request};
use crate::scripted::{key, members, merchant, query, signed};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use ucanpay_transport::{
    Client, ConfigError, Effect, Error, Lost, ReqwestService, ReqwestServiceBuilder, RetryPolicy,
};

fn plain() -> ReqwestServiceBuilder {
    // These tests are not to depend on the machine's root certificates.
    ReqwestService::builder()
        .only_roots(include_bytes!("../fixtures/tls/root.pem"))
        .plain_http()
}

fn client(url: &str, service: ReqwestServiceBuilder) -> Client {
    Client::builder(merchant())
        .base_url(url)
        .retry(RetryPolicy::never())
        .build_with(service.build().unwrap())
        .unwrap()
}

fn genuine() -> Vec<u8> {
    let body = signed(&key("platform-2048"), members());
    let mut answer =
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend_from_slice(&body);
    answer
}

#[tokio::test]
async fn plain_http_is_refused_before_anything_is_sent_unless_it_is_allowed() {
    let (url, connections) = answering(genuine()).await;
    let careful = ReqwestService::builder().only_roots(include_bytes!("../fixtures/tls/root.pem"));
    let error = client(&url, careful).call(&query()).await.unwrap_err();
    assert_eq!(error.effect(), Effect::None, "{error:?}");
    assert_eq!(connections.load(SeqCst), 0);
    client(&url, plain()).call(&query()).await.unwrap();
}

#[tokio::test]
async fn a_proxy_gets_the_request_with_the_credentials_and_the_gateway_no_connection() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let requests = Arc::clone(&seen);
    let (proxy, _) = listen(move |mut stream| {
        let requests = Arc::clone(&requests);
        async move {
            let request = read_request(&mut stream).await;
            requests.lock().unwrap().extend(request);
            stream.write_all(&genuine()).await.unwrap();
        }
    })
    .await;
    let (url, connections) = answering(genuine()).await;
    let proxy = proxy.replace("http://", "http://shop:p%40ss@");
    client(&url, plain().proxy(&proxy))
        .call(&query())
        .await
        .unwrap();
    assert_eq!(connections.load(SeqCst), 0, "it went past the proxy");
    let request = String::from_utf8(seen.lock().unwrap().clone()).unwrap();
    assert!(
        request.starts_with(&format!("POST {url}/payment/orderquery ")),
        "{request}"
    );
    let credentials = format!("Basic {}", STANDARD.encode("shop:p@ss"));
    assert!(request.contains(&credentials), "{request}");
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_is_not_sent_and_its_address_is_not_shown() {
    let (proxy, _socket) = crate::listener::closed_port();
    let (url, connections) = answering(genuine()).await;
    let service = plain().proxy(&proxy.replace("http://", "http://shop:hunter2@"));
    assert!(!format!("{service:?}").contains("hunter2"));
    let client = client(&url, service);
    let error = client.call(&query()).await.unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }), "{error:?}");
    assert!(!format!("{client:?} {error} {error:?}").contains("hunter2"));
    assert_eq!(connections.load(SeqCst), 0, "it went past the proxy");
}

#[test]
fn a_proxy_address_that_cannot_be_used_is_a_config_error_without_the_address() {
    let error = plain()
        .proxy("socks5://shop:hunter2@proxy")
        .build()
        .unwrap_err();
    assert!(
        matches!(&error, Error::Config(ConfigError::Proxy { reason }) if reason.contains("http://")),
        "{error:?}"
    );
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[test]
fn a_text_that_holds_no_certificate_is_a_config_error() {
    const NOT_X509: &[u8] = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for pem in [
        b"".as_slice(),
        b"not a PEM text",
        b"-----BEGIN CERTIFICATE-----\nAAAA",
        NOT_X509,
    ] {
        for service in [
            ReqwestService::builder().only_roots(pem),
            ReqwestService::builder().add_roots(pem),
            plain().add_roots(pem),
        ] {
            let error = service.build().unwrap_err();
            assert!(
                matches!(error, Error::Config(ConfigError::Roots { .. })),
                "{error:?}"
            );
        }
    }
}

#[test]
fn a_connect_time_out_of_zero_is_a_config_error() {
    let error = plain().connect_timeout(Duration::ZERO).build().unwrap_err();
    assert!(
        matches!(
            error,
            Error::Config(ConfigError::ZeroTimeout("connect_timeout"))
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn the_answer_limit_is_the_one_that_was_set() {
    let (url, _) = answering(genuine()).await;
    let error = client(&url, plain().max_answer_bytes(100))
        .call(&query())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::TooLarge { limit: 100 })),
        "{error:?}"
    );
}

/// How many connections two calls, one after the other, need at a server that would keep them open.
async fn connections_for_two_calls(service: ReqwestServiceBuilder) -> usize {
    let (url, connections) = listen(|mut stream| async move {
        loop {
            read_request(&mut stream).await;
            stream.write_all(&genuine()).await.unwrap();
        }
    })
    .await;
    let client = client(&url, service);
    client.call(&query()).await.unwrap();
    // A connection goes back to the pool a moment after its answer.
    tokio::time::sleep(Duration::from_millis(200)).await;
    client.call(&query()).await.unwrap();
    connections.load(SeqCst)
}

#[tokio::test]
async fn a_connection_is_used_again_unless_none_may_be_kept() {
    assert_eq!(connections_for_two_calls(plain()).await, 1);
    assert_eq!(
        connections_for_two_calls(plain().max_idle_per_host(0)).await,
        2
    );
}

#[tokio::test]
async fn a_connection_that_was_idle_for_too_long_is_not_used_again() {
    let short = Duration::from_millis(1);
    assert_eq!(
        connections_for_two_calls(plain().idle_timeout(short)).await,
        2
    );
}
