//! The notification vectors, the merchant they are addressed to, and what an answer looks like.

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use ucanpay_core::{Merchant, MerchantId, PrivateKey, PublicKey};

const VECTORS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/fixtures/vectors/notifications.json"
));
const KEYS: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/fixtures/keys/keys.json"
));

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) accepted: bool,
    pub(crate) body: String,
}

impl Case {
    pub(crate) fn is_refund(&self) -> bool {
        self.body.contains("refundStatus")
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let cases: Vec<_> = vectors["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| Case {
            name: text(&case["name"]),
            accepted: match case["expect"].as_str().unwrap() {
                "accepted" => true,
                "refused" => false,
                other => panic!("{other}?"),
            },
            body: text(&case["body"]),
        })
        .collect();
    assert_eq!(cases.iter().filter(|case| case.accepted).count(), 15);
    assert_eq!(cases.len(), 65);
    cases
}

pub(crate) fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name == name).unwrap()
}

pub(crate) fn merchant() -> Merchant {
    let keys: Value = serde_json::from_str(KEYS).unwrap();
    let bytes = |name: &str, part: &str| keys[name][part].as_str().unwrap().as_bytes().to_vec();
    Merchant::new(
        MerchantId::new("2000000010").unwrap(),
        PrivateKey::from_bytes(&bytes("merchant-2048", "pkcs8")).unwrap(),
        [PublicKey::from_bytes(&bytes("platform-2048", "spki")).unwrap()],
    )
    .unwrap()
}

/// `sign` for these members, by the platform's key.
#[cfg(feature = "router")]
pub(crate) fn platform_signature(data: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use ucanpay_core::{Fields, SignatureScheme, canonical_string};

    let keys: Value = serde_json::from_str(KEYS).unwrap();
    let key = keys["platform-2048"]["pkcs8"].as_str().unwrap();
    let key = PrivateKey::from_bytes(key.as_bytes()).unwrap();
    let canonical = canonical_string(&Fields::parse(data.as_bytes()).unwrap()).unwrap();
    let scheme = SignatureScheme::DOCUMENTED;
    let message = scheme.message(&canonical, None);
    STANDARD.encode(key.signer().sign(scheme.digest, &message).unwrap())
}

/// How often something behind the verification was reached.
#[derive(Clone, Default)]
pub(crate) struct Counter(Arc<AtomicUsize>);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, SeqCst);
    }

    pub(crate) fn take(&self) -> usize {
        self.0.swap(0, SeqCst)
    }
}

pub(crate) fn request(method: Method, path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .body(body.into())
        .unwrap()
}

pub(crate) fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    request(Method::POST, path, body)
}

/// Status, content type and body.
pub(crate) async fn read(response: Response<Body>) -> (StatusCode, String, String) {
    let status = response.status();
    let content_type = response
        .headers()
        .get("content-type")
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (
        status,
        content_type,
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

pub(crate) async fn assert_success(response: Response<Body>, what: &str) {
    let (status, content_type, body) = read(response).await;
    assert_eq!(status, StatusCode::OK, "{what}");
    assert_eq!(content_type, "application/json", "{what}");
    assert_eq!(
        body, r#"{"return_code":"SUCCESS","return_msg":"OK"}"#,
        "{what}"
    );
}

pub(crate) async fn assert_fail(response: Response<Body>, expected: StatusCode, what: &str) {
    let (status, content_type, body) = read(response).await;
    assert_eq!(status, expected, "{what}");
    assert_eq!(content_type, "application/json", "{what}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["return_code"], "FAIL", "{what}");
    let reason = body["return_msg"].as_str().unwrap();
    assert!(!reason.is_empty() && reason.len() <= 128, "{what}");
}
