//! What an explanation holds, for programs and for people.

use super::{Opened, Rewriting, Verdict};
use crate::{received::MessageKind, scheme::SignatureScheme, signed_set::SignedSet};

/// What is signed in a message, and what its signature fits. `Display` shows it to people, in a few lines.
///
/// It shows the canonical string, and with it the values of the message, because that is its purpose: keep it out of logs.
/// It never shows a key or a secret. With the feature `serde` it can be serialised.
///
/// ```
/// use ucanpay_core::{AtHand, Role, Standing, Verdict, explain};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// # let data = r#"{"outTradeNo":"A20260301","attach":"","tradeStatus":"NOTPAY"}"#;
/// # let text = canonical_string(&Fields::parse(data.as_bytes())?)?;
/// # let sign = gateway.signer().sign(Digest::Sha1, &SignatureScheme::SHA1.message(&text, None))?;
/// # let sign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sign);
/// # let body = format!(r#"{{"code":0,"data":{},"sign":"{sign}"}}}}"#, &data[..data.len() - 1]);
/// # let platform_key = gateway.public_key().clone();
/// let explanation = explain(body.as_bytes(), &AtHand::new([platform_key]))?;
/// assert_eq!(explanation.canonical, "outTradeNo=A20260301&tradeStatus=NOTPAY");
/// let unsigned = explanation.members.iter().find(|member| member.standing == Standing::Empty);
/// assert_eq!(unsigned.map(|member| member.name.as_str()), Some("attach"));
///
/// // It was signed in another way than the documented one.
/// assert_eq!(explanation.verdict, Verdict::OtherScheme);
/// let fit = &explanation.fits[0];
/// assert_eq!((fit.role, fit.scheme.and_then(|scheme| scheme.name())), (Role::Platform, Some("sha1")));
/// assert!(explanation.sentence.contains("configure the scheme `sha1`"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With the feature `serde`, for a report that a program reads:
///
/// ```
/// # #[cfg(feature = "serde")] {
/// # use ucanpay_core::{AtHand, explain};
/// let explanation = explain(br#"{"code":1,"msg":"SYSTEMERROR"}"#, &AtHand::default())?;
/// let report = serde_json::to_value(&explanation)?;
/// assert_eq!(report["verdict"], "not_signed");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Explanation {
    /// What the message is, if it is complete as that.
    pub kind: Option<MessageKind>,
    /// Every member in message order: of `data`, then of the envelope.
    pub members: Vec<Member>,
    /// The canonical string, by the configured [`SignedSet`].
    pub canonical: String,
    /// Its SHA-256, which the documented scheme signs, in lower-case hexadecimal.
    pub sha256: String,
    /// Length of the decoded signature in bytes, if it can be decoded at all.
    pub signature_bytes: Option<usize>,
    /// Why the message is refused with the settings at hand, if it is.
    pub refusal: Option<String>,
    /// What each key says about the signature.
    pub keys: Vec<KeyFinding>,
    /// How many combinations of text, pre-hash, digest, suffix and key were considered. All but [`fits`](Self::fits) do not
    /// fit.
    pub tried: usize,
    /// The combinations that fit, the likeliest first.
    pub fits: Vec<Fit>,
    /// What all of this comes to.
    pub verdict: Verdict,
    /// The same in one sentence, with what to do next.
    pub sentence: String,
}

/// A member of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Whether it is signed, and why not.
    pub standing: Standing,
}

/// Whether a member is part of the canonical string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Standing {
    /// It is signed.
    Signed,
    /// It is `sign` itself.
    Signature,
    /// It is `null`.
    Null,
    /// It is an empty string.
    Empty,
    /// It is `signType`, which the configured set leaves out.
    LeftOut,
    /// It stands in the envelope, beside `data`, which the configured set leaves out.
    Outside,
}

/// Whose a key is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Role {
    /// The gateway's.
    Platform,
    /// The merchant's own.
    Own,
    /// The secret of the keyed MD5 signature, which is both sides'.
    Md5Secret,
}

/// What one key says about the signature.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct KeyFinding {
    /// Whose key it is.
    pub role: Role,
    /// Its short name.
    pub fingerprint: String,
    /// Its size.
    pub bits: usize,
    /// Whether it made the signature.
    pub opened: Opened,
}

/// A combination under which the signature verifies.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Fit {
    /// Whose key.
    pub role: Role,
    /// The key's short name; `None` for the MD5 secret.
    pub fingerprint: Option<String>,
    /// The scheme; `None` for the MD5 secret. Serialised as its name, or its parts if it has none.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "super::display::scheme_as_text")
    )]
    pub scheme: Option<SignatureScheme>,
    /// The path that is appended.
    pub path: Option<String>,
    /// The signed set, serialised as its text. Of several that give the same text the configured one, or the one with the
    /// fewest words.
    pub set: SignedSet,
    /// What was done to the values since they were signed.
    pub rewriting: Option<Rewriting>,
}
