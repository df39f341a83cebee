//! A shop that serves on free ports, with its sandbox, until the test ends.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, Request, StatusCode};
use axum_shop::orders::Orders;
use axum_shop::settings::GatewaySetting;
use axum_shop::{AdminToken, Program, Settings, Shop, app};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;
use ucanpay_core::PrivateKey;
use ucanpay_storefront::ledger::Event;
use ucanpay_storefront::{EventHandler, HandlerError, MemoryStore, PaymentRegistry, Payments};

pub(crate) const TOKEN: &str = "a token for tests";

/// What a browser was left at an earlier visit.
pub(crate) const FORM_TOKEN: &str = "0123456789abcdef0123456789abcdef";

pub(crate) struct TestShop {
    pub(crate) app: Router,
    pub(crate) shop: Shop,
    pub(crate) payments: Payments,
    /// Serves nothing if the shop has a gateway of its own.
    sandbox: Router,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
    folder: TempDir,
}

/// It takes no news.
struct Deaf;

#[async_trait]
impl EventHandler for Deaf {
    async fn handle(&self, _: &Event) -> Result<(), HandlerError> {
        Err("the printer is out of paper".into())
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The code of an API error; its message is never empty.
    pub(crate) fn error(&self) -> String {
        let json = self.json();
        assert!(!json["error"]["message"].as_str().unwrap().is_empty());
        json["error"]["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.headers["location"].to_str().unwrap()
    }

    /// What a browser would send back.
    pub(crate) fn cookie(&self) -> String {
        let cookie = self.headers[SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// The value of the first hidden field of this name.
    pub(crate) fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.text.split_once(&start).expect("the field is there");
        rest.split('"').next().unwrap().to_owned()
    }
}

impl TestShop {
    pub(crate) async fn open() -> Self {
        Self::open_in(tempfile::tempdir().unwrap(), &[]).await
    }

    /// A shop whose gateway is nowhere to be found.
    pub(crate) async fn open_without_gateway() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let account = account(folder.path());
        Self::open_in(folder, &account).await
    }

    /// A shop that fails to take any news, so that each is parked at once, and whose gateway is nowhere to be found.
    pub(crate) async fn open_deaf() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&folder, &account(folder.path()));
        std::fs::create_dir_all(&settings.data_dir).unwrap();
        let GatewaySetting::Account(provider) = settings.gateway else {
            panic!("an account is set");
        };
        let registry = PaymentRegistry::builder().register(*provider);
        let store = Arc::new(MemoryStore::new());
        let payments = Payments::new(store, registry.build().unwrap());
        let payments = payments.with_delivery_attempts(NonZeroU32::MIN);
        payments.spawn(Deaf);
        let orders = Orders::open(&settings.database_url, payments.clone());
        let shop = Shop::new(orders.await.unwrap(), AdminToken::new(TOKEN));
        Self {
            app: app(shop.clone()),
            shop,
            payments,
            sandbox: Router::default(),
            stop: None,
            running: None,
            folder,
        }
    }

    async fn open_in(folder: TempDir, account: &[(&str, String)]) -> Self {
        let program = Program::open(settings(&folder, account)).await.unwrap();
        let shop = program.shop().clone();
        let app = app(shop.clone());
        let payments = program.shop().orders().payments().clone();
        let sandbox = program.sandbox().map(|(sandbox, _)| sandbox.router());
        let sandbox = sandbox.unwrap_or_default();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(program.run(async {
            let _ = stopped.await;
        }));
        Self {
            app,
            shop,
            payments,
            sandbox,
            stop: Some(stop),
            running: Some(running),
            folder,
        }
    }

    /// Asks the shop to stop, and waits until it has.
    pub(crate) async fn close(mut self) -> TempDir {
        drop(self.stop.take());
        let running = self.running.take().unwrap();
        running.await.unwrap();
        self.folder
    }

    pub(crate) async fn reopen(self) -> Self {
        Self::open_in(self.close().await, &[]).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        answer(&self.app, request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_as(path, "").await
    }

    pub(crate) async fn get_as(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header(COOKIE, cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A form of one of the shop's own pages, with the browser's form token unless it carries a login's.
    pub(crate) async fn post_form(&self, path: &str, cookie: &str, form: &str) -> Answer {
        let cookie = format!("form={FORM_TOKEN}; {cookie}");
        let form = match form.contains("csrf=") {
            true => form.to_owned(),
            false => format!("csrf={FORM_TOKEN}&{form}"),
        };
        self.post_bare_form(path, &cookie, &form).await
    }

    /// A form as it is.
    pub(crate) async fn post_bare_form(&self, path: &str, cookie: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header(COOKIE, cookie)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).unwrap())
            .await
    }

    /// A request of any method with these headers and an empty body.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post_json(&self, path: &str, json: &str) -> Answer {
        self.post_json_as(path, "", json).await
    }

