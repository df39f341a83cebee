//! What both benchmarks need: the sandbox and its merchant, and what the kernel says of a process.

#![allow(dead_code, reason = "each benchmark takes what it needs")]

use std::fmt;

use serde_json::{Value, json};
use ucanpay_core::{
    Amount, Currency, Description, DeviceNo, Merchant, MerchantId, Nonce, NotifyUrl, OutTradeNo,
    PrivateKey, SceneType, Subject, UnifiedOrder,
};
use ucanpay_sandbox::{Sandbox, SandboxConfig};

const KEYS: &str = include_str!("../../../../tests/fixtures/keys/keys.json");
const MERCHANT_ID: &str = "2000000010";

pub(crate) async fn sandbox() -> Sandbox {
    sandbox_with(|config| config).await
}

pub(crate) async fn sandbox_with(set: impl FnOnce(SandboxConfig) -> SandboxConfig) -> Sandbox {
    let merchant_key = private_key("merchant-2048").public_key().clone();
    let config = SandboxConfig::new(MERCHANT_ID, merchant_key, platform_key());
    Sandbox::open(set(config)).await.unwrap()
}

pub(crate) fn merchant() -> Merchant {
    let id = MerchantId::new(MERCHANT_ID).unwrap();
    let platform = platform_key().public_key().clone();
    Merchant::new(id, private_key("merchant-2048"), [platform]).unwrap()
}

pub(crate) fn platform_key() -> PrivateKey {
    private_key("platform-2048")
}

pub(crate) fn private_key(name: &str) -> PrivateKey {
    let keys: Value = serde_json::from_str(KEYS).unwrap();
    PrivateKey::from_bytes(keys[name]["pkcs8"].as_str().unwrap().as_bytes()).unwrap()
}

/// The signed request that places an order. Nobody listens where it wants its notifications.
pub(crate) fn order(merchant: &Merchant, number: &str) -> Vec<u8> {
    let order = UnifiedOrder {
        subject: Subject::new("coffee").unwrap(),
        description: Description::new("two flat whites").unwrap(),
        device_no: DeviceNo::default(),
        total_amount: Amount::new(450).unwrap(),
        scene: SceneType::Native,
        out_trade_no: OutTradeNo::new(number).unwrap(),
        currency: Currency::CAD,
        notify_url: NotifyUrl::new("http://127.0.0.1:9/ucanpay/payment").unwrap(),
    };
    merchant.sign(&order, Nonce::random()).unwrap().into_body()
}

/// The processor time of all threads of a process so far, in seconds.
pub(crate) fn cpu_of(process: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{process}/task"))
        .expect("the benchmark needs Linux's /proc");
    let nanoseconds: u64 = threads
        .map(|thread| {
            let times = std::fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
            times
                .split_whitespace()
                .next()
                .unwrap()
                .parse::<u64>()
                .unwrap()
        })
        .sum();
    nanoseconds as f64 / 1e9
}

/// What the kernel says of this process's memory, in KiB: `VmRSS`, or `VmHWM`, the most there ever was.
pub(crate) fn memory(what: &str) -> u64 {
    let status =
        std::fs::read_to_string("/proc/self/status").expect("the benchmark needs Linux's /proc");
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Seconds for one, round by round.
#[derive(Default)]
pub(crate) struct Times {
    ours: Vec<f64>,
    bare: Vec<f64>,
}

impl Times {
    pub(crate) fn add(&mut self, ours: f64, bare: f64, count: usize) {
        self.ours.push(ours / count as f64);
        self.bare.push(bare / count as f64);
    }

    /// The rates': ours to the bare operations'.
    pub(crate) fn ratios(&self) -> Vec<f64> {
        self.bare
            .iter()
            .zip(&self.ours)
            .map(|(bare, ours)| bare / ours)
            .collect()
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "order_us": median(self.ours.clone()) * 1e6, "bare_us": median(self.bare.clone()) * 1e6, "ratio": median(self.ratios()),
        })
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratios = self.ratios();
        let (low, high) = (
            ratios.iter().copied().fold(f64::INFINITY, f64::min),
            ratios.iter().copied().fold(0.0, f64::max),
        );
        write!(
            f,
            "{:.0} µs of processor time, {:.0} µs for its two RSA operations alone, ratio {:.2} ({low:.2} to {high:.2})",
            median(self.ours.clone()) * 1e6,
            median(self.bare.clone()) * 1e6,
            median(ratios)
        )
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
