//! Starts the programs, talks to them, and ends them: by `kill -9`, and always with the test.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Client, Response, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

pub(crate) const ADMIN_TOKEN: &str = "token-of-this-test";
pub(crate) const MERCHANT: &str = "2000000010";

/// A running program. Dropped, it is killed.
pub(crate) struct Process(Child);

/// What a program says of itself, and where.
#[derive(Clone, Debug)]
pub(crate) enum Log {
    /// Its warnings, where the test's own words go.
    Warnings,
    /// Nothing: it is in trouble all the time, and meant to be.
    Off,
    /// Everything, and what it prints besides, at the end of this file.
    Everything(PathBuf),
}

impl Log {
    fn take(&self, command: &mut Command) {
        let level = match self {
            Self::Warnings => "warn",
            Self::Off => "off",
            Self::Everything(_) => "trace",
        };
        command.env("RUST_LOG", level).stdout(Stdio::null());
        if let Self::Everything(file) = self {
            let file = File::options().create(true).append(true).open(file);
            let file = file.expect("a file of this test's");
            let again = file.try_clone().expect("a second handle");
            command.stdout(file).stderr(again);
        }
    }
}

impl Process {
    pub(crate) fn start(program: &str, arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        Self::start_with(&Log::Warnings, program, arguments, settings)
    }

    pub(crate) fn start_with(
        log: &Log,
        program: &str,
        arguments: &[&str],
        settings: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        for (name, _) in std::env::vars() {
            // Settings of whoever runs the tests are not settings of the test.
            if name.starts_with("UCANPAY_") || name.starts_with("SHOP_") || name == "LISTEN" {
                command.env_remove(name);
            }
        }
        command.env_remove("DATABASE_URL");
        log.take(&mut command);
        command.envs(settings.iter().copied());
        Self(command.spawn().expect("the program starts"))
    }

