//! A message of which one does not know yet what it is: told apart by its members, and verified by public keys alone.
//!
//! For tools and tests. A shop knows what it waits for and asks [`Merchant`](crate::Merchant), which also knows its own
//! number; the verdict comes from the same place, `verification.rs`.

use std::fmt;

use crate::{
    envelope::Envelope,
    fields::{Fields, ReadError, Value},
    key::PublicKey,
    keyed_md5::Md5Secret,
    notification::Notification,
    response::Untrusted,
    scheme::SignatureScheme,
    signed_set::SignedSet,
    verification::{Claim, Refusal, prove, prove_by_secret},
    verified::{Proof, Verified},
};

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum MessageKind {
    /// A flat object with its own `sign`: a request, or `data` alone.
    Object,
    /// An answer: an envelope with `data`.
    Answer,
    /// A payment notification, with every member that one must have.
    PaymentNotification,
    /// A refund notification, with every member that one must have.
    RefundNotification,
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "flat object",
            Self::Answer => "answer",
            Self::PaymentNotification => "payment notification",
            Self::RefundNotification => "refund notification",
        })
    }
}

/// A message of any kind.
///
/// ```
/// use ucanpay_core::{MessageKind, Received, SignatureScheme, SignedSet};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = concat!(
/// #     r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"#,
/// #     r#""ucpOrderNo":"377654578511872","outTradeNo":"A20260301","tradeStatus":"SUCCESS","#,
/// #     r#""signType":"RSA"}"#,
/// # );
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// # let keys = [gateway.public_key().clone()];
/// let message = Received::verify(body.as_bytes(), &keys, SignatureScheme::DOCUMENTED, SignedSet::DOCUMENTED, None)?;
/// assert_eq!(message.kind(), MessageKind::PaymentNotification);
/// assert_eq!(message.merchant_id(), Some("2000000010"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    kind: MessageKind,
    merchant_id: Option<String>,
}

impl Received {
    /// Verifies a flat object, an answer or a notification as strictly as [`Merchant`](crate::Merchant) does.
    ///
    /// Answers and notifications look alike. An envelope is a notification when its `data` has `tradeStatus`, `merchantId`
    /// and `totalAmt`, or `refundStatus` without the members that only a refund query's answer has; it must then be a
    /// complete one. `path` is appended by schemes with [`Suffix::Path`](crate::Suffix::Path) only.
    ///
    /// ```
    /// use ucanpay_core::{Received, ReceivedError, SignatureScheme, SignedSet, Untrusted};
    ///
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let data = r#"{"outTradeNo":"A20260301","tradeStatus":"NOTPAY"}"#;
    /// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
    /// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
    /// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
    /// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
    /// # let keys = [gateway.public_key().clone()];
    /// # let forged = body.replace("NOTPAY", "SUCCESS");
    /// let (scheme, set) = (SignatureScheme::DOCUMENTED, SignedSet::DOCUMENTED);
    /// let verify = |body: &[u8]| Received::verify(body, &keys, scheme, set, None);
    /// assert_eq!(verify(body.as_bytes())?.kind().to_string(), "answer");
    /// let refused = Err(ReceivedError::Untrusted(Untrusted::NoMatchingKey { keys: 1 }));
    /// assert_eq!(verify(forged.as_bytes()), refused);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReceivedError`]: nothing in the message can be relied on. [`explain`](crate::explain()) says more.
    pub fn verify(
        body: &[u8],
        keys: &[PublicKey],
        scheme: SignatureScheme,
        set: SignedSet,
        path: Option<&str>,
    ) -> Result<Verified<Self>, ReceivedError> {
        let verifiers: Vec<_> = keys.iter().map(PublicKey::verifier).collect();
        Self::read(body, set, |claim| prove(claim, &verifiers, scheme, path))
    }

