//! The signed set: each against an independent hand, none mistaken for another, and none with two readings.

mod explained;
mod law;
mod refusals;
mod requests;

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value as Json;
use ucanpay_core::{
    Md5Secret, Received, ReceivedError, SignatureScheme, SignedSet, Signer, keyed_md5,
};

use crate::fixtures::private_key;

/// A payment notification by which all sets differ: something empty, a null, a space.
const PAYMENT: &str = r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"ucpOrderNo":"563465342654643","outTradeNo":"VEC20260301A","tradeStatus":"SUCCESS","body":"café au*lait","deviceNo":"","sceneType":null,"signType":"RSA"}"#;
const ANSWER: &str = r#"{"totalAmt":450,"ucpOrderNo":"563465342654643","outTradeNo":"VEC20260301A","tradeStatus":"NOTPAY","note":"café au*lait","empty":"","nothing":null,"signType":"RSA"}"#;
const ENVELOPE: &str = r#"{"code":0,"msg":"OK so far","timestamp":"2026-03-01T12:00:05Z"}"#;

const NULLS: [Option<&str>; 3] = [None, Some("null-as-nothing"), Some("null-as-text")];
const VALUES: [Option<&str>; 3] = [None, Some("percent"), Some("form")];

/// The text of every set.
fn all_sets() -> Vec<String> {
    let mut sets = Vec::new();
    for bits in 0..8 {
        for null in NULLS {
            for values in VALUES {
                let word = |bit: u8, word| (bits & bit != 0).then_some(word);
                let words = [
                    word(1, "without-sign-type"),
                    word(2, "envelope"),
                    word(4, "empty"),
                    null,
                    values,
                ];
                let words: Vec<&str> = words.into_iter().flatten().collect();
                sets.push(match &words[..] {
                    [] => "documented".to_owned(),
                    words => words.join(","),
                });
            }
        }
    }
    sets
}

fn set(text: &str) -> SignedSet {
    text.parse().unwrap()
}

/// The signed text, by another hand than the library's.
fn text(set: &str, data: &str, envelope: &str) -> String {
    let has = |word: &str| set.split(',').any(|one| one == word);
    let mut members: BTreeMap<String, Json> = serde_json::from_str(data).unwrap();
    if has("envelope") {
        members.extend(serde_json::from_str::<BTreeMap<String, Json>>(envelope).unwrap());
    }
    let mut pairs = Vec::new();
    for (name, value) in members {
        let value = match value {
            _ if name == "sign" || (name == "signType" && has("without-sign-type")) => continue,
            Json::Null if has("null-as-nothing") => String::new(),
            Json::Null if has("null-as-text") => "null".to_owned(),
            Json::Null => continue,
            Json::String(text) if text.is_empty() && !has("empty") => continue,
            Json::String(text) => text,
            other => other.to_string(),
        };
        let value = match () {
            () if has("percent") => value
                .replace(' ', "%20")
                .replace('é', "%C3%A9")
                .replace('*', "%2A")
                .replace(':', "%3A"),
            () if has("form") => value
                .replace(' ', "+")
                .replace('é', "%C3%A9")
                .replace(':', "%3A"),
            () => value,
        };
        pairs.push(format!("{name}={value}"));
    }
    pairs.join("&")
}

/// `data` with `sign`, in the envelope.
fn message(data: &str, sign: &str, envelope: &str, as_string: bool) -> String {
    let mut data = format!(r#"{},"sign":"{sign}"}}"#, data.strip_suffix('}').unwrap());
    if as_string {
        data = Json::from(data).to_string();
    }
    format!(r#"{},"data":{data}}}"#, envelope.strip_suffix('}').unwrap())
}

fn gateway() -> Arc<dyn Signer> {
    private_key("platform-2048").signer()
}

fn rsa(
    signer: &Arc<dyn Signer>,
    scheme: SignatureScheme,
    path: Option<&str>,
    text: &str,
) -> String {
    let signature = signer.sign(scheme.digest, &scheme.message(text, path));
    STANDARD.encode(signature.unwrap())
}

fn secret() -> Md5Secret {
    Md5Secret::new("s3cret-of-the-merchant").unwrap()
}

/// A notification that is signed with the secret by a gateway which has this set.
fn by_secret(set: &str, data: &str, envelope: &str) -> String {
    let sign = keyed_md5(&text(set, data, envelope), &secret());
    message(data, &sign, envelope, false)
}

fn verified(set_text: &str, body: &str) -> Result<(), ReceivedError> {
    Received::verify_by_secret(body.as_bytes(), &secret(), set(set_text)).map(drop)
}
