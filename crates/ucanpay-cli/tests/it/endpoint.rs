//! A merchant's endpoint that is careful but for one fault.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, mpsc},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};
use serde_json::{Map, Value};
use ucanpay_core::{
    Md5Secret, Merchant, MerchantId, Notification, PrivateKey, PublicKey, SignatureScheme,
    TradeStatus, keyed_md5,
};

use crate::{gateway::MERCHANT_ID, program::key};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    BelievesEverything,
    ReadsLoosely,
    LetsTheMessageChooseItsAlgorithm,
    IgnoresTheAmount,
    IgnoresTheCurrency,
    IgnoresTheStatus,
    IgnoresTheMerchant,
    IgnoresTheOrder,
    RefusesCopies,
    TakesTheLatestNews,
    ReadsWithoutLimit,
    ReadsOneAtATime,
    AnswersInItsOwnWords,
    PaysLate,
}

/// What the order looks like to the endpoint.
#[derive(Clone)]
struct Shop {
    fault: Fault,
    merchant: Merchant,
    platform: PublicKey,
    paid: Arc<Mutex<bool>>,
    reading: Arc<tokio::sync::Mutex<()>>,
}

/// Serves in a thread of its own for as long as the test runs.
pub(crate) fn open(fault: Fault) -> String {
    let read = |name| std::fs::read(key(name)).unwrap();
    let platform = PublicKey::from_bytes(&read("platform-1024.pub.pem")).unwrap();
    let own = PrivateKey::from_bytes(&read("merchant-2048.pkcs8.pem")).unwrap();
    let id = MerchantId::new(MERCHANT_ID).unwrap();
    let shop = Shop {
        fault,
        merchant: Merchant::new(id, own, [platform.clone()]).unwrap(),
        platform,
        paid: Arc::default(),
        reading: Arc::default(),
    };
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async move {
            let router = Router::new()
                .route("/notify", post(notified))
                .route("/order", get(order))
                .with_state(shop);
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    format!("http://{}", told.recv().unwrap())
}

async fn order(State(shop): State<Shop>) -> &'static str {
    if *shop.paid.lock().unwrap() {
        "the order is: paid"
    } else {
        "the order is: open"
    }
}

