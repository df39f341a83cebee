//! Notifications that a careful endpoint refuses: what strangers would send.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use ucanpay_core::{Md5Secret, PrivateKey, keyed_md5};

use crate::{
    args::Spoiling,
    notice::{Notice, Seal, enveloped},
    outcome::Failure,
};

/// The notice as it is posted, spoiled.
pub(crate) fn spoiled(notice: Notice, how: Spoiling, seal: &Seal) -> Result<String, Failure> {
    let genuine = || notice.clone().signed(seal);
    let body = match how {
        Spoiling::Signature => {
            let genuine = genuine()?;
            let sign = STANDARD.decode(text(&genuine, "sign"));
            let mut sign = sign.map_err(|error| Failure::NotDone(error.to_string()))?;
            if let Some(last) = sign.last_mut() {
                *last ^= 1;
            }
            genuine.with("sign", STANDARD.encode(sign)).body()
        }
        Spoiling::Unsigned => genuine()?.without("sign").body(),
        Spoiling::Amount => {
            let genuine = genuine()?;
            let other = other_amount(&genuine);
            genuine.with("totalAmt", other).body()
        }
        Spoiling::Key => {
            let bits = seal.signer.public_key().bits();
            let stranger =
                PrivateKey::generate(bits).map_err(|error| Failure::NotDone(error.to_string()))?;
            let seal = Seal {
                signer: stranger.signer(),
                ..seal.clone()
            };
            notice.signed(&seal)?.body()
        }
        Spoiling::Md5 => {
            // Everybody may know the public key, and an endpoint that lets the message choose would take it for a secret.
            let pem = seal.signer.public_key().to_spki_pem();
            let lines = pem.lines().filter(|line| !line.starts_with("-----"));
            let secret = Md5Secret::new(lines.collect::<String>())
                .map_err(|error| Failure::NotDone(error.to_string()))?;
            let notice = genuine()?.without("sign").with("signType", "MD5");
            let sign = keyed_md5(&notice.canonical(seal.set)?, &secret);
            notice.with("sign", sign).body()
        }
        Spoiling::Resplit => {
            // `body=coffee&currency=CAD` is signed, and is the text of one member as well as of two.
            let genuine = genuine()?;
            let joined = format!(
                "{}&currency={}",
                text(&genuine, "body"),
                text(&genuine, "currency")
            );
            genuine.without("currency").with("body", joined).body()
        }
        Spoiling::Twice => {
            let genuine = genuine()?;
            let other = other_amount(&genuine);
            let data = genuine.data();
            let rest = data.strip_prefix('{').unwrap_or(&data);
            enveloped(&format!("{{\"totalAmt\":{other},{rest}"))
        }
        Spoiling::Truncate => {
            let body = genuine()?.body();
            body.chars().take(body.chars().count() / 2).collect()
        }
    };
    Ok(body)
}

/// One cent more or less than the notice says, and never nothing.
pub(crate) fn other_amount(notice: &Notice) -> i64 {
    match notice.get("totalAmt").and_then(Value::as_i64) {
        Some(cents) if cents > 1 => cents - 1,
        _ => 2,
    }
}

fn text<'a>(notice: &'a Notice, name: &str) -> &'a str {
    notice.get(name).and_then(Value::as_str).unwrap_or_default()
}
