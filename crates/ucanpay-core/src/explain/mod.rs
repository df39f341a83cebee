//! Why a signature verifies, or why it does not: for the day when it does not.
//!
//! Comes in: the bytes of one captured message and the keys at hand. Goes out: an [`Explanation`], which ends in one
//! sentence. Verification itself stays strict and tries nothing; this tries everything, and changes nothing.
//! `opened.rs` looks into the signature, `variant.rs` makes the texts that may have been signed, `search.rs` tries every
//! scheme on them, `conclusion.rs` finds the sentence, in `fitting.rs` if something fits, `explanation.rs` holds it all and
//! `display.rs` prints it.

mod conclusion;
mod display;
mod explanation;
mod fitting;
mod opened;
mod search;
mod variant;

use sha2::{Digest as _, Sha256};

pub use self::{
    conclusion::Verdict,
    explanation::{Explanation, Fit, KeyFinding, Member, Role, Standing},
    opened::Opened,
    variant::Rewriting,
};
use self::{
    conclusion::{Case, conclude},
    search::{PATHS, fit_of_secret, fits_of, is_md5_digits, leniently_decoded, schemes},
    variant::candidates,
};
use crate::{
    envelope::Envelope,
    fields::{Fields, ReadError, Value},
    key::PublicKey,
    keyed_md5::Md5Secret,
    received::{MessageKind, is_envelope, kind_of_data},
    response::Untrusted,
    scheme::{SignatureScheme, hex},
    signed_set::SignedSet,
    verification::{Claim, Refusal, prove, prove_by_secret},
};

/// The keys and settings with which a message is explained.
///
/// Give everything that there is; more keys do no harm:
///
/// ```
/// use ucanpay_core::{AtHand, Verdict, explain};
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
/// # let (own_key, platform_key) = (PrivateKey::generate(1024)?.public_key().clone(), gateway.public_key().clone());
/// let at_hand = AtHand::new([platform_key])
///     .with_own_key(own_key)
///     .with_md5_secret(Md5Secret::new("s3cret-of-the-merchant")?);
/// let explanation = explain(body.as_bytes(), &at_hand)?;
/// assert_eq!(explanation.verdict, Verdict::Verifies);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct AtHand {
    platform_keys: Vec<PublicKey>,
    own_key: Option<PublicKey>,
    scheme: SignatureScheme,
    signed_set: SignedSet,
    path: Option<String>,
    md5_secret: Option<Md5Secret>,
}

