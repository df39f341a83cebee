//! One merchant account: signs what goes out, verifies what comes in. Stops 1, 3 and 5 of a payment.
//!
//! An operation comes in and the bytes of a request go out; the bytes of an answer or a notification come in and a
//! [`Verified`] message goes out, or the reason why it cannot be trusted.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    envelope::Envelope,
    fields::Fields,
    json::ObjectWriter,
    key::{Fingerprint, PrivateKey, PublicKey},
    keyed_md5::{self, Md5Secret, keyed_md5},
    notification::Notification,
    operation::{Answer, Operation},
    renewal::renewed,
    request::{RequestFields, SignError, SignedRequest},
    response::{AnswerError, GatewayError, NotificationError, Untrusted},
    scheme::SignatureScheme,
    signed_set::SignedSet,
    signer::{Signer, SigningError},
    types::{MerchantId, Nonce},
    verification::{Claim, Refusal, SIGN_TYPE, prove, prove_by_secret},
    verified::{Proof, Verified},
    verifier::Verifier,
};

/// A merchant's number, key and scheme, and the gateway's keys. Cheap to clone; `Debug` shows no secret.
///
/// See the [crate's example](crate).
///
/// What it is set up with, to be logged when the program starts:
///
/// ```
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let mut log = Vec::new();
/// let backends: Vec<_> = merchant.verifying_backends().collect();
/// log.push(format!("merchant {} with the key {}", merchant.id(), merchant.key_fingerprint()));
/// log.push(format!("signs by {}, verifies by {}", merchant.signing_backend(), backends.join(" and ")));
/// let scheme = merchant.scheme().name().unwrap_or("of its own");
/// log.push(format!("scheme {scheme}, signed set {}", merchant.signed_set()));
/// # assert!(log[0].starts_with("merchant 2000000010 with the key ") && backends.len() == 1);
/// assert_eq!(log[2], "scheme documented, signed set documented");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Merchant {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    id: MerchantId,
    signer: Arc<dyn Signer>,
    verifiers: Vec<Arc<dyn Verifier>>,
    scheme: SignatureScheme,
    signed_set: SignedSet,
    received_suffix: ReceivedSuffix,
    /// Once there is one, keys and scheme are at rest.
    md5_secret: Option<Md5Secret>,
}