    /// `kill -9`: nothing of it gets to run any more.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// Stops it where it is, until [`go_on`](Self::go_on): it can then be looked at from outside.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).expect("it has not been waited for");
    }

    fn end(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.0.kill();
        self.0.wait().expect("a killed process can be waited for");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// The size of a proof: what `UCANPAY_PROVE_…` says, or else a small one. `cargo xtask prove` asks for the full one.
pub(crate) fn size(name: &str, small: usize) -> usize {
    match std::env::var(format!("UCANPAY_PROVE_{name}")) {
        Ok(size) => size.parse().expect("a whole number"),
        Err(_) => small,
    }
}

/// An address nobody listens on. It must be known before its program starts, because it stands in notify URLs; so it lies
/// below the ports that the system hands out by itself, and no two tests are given the same.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// A shop, as its buyers and its merchant reach it.
pub(crate) struct Shop {
    pub(crate) url: String,
    http: Client,
}

impl Shop {
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self {
            url: format!("http://{address}"),
            http: client(),
        }
    }

    pub(crate) async fn ready(&self) {
        up(&self.http, &format!("{}/api/catalogue", self.url)).await;
    }

    pub(crate) async fn order(&self) -> Value {
        let latte = json!({"items": [{"sku": "latte", "quantity": 2}]});
        let answer = self.post("/api/orders", &latte).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json().await.unwrap()
    }

    pub(crate) async fn status(&self, order: &Value) -> Value {
        let url = format!("{}/api/orders/{}", self.url, word(order));
        let answer = self.http.get(url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    pub(crate) async fn refund(&self, order: &Value, cents: i64) -> Response {
        self.refund_because(order, cents, "spilt").await
    }

    pub(crate) async fn refund_because(&self, order: &Value, cents: i64, why: &str) -> Response {
        let url = format!("{}/api/orders/{}/refunds", self.url, word(order));
        let request = self.http.post(url).bearer_auth(ADMIN_TOKEN);
        let body = json!({"amount": cents, "reason": why});
        request.json(&body).send().await.unwrap()
    }

    /// A page of the merchant's, as a browser that logs in for it.
    pub(crate) async fn merchants_page(&self, path: &str) -> String {
        let login = format!("{}/admin/login", self.url);
        let builder = Client::builder().no_proxy().tls_certs_only([]);
        let http = builder.redirect(reqwest::redirect::Policy::none());
        let http = http.build().unwrap();
        let form = http.get(&login).send().await.unwrap();
        let token = cookie(&form);
        let (_, csrf) = token.split_once('=').expect("a form token");
        let fields = format!("csrf={csrf}&token={ADMIN_TOKEN}");
        let request = http.post(login).header("cookie", &token).body(fields);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let entered = request.send().await.unwrap();
        let page = http.get(format!("{}{path}", self.url));
        let page = page.header("cookie", cookie(&entered));
        let page = page.send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK, "{path}");
        page.text().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        let url = format!("{}{path}", self.url);
        self.http.post(url).json(body).send().await.unwrap()
    }

    /// A notification of a payment, as the gateway would post it.
    pub(crate) async fn notify(&self, body: String) -> (StatusCode, Value) {
        self.notify_at("/ucanpay/payment", body).await
    }

    /// A notification, as the gateway would post it to this path.
    pub(crate) async fn notify_at(&self, path: &str, body: String) -> (StatusCode, Value) {
        let request = self.http.post(format!("{}{path}", self.url));
        let answer = request.body(body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Waits until the order stands so, and says how long that took.
    pub(crate) async fn until(
        &self,
        order: &Value,
        within: Duration,
        stands: impl Fn(&Value) -> bool,
    ) -> Duration {
        let since = Instant::now();
        loop {
            let status = self.status(order).await;
            if stands(&status) {
                return since.elapsed();
            }
            assert!(since.elapsed() < within, "after {within:?}: {status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

pub(crate) fn paid(status: &Value) -> bool {
    status["status"] == "paid"
}

/// A gateway, as its control API and the buyer's phone reach it.
pub(crate) struct Gateway {
    pub(crate) url: String,
    http: Client,
}

impl Gateway {
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self {
            url: format!("http://{address}"),
            http: client(),
        }
    }

    pub(crate) async fn ready(&self) {
        up(&self.http, &format!("{}/_sandbox/orders", self.url)).await;
    }

    /// The buyer approves; `how` may alter what follows.
    pub(crate) async fn pay(&self, order: &Value, how: &Value) {
        let url = format!("{}/_sandbox/orders/{}/pay", self.url, word(order));
        let answer = self.http.post(url).json(how).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// The buyer opens the pay link, and presses the page's button.
    pub(crate) async fn approve_on_the_phone(&self, order: &Value) {
        let link = order["pay_url"].as_str().expect("a pay link");
        let page = self.http.get(link).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        let address = page.url().clone();
        assert!(page.text().await.unwrap().contains("Approve"));
        let approve = format!("{address}/approve");
        let answer = self.http.post(approve).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }

    pub(crate) async fn deliveries(&self, order: &Value) -> Vec<Value> {
        let url = format!("{}/_sandbox/deliveries", self.url);
        let all: Value = self
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let all = all["deliveries"].as_array().unwrap();
        let ours = all
            .iter()
            .filter(|delivery| delivery["outTradeNo"] == *word(order));
        ours.cloned().collect()
    }
}

pub(crate) fn word(order: &Value) -> &str {
    order["order"].as_str().expect("an order number")
}

/// The cookie that an answer leaves, as a browser sends it back.
fn cookie(answer: &Response) -> String {
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// Plain http on this machine needs no root certificates, and no proxy.
pub(crate) fn client() -> Client {
    let builder = Client::builder().no_proxy().tls_certs_only([]);
    builder.timeout(Duration::from_secs(20)).build().unwrap()
}

async fn up(http: &Client, url: &str) {
    let since = Instant::now();
    while http.get(url).send().await.is_err() {
        assert!(
            since.elapsed() < Duration::from_secs(20),
            "{url} does not answer"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are UTF-8")
}
