//! One merchant account: signs what goes out, verifies what comes in. Stops 1, 3 and 5 of a payment.
//!
//! An operation comes in and the bytes of a request go out; the bytes of an answer or a notification come in and a
//! [`Verified`] message goes out, or the reason why it cannot be trusted.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    backend::rustcrypto::RustCryptoSigner,
    canonical::canonical_string,
    envelope::Envelope,
    fields::Fields,
    key::{Fingerprint, PrivateKey, PublicKey},
    notification::Notification,
    operation::{Answer, Operation},
    request::{RequestFields, SignError, SignedRequest},
    response::{AnswerError, GatewayError, NotificationError, Untrusted},
    scheme::SignatureScheme,
    signer::Signer,
    types::{MerchantId, Nonce},
    verification::{Refusal, SIGN_TYPE, prove},
    verified::{Proof, Verified},
    verifier::Verifier,
};

/// A merchant's number, key and scheme, and the gateway's keys. Cheap to clone; `Debug` shows no secret.
///
/// See the [crate's example](crate).
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
}

impl Merchant {
    /// A merchant whose key is in memory. Several platform keys are allowed, for the time of a rotation.
    ///
    /// # Errors
    ///
    /// [`MerchantError`] without a platform key, or when one of them is the merchant's own key. Both are mistakes of the
    /// configuration.
    pub fn new(
        id: MerchantId,
        key: PrivateKey,
        platform_keys: impl IntoIterator<Item = PublicKey>,
    ) -> Result<Self, MerchantError> {
        let verifiers = platform_keys.into_iter().map(|key| key.verifier());
        Self::with_signer(
            id,
            Arc::new(RustCryptoSigner::new(key)),
            verifiers.collect(),
        )
    }

    /// A merchant whose key is held elsewhere, such as in an HSM.
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
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The same merchant with another signature scheme, for what it signs and for what it verifies.
    #[must_use]
    pub fn with_scheme(mut self, scheme: SignatureScheme) -> Self {
        Arc::make_mut(&mut self.inner).scheme = scheme;
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

    /// The signature scheme in use.
    #[must_use]
    pub fn scheme(&self) -> SignatureScheme {
        self.inner.scheme
    }

    /// Signs a call. Do it once for a call, and send the same bytes on every attempt.
    ///
    /// What is signed is read back from the very bytes that will be sent, by the reader that reads the gateway's.
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
        members.text("signType", SIGN_TYPE);
        let mut object = members.finish()?;

        let unsigned = object.to_json();
        let fields = Fields::parse(unsigned.as_bytes())?;
        fields.refuse_ambiguous()?;
        let canonical = canonical_string(&fields)?;
        let scheme = self.inner.scheme;
        let message = scheme.message(&canonical, Some(O::PATH));
        let signature = self.inner.signer.sign(scheme.digest, &message)?;

        object.text("sign", &STANDARD.encode(signature));
        Ok(SignedRequest::frozen(object.to_json().into_bytes()))
    }

    /// Verifies and reads the answer to a call.
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
        let accepted = envelope.code()? == "0";
        let Some(data) = envelope.data()? else {
            return Err(if accepted {
                AnswerError::Untrusted(Untrusted::NoData)
            } else {
                AnswerError::Rejected(GatewayError::read(envelope.fields(), None))
            });
        };
        let fields = Fields::parse(data.as_bytes())?;
        let proof = self.prove(&fields)?;
        if !accepted {
            let error = GatewayError::read(envelope.fields(), Some(&fields));
            return Err(AnswerError::Rejected(error));
        }
        let answer = O::Answer::read(&fields)?;
        Ok(Verified::new(answer, proof))
    }

    /// Verifies and reads a notification. The envelope's `code` and `msg` decide nothing: they are not signed.
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
        let fields = Fields::parse(data.as_bytes())?;
        let proof = self.prove(&fields)?;
        let notification = Notification::read(&fields)?;
        Ok(Verified::new(notification, proof))
    }

    fn prove(&self, data: &Fields<'_>) -> Result<Proof, Refusal> {
        prove(data, &self.inner.verifiers, self.inner.scheme)
    }
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
