//! Faults on a real socket: each yields the documented error and effect, after the documented number of attempts, which
//! the listener counts. Each attempt is one connection, since a faulty one is not used again.

use crate::listener::{answering, impatient, listen, patient, read_request};
use crate::scripted::{key, members, query, signed};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use ucanpay_transport::{Client, Effect, Error, Lost};

/// The error after an answer, the number of attempts, and what is known about the money.
async fn outcome(answer: impl Into<Vec<u8>>) -> (Error, usize) {
    let (url, connections) = answering(answer).await;
    failure(&patient(&url), &connections).await
}

async fn failure(client: &Client, connections: &AtomicUsize) -> (Error, usize) {
    let error = client.call(&query()).await.unwrap_err();
    (error, connections.load(SeqCst))
}

fn assert_broken(error: &Error) {
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::Broken(_))),
        "{error:?}"
    );
    assert_eq!(error.effect(), Effect::Unknown);
}

fn assert_malformed(error: &Error) {
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    assert_eq!(error.effect(), Effect::Unknown);
}

/// A whole HTTP/1.1 answer: `head` without its length, and `body`.
fn http(head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut answer = format!("{head}\r\ncontent-length: {length}\r\n\r\n").into_bytes();
    answer.extend_from_slice(body);
    answer
}

fn genuine() -> bytes::Bytes {
    signed(&key("platform-2048"), members())
}

