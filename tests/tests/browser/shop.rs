//! The shop with its sandbox, in a process of its own, which can be killed and started again at the same place.

use std::net::SocketAddr;

use serde_json::json;
use tempfile::TempDir;

use crate::chromium::Browser;
use crate::processes::{ADMIN_TOKEN, Gateway, Process, Shop, free_address, text};

pub(crate) struct Cafe {
    pub(crate) shop: Shop,
    pub(crate) gateway: Gateway,
    address: SocketAddr,
    sandbox: SocketAddr,
    folder: TempDir,
    process: Option<Process>,
}

impl Cafe {
    pub(crate) async fn open() -> Self {
        let (address, sandbox) = (free_address(), free_address());
        let mut cafe = Self {
            shop: Shop::at(address),
            gateway: Gateway::at(sandbox),
            address,
            sandbox,
            folder: TempDir::new().unwrap(),
            process: None,
        };
        cafe.start().await;
        cafe
    }

    async fn start(&mut self) {
        self.process = Some(Process::start(
            env!("CARGO_BIN_EXE_test-shop"),
            &[],
            &[
                ("LISTEN", &self.address.to_string()),
                ("SANDBOX_LISTEN", &self.sandbox.to_string()),
                ("SHOP_DATA_DIR", text(self.folder.path())),
                ("SHOP_ADMIN_TOKEN", ADMIN_TOKEN),
            ],
        ));
        self.shop.ready().await;
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    pub(crate) async fn start_again(&mut self) {
        self.start().await;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.shop.url)
    }

    /// From the menu to the page of an order of one latte; returns its number.
    pub(crate) async fn order_latte(&self, browser: &Browser) -> String {
        browser.open(&self.url("/")).await;
        browser.press("#latte button").await;
        browser.press(".bar .button").await;
        browser.press("button.primary").await;
        browser.see("#panel .qr svg").await;
        number(&browser.url().await)
    }

    /// The buyer approves on a phone that is not this browser.
    pub(crate) async fn approve(&self, number: &str) {
        self.gateway
            .pay(&json!({"order": number}), &json!({}))
            .await;
    }

    pub(crate) async fn log_in(&self, browser: &Browser) {
        browser.open(&self.url("/admin/login")).await;
        browser.write("#token", ADMIN_TOKEN).await;
        browser.press("button.primary").await;
        browser.see(".desk").await;
    }
}

/// The order's number in its page's address.
pub(crate) fn number(url: &str) -> String {
    let (_, number) = url.rsplit_once("/orders/").expect("an order's page");
    number.to_owned()
}
