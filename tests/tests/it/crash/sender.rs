//! Who sends the notifications: stands between the gateway and the shops, hands each message to one of them, and keeps the
//! book of what was answered. The book lies outside of every process that is killed.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use serde_json::Value;
use tokio::sync::watch;

use crate::processes::client;

#[derive(Clone)]
pub(super) struct Sender(Arc<Inner>);

struct Inner {
    shops: Vec<SocketAddr>,
    next: AtomicUsize,
    http: reqwest::Client,
    open: watch::Sender<bool>,
    book: Mutex<Book>,
}

/// Messages are known by their signatures.
#[derive(Default)]
struct Book {
    /// How many answers said SUCCESS.
    acknowledgements: usize,
    /// The messages that they were about.
    acknowledged: HashSet<String>,
    /// Those among them that nobody has looked for in the ledger yet.
    fresh: Vec<String>,
    /// Handed to a shop, and no SUCCESS came back, since this was asked last.
    unanswered: Vec<String>,
    /// Those that are with each of the shops right now.
    out: Vec<Vec<String>>,
}

/// What the sender knows of one stretch of time.
pub(super) struct Answers {
    pub(super) acknowledged: Vec<String>,
    pub(super) unanswered: Vec<String>,
}

impl Sender {
    /// Its address, for notify URLs, and itself.
    pub(super) async fn to(shops: &[SocketAddr]) -> (SocketAddr, Self) {
        let sender = Self(Arc::new(Inner {
            shops: shops.to_vec(),
            next: AtomicUsize::new(0),
            http: client(),
            open: watch::Sender::new(true),
            book: Mutex::new(Book {
                out: vec![Vec::new(); shops.len()],
                ..Book::default()
            }),
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .fallback(pass_on)
            .with_state(Sender::clone(&sender));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (address, sender)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap()
    }

    pub(super) fn acknowledgements(&self) -> usize {
        self.book().acknowledgements
    }

    pub(super) fn acknowledged(&self) -> HashSet<String> {
        self.book().acknowledged.clone()
    }

    /// From now on messages are held back.
    pub(super) fn hold(&self) {
        self.0.open.send_replace(false);
    }

    pub(super) fn go_on(&self) {
        self.0.open.send_replace(true);
    }

    /// Holds messages back until some have gathered, hands them over together, and returns with the first answer.
    pub(super) async fn gather_and_go_on(&self) {
        self.hold();
        tokio::time::sleep(Duration::from_millis(60)).await;
        let (since, answered) = (Instant::now(), self.acknowledgements());
        self.go_on();
        while self.acknowledgements() == answered && since.elapsed() < Duration::from_secs(5) {
            tokio::task::yield_now().await;
        }
    }

    /// The messages that are with the shop right now.
    pub(super) fn with(&self, shop: usize) -> Vec<String> {
        self.book().out[shop].clone()
    }

    /// Waits until the shop has nothing any more that it could answer.
    pub(super) async fn until_nothing_is_with(&self, shop: usize) {
        let since = Instant::now();
        while !self.with(shop).is_empty() {
            assert!(
                since.elapsed() < Duration::from_secs(30),
                "it still answers"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// What was answered, and what was not, since this was asked last.
    pub(super) fn answers(&self) -> Answers {
        let mut book = self.book();
        let unanswered = std::mem::take(&mut book.unanswered).into_iter();
        let unanswered = unanswered.filter(|message| !book.acknowledged.contains(message));
        Answers {
            unanswered: unanswered.collect(),
            acknowledged: std::mem::take(&mut book.fresh),
        }
    }

    async fn hand_over(self, uri: Uri, body: Bytes) -> (StatusCode, Bytes) {
        let inner = &*self.0;
        let mut open = inner.open.subscribe();
        // The sender of this watch lives as long as we do.
        let _ = open.wait_for(|open| *open).await;
        let message = signature(&body);
        let turn = inner.next.fetch_add(1, Ordering::Relaxed) % inner.shops.len();
        self.book().out[turn].push(message.clone());
        let answer = ask(&inner.http, inner.shops[turn], &uri, body).await;
        let mut book = self.book();
        // A message may be there twice, when the gateway did not wait for the first answer.
        let place = book.out[turn].iter().position(|out| *out == message);
        book.out[turn].swap_remove(place.expect("it was put there"));
        if answer.as_ref().is_some_and(is_success) {
            book.acknowledgements += 1;
            if book.acknowledged.insert(message.clone()) {
                book.fresh.push(message);
            }
        } else {
            book.unanswered.push(message);
        }
        answer.unwrap_or((StatusCode::BAD_GATEWAY, Bytes::new()))
    }
}

/// In a task of its own: the book is kept also when the gateway does not wait for the answer.
async fn pass_on(State(sender): State<Sender>, uri: Uri, body: Bytes) -> (StatusCode, Bytes) {
    let handed = tokio::spawn(sender.hand_over(uri, body));
    handed.await.expect("the book is kept without a panic")
}

/// The whole answer of the shop at this address; `None` if it never came.
async fn ask(
    http: &reqwest::Client,
    shop: SocketAddr,
    uri: &Uri,
    body: Bytes,
) -> Option<(StatusCode, Bytes)> {
    let request = http.post(format!("http://{shop}{uri}")).body(body);
    let answer = request.send().await.ok()?;
    let status = answer.status();
    Some((status, answer.bytes().await.ok()?))
}

/// As a gateway reads it: HTTP 200 and SUCCESS.
fn is_success((status, body): &(StatusCode, Bytes)) -> bool {
    let reply: Value = serde_json::from_slice(body).unwrap_or_default();
    *status == StatusCode::OK && reply["return_code"] == "SUCCESS"
}

fn signature(body: &Bytes) -> String {
    let message: Value = serde_json::from_slice(body).expect("the gateway sends JSON");
    let signature = message["data"]["sign"].as_str();
    signature.expect("the gateway signs").to_owned()
}
