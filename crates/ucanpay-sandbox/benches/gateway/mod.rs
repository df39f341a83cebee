//! What both benchmarks need: the sandbox and its merchant.

#![allow(dead_code, reason = "each benchmark takes what it needs")]

use serde_json::Value;
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