#[tokio::test]
async fn a_connection_closed_in_the_middle_of_the_head_is_unknown_after_three_attempts() {
    let (error, attempts) = outcome("HTTP/1.1 200 OK\r\ncontent-le").await;
    assert_broken(&error);
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn a_connection_closed_in_the_middle_of_the_body_is_unknown_after_three_attempts() {
    let mut answer = http("HTTP/1.1 200 OK", &genuine());
    answer.truncate(answer.len() - 1);
    let (error, attempts) = outcome(answer).await;
    assert_broken(&error);
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn a_connection_closed_right_after_the_head_is_unknown_after_three_attempts() {
    let (error, attempts) = outcome("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n").await;
    assert_broken(&error);
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn a_chunked_body_without_its_last_chunk_is_unknown_even_if_the_json_is_whole() {
    let body = genuine();
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(&body);
    answer.extend_from_slice(b"\r\n");
    let (error, attempts) = outcome(answer).await;
    assert_broken(&error);
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn a_connection_closed_after_the_answer_is_replaced_for_the_next_call() {
    let (url, connections) = answering(http("HTTP/1.1 200 OK", &genuine())).await;
    let client = patient(&url);
    client.call(&query()).await.unwrap();
    client.call(&query()).await.unwrap();
    assert!((2..=3).contains(&connections.load(SeqCst)));
}

#[tokio::test]
async fn a_reset_connection_is_unknown_after_three_attempts() {
    let (url, connections) = listen(|mut stream| async move {
        read_request(&mut stream).await;
        stream.set_zero_linger().unwrap(); // closing it now sends a reset
    })
    .await;
    let (error, attempts) = failure(&patient(&url), &connections).await;
    assert_broken(&error);
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn an_answer_that_drips_in_byte_by_byte_runs_out_of_time() {
    let (url, connections) = listen(|mut stream| async move {
        read_request(&mut stream).await;
        for byte in http("HTTP/1.1 200 OK", &genuine()) {
            if stream.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
    let (error, attempts) = failure(&impatient(&url), &connections).await;
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::AttemptTimeout)),
        "{error:?}"
    );
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn a_server_error_is_unknown_after_three_attempts() {
    let page = b"<html>Internal Server Error</html>";
    let (error, attempts) = outcome(http("HTTP/1.1 500 Internal Server Error", page)).await;
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::Status { status, .. }) if status == 500),
        "{error:?}"
    );
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn too_many_requests_is_a_rate_limit_after_one_attempt() {
    let head = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7";
    let (error, attempts) = outcome(http(head, b"slow down")).await;
    assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(error.effect(), Effect::None);
    assert_eq!(attempts, 1);
}

#[tokio::test]
async fn a_web_page_is_malformed_after_one_attempt() {
    let (error, attempts) = outcome(http("HTTP/1.1 200 OK", b"<html>welcome</html>")).await;
    assert_malformed(&error);
    assert_eq!(attempts, 1);
}

#[tokio::test]
async fn an_empty_body_is_malformed_after_one_attempt() {
    let (error, attempts) = outcome(http("HTTP/1.1 200 OK", b"")).await;
    assert_malformed(&error);
    assert_eq!(attempts, 1);
}

#[tokio::test]
async fn a_compressed_answer_was_not_asked_for_and_is_malformed() {
    // `gzip -n` of an empty text.
    const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
    let requests = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    let (url, connections) = listen(move |mut stream| {
        let seen = Arc::clone(&seen);
        async move {
            let request = read_request(&mut stream).await;
            seen.lock().unwrap().extend(request);
            let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip";
            stream.write_all(&http(head, GZIP)).await.unwrap();
        }
    })
    .await;
    let (error, attempts) = failure(&patient(&url), &connections).await;
    assert_malformed(&error);
    assert_eq!(attempts, 1);
    let request = String::from_utf8(requests.lock().unwrap().clone()).unwrap();
    assert!(!request.to_lowercase().contains("accept-encoding"));
}

#[tokio::test]
async fn chunks_without_end_are_cut_off_after_one_attempt() {
    let (url, connections) = listen(|mut stream| async move {
        read_request(&mut stream).await;
        let mut next = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        while stream.write_all(&next).await.is_ok() {
            next = format!("10000\r\n{}\r\n", "x".repeat(0x10000)).into_bytes();
        }
    })
    .await;
    let (error, attempts) = failure(&patient(&url), &connections).await;
    assert!(
        matches!(error, Error::OutcomeUnknown(Lost::TooLarge { .. })),
        "{error:?}"
    );
    assert_eq!(attempts, 1);
}

#[tokio::test]
async fn an_answer_signed_with_another_key_is_untrusted_after_one_attempt() {
    let body = signed(&key("platform-1024"), members());
    let (error, attempts) = outcome(http("HTTP/1.1 200 OK", &body)).await;
    assert!(matches!(error, Error::Untrusted(_)), "{error:?}");
    assert_eq!(error.effect(), Effect::Unknown);
    assert_eq!(attempts, 1);
}

#[tokio::test]
async fn a_genuine_answer_to_another_request_is_handed_out_with_the_numbers_it_holds() {
    // The transport vouches for who signed. Whether it is this order's answer is for the one who knows the order.
    let mut members = members();
    members.insert("outTradeNo".into(), "T-OF-SOMEBODY-ELSE".into());
    let body = signed(&key("platform-2048"), members);
    let (url, _) = answering(http("HTTP/1.1 200 OK", &body)).await;
    let answer = patient(&url).call(&query()).await.unwrap();
    assert_eq!(answer.out_trade_no.as_deref(), Some("T-OF-SOMEBODY-ELSE"));
}

#[tokio::test]
async fn an_answer_in_http_1_0_that_ends_with_the_connection_is_an_answer() {
    let mut answer = b"HTTP/1.0 200 OK\r\n\r\n".to_vec();
    answer.extend_from_slice(&genuine());
    let (url, connections) = answering(answer).await;
    patient(&url).call(&query()).await.unwrap();
    assert_eq!(connections.load(SeqCst), 1);
}

#[tokio::test]
async fn an_answer_in_http_1_0_that_was_cut_off_is_malformed_after_one_attempt() {
    let mut answer = b"HTTP/1.0 200 OK\r\n\r\n".to_vec();
    answer.extend_from_slice(&genuine());
    answer.truncate(answer.len() - 1);
    let (error, attempts) = outcome(answer).await;
    assert_malformed(&error);
    assert_eq!(attempts, 1);
}

#[tokio::test]
async fn a_content_length_that_is_too_short_is_malformed_after_one_attempt() {
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n".to_vec();
    answer.extend_from_slice(&genuine());
    let (error, attempts) = outcome(answer).await;
    assert_malformed(&error);
    assert_eq!(attempts, 1);
}

#[tokio::test]
async fn a_content_length_that_is_no_number_is_unknown_after_three_attempts() {
    let (error, attempts) = outcome("HTTP/1.1 200 OK\r\ncontent-length: all\r\n\r\n{}").await;
    assert_broken(&error);
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn what_is_no_http_at_all_is_unknown_after_three_attempts() {
    let (error, attempts) = outcome("220 mail.example ESMTP\r\n").await;
    assert_broken(&error);
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn interim_answers_are_passed_over() {
    let mut answer =
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n".to_vec();
    answer.extend(http("HTTP/1.1 200 OK", &genuine()));
    let (url, connections) = answering(answer).await;
    patient(&url).call(&query()).await.unwrap();
    assert_eq!(connections.load(SeqCst), 1);
}
