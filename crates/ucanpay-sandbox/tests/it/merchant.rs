//! A merchant with its own reading of the signature rules: signs requests, checks answers, talks HTTP.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use ucanpay_core::{Digest, PrivateKey};
use ucanpay_sandbox::{Sandbox, SandboxConfig};

pub(crate) const MERCHANT_ID: &str = "2000000010";

/// One of the repository's test keys.
pub(crate) fn key(name: &str) -> PrivateKey {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/keys/keys.json"
    );
    let keys: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    PrivateKey::from_bytes(keys[name]["pkcs8"].as_str().unwrap().as_bytes()).unwrap()
}

/// A quick sandbox: notifications at once and every 200 ms, refunds after 200 ms.
pub(crate) fn config() -> SandboxConfig {
    SandboxConfig::new(
        MERCHANT_ID,
        key("merchant-2048").public_key().clone(),
        key("platform-2048"),
    )
    .with_first_notification_delay(Duration::from_millis(10))
    .with_notify_interval(Duration::from_millis(200))
    .with_refund_delay(Duration::from_millis(200))
}

/// A sandbox being served on a free port; `stop` ends it as a shutdown would.
pub(crate) struct Served {
    pub(crate) base: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Served {
    pub(crate) async fn start(config: SandboxConfig) -> Self {
        let sandbox = Sandbox::open(config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(async move {
            sandbox
                .serve(listener, async {
                    let _ = stopped.await;
                })
                .await
        });
        Self { base, stop, server }
    }

    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.server.await.unwrap().unwrap();
    }

    /// A call, signed by the merchant; the whole envelope.
    pub(crate) async fn call(&self, path: &str, members: Value) -> Value {
        self.send(path, signed(members, &key("merchant-2048")).to_string())
            .await
    }

    /// A call's `data`, its signature checked.
    pub(crate) async fn data(&self, path: &str, members: Value) -> Value {
        let envelope = self.call(path, members).await;
        assert_eq!(envelope["code"], 0, "{envelope}");
        assert_eq!(envelope["msg"], "SUCCESS");
        assert!(envelope["timestamp"].as_str().unwrap().ends_with('Z'));
        assert!(
            is_signed(&envelope["data"], &key("platform-2048")),
            "{envelope}"
        );
        envelope["data"].clone()
    }

    /// The name in the answer to a refused call.
    pub(crate) async fn refusal(&self, path: &str, members: Value) -> String {
        refusal(&self.call(path, members).await)
    }

    /// Any bytes by POST; the gateway answers HTTP 200 whatever it is sent.
    pub(crate) async fn send(&self, path: &str, body: impl Into<reqwest::Body>) -> Value {
        let response = http()
            .post(format!("{}{path}", self.base))
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }

    /// A control call: status and JSON.
    pub(crate) async fn control(&self, path: &str, body: &str) -> (u16, Value) {
        let url = format!("{}/_sandbox/{path}", self.base);
        let response = http().post(url).body(body.to_owned()).send().await.unwrap();
        let status = response.status().as_u16();
        (
            status,
            serde_json::from_slice(&response.bytes().await.unwrap()).unwrap(),
        )
    }

    pub(crate) async fn look(&self, path: &str) -> Value {
        let response = http()
            .get(format!("{}/_sandbox/{path}", self.base))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{path}");
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }

    /// Waits until an order's view is as wanted.
    pub(crate) async fn until(&self, out_trade_no: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..500 {
            let order = self.look(&format!("orders/{out_trade_no}")).await;
            if wanted(&order) {
                return order;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!(
            "not within ten seconds: {}",
            self.look(&format!("orders/{out_trade_no}")).await
        );
    }
}

pub(crate) fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// The name of an error envelope, which holds nothing that could pass for an answer.
pub(crate) fn refusal(envelope: &Value) -> String {
    assert_ne!(envelope["code"], 0, "{envelope}");
    assert!(envelope.get("data").is_none(), "{envelope}");
    envelope["msg"].as_str().unwrap().to_owned()
}

/// An order of 450 cents.
pub(crate) fn order(out_trade_no: &str, notify_url: &str) -> Value {
    json!({
        "subject": "coffee", "body": "two coffees", "deviceNo": "web", "totalAmt": 450, "sceneType": "NATIVE", "outTradeNo": out_trade_no,
        "currency": "CAD", "notifyUrl": notify_url,
    })
}

/// A refund of such an order.
pub(crate) fn refund(order: &Value, number: &str, cents: i64, notify_url: &str) -> Value {
    json!({
        "ucpOrderNo": order["ucpOrderNo"], "outTradeNo": order["outTradeNo"], "outRefundNo": number, "totalAmt": 450, "refundAmt": cents,
        "refundDesc": "sold out", "notifyUrl": notify_url,
    })
}

/// The members with merchant, nonce and signature.
pub(crate) fn signed(mut members: Value, key: &PrivateKey) -> Value {
    members["merchantId"] = MERCHANT_ID.into();
    members["nonceStr"] = "5K8264ILTKCH16CQ2502SI8".into();
    members["signType"] = "RSA".into();
    let signature = key
        .signer()
        .sign(Digest::Sha256, &pre_hash(&members))
        .unwrap();
    members["sign"] = STANDARD.encode(signature).into();
    members
}

/// Whether `sign` is this key's signature of the other members.
pub(crate) fn is_signed(data: &Value, key: &PrivateKey) -> bool {
    let signature = STANDARD.decode(data["sign"].as_str().unwrap()).unwrap();
    key.public_key()
        .verifier()
        .verify(Digest::Sha256, &pre_hash(data), &signature)
}

fn pre_hash(members: &Value) -> Vec<u8> {
    let mut pairs: Vec<(&String, String)> = members
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, value)| *name != "sign" && !value.is_null() && *value != "")
        .map(|(name, value)| {
            (
                name,
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            )
        })
        .collect();
    pairs.sort();
    let text: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Sha256::digest(text.join("&")).to_vec()
}
