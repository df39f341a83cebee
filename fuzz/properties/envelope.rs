//! The property of the target `envelope`: nothing is accepted but what the gateway signed, and no body makes a reader panic,
//! not even one behind a signature that fits.
//!
//! The fuzz target comes in with bytes of its own making, the tests of `ucanpay-core` with the corpus. A panic goes out.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, LazyLock},
};

use serde_json::Value as Json;
use ucanpay_core::{
    CloseOrder, Digest, Merchant, MerchantId, OrderQuery, PrivateKey, PublicKey, Refund,
    RefundQuery, Reverse, UnifiedOrder, Verified, Verifier,
};

/// Panics if a body made of these bytes is read as something that the gateway did not sign.
pub(crate) fn check(input: &[u8]) {
    for body in bodies(input) {
        assert_genuine(&MERCHANT, &body);
        assert_another_reader_agrees(&body);
    }
}

/// The bodies that are made of these bytes: as they are, and as the change of a genuine notification: which one, where (two
/// bytes), how many bytes go, and what takes their place.
pub(crate) fn bodies(input: &[u8]) -> Vec<Vec<u8>> {
    let mut bodies = vec![input.to_vec()];
    if let [which, high, low, cut, insert @ ..] = input {
        let genuine = &GENUINE[usize::from(*which) % GENUINE.len()].body;
        let start = usize::from(u16::from_be_bytes([*high, *low])) % (genuine.len() + 1);
        let end = genuine.len().min(start + usize::from(*cut));
        bodies.push([&genuine[..start], insert, &genuine[end..]].concat());
    }
    bodies
}

/// What `merchant` accepts has the members and the signature of a genuine message, as another reader sees them.
pub(crate) fn assert_genuine(merchant: &Merchant, body: &[u8]) {
    let claims = [
        claim(merchant.verify_notification(body)),
        claim(merchant.verify_answer::<OrderQuery>(body)),
    ];
    for claim in claims.into_iter().flatten() {
        let genuine = GENUINE.iter().any(|genuine| genuine.reading.claim == claim);
        assert!(genuine, "accepted a text that was never signed: {claim:?}");
        if let Some(reading) = Reading::of(body) {
            let genuine = GENUINE.iter().any(|genuine| genuine.reading == reading);
            assert!(genuine, "accepted members that were never signed");
        }
    }
}

/// With the signature out of the way: every reader of messages is reached, and what it would have taken as signed is what
/// another reader finds in the body.
fn assert_another_reader_agrees(body: &[u8]) {
    let claims = [
        claim(GULLIBLE.verify_notification(body)),
        claim(GULLIBLE.verify_answer::<UnifiedOrder>(body)),
        claim(GULLIBLE.verify_answer::<OrderQuery>(body)),
        claim(GULLIBLE.verify_answer::<CloseOrder>(body)),
        claim(GULLIBLE.verify_answer::<Reverse>(body)),
        claim(GULLIBLE.verify_answer::<Refund>(body)),
        claim(GULLIBLE.verify_answer::<RefundQuery>(body)),
    ];
    for claim in claims.into_iter().flatten() {
        if let Some(reading) = Reading::of(body) {
            assert_eq!(claim, reading.claim);
        }
    }
}

/// What a verified message says was signed.
#[derive(Debug, PartialEq, Eq)]
struct Claim {
    signed_text: String,
    signature: String,
}

