//! Birch's messages: JSON, signed by an HMAC in a header; and what they say in the ledger's words.

use std::fmt;
use std::fmt::Write as _;

use aws_lc_rs::{constant_time, digest, hmac};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use ucanpay_core::Amount;
use ucanpay_storefront::provider::{
    Claim, Evidence, Fact, PaymentStatus, RefundClaim, RefundStatus, Source,
};

/// The header that holds the signature of a body, in hexadecimal.
pub(super) const SIGNATURE: &str = "birch-signature";

/// What shop and gateway share.
#[derive(Clone)]
pub struct Secret {
    key: hmac::Key,
    fingerprint: String,
}

impl Secret {
    /// A secret as the gateway gave it out: at least 32 bytes from a random source.
    pub fn new(bytes: &[u8]) -> Self {
        let digest = digest::digest(&digest::SHA256, bytes);
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, bytes),
            fingerprint: hex(&digest.as_ref()[..8]),
        }
    }

    /// A fresh one.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn random() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes)?;
        Ok(Self::new(&bytes))
    }

    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(super) fn sign(&self, body: &[u8]) -> String {
        hex(hmac::sign(&self.key, body).as_ref())
    }

    /// The signature in the header, if it is that of the body.
    pub(super) fn verify<'a>(
        &self,
        headers: &'a HeaderMap,
        body: &[u8],
    ) -> Result<&'a str, Unreadable> {
        let stated = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
        let stated = stated.ok_or(Unreadable::Unsigned)?;
        constant_time::verify_slices_are_equal(self.sign(body).as_bytes(), stated.as_bytes())
            .map_err(|_| Unreadable::Forged)?;
        Ok(stated)
    }
}

/// The secret stays out of it.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secret").field(&self.fingerprint).finish()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// A message that cannot be read or trusted.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("there is no {SIGNATURE} header")]
    Unsigned,
    #[error("the signature does not fit the body")]
    Forged,
    #[error("the body is no message of Birch")]
    Json(#[from] serde_json::Error),
    #[error("{0:?} is no amount such as 4.50")]
    Amount(String),
}

/// An order to place, as it is frozen.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NewCharge {
    pub(super) merchant: String,
    pub(super) order: String,
    pub(super) amount: String,
    pub(super) currency: String,
    pub(super) title: String,
    pub(super) webhook: String,
}

/// A refund to make, likewise.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NewRefund {
    pub(super) order: String,
    pub(super) charge: String,
    pub(super) refund: String,
    pub(super) amount: String,
}

/// What Birch says, whether it answers or notifies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Message {
    /// No two messages have the same.
    pub(super) event: u64,
    pub(super) charge: Charge,
    /// There if it is about a refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refund: Option<RefundPart>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Charge {
    pub(super) id: String,
    pub(super) merchant: String,
    pub(super) order: String,
    pub(super) amount: String,
    pub(super) currency: String,
    /// `open`, `paid`, `returned`, `canceled`.
    pub(super) status: String,
    /// Where the buyer pays.
    pub(super) checkout: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RefundPart {
    pub(super) id: String,
    pub(super) number: String,
    pub(super) amount: String,
    /// `done`, and nothing else yet.
    pub(super) status: String,
}

/// What a message says, once its signature is verified.
pub(super) fn read(
    source: Source,
    headers: &HeaderMap,
    body: &[u8],
    secret: &Secret,
) -> Result<Fact, Unreadable> {
    let signature = secret.verify(headers, body)?.to_owned();
    let Message { charge, refund, .. } = serde_json::from_slice(body)?;
    let claim = match refund {
        None => Claim::Payment(match charge.status.as_str() {
            "open" => PaymentStatus::NotPaid,
            "paid" => PaymentStatus::Paid,
            "returned" => PaymentStatus::PaidAndReturned,
            "canceled" => PaymentStatus::Closed,
            other => PaymentStatus::Other(other.to_owned()),
        }),
        Some(refund) => Claim::Refund(
            RefundClaim {
                number: Some(refund.number),
                gateway_number: Some(refund.id),
                amount: Some(from_dollars(&refund.amount)?),
            },
            match refund.status.as_str() {
                "done" => RefundStatus::Succeeded,
                other => RefundStatus::Other(other.to_owned()),
            },
        ),
    };
    Ok(Fact {
        source,
        merchant: Some(charge.merchant),
        reference: Some(charge.order),
        gateway_number: Some(charge.id),
        amount: Some(from_dollars(&charge.amount)?),
        currency: Some(charge.currency),
        pay_link: Some(charge.checkout.into()),
        claim,
        missing: Vec::new(),
        evidence: Evidence {
            signed_text: String::from_utf8_lossy(body).into_owned(),
            signature,
            key: secret.fingerprint().to_owned(),
        },
    })
}

/// 450 cents are "4.50".
pub(super) fn dollars(amount: Amount) -> String {
    format!("{}.{:02}", amount.cents() / 100, amount.cents() % 100)
}

/// Exactly two decimals, digits only: money is not guessed at.
pub(super) fn from_dollars(text: &str) -> Result<Amount, Unreadable> {
    let not_one = || Unreadable::Amount(text.chars().take(20).collect());
    let (whole, cents) = text.split_once('.').ok_or_else(not_one)?;
    let digits = format!("{whole}{cents}");
    if whole.is_empty() || cents.len() != 2 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(not_one());
    }
    let cents = digits.parse().map_err(|_| not_one())?;
    Amount::new(cents).map_err(|_| not_one())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_as_they_are_written_and_in_no_other_way() {
        for cents in [1, 10, 99, 100, 450, 123_456] {
            let text = dollars(Amount::new(cents).unwrap());
            assert_eq!(from_dollars(&text).unwrap().cents(), cents, "{text}");
        }
        for text in [
            "4.5", "4", ".50", "4.500", "-4.50", "+4.50", "4,50", "0.00", "4.5x", "",
        ] {
            assert!(from_dollars(text).is_err(), "{text:?}");
        }
    }
}
