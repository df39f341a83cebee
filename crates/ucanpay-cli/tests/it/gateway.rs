//! A sandbox in the test's process, and the settings of a merchant that it knows.

use std::{sync::mpsc, thread::JoinHandle};

use serde_json::Value;
use tokio::sync::oneshot;
use ucanpay_core::{PrivateKey, PublicKey};
use ucanpay_sandbox::{Sandbox, SandboxConfig};

use crate::program::{Run, key, run_in};

pub(crate) const MERCHANT_ID: &str = "2000000010";

/// Serves until it is dropped.
pub(crate) struct Gateway {
    pub(crate) base: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Gateway {
    pub(crate) fn open(configure: fn(SandboxConfig) -> SandboxConfig) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let merchant = std::fs::read(key("merchant-2048.pub.pem")).unwrap();
                let platform = std::fs::read(key("platform-2048.pkcs8.pem")).unwrap();
                let config = SandboxConfig::new(
                    MERCHANT_ID,
                    PublicKey::from_bytes(&merchant).unwrap(),
                    PrivateKey::from_bytes(&platform).unwrap(),
                );
                let sandbox = Sandbox::open(configure(config)).await.unwrap();
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let stopped = async {
                    // A sender that is gone stops it as well.
                    let _ = stopped.await;
                };
                sandbox.serve(listener, stopped).await.unwrap();
            });
        });
        Self {
            base: format!("http://{}", told.recv().unwrap()),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Runs the program with the merchant's settings.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &[])
    }

    /// The same, with some settings changed.
    pub(crate) fn run_with(&self, arguments: &[&str], changed: &[(&str, &str)]) -> Run {
        let settings = settings(&self.base);
        let settings = settings.iter().map(|(name, value)| (*name, value.as_str()));
        let variables: Vec<_> = settings.chain(changed.iter().copied()).collect();
        run_in(&variables, arguments)
    }

    /// One call of the sandbox's control API.
    pub(crate) fn control(&self, path: &str, body: &str) -> Value {
        let answer = post(&format!("{}/_sandbox/{path}", self.base), body.to_owned());
        serde_json::from_str(&answer).unwrap_or_default()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().unwrap().join();
    }
}

/// The `UCANPAY_*` variables of the sandbox's merchant.
pub(crate) fn settings(base: &str) -> [(&'static str, String); 6] {
    [
        ("UCANPAY_BASE_URL", base.to_owned()),
        ("UCANPAY_MERCHANT_ID", MERCHANT_ID.to_owned()),
        ("UCANPAY_PRIVATE_KEY_FILE", key("merchant-2048.pkcs8.pem")),
        ("UCANPAY_PLATFORM_KEY_FILE", key("platform-2048.pub.pem")),
        ("UCANPAY_NOTIFY_BASE_URL", "http://127.0.0.1:9".to_owned()),
        ("UCANPAY_PAY_LINK_BASE_URL", base.to_owned()),
    ]
}

pub(crate) fn post(url: &str, body: String) -> String {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let answer = client
                .post(url)
                .header("content-type", "application/json")
                .body(body)
                .send()
                .await
                .unwrap();
            answer.text().await.unwrap()
        })
}

pub(crate) fn get(url: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { client.get(url).send().await.unwrap().text().await.unwrap() })
}
