//! Raw listeners on loopback: what a test does with a connection is written byte by byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use ucanpay_transport::{Client, RetryPolicy};

use crate::scripted::merchant;

/// Listens on a free port, counts the connections, and gives each to `serve`.
pub(crate) async fn listen<F, Fut>(serve: F) -> (String, Arc<AtomicUsize>)
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, SeqCst);
            tokio::spawn(serve(stream));
        }
    });
    (url, connections)
}

/// Answers each connection's one request with these bytes, and closes it.
pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> (String, Arc<AtomicUsize>) {
    let answer: Arc<[u8]> = answer.into().into();
    listen(move |mut stream| {
        let answer = Arc::clone(&answer);
        async move {
            read_request(&mut stream).await;
            // The client may hang up before the end.
            stream.write_all(&answer).await.ok();
            stream.shutdown().await.ok();
        }
    })
    .await
}

/// Reads a request up to the end of its JSON body.
pub(crate) async fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let mut seen = Vec::new();
    while !seen.ends_with(b"}") {
        let mut chunk = [0; 4096];
        let length = stream.read(&mut chunk).await.unwrap();
        assert_ne!(length, 0, "the request broke off");
        seen.extend_from_slice(&chunk[..length]);
    }
    seen
}

/// A port that is taken and not listened on: connections to it are refused for as long as the socket lives.
pub(crate) fn closed_port() -> (String, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    (url, socket)
}

/// A client that soon runs out of patience: for a gateway that goes silent.
pub(crate) fn impatient(url: &str) -> Client {
    client_with(url, Duration::from_millis(300))
}

/// A client with all the time that a slow machine may need: for a gateway that does something.
pub(crate) fn patient(url: &str) -> Client {
    client_with(url, Duration::from_secs(8))
}

fn client_with(url: &str, attempt_timeout: Duration) -> Client {
    Client::builder(merchant())
        .base_url(url)
        .attempt_timeout(attempt_timeout)
        .retry(RetryPolicy::default().with_waits(Duration::ZERO, Duration::ZERO))
        .build()
        .unwrap()
}