fn claim<T, E: fmt::Display>(result: Result<Verified<T>, E>) -> Option<Claim> {
    match result {
        Ok(message) => Some(Claim {
            signed_text: message.signed_text().to_owned(),
            signature: message.signature().to_owned(),
        }),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

/// A body as `serde_json` reads it, and what would be signed of it by the rules of the reference.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    members: BTreeMap<String, String>,
    claim: Claim,
}

impl Reading {
    /// Of a body that was accepted. `None` when it holds numbers whose characters `serde_json` does not keep.
    fn of(body: &[u8]) -> Option<Self> {
        let envelope = json(body)?;
        let data = match &envelope["data"] {
            Json::String(text) => json(text.as_bytes())?,
            data => data.clone(),
        };
        let data = data.as_object().expect("accepted `data` is an object");
        let mut members = BTreeMap::new();
        for (name, value) in data.iter().filter(|(name, _)| *name != "sign") {
            let text = match value {
                Json::Null => continue,
                Json::String(text) if text.is_empty() => continue,
                Json::String(text) => text.clone(),
                Json::Bool(truth) => truth.to_string(),
                Json::Number(number) if number.is_f64() => return None,
                Json::Number(number) => number.to_string(),
                Json::Array(_) | Json::Object(_) => panic!("accepted a nested member, {name:?}"),
            };
            members.insert(name.clone(), text);
        }
        let pairs: Vec<String> = members
            .iter()
            .map(|(name, text)| format!("{name}={text}"))
            .collect();
        let sign = data["sign"].as_str().expect("accepted `sign` is a string");
        let claim = Claim {
            signed_text: pairs.join("&"),
            signature: sign.to_owned(),
        };
        Some(Self { members, claim })
    }
}

fn json(text: &[u8]) -> Option<Json> {
    match serde_json::from_slice(text) {
        Ok(value) => Some(value),
        Err(error) if error.to_string().starts_with("number out of range") => None,
        Err(error) => panic!("accepted what is not JSON: {error}"),
    }
}

/// A message that the gateway of the vectors signed.
struct Genuine {
    body: Vec<u8>,
    reading: Reading,
}

/// Those that are accepted, and those that are refused as notifications although the signature fits: as an answer they may
/// pass. Texts that could be cut in two ways stay out, here and in the corpus: a gateway that signs one has signed the
/// other message as well.
static GENUINE: LazyLock<Vec<Genuine>> = LazyLock::new(|| {
    let vectors = include_str!("../../tests/fixtures/vectors/notifications.json");
    let vectors: Json = serde_json::from_str(vectors).expect("the vectors are JSON");
    let cases = vectors["cases"].as_array().expect("there are cases");
    let text = |case: &Json, member: &str| case[member].as_str().unwrap_or_default().to_owned();
    cases
        .iter()
        .filter(|case| {
            text(case, "expect") == "accepted" || text(case, "name").ends_with(", signed")
        })
        .map(|case| text(case, "body").into_bytes())
        .filter_map(|body| Reading::of(&body).map(|reading| Genuine { body, reading }))
        .filter(|genuine| {
            let members = &genuine.reading.members;
            !members
                .iter()
                .any(|(name, text)| name.contains(['&', '=']) || text.contains('&'))
        })
        .collect()
});

/// The receiver of the vectors.
pub(crate) static MERCHANT: LazyLock<Merchant> =
    LazyLock::new(|| merchant(platform_key().verifier()));

/// The same receiver, believing every signature that has the right length.
pub(crate) static GULLIBLE: LazyLock<Merchant> =
    LazyLock::new(|| merchant(Arc::new(Gullible(platform_key()))));

fn merchant(verifier: Arc<dyn Verifier>) -> Merchant {
    let key = include_bytes!("../../tests/fixtures/keys/merchant-2048.pkcs8.pem");
    let key = PrivateKey::from_bytes(key).expect("the merchant's test key is a key");
    let id = MerchantId::new("2000000010").expect("the vectors' merchant has a proper number");
    Merchant::with_signer(id, key.signer(), vec![verifier]).expect("the two keys differ")
}

fn platform_key() -> PublicKey {
    let key = include_bytes!("../../tests/fixtures/keys/platform-2048.pub.pem");
    PublicKey::from_bytes(key).expect("the gateway's test key is a key")
}

#[derive(Debug)]
struct Gullible(PublicKey);

impl Verifier for Gullible {
    fn verify(&self, _: Digest, _: &[u8], _: &[u8]) -> bool {
        true
    }

    fn public_key(&self) -> &PublicKey {
        &self.0
    }

    fn backend(&self) -> &'static str {
        "gullible"
    }
}
