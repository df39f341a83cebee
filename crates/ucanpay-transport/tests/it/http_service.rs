//! The ready HTTP service against real sockets on loopback.

use crate::listener::{closed_port, impatient, listen, patient, read_request};
use crate::scripted::{key, members, merchant, query, signed};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use ucanpay_transport::{Client, Effect, Error, Lost, MAX_ANSWER_BYTES, ReqwestService};

#[tokio::test]
async fn an_answer_over_http_is_verified() {
    let body = signed(&key("platform-2048"), members());
    let (url, _) = listen(move |mut stream| {
        let body = body.clone();
        async move {
            read_request(&mut stream).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&body).await.unwrap();
        }
    })
    .await;
    let answer = patient(&url).call(&query()).await.unwrap();
    assert_eq!(answer.ucp_order_no.as_deref(), Some("563465342654643"));
}

#[tokio::test]
async fn a_closed_port_is_not_sent_after_three_attempts() {
    let (url, _socket) = closed_port();
    let error = patient(&url).call(&query()).await.unwrap_err();
    assert!(
        matches!(error, Error::NotSent { attempts: 3, .. }),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::None);
}

#[tokio::test]
async fn no_error_repeats_the_base_url() {
    let (nobody, _socket) = closed_port();
    let (hangs_up, _) = listen(|mut stream| async move {
        read_request(&mut stream).await;
    })
    .await;
    for url in [nobody, hangs_up] {
        let client = patient(&format!("{url}/hunter2"));
        let error = client.call(&query()).await.unwrap_err();
        let mut told = format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            told += &format!(" {error} {error:?}");
            source = error.source();
        }
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test]
async fn a_listener_that_never_answers_leaves_the_outcome_unknown() {
    let (url, connections) = listen(|mut stream| async move {
        read_request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let error = impatient(&url).call(&query()).await.unwrap_err();
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::AttemptTimeout)),
        "{error:?}"
    );
    assert_eq!(connections.load(SeqCst), 3);
}

#[tokio::test]
async fn a_connection_closed_before_the_answer_leaves_the_outcome_unknown() {
    let (url, connections) = listen(|mut stream| async move {
        read_request(&mut stream).await;
    })
    .await;
    let error = patient(&url).call(&query()).await.unwrap_err();
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::Broken(_))),
        "{error:?}"
    );
    assert_eq!(connections.load(SeqCst), 3, "no repeats of its own");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off_and_not_asked_for_again() {
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let (url, connections) = listen(move |mut stream| {
        let written = Arc::clone(&count);
        async move {
            read_request(&mut stream).await;
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10485760\r\n\r\n";
            stream.write_all(head).await.unwrap();
            while written.load(SeqCst) < 10 * 1024 * 1024 {
                if stream.write_all(&[b'x'; 64 * 1024]).await.is_err() {
                    return;
                }
                written.fetch_add(64 * 1024, SeqCst);
                // Leaves the client time to hang up.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    })
    .await;
    let error = patient(&url).call(&query()).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::OutcomeUnknown(Lost::TooLarge {
                limit: MAX_ANSWER_BYTES
            })
        ),
        "{error:?}"
    );
    assert_eq!(connections.load(SeqCst), 1);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(
        written.load(SeqCst) < 10 * 1024 * 1024,
        "it was read to its end"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, visits) = listen(|_| async {}).await;
    let (url, _) = listen(move |mut stream| {
        let head = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: {elsewhere}/\r\ncontent-length: 0\r\n\r\n"
        );
        async move {
            read_request(&mut stream).await;
            stream.write_all(head.as_bytes()).await.unwrap();
        }
    })
    .await;
    let error = patient(&url).call(&query()).await.unwrap_err();
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::Status { status, .. }) if status == 307),
        "{error:?}"
    );
    assert_eq!(visits.load(SeqCst), 0);
}

#[tokio::test]
async fn a_failed_tls_handshake_is_not_sent() {
    let (url, _) = listen(|mut stream| async move {
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .ok();
    })
    .await;
    // The service that trusts nobody: this test is not to depend on the machine's root certificates.
    let error = Client::builder(merchant())
        .base_url(&url.replace("http:", "https:"))
        .build_with(ReqwestService::without_tls().unwrap())
        .unwrap()
        .call(&query())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }), "{error:?}");
}
