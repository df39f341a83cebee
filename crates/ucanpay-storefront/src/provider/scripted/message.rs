//! Every message of the scripted gateway: lines of `name=value`, and a last line that signs them.

use std::fmt::Write as _;

use rand_core::{OsRng, RngCore as _};
use sha2::{Digest as _, Sha256};
use ucanpay_core::Amount;

use crate::provider::{Claim, Evidence, Fact, PaymentStatus, RefundClaim, RefundStatus, Source};

/// The secret that shop and gateway share.
pub(super) struct Key([u8; 32]);

/// The members of a message, in the order in which they are written.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<(String, String)>);

/// A message that cannot be read or trusted.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the message carries no signature")]
    Unsigned,
    #[error("the signature does not fit the message")]
    Forged,
    #[error("the message does not state {0}")]
    Missing(&'static str),
}

impl Key {
    pub(super) fn random() -> Self {
        let mut key = [0; 32];
        OsRng.fill_bytes(&mut key);
        Self(key)
    }

    /// The key before and after the text, hashed. It keeps a test honest; a gateway would use HMAC.
    fn sign(&self, text: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(text);
        hash.update(self.0);
        hex(&hash.finalize())
    }

    pub(super) fn fingerprint(&self) -> String {
        let mut digits = hex(&Sha256::digest(self.0));
        digits.truncate(16);
        digits
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

impl Message {
    pub(super) fn new<'a>(members: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        members
            .into_iter()
            .fold(Self::default(), |message, (name, value)| {
                message.with(name, value)
            })
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn get(&self, name: &'static str) -> Result<&str, Unreadable> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
            .ok_or(Unreadable::Missing(name))
    }

    pub(super) fn cents(&self, name: &'static str) -> Result<Amount, Unreadable> {
        let cents = self.get(name)?.parse().ok();
        cents
            .and_then(|cents| Amount::new(cents).ok())
            .ok_or(Unreadable::Missing(name))
    }

    fn text(&self) -> String {
        let lines = self.0.iter().map(|(name, value)| format!("{name}={value}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    pub(super) fn signed(&self, key: &Key) -> String {
        let text = self.text();
        let signature = key.sign(&text);
        text + SIGNATURE + &signature
    }

    /// The members, if the bytes are exactly what the holder of the key wrote.
    pub(super) fn verified(bytes: &[u8], key: &Key) -> Result<Self, Unreadable> {
        let (text, signature) = parts(bytes)?;
        if key.sign(text) != signature {
            return Err(Unreadable::Forged);
        }
        Ok(Self::new(
            text.lines().filter_map(|line| line.split_once('=')),
        ))
    }
}

const SIGNATURE: &str = "\nsignature=";

fn parts(bytes: &[u8]) -> Result<(&str, &str), Unreadable> {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.rsplit_once(SIGNATURE))
        .ok_or(Unreadable::Unsigned)
}

/// What a verified message says.
pub(super) fn read(source: Source, bytes: &[u8], key: &Key) -> Result<Fact, Unreadable> {
    let message = Message::verified(bytes, key)?;
    let (text, signature) = parts(bytes)?;
    let claim = match message.get("says")? {
        "placed" => Claim::Placed,
        "payment" => Claim::Payment(payment_status(message.get("status")?)),
        "refund accepted" => Claim::RefundAccepted(refund_claim(&message)?),
        _ => Claim::Refund(
            refund_claim(&message)?,
            refund_status(message.get("status")?),
        ),
    };
    Ok(Fact {
        source,
        merchant: Some(message.get("merchant")?.to_owned()),
        reference: Some(message.get("reference")?.to_owned()),
        gateway_number: Some(message.get("number")?.to_owned()),
        amount: Some(message.cents("amount")?),
        currency: Some(message.get("currency")?.to_owned()),
        pay_link: message.get("link").ok().map(Into::into),
        claim,
        missing: Vec::new(),
        evidence: Evidence {
            signed_text: text.to_owned(),
            signature: signature.to_owned(),
            key: key.fingerprint(),
        },
    })
}

fn refund_claim(message: &Message) -> Result<RefundClaim, Unreadable> {
    Ok(RefundClaim {
        number: Some(message.get("refund")?.to_owned()),
        gateway_number: Some(message.get("refund_number")?.to_owned()),
        amount: Some(message.cents("refund_amount")?),
    })
}

pub(super) const fn payment_word(status: &PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Paid => "paid",
        PaymentStatus::PaidAndReturned => "paid and returned",
        PaymentStatus::NotPaid => "not paid",
        PaymentStatus::Paying => "paying",
        PaymentStatus::Failed => "failed",
        PaymentStatus::Closed => "closed",
        PaymentStatus::Reversed => "reversed",
        PaymentStatus::Other(_) => "other",
    }
}

fn payment_status(word: &str) -> PaymentStatus {
    match word {
        "paid" => PaymentStatus::Paid,
        "paid and returned" => PaymentStatus::PaidAndReturned,
        "not paid" => PaymentStatus::NotPaid,
        "paying" => PaymentStatus::Paying,
        "failed" => PaymentStatus::Failed,
        "closed" => PaymentStatus::Closed,
        "reversed" => PaymentStatus::Reversed,
        other => PaymentStatus::Other(other.to_owned()),
    }
}

pub(super) const fn refund_word(status: &RefundStatus) -> &'static str {
    match status {
        RefundStatus::Succeeded => "succeeded",
        RefundStatus::Processing => "processing",
        RefundStatus::Failed => "failed",
        RefundStatus::Closed => "closed",
        RefundStatus::Other(_) => "other",
    }
}

fn refund_status(word: &str) -> RefundStatus {
    match word {
        "succeeded" => RefundStatus::Succeeded,
        "processing" => RefundStatus::Processing,
        "failed" => RefundStatus::Failed,
        "closed" => RefundStatus::Closed,
        other => RefundStatus::Other(other.to_owned()),
    }
}