    /// As [`verify`](Self::verify), by the [keyed MD5](crate::keyed_md5()) secret in place of keys.
    ///
    /// ```
    /// use ucanpay_core::{Md5Secret, Received, SignedSet, VerifiedBy, keyed_md5};
    ///
    /// let secret = Md5Secret::new("s3cret-of-the-merchant")?;
    /// let sign = keyed_md5("outTradeNo=A20260301&tradeStatus=NOTPAY", &secret);
    /// let data = format!(r#"{{"outTradeNo":"A20260301","tradeStatus":"NOTPAY","sign":"{sign}"}}"#);
    /// let body = format!(r#"{{"code":0,"data":{data}}}"#);
    /// let message = Received::verify_by_secret(body.as_bytes(), &secret, SignedSet::DOCUMENTED)?;
    /// assert_eq!(message.key(), &VerifiedBy::Md5Secret);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`verify`](Self::verify).
    pub fn verify_by_secret(
        body: &[u8],
        secret: &Md5Secret,
        set: SignedSet,
    ) -> Result<Verified<Self>, ReceivedError> {
        Self::read(body, set, |claim| prove_by_secret(claim, secret))
    }

    fn read(
        body: &[u8],
        set: SignedSet,
        prove: impl FnOnce(Claim<'_, '_>) -> Result<Proof, Refusal>,
    ) -> Result<Verified<Self>, ReceivedError> {
        let envelope = Envelope::parse(body)?;
        if !is_envelope(envelope.fields()) {
            let members = &Fields::parse(body)?;
            let proof = prove(Claim {
                members,
                envelope: None,
                set,
            })?;
            return Ok(Verified::new(
                Self::new(MessageKind::Object, members),
                proof,
            ));
        }
        let data = envelope.data()?.ok_or(Untrusted::NoData)?;
        let members = &*data;
        let proof = prove(Claim {
            members,
            envelope: Some(envelope.fields()),
            set,
        })?;
        let kind = kind_of_data(members)?;
        Ok(Verified::new(Self::new(kind, members), proof))
    }

    fn new(kind: MessageKind, fields: &Fields<'_>) -> Self {
        let merchant_id = fields.text("merchantId");
        Self { kind, merchant_id }
    }

    /// What the message is.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The merchant that it names (`merchantId`); an order query's answer need not.
    #[must_use]
    pub fn merchant_id(&self) -> Option<&str> {
        self.merchant_id.as_deref()
    }
}

/// An object with `data` and no signature of its own. An error without `data` is one too: it has a `code`. Where there is a
/// signature beside `data`, it is one all the same if `data` can be no member of a flat object, or holds a signature itself:
/// so a merchant reads it, for whom nothing outside `data` counts.
pub(crate) fn is_envelope(fields: &Fields<'_>) -> bool {
    let signed =
        |text: &str| Fields::parse(text.as_bytes()).is_ok_and(|data| data.get("sign").is_some());
    match (fields.get("sign"), fields.get("data")) {
        (None, data) => data.is_some() || fields.get("code").is_some(),
        (Some(_), Some(Value::Nested(_))) => true,
        (Some(_), Some(Value::Text(text))) => signed(text),
        (Some(_), _) => false,
    }
}

/// What the `data` of an envelope is, once it is complete as that.
pub(crate) fn kind_of_data(fields: &Fields<'_>) -> Result<MessageKind, ReadError> {
    let has = |member: &str| fields.get(member).is_some();
    let of_refund_query = ["totalRefundAmt", "refundSuccesTime", "refundSuccessTime"];
    let told = match (has("tradeStatus"), has("refundStatus")) {
        (true, true) => true,
        (true, false) => has("merchantId") && has("totalAmt"),
        (false, true) => !of_refund_query.into_iter().any(has),
        (false, false) => false,
    };
    if !told {
        fields.amount("totalAmt")?;
        fields.amount("refundAmt")?;
        return Ok(MessageKind::Answer);
    }
    Ok(match Notification::read(fields)? {
        Notification::Payment(_) => MessageKind::PaymentNotification,
        Notification::Refund(_) => MessageKind::RefundNotification,
    })
}

/// Why a message cannot be relied on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceivedError {
    /// It cannot be read.
    #[error("the message cannot be read")]
    Malformed(#[from] ReadError),
    /// It is not proven to come from the holder of one of the keys.
    #[error("the message cannot be trusted")]
    Untrusted(#[from] Untrusted),
}

impl From<Refusal> for ReceivedError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Malformed(error) => Self::Malformed(error),
            Refusal::Untrusted(error) => Self::Untrusted(error),
        }
    }
}