impl AtHand {
    /// The gateway's public keys, as many as may be the right one; scheme and signed set are the documented ones.
    ///
    /// ```
    /// use ucanpay_core::{AtHand, Verdict, explain};
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
    /// # let (old_key, new_key) = (PrivateKey::generate(1024)?.public_key().clone(), gateway.public_key().clone());
    /// let explanation = explain(body.as_bytes(), &AtHand::new([old_key, new_key.clone()]))?;
    /// assert_eq!(explanation.verdict, Verdict::Verifies);
    /// assert_eq!(explanation.fits[0].fingerprint.as_deref(), Some(new_key.fingerprint().as_str()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(platform_keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self {
            platform_keys: platform_keys.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The merchant's own public key, to find out that a message is one's own.
    ///
    /// ```
    /// use ucanpay_core::{AtHand, Verdict, explain};
    ///
    /// # use ucanpay_core::*;
    /// # let (key, platform_key) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?.public_key().clone());
    /// # let own_key = key.public_key().clone();
    /// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [platform_key.clone()])?;
    /// # let query = OrderQuery { out_trade_no: OutTradeNo::new("A20260301")?, ucp_order_no: None };
    /// let request = merchant.sign(&query, Nonce::random())?;
    /// let at_hand = AtHand::new([platform_key]).with_own_key(own_key);
    /// assert_eq!(explain(request.body(), &at_hand)?.verdict, Verdict::OwnKey);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_own_key(mut self, key: PublicKey) -> Self {
        self.own_key = Some(key);
        self
    }

    /// The scheme that is configured.
    ///
    /// ```
    /// use ucanpay_core::{AtHand, SignatureScheme, Verdict, explain};
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
    /// # let platform_key = gateway.public_key().clone();
    /// // A notification that is signed without the pre-hash.
    /// let at_hand = AtHand::new([platform_key]);
    /// assert_eq!(explain(body.as_bytes(), &at_hand)?.verdict, Verdict::OtherScheme);
    /// let at_hand = at_hand.with_scheme(SignatureScheme::SINGLE);
    /// assert_eq!(explain(body.as_bytes(), &at_hand)?.verdict, Verdict::Verifies);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_scheme(mut self, scheme: SignatureScheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// The signed set that is configured. All others are tried in any case.
    ///
    /// ```
    /// use ucanpay_core::{AtHand, Verdict, explain};
    ///
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
    /// # let platform_key = gateway.public_key().clone();
    /// // A notification whose `signType` is not signed.
    /// let at_hand = AtHand::new([platform_key]);
    /// assert_eq!(explain(body.as_bytes(), &at_hand)?.verdict, Verdict::OtherSet);
    /// let at_hand = at_hand.with_signed_set("without-sign-type".parse()?);
    /// assert_eq!(explain(body.as_bytes(), &at_hand)?.verdict, Verdict::Verifies);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_signed_set(mut self, set: SignedSet) -> Self {
        self.signed_set = set;
        self
    }

    /// The path that is configured, or one more to try: the six paths of the operations are tried in any case.
    ///
    /// ```
    /// use ucanpay_core::{AtHand, SignatureScheme, Verdict, explain};
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
    /// # let message = SignatureScheme::PATH_SUFFIXED.message(&text, Some("/ucanpay/payment"));
    /// # let sign = gateway.signer().sign(Digest::Sha256, &message)?;
    /// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
    /// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
    /// # let platform_key = gateway.public_key().clone();
    /// // A notification that is signed with the path of the shop's own address behind its text.
    /// let at_hand = AtHand::new([platform_key]).with_scheme(SignatureScheme::PATH_SUFFIXED);
    /// assert_eq!(explain(body.as_bytes(), &at_hand)?.verdict, Verdict::OtherText);
    /// let at_hand = at_hand.with_path("/ucanpay/payment");
    /// assert_eq!(explain(body.as_bytes(), &at_hand)?.verdict, Verdict::Verifies);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The secret of the keyed MD5 signature, to be tried beside the keys; whether [`Merchant`](crate::Merchant) is set up with
    /// it, the explanation does not know. It is not shown.
    ///
    /// ```
    /// use ucanpay_core::{AtHand, Md5Secret, Verdict, explain, keyed_md5};
    ///
    /// let secret = Md5Secret::new("s3cret-of-the-merchant")?;
    /// let sign = keyed_md5("outTradeNo=A20260301&tradeStatus=NOTPAY", &secret);
    /// let data = format!(r#"{{"outTradeNo":"A20260301","tradeStatus":"NOTPAY","sign":"{sign}"}}"#);
    /// let body = format!(r#"{{"code":0,"data":{data}}}"#);
    /// assert_eq!(explain(body.as_bytes(), &AtHand::default())?.verdict, Verdict::Md5);
    /// let at_hand = AtHand::default().with_md5_secret(secret);
    /// assert_eq!(explain(body.as_bytes(), &at_hand)?.verdict, Verdict::Verifies);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_md5_secret(mut self, secret: Md5Secret) -> Self {
        self.md5_secret = Some(secret);
        self
    }
}

/// Explains the signature of a flat object, an answer or a notification.
///
/// Tried are: pre-hash {none, SHA-256, its hexadecimal} × digest {SHA-256, SHA-1, MD5} × suffix {none, the six paths, the
/// given one} × the 72 [signed sets](SignedSet), for each key; and each [`Rewriting`], which undoes what a re-serialised body
/// has lost. Each key opens the signature once, and only the key that made it goes on: at most 88 texts × 3 pre-hashes × 8
/// suffixes, so 2112 texts are hashed, each of them at most six times as long as the body.
///
/// ```
/// use ucanpay_core::{AtHand, PublicKey, Verdict, explain};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let pem = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/keys/platform-2048.pub.pem"));
/// # let vectors = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/vectors/notifications.json"));
/// # let vectors: serde_json::Value = serde_json::from_str(vectors)?;
/// # let cases = vectors["cases"].as_array().unwrap();
/// # let captured = cases.iter().find(|case| case["name"] == "no pre-hash").unwrap()["body"].as_str().unwrap().as_bytes();
/// let explanation = explain(captured, &AtHand::new([PublicKey::from_bytes(pem)?]))?;
/// assert_eq!(explanation.verdict, Verdict::OtherScheme);
/// assert!(explanation.sentence.contains("configure the scheme `single`"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`ReadError`] when the bytes cannot be read as such a message at all; then its text is the explanation.
pub fn explain(body: &[u8], at_hand: &AtHand) -> Result<Explanation, ReadError> {
    let envelope = Envelope::parse(body)?;
    if !is_envelope(envelope.fields()) {
        return explain_data(&Fields::parse(body)?, None, at_hand);
    }
    match envelope.data()? {
        Some(data) => explain_data(&data, Some(envelope.fields()), at_hand),
        None => explain_data(&Fields::parse(b"{}")?, Some(envelope.fields()), at_hand),
    }
}