    pub(crate) async fn post_json_as(&self, path: &str, authorization: &str, json: &str) -> Answer {
        let request = Request::post(path)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(json.to_owned())).unwrap())
            .await
    }

    /// A new order of one latte; returns its number.
    pub(crate) async fn latte(&self) -> String {
        let answer = self
            .post_json("/api/orders", r#"{"items":[{"sku":"latte","quantity":1}]}"#)
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()["order"].as_str().unwrap().to_owned()
    }

    /// The buyer approves on the phone.
    pub(crate) async fn approve(&self, order: &str) {
        self.approve_with(order, "").await;
    }

    /// The buyer approves, and the sandbox does as `instruction` says.
    pub(crate) async fn approve_with(&self, order: &str, instruction: &str) {
        let path = format!("/_sandbox/orders/{order}/pay");
        let body = Body::from(instruction.to_owned());
        let request = Request::post(path).body(body).unwrap();
        let answer = answer(&self.sandbox, request).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }

    /// The gateway lets the next refund of this order fail.
    pub(crate) async fn let_the_next_refund_fail(&self, order: &str) {
        let path = format!("/_sandbox/orders/{order}/fail_next_refund");
        let request = Request::post(path).body(Body::empty()).unwrap();
        let answer = answer(&self.sandbox, request).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }

    /// How many orders the gateway knows.
    pub(crate) async fn orders_at_gateway(&self) -> usize {
        let request = Request::get("/_sandbox/orders")
            .body(Body::empty())
            .unwrap();
        let answer = answer(&self.sandbox, request).await;
        answer.json()["orders"].as_array().unwrap().len()
    }

    /// The order as the API shows it, once `until` holds; fails after ten seconds.
    pub(crate) async fn order_when(&self, order: &str, until: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..200 {
            last = self.get(&format!("/api/orders/{order}")).await.json();
            if until(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the order did not come so far: {last}");
    }

    /// A new order of one latte, paid.
    pub(crate) async fn paid_latte(&self) -> String {
        let order = self.latte().await;
        self.approve(&order).await;
        self.order_when(&order, |order| order["status"] == "paid")
            .await;
        order
    }

    /// Logs in as the merchant; returns the cookie.
    pub(crate) async fn log_in(&self) -> String {
        self.login().await.cookie()
    }

    /// Logs in as the merchant.
    pub(crate) async fn login(&self) -> Answer {
        let form = format!("token={}", TOKEN.replace(' ', "+"));
        let answer = self.post_form("/admin/login", "", &form).await;
        assert_eq!(answer.location(), "/admin");
        answer
    }
}

async fn answer(app: &Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    Answer {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

fn settings(folder: &TempDir, account: &[(&str, String)]) -> Settings {
    let data = folder.path().join("data");
    Settings::read(|name| match name {
        "LISTEN" | "SANDBOX_LISTEN" => Some(OsString::from("127.0.0.1:0")),
        "SHOP_ADMIN_TOKEN" => Some(OsString::from(TOKEN)),
        "SHOP_DATA_DIR" => Some(data.clone().into_os_string()),
        _ => {
            let setting = account.iter().find(|(there, _)| *there == name);
            setting.map(|(_, value)| OsString::from(value))
        }
    })
    .unwrap()
}

/// Keys in files, and the five settings of an account that uses them.
pub(crate) fn account(folder: &Path) -> Vec<(&'static str, String)> {
    let (merchant, platform) = (
        PrivateKey::generate(1024).unwrap(),
        PrivateKey::generate(1024).unwrap(),
    );
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    write("own.pub.pem", &merchant.public_key().to_spki_pem());
    write("garbage.pem", "not a key");
    vec![
        ("UCANPAY_BASE_URL", "http://127.0.0.1:1".to_owned()),
        ("UCANPAY_MERCHANT_ID", "2000000010".to_owned()),
        (
            "UCANPAY_PRIVATE_KEY_FILE",
            write("own.pem", &merchant.to_pkcs8_pem()),
        ),
        (
            "UCANPAY_PLATFORM_KEY_FILE",
            write("platform.pub.pem", &platform.public_key().to_spki_pem()),
        ),
        ("UCANPAY_NOTIFY_BASE_URL", "https://shop.example".to_owned()),
    ]
}
