//! The proof, as a type, that a message was signed by the gateway.

use std::{fmt, ops::Deref};

use crate::key::Fingerprint;

/// A message whose signature has been verified as the merchant is configured: with a platform key, or with the MD5 secret.
///
/// Only [`Merchant`](crate::Merchant) makes one. Verified means: the gateway wrote it. Whether it is about *this* order
/// and amount is another question, which the ledger answers.
///
/// It is used like the message itself, and has its proof with it:
///
/// ```
/// use ucanpay_core::VerifiedBy;
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = r#"{"outTradeNo":"A20260301","tradeStatus":"SUCCESS"}"#;
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// // {"code":0,"data":{"outTradeNo":"A20260301","tradeStatus":"SUCCESS","sign":"…"}}
/// let answer = merchant.verify_answer::<OrderQuery>(body.as_bytes())?;
/// assert_eq!(answer.out_trade_no.as_deref(), Some("A20260301"));
/// assert_eq!(answer.signed_text(), "outTradeNo=A20260301&tradeStatus=SUCCESS");
/// assert_eq!(answer.key(), &VerifiedBy::PlatformKey(gateway.public_key().fingerprint().clone()));
/// # assert_eq!(answer.signature(), sign);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Verified<T> {
    message: T,
    proof: Proof,
}

/// What proves a message: kept together, so that nobody can pair one message's text with another's signature. Evidence
/// worth keeping; [`Verified::into_parts`] hands it out.
///
/// Kept, it can be checked again by anyone who has the platform key and base64:
///
/// ```
/// use base64::{Engine, engine::general_purpose::STANDARD};
/// use ucanpay_core::SignatureScheme;
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = r#"{"outTradeNo":"A20260301","tradeStatus":"SUCCESS"}"#;
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// # let platform_key = gateway.public_key();
/// // {"code":0,"data":{"outTradeNo":"A20260301","tradeStatus":"SUCCESS","sign":"…"}}
/// let (_, proof) = merchant.verify_answer::<OrderQuery>(body.as_bytes())?.into_parts();
/// let (scheme, signature) = (SignatureScheme::DOCUMENTED, STANDARD.decode(&proof.signature)?);
/// let message = scheme.message(&proof.signed_text, None);
/// assert!(platform_key.verifier().verify(scheme.digest, &message, &signature));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proof {
    /// The canonical string that the signature vouches for.
    pub signed_text: String,
    /// The signature as it came (`sign`). With the text and the platform key it is proof for a third party.
    pub signature: String,
    /// Which platform key the signature fitted, or that it was the MD5 secret.
    pub key: VerifiedBy,
}

/// The key alone. The signed text and the signature are evidence: kept, not logged.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// What a message was verified with.
///
/// ```
/// use ucanpay_core::VerifiedBy;
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
/// # let old_key = gateway.public_key();
/// let notification = merchant.verify_notification(body.as_bytes())?;
/// let is_old = matches!(notification.key(), VerifiedBy::PlatformKey(key) if key == old_key.fingerprint());
/// assert!(is_old, "the gateway has changed to {}", notification.key());
/// assert_eq!(VerifiedBy::Md5Secret.to_string(), "md5-secret");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VerifiedBy {
    /// The platform key of this short name: the gateway alone can have signed. Displayed as its 16 digits.
    PlatformKey(Fingerprint),
    /// The merchant's MD5 secret: whoever knows it can have signed, the merchant too, so it is no proof for a third party.
    /// Displayed as `md5-secret`.
    Md5Secret,
}

impl fmt::Display for VerifiedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlatformKey(fingerprint) => fingerprint.fmt(f),
            Self::Md5Secret => f.write_str("md5-secret"),
        }
    }
}

impl<T> Verified<T> {
    pub(crate) fn new(message: T, proof: Proof) -> Self {
        Self { message, proof }
    }

    /// The message, without its proof.
    ///
    /// ```
    /// use ucanpay_core::{OrderQuery, OrderQueryAnswer};
    ///
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let data = r#"{"outTradeNo":"A20260301","tradeStatus":"NOTPAY"}"#;
    /// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
    /// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
    /// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
    /// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
    /// // {"code":0,"data":{"outTradeNo":"A20260301","tradeStatus":"NOTPAY","sign":"…"}}
    /// let answer: OrderQueryAnswer = merchant.verify_answer::<OrderQuery>(body.as_bytes())?.into_inner();
    /// assert_eq!(answer.out_trade_no.as_deref(), Some("A20260301"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn into_inner(self) -> T {
        self.message
    }

    /// The message, and apart from it what proves it.
    ///
    /// ```
    /// use ucanpay_core::{OrderQuery, VerifiedBy};
    ///
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let data = r#"{"outTradeNo":"A20260301","tradeStatus":"NOTPAY"}"#;
    /// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
    /// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
    /// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
    /// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
    /// // {"code":0,"data":{"outTradeNo":"A20260301","tradeStatus":"NOTPAY","sign":"…"}}
    /// let (answer, proof) = merchant.verify_answer::<OrderQuery>(body.as_bytes())?.into_parts();
    /// assert_eq!(answer.out_trade_no.as_deref(), Some("A20260301"));
    /// assert_eq!(proof.signed_text, "outTradeNo=A20260301&tradeStatus=NOTPAY"); // to be kept
    /// assert!(matches!(proof.key, VerifiedBy::PlatformKey(_)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn into_parts(self) -> (T, Proof) {
        (self.message, self.proof)
    }

    /// The canonical string that the signature vouches for: evidence worth keeping.
    #[must_use]
    pub fn signed_text(&self) -> &str {
        &self.proof.signed_text
    }

    /// The signature as it came (`sign`). With the text and the platform key it is proof for a third party.
    #[must_use]
    pub fn signature(&self) -> &str {
        &self.proof.signature
    }

    /// Which platform key the signature fitted, or that it was the MD5 secret.
    #[must_use]
    pub fn key(&self) -> &VerifiedBy {
        &self.proof.key
    }

    /// Turns the message into a part of itself; the proof goes along. Not public: it could be given anything.
    pub(crate) fn filter_map<U>(self, part: impl FnOnce(T) -> Option<U>) -> Option<Verified<U>> {
        let message = part(self.message)?;
        Some(Verified::new(message, self.proof))
    }
}

/// The message and the key. The signed text and the signature are evidence: kept, not logged.
impl<T: fmt::Debug> fmt::Debug for Verified<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("message", &self.message)
            .field("key", &self.proof.key)
            .finish_non_exhaustive()
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.message
    }
}
