//! The example shop, as a program would run it, behind the test's sandbox.

use std::{ffi::OsString, sync::mpsc, thread::JoinHandle};

use axum_shop::{Program, Settings};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::{
    gateway::{Gateway, post, settings},
    program::{Run, key},
};

/// Serves until it is dropped.
pub(crate) struct Shop {
    pub(crate) base: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

/// An order of the shop, not paid yet.
pub(crate) struct Order {
    pub(crate) number: String,
    pub(crate) amount: String,
    pub(crate) ucp_order_no: String,
}

impl Shop {
    pub(crate) fn open(gateway: &Gateway) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_str().unwrap().to_owned();
        let account = settings(&gateway.base);
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let lookup = |name: &str| -> Option<OsString> {
                match name {
                    "LISTEN" => Some("127.0.0.1:0".into()),
                    "SHOP_DATA_DIR" => Some(data.clone().into()),
                    name => account
                        .iter()
                        .find(|(known, _)| *known == name)
                        .map(|(_, value)| value.into()),
                }
            };
            let settings = Settings::read(lookup).unwrap();
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async move {
                let program = Program::open(settings).await.unwrap();
                tell.send(program.address()).unwrap();
                let stopped = async {
                    // A sender that is gone stops it as well.
                    let _ = stopped.await;
                };
                program.run(stopped).await;
            });
        });
        Self {
            base: format!("http://{}", told.recv().unwrap()),
            stop: Some(stop),
            thread: Some(thread),
            _folder: folder,
        }
    }

    /// The address of payment notifications.
    pub(crate) fn notify_url(&self) -> String {
        format!("{}/ucanpay/payment", self.base)
    }

    pub(crate) fn place(&self, gateway: &Gateway) -> Order {
        let basket = r#"{"items":[{"sku":"latte","quantity":1}]}"#;
        let placed = post(&format!("{}/api/orders", self.base), basket.to_owned());
        let placed: Value = serde_json::from_str(&placed).unwrap();
        let number = placed["order"].as_str().unwrap().to_owned();
        let found = gateway.run(&["order", "query", &number, "--json"]);
        let found: Value = serde_json::from_str(&found.stdout).unwrap();
        Order {
            amount: placed["amount"].to_string(),
            ucp_order_no: found["ucpOrderNo"].as_str().unwrap().to_owned(),
            number,
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().unwrap().join();
    }
}

impl Order {
    /// Runs the program about this order.
    pub(crate) fn run(&self, gateway: &Gateway, command: &str, url: &str, more: &[&str]) -> Run {
        let platform = key("platform-2048.pkcs8.pem");
        let about = [
            command,
            url,
            "--order",
            &self.number,
            "--amount",
            &self.amount,
            "--ucp-order-no",
            &self.ucp_order_no,
            "--platform-private-key",
            &platform,
        ];
        gateway.run(&[&about[..], more].concat())
    }
}