impl Merchant {
    /// A merchant whose key is in memory. Several platform keys are allowed, for the time of a rotation. Each key gets the
    /// fastest [backend](crate::backend) that is compiled in and can hold it; [`signing_backend`](Self::signing_backend) and
    /// [`verifying_backends`](Self::verifying_backends) say which.
    ///
    /// ```
    /// use ucanpay_core::{Merchant, MerchantError, MerchantId, PrivateKey};
    ///
    /// # let platform_key = PrivateKey::generate(1024)?.public_key().clone();
    /// let key = PrivateKey::generate(1024)?; // in earnest: from_bytes, with the file's bytes
    /// let own_key = key.public_key().clone();
    /// let merchant = Merchant::new(MerchantId::new("2000000010")?, key.clone(), [platform_key])?;
    /// assert_eq!(merchant.key_fingerprint(), own_key.fingerprint());
    ///
    /// // The two keys were mixed up.
    /// let mixed_up = Merchant::new(MerchantId::new("2000000010")?, key, [own_key]);
    /// assert_eq!(mixed_up.err(), Some(MerchantError::OwnKeyAsPlatformKey));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MerchantError`] without a platform key, or when one of them is the merchant's own key. Both are mistakes of the
    /// configuration.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a private key is handed over, not left behind with the caller"
    )]
    pub fn new(
        id: MerchantId,
        key: PrivateKey,
        platform_keys: impl IntoIterator<Item = PublicKey>,
    ) -> Result<Self, MerchantError> {
        let verifiers = platform_keys.into_iter().map(|key| key.verifier());
        Self::with_signer(id, key.signer(), verifiers.collect())
    }

    /// A merchant whose key is held elsewhere, such as in an HSM.
    ///
    /// ```
    /// use ucanpay_core::{Merchant, MerchantId, backend::rustcrypto};
    ///
    /// # use ucanpay_core::PrivateKey;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?.public_key().clone());
    /// let signer = rustcrypto::signer(&key); // or a `Signer` of your own
    /// let merchant = Merchant::with_signer(MerchantId::new("2000000010")?, signer, vec![platform_key.verifier()])?;
    /// assert_eq!(merchant.signing_backend(), "rustcrypto");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn with_signer(
        id: MerchantId,
        signer: Arc<dyn Signer>,
        verifiers: Vec<Arc<dyn Verifier>>,
    ) -> Result<Self, MerchantError> {
        if verifiers.is_empty() {
            return Err(MerchantError::NoPlatformKey);
        }
        let own = signer.public_key();
        // Whoever could see the merchant's own signatures could then play them back as the gateway's.
        if verifiers
            .iter()
            .any(|verifier| verifier.public_key() == own)
        {
            return Err(MerchantError::OwnKeyAsPlatformKey);
        }
        let inner = Inner {
            id,
            signer,
            verifiers,
            scheme: SignatureScheme::DOCUMENTED,
            signed_set: SignedSet::DOCUMENTED,
            received_suffix: ReceivedSuffix::None,
            md5_secret: None,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The same merchant with another signature scheme, for what it signs and for what it verifies.
    ///
    /// ```
    /// use ucanpay_core::SignatureScheme;
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
    /// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::SINGLE.message(&text, None))?;
    /// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
    /// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
    /// // A notification whose signature leaves out the pre-hash.
    /// assert!(merchant.verify_notification(body.as_bytes()).is_err());
    /// let merchant = merchant.with_scheme(SignatureScheme::SINGLE);
    /// assert!(merchant.verify_notification(body.as_bytes()).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_scheme(mut self, scheme: SignatureScheme) -> Self {
        Arc::make_mut(&mut self.inner).scheme = scheme;
        self
    }

    /// The same merchant with another rule about which members are signed and how their values are written, for what it
    /// signs and for what it verifies, by RSA and by keyed MD5. [`explain`](crate::explain()) finds out which one a captured
    /// message needs.
    ///
    /// What a set leaves out is not proven by anything: without `signType` the message's own is not even looked at.
    ///
    /// ```
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let data = concat!(
    /// #     r#"{"merchantId":"2000000010","currency":"CAD","totalAmt":450,"#,
    /// #     r#""ucpOrderNo":"377654578511872","outTradeNo":"A20260301","tradeStatus":"SUCCESS","#,
    /// #     r#""signType":"RSA"}"#,
    /// # );
    /// # let set: SignedSet = "without-sign-type".parse()?;
    /// # let text = set.canonical_string(&Fields::parse(data.as_bytes())?, None)?;
    /// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
    /// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
    /// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
    /// // A notification whose signature leaves out `signType`.
    /// assert!(merchant.verify_notification(body.as_bytes()).is_err());
    /// let merchant = merchant.with_signed_set("without-sign-type".parse()?);
    /// assert!(merchant.verify_notification(body.as_bytes()).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_signed_set(mut self, set: SignedSet) -> Self {
        Arc::make_mut(&mut self.inner).signed_set = set;
        self
    }

    /// The same merchant with another rule for the path that the gateway appends to what *it* signs, under a scheme with
    /// [`Suffix::Path`](crate::Suffix::Path). Other schemes take no notice.
    ///
    /// ```
    /// use ucanpay_core::{OrderQuery, ReceivedSuffix, SignatureScheme};
    ///
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let data = r#"{"outTradeNo":"A20260301","tradeStatus":"NOTPAY"}"#;
    /// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
    /// # let message = SignatureScheme::PATH_SUFFIXED.message(&text, Some(OrderQuery::PATH));
    /// # let sign = gateway.signer().sign(Digest::Sha256, &message)?;
    /// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
    /// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
    /// let merchant = merchant
    ///     .with_scheme(SignatureScheme::PATH_SUFFIXED)
    ///     .with_received_suffix(ReceivedSuffix::OperationPath);
    /// // An answer that is signed with `/payment/orderquery` behind its text.
    /// let answer = merchant.verify_answer::<OrderQuery>(body.as_bytes())?;
    /// assert_eq!(answer.out_trade_no.as_deref(), Some("A20260301"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_received_suffix(mut self, suffix: ReceivedSuffix) -> Self {
        Arc::make_mut(&mut self.inner).received_suffix = suffix;
        self
    }

    /// The same merchant with [keyed MD5](crate::keyed_md5()) in place of RSA: it signs with `signType` MD5, and takes nothing
    /// that is signed otherwise. Scheme and keys are at rest; the signed set holds for it too. Only for a merchant to whom
    /// UCanPay has given a secret: whoever has it can also sign in the gateway's name.
    ///
    /// ```
    /// use ucanpay_core::{Fields, Md5Secret, Nonce, Value};
    ///
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// let merchant = merchant.with_keyed_md5(Md5Secret::new("s3cret-of-the-merchant")?);
    /// let request = merchant.sign(&query, Nonce::random())?;
    /// let sent = Fields::parse(request.body())?;
    /// assert_eq!(sent.get("signType").and_then(Value::signed_text), Some("MD5"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_keyed_md5(mut self, secret: Md5Secret) -> Self {
        Arc::make_mut(&mut self.inner).md5_secret = Some(secret);
        self
    }

    /// The merchant's number.
    #[must_use]
    pub fn id(&self) -> &MerchantId {
        &self.inner.id
    }

    /// The short name of the merchant's own key.
    #[must_use]
    pub fn key_fingerprint(&self) -> &Fingerprint {
        self.inner.signer.public_key().fingerprint()
    }

    /// The implementation that holds the merchant's own key, such as `aws-lc`.
    #[must_use]
    pub fn signing_backend(&self) -> &'static str {
        self.inner.signer.backend()
    }

    /// The implementation that holds each platform key, in the order they were given.
    pub fn verifying_backends(&self) -> impl Iterator<Item = &'static str> {
        self.inner
            .verifiers
            .iter()
            .map(|verifier| verifier.backend())
    }

    /// The signature scheme in use.
    #[must_use]
    pub fn scheme(&self) -> SignatureScheme {
        self.inner.scheme
    }

    /// The signed set in use.
    #[must_use]
    pub fn signed_set(&self) -> SignedSet {
        self.inner.signed_set
    }

    /// Signs a call. Do it once for a call, and send the same bytes on every attempt.
    ///
    /// What is signed is read back from the very bytes that will be sent, by the reader that reads the gateway's.
    ///
    /// ```
    /// use ucanpay_core::{Fields, Nonce, OrderQuery, OutTradeNo, Value};
    ///
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// let request = merchant.sign(&query, Nonce::random())?;
    /// assert_eq!(request.path(), "/payment/orderquery");
    ///
    /// let sent = Fields::parse(request.body())?;
    /// assert_eq!(sent.get("merchantId").and_then(Value::signed_text), Some("2000000010"));
    /// assert!(sent.get("sign").is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SignError`]; nothing has been sent.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a nonce is used up by the one request it is signed into"
    )]
    pub fn sign<O: Operation>(
        &self,
        operation: &O,
        nonce: Nonce,
    ) -> Result<SignedRequest<O>, SignError> {
        let mut members = RequestFields::new();
        operation.write(&mut members);
        members.text("merchantId", self.inner.id.as_str());
        members.text("nonceStr", nonce.as_str());
        members.text("signType", self.inner.sign_type());
        self.inner.seal(members.finish()?)
    }

    /// Signs a kept request anew, with the key and scheme of now and another nonce. Every other member keeps its bytes and
    /// its place. For a merchant key that was changed while requests wait, and for a gateway that wants a fresh nonce on
    /// every attempt; otherwise send the bytes of [`sign`](Self::sign) again.
    ///
    /// It is another body: commit it where the old one is kept, before it is sent. The old signature is not verified, since
    /// its key may be gone: hand in only what your own ledger kept for `O`.
    ///
    /// ```
    /// use ucanpay_core::{Fields, Nonce, OrderQuery, SignedRequest};
    ///
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// # let kept = merchant.sign(&query, Nonce::random())?.into_body();
    /// let request = SignedRequest::<OrderQuery>::frozen(kept.clone()); // as your ledger kept it
    /// let renewed = merchant.sign_again(&request, Nonce::random())?;
    ///
    /// let (old, new) = (Fields::parse(&kept)?, Fields::parse(renewed.body())?);
    /// assert_eq!(new.get("outTradeNo"), old.get("outTradeNo"));
    /// assert_ne!(new.get("nonceStr"), old.get("nonceStr"));
    /// assert_ne!(new.get("sign"), old.get("sign"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SignError::Renewal`] when the bytes are not a signed request of this merchant, otherwise as for
    /// [`sign`](Self::sign); nothing has been sent.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a nonce is used up by the one request it is signed into"
    )]
    pub fn sign_again<O: Operation>(
        &self,
        request: &SignedRequest<O>,
        nonce: Nonce,
    ) -> Result<SignedRequest<O>, SignError> {
        let Inner { id, .. } = &*self.inner;
        let object = renewed(request.body(), id, &nonce, self.inner.sign_type())?;
        self.inner.seal(object)
    }

    /// Verifies and reads the answer to a call.
    ///
    /// ```
    /// use ucanpay_core::{AnswerError, ErrorCode, OrderQuery, TradeStatus};
    ///
    /// # use ucanpay_core::*;
    /// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
    /// # let data = r#"{"outTradeNo":"A20260301","totalAmt":450,"tradeStatus":"SUCCESS"}"#;
    /// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
    /// # let sign = gateway.signer().sign(Digest::Sha256, &SignatureScheme::DOCUMENTED.message(&text, None))?;
    /// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
    /// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
    /// // {"code":0,"data":{"outTradeNo":"A20260301","totalAmt":450,"tradeStatus":"SUCCESS","sign":"…"}}
    /// let answer = merchant.verify_answer::<OrderQuery>(body.as_bytes())?;
    /// assert_eq!(answer.trade_status, Some(TradeStatus::Success));
    ///
    /// let answer = merchant.verify_answer::<OrderQuery>(br#"{"code":1,"msg":"ORDERNOTEXIST"}"#);
    /// let Err(AnswerError::Rejected(error)) = answer else { panic!("{answer:?}") };
    /// assert_eq!(error.code(), &ErrorCode::OrderNotExist);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AnswerError`]. Only [`Rejected`](AnswerError::Rejected) is the gateway's word; after the others the call's effect
    /// is unknown, and the same bytes may be sent again.
    pub fn verify_answer<O: Operation>(
        &self,
        body: &[u8],
    ) -> Result<Verified<O::Answer>, AnswerError> {
        let envelope = Envelope::parse(body)?;
        let accepted = match envelope.code() {
            Ok(code) => code == "0",
            Err(missing) => {
                let refusal = GatewayError::at_the_door(envelope.fields());
                return Err(refusal.map_or(missing.into(), AnswerError::Rejected));
            }
        };
        let Some(data) = envelope.data()? else {
            return Err(if accepted {
                AnswerError::Untrusted(Untrusted::NoData)
            } else {
                AnswerError::Rejected(GatewayError::read(envelope.fields(), None))
            });
        };
        let proof = self.inner.prove(&data, envelope.fields(), Some(O::PATH))?;
        if !accepted {
            let error = GatewayError::read(envelope.fields(), Some(&data));
            return Err(AnswerError::Rejected(error));
        }
        let answer = O::Answer::read(&data)?;
        Ok(Verified::new(answer, proof))
    }

    /// Verifies and reads a notification. The envelope's `code` and `msg` decide nothing.
    ///
    /// ```
    /// use ucanpay_core::{Notification, NotificationError, NotificationReply};
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
    /// # let forged = body.replace("\"totalAmt\":450", "\"totalAmt\":1");
    /// let reply = match merchant.verify_notification(body.as_bytes()) {
    ///     Ok(notification) => {
    ///         assert!(matches!(&*notification, Notification::Payment(news) if news.out_trade_no == "A20260301"));
    ///         NotificationReply::Success // once it is compared with the order, and committed
    ///     }
    ///     Err(_) => NotificationReply::Fail("not trusted"),
    /// };
    /// assert_eq!(reply, NotificationReply::Success);
    ///
    /// // The same with another amount.
    /// let answer = merchant.verify_notification(forged.as_bytes());
    /// assert!(matches!(answer, Err(NotificationError::Untrusted(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotificationError`]. Answer FAIL, and change nothing about any payment; asking the gateway about it is fine.
    pub fn verify_notification(
        &self,
        body: &[u8],
    ) -> Result<Verified<Notification>, NotificationError> {
        let envelope = Envelope::parse(body)?;
        let data = envelope.data()?.ok_or(Untrusted::NoData)?;
        let proof = self.inner.prove(&data, envelope.fields(), None)?;
        let notification = Notification::read(&data)?;
        Ok(Verified::new(notification, proof))
    }
}

