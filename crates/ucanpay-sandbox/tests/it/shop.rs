//! The merchant's end of a notification: answers FAIL a number of times, then SUCCESS, and keeps what it
//! was sent.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;

#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) url: String,
    inbox: Arc<Mutex<Vec<String>>>,
    failures: usize,
}

impl Shop {
    /// A shop that fails this many times before it answers SUCCESS.
    pub(crate) async fn open(failures: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ucanpay/payment", listener.local_addr().unwrap());
        let shop = Self {
            url,
            inbox: Arc::default(),
            failures,
        };
        let router = Router::new()
            .route("/ucanpay/payment", post(receive))
            .with_state(shop.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        shop
    }

    /// The bodies received so far.
    pub(crate) fn inbox(&self) -> Vec<String> {
        self.inbox.lock().unwrap().clone()
    }

    /// The `data` of a body received.
    pub(crate) fn data(&self, index: usize) -> Value {
        let envelope: Value = serde_json::from_str(&self.inbox()[index]).unwrap();
        assert_eq!(envelope["code"], 0);
        envelope["data"].clone()
    }
}

async fn receive(State(shop): State<Shop>, body: String) -> (StatusCode, &'static str) {
    let mut inbox = shop.inbox.lock().unwrap();
    inbox.push(body);
    match inbox.len() {
        // Neither the status nor the text alone makes an acknowledgement.
        n if n > shop.failures => (
            StatusCode::OK,
            r#"{"return_code":"SUCCESS","return_msg":"OK"}"#,
        ),
        n if n % 2 == 0 => (
            StatusCode::OK,
            r#"{"return_code":"FAIL","return_msg":"not now"}"#,
        ),
        _ => (
            StatusCode::SERVICE_UNAVAILABLE,
            r#"{"return_code":"SUCCESS","return_msg":"OK"}"#,
        ),
    }
}