async fn notified(State(shop): State<Shop>, body: Body) -> String {
    let limit = match shop.fault {
        Fault::ReadsWithoutLimit => usize::MAX,
        _ => 64 * 1024,
    };
    let turn = match shop.fault {
        Fault::ReadsOneAtATime => Some(shop.reading.lock().await),
        _ => None,
    };
    let body = to_bytes(body, limit).await;
    drop(turn);
    let taken = body.is_ok_and(|body| shop.takes(&body));
    let word = match (taken, shop.fault) {
        (true, Fault::AnswersInItsOwnWords) => return "thanks".to_owned(),
        (true, _) => "SUCCESS",
        (false, _) => "FAIL",
    };
    format!(r#"{{"return_code":"{word}","return_msg":"-"}}"#)
}

impl Shop {
    /// Whether it is acknowledged; the order is paid on the way.
    fn takes(&self, body: &[u8]) -> bool {
        let Some(news) = self.proven(body) else {
            return false;
        };
        let mut paid = self.paid.lock().unwrap();
        let ignores = |fault| self.fault == fault;
        let ours = (news.amount == 450 || ignores(Fault::IgnoresTheAmount))
            && (news.currency == "CAD" || ignores(Fault::IgnoresTheCurrency))
            && (news.merchant == MERCHANT_ID || ignores(Fault::IgnoresTheMerchant))
            && (news.order == "A1" || ignores(Fault::IgnoresTheOrder));
        if !ours {
            if ignores(Fault::PaysLate) && news.order != "A1" {
                let paid = Arc::clone(&self.paid);
                std::thread::spawn(move || {
                    std::thread::sleep(std::time::Duration::from_millis(500));
                    *paid.lock().unwrap() = true;
                });
            }
            return true;
        }
        if *paid && ignores(Fault::RefusesCopies) {
            return false;
        }
        let is_payment = news.status == TradeStatus::Success || ignores(Fault::IgnoresTheStatus);
        *paid = is_payment || (*paid && !ignores(Fault::TakesTheLatestNews));
        true
    }

    /// What it says, if the gateway says so, or is taken to say so.
    fn proven(&self, body: &[u8]) -> Option<News> {
        let loosely = match self.fault {
            Fault::BelievesEverything => true,
            Fault::ReadsLoosely => self.signed_by_rsa(&data(body)?),
            Fault::LetsTheMessageChooseItsAlgorithm => {
                text(&data(body)?, "signType") == "MD5" && self.signed_by_md5(&data(body)?)
            }
            _ => false,
        };
        if loosely {
            return Some(News::of(&data(body)?));
        }
        // The merchant's number is judged later, like the rest.
        let named = data(body).unwrap_or_default();
        let merchant = match MerchantId::new(text(&named, "merchantId")) {
            Ok(id) => self.as_merchant(id),
            Err(_) => return None,
        };
        let verified = merchant.verify_notification(body).ok()?;
        match verified.into_inner() {
            Notification::Payment(_) => Some(News::of(&named)),
            _ => None,
        }
    }

    fn as_merchant(&self, id: MerchantId) -> Merchant {
        if id == *self.merchant.id() {
            return self.merchant.clone();
        }
        let own = std::fs::read(key("merchant-2048.pkcs8.pem")).unwrap();
        let own = PrivateKey::from_bytes(&own).unwrap();
        Merchant::new(id, own, [self.platform.clone()]).unwrap()
    }

    fn signed_by_rsa(&self, data: &Map<String, Value>) -> bool {
        let scheme = SignatureScheme::DOCUMENTED;
        let canonical = canonical(data);
        let message = scheme.message(&canonical, None);
        let sign = STANDARD.decode(text(data, "sign")).unwrap_or_default();
        let verifier = self.platform.verifier();
        verifier.verify(scheme.digest, &message, &sign)
    }

    fn signed_by_md5(&self, data: &Map<String, Value>) -> bool {
        let pem = self.platform.to_spki_pem();
        let lines = pem.lines().filter(|line| !line.starts_with("-----"));
        let secret = Md5Secret::new(lines.collect::<String>()).unwrap();
        let empty = Md5::digest(format!("{}&key=", canonical(data)));
        let empty: String = empty.iter().map(|byte| format!("{byte:02X}")).collect();
        let sign = text(data, "sign");
        sign == keyed_md5(&canonical(data), &secret) || sign == empty
    }
}

struct News {
    merchant: String,
    order: String,
    currency: String,
    amount: i64,
    status: TradeStatus,
}

impl News {
    fn of(data: &Map<String, Value>) -> Self {
        Self {
            merchant: text(data, "merchantId"),
            order: text(data, "outTradeNo"),
            // As careless as those who read it loosely.
            currency: data
                .get("currency")
                .map_or("CAD".to_owned(), |_| text(data, "currency")),
            amount: data
                .get("totalAmt")
                .and_then(Value::as_i64)
                .unwrap_or_default(),
            status: TradeStatus::from(text(data, "tradeStatus").as_str()),
        }
    }
}

/// The members as serde_json gives them out: of two with one name the last one.
fn data(body: &[u8]) -> Option<Map<String, Value>> {
    let envelope: Value = serde_json::from_slice(body).ok()?;
    match &envelope["data"] {
        Value::Object(data) => Some(data.clone()),
        Value::String(data) => serde_json::from_str(data).ok(),
        _ => None,
    }
}

fn text(data: &Map<String, Value>, name: &str) -> String {
    let text = data.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn canonical(data: &Map<String, Value>) -> String {
    let members: BTreeMap<&str, String> = data
        .iter()
        .filter(|(name, _)| *name != "sign")
        .map(|(name, value)| match value {
            Value::String(text) => (name.as_str(), text.clone()),
            other => (name.as_str(), other.to_string()),
        })
        .collect();
    let pairs = members
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}