fn explain_data<'a>(
    data: &Fields<'a>,
    envelope: Option<&Fields<'a>>,
    at_hand: &AtHand,
) -> Result<Explanation, ReadError> {
    let claim = Claim {
        members: data,
        envelope,
        set: at_hand.signed_set,
    };
    let canonical = claim.set.canonical_string(data, envelope)?;
    let kind = match envelope {
        None => Ok(MessageKind::Object),
        Some(_) => kind_of_data(data),
    };
    let sign = data.present("sign");
    let signature = sign.and_then(leniently_decoded);
    let texts = candidates(data, envelope, claim.set);
    let mut paths: Vec<&str> = PATHS.to_vec();
    paths.extend(at_hand.path.as_deref().filter(|path| !PATHS.contains(path)));

    let platform = at_hand
        .platform_keys
        .iter()
        .map(|key| (Role::Platform, key));
    let own = at_hand.own_key.iter().map(|key| (Role::Own, key));
    let keys: Vec<(Role, &PublicKey)> = platform.chain(own).collect();
    let findings: Vec<KeyFinding> = keys
        .iter()
        .map(|(role, key)| KeyFinding {
            role: *role,
            fingerprint: key.fingerprint().to_string(),
            bits: key.bits(),
            opened: match &signature {
                Some(signature) => Opened::with(key, signature),
                None => Opened::NotMade,
            },
        })
        .collect();

    let mut fits = Vec::new();
    if let Some(signature) = &signature {
        for ((_, key), finding) in keys.iter().zip(&findings) {
            fits.extend(fits_of(key, finding, signature, &texts, &paths));
        }
    }
    let by_secret = sign
        .zip(at_hand.md5_secret.as_ref())
        .and_then(|(sign, secret)| fit_of_secret(sign, secret, &texts));
    fits.extend(by_secret);

    let secrets = usize::from(at_hand.md5_secret.is_some());
    let tried = texts.len() * (keys.len() * schemes(paths.len()) + secrets);
    let refusal = refusal(claim, at_hand);
    let (verdict, sentence) = conclude(&Case {
        claim,
        at_hand,
        sign,
        canonical: &canonical,
        signature_bytes: signature.as_ref().map(Vec::len),
        refusal: refusal.as_ref(),
        kind: &kind,
        keys: &findings,
        fits: &fits,
        tried,
    });
    let refusal = refusal.map(|refusal| match refusal {
        Refusal::Malformed(error) => error.to_string(),
        Refusal::Untrusted(Untrusted::NoMatchingKey { .. }) => {
            "the signature fits no platform key at hand as configured".to_owned()
        }
        Refusal::Untrusted(error) => error.to_string(),
    });
    Ok(Explanation {
        members: members(claim),
        sha256: hex(&Sha256::digest(&canonical)),
        canonical,
        signature_bytes: signature.map(|signature| signature.len()),
        refusal: refusal.or_else(|| kind.as_ref().err().map(ToString::to_string)),
        keys: findings,
        tried,
        fits,
        kind: kind.ok(),
        verdict,
        sentence,
    })
}

/// What verification itself says, with the settings at hand: by the secret if there is one and `sign` looks like MD5.
fn refusal(claim: Claim<'_, '_>, at_hand: &AtHand) -> Option<Refusal> {
    let looks_like_md5 = claim.members.present("sign").is_some_and(is_md5_digits);
    if let Some(secret) = at_hand.md5_secret.as_ref().filter(|_| looks_like_md5) {
        return prove_by_secret(claim, secret).err();
    }
    let keys = at_hand.platform_keys.iter();
    let verifiers: Vec<_> = keys.map(PublicKey::verifier).collect();
    prove(claim, &verifiers, at_hand.scheme, at_hand.path.as_deref()).err()
}

fn members(claim: Claim<'_, '_>) -> Vec<Member> {
    let set = claim.set;
    let standing = |name: &str, value: &Value<'_>| match value {
        _ if name == "sign" => Standing::Signature,
        _ if set.signed_text(name, value).is_some() => Standing::Signed,
        Value::Null => Standing::Null,
        _ if name == "signType" => Standing::LeftOut,
        _ => Standing::Empty,
    };
    let inside = claim.members.iter();
    let inside = inside.map(|(name, value)| (name, standing(name, value)));
    let outside = claim
        .envelope
        .into_iter()
        .flat_map(Fields::iter)
        .filter(|(name, _)| *name != "data")
        .map(|(name, value)| match set.envelope {
            true => (name, standing(name, value)),
            false => (name, Standing::Outside),
        });
    let members = inside.chain(outside).map(|(name, standing)| Member {
        name: name.to_owned(),
        standing,
    });
    members.collect()
}
