//! Notifications under the gateway's key, written by hand: apart from the sandbox and from the types of core.

use serde_json::{Map, Value, json};
use ucanpay_core::{Fields, PrivateKey, SignatureScheme, canonical_string};

use crate::processes::MERCHANT;

const KEY: &[u8] = include_bytes!("../../fixtures/keys/platform-2048.pkcs8.pem");

/// A payment notification with these members, and the usual ones beside them.
pub(crate) fn payment_notification(members: &Value) -> String {
    notification(&json!({"tradeStatus": "SUCCESS"}), members)
}

/// A refund notification with these members, and the usual ones beside them.
pub(crate) fn refund_notification(members: &Value) -> String {
    notification(&json!({"refundStatus": "SUCCESS"}), members)
}

fn notification(status: &Value, members: &Value) -> String {
    let mut data = json!({
        "merchantId": MERCHANT, "deviceNo": "web", "nonceStr": "5K8264ILTKCH16CQ25S", "currency": "CAD",
        "sceneType": "NATIVE", "signType": "RSA", "body": "coffee",
    });
    let data = data.as_object_mut().unwrap();
    for members in [status, members] {
        data.extend(members.as_object().unwrap().clone());
    }
    let sign = sign(data);
    data.insert("sign".into(), sign.into());
    json!({"code": 0, "msg": "SUCCESS", "data": data, "timestamp": "2026-03-01T12:00:05Z"})
        .to_string()
}

fn sign(data: &Map<String, Value>) -> String {
    let text = serde_json::to_string(data).unwrap();
    let canonical = canonical_string(&Fields::parse(text.as_bytes()).unwrap()).unwrap();
    let scheme = SignatureScheme::DOCUMENTED;
    let signer = PrivateKey::from_bytes(KEY).unwrap().signer();
    let signature = signer
        .sign(scheme.digest, &scheme.message(&canonical, None))
        .unwrap();
    base64(&signature)
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}