impl Inner {
    /// The name of the configured algorithm on the wire.
    fn sign_type(&self) -> &'static str {
        match self.md5_secret {
            Some(_) => keyed_md5::SIGN_TYPE,
            None => SIGN_TYPE,
        }
    }

    /// Adds `sign` to the members of a request, reading back what will be sent.
    fn seal<O: Operation>(&self, mut object: ObjectWriter) -> Result<SignedRequest<O>, SignError> {
        let unsigned = object.to_json();
        let fields = Fields::parse(unsigned.as_bytes())?;
        self.signed_set.refuse_ambiguous(&fields, None)?;
        let canonical = self.signed_set.canonical_string(&fields, None)?;
        let sign = self.sign(&canonical, O::PATH)?;
        object.text("sign", &sign);
        Ok(SignedRequest::frozen(object.to_json().into_bytes()))
    }

    /// The text of `sign` for a request to `path`.
    fn sign(&self, canonical: &str, path: &str) -> Result<String, SigningError> {
        if let Some(secret) = &self.md5_secret {
            return Ok(keyed_md5(canonical, secret));
        }
        let message = self.scheme.message(canonical, Some(path));
        let signature = self.signer.sign(self.scheme.digest, &message)?;
        Ok(STANDARD.encode(signature))
    }

    /// `call` is the path of the call that `data` answers.
    fn prove<'a>(
        &self,
        data: &Fields<'a>,
        envelope: &Fields<'a>,
        call: Option<&str>,
    ) -> Result<Proof, Refusal> {
        let claim = Claim {
            members: data,
            envelope: Some(envelope),
            set: self.signed_set,
        };
        if let Some(secret) = &self.md5_secret {
            return prove_by_secret(claim, secret);
        }
        let suffix = match &self.received_suffix {
            ReceivedSuffix::None => None,
            ReceivedSuffix::OperationPath => call,
            ReceivedSuffix::Fixed(path) => Some(path.as_str()),
        };
        prove(claim, &self.verifiers, self.scheme, suffix)
    }
}

/// Which path ends the text that the gateway signs, under a scheme with [`Suffix::Path`](crate::Suffix::Path). Nobody has
/// said which it is, so it is a setting: [`Merchant::with_received_suffix`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ReceivedSuffix {
    /// None, neither on answers nor on notifications. The default.
    #[default]
    None,
    /// On an answer the path of its call, such as `/payment/orderquery`; on a notification, which answers no call, none.
    OperationPath,
    /// This path, on answers and notifications alike.
    Fixed(String),
}

/// A merchant's settings contradict themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MerchantError {
    /// Without a platform key nothing could ever be verified.
    #[error(
        "no platform key is configured; take the gateway's public key from the merchant portal"
    )]
    NoPlatformKey,
    /// The merchant's own key stands where the gateway's should.
    #[error(
        "the platform key is the merchant's own key; configure the gateway's public key instead"
    )]
    OwnKeyAsPlatformKey,
}
