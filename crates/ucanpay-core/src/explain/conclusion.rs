//! From the findings to one sentence: which setting makes it verify, whose mistake it is, or what to ask the operator.

use md5::{Digest as _, Md5};

use super::{
    AtHand, Fit, KeyFinding, Opened, Role,
    fitting::{fitting, own_key},
    search::is_md5_digits,
};
use crate::{
    fields::ReadError,
    received::MessageKind,
    scheme::hex,
    verification::{Claim, Refusal},
};

/// What an explanation comes to.
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
/// # let platform_key = gateway.public_key().clone();
/// # let changed = body.replace("\"totalAmt\":450", "\"totalAmt\":1");
/// let verdict = |body: &str, at_hand: AtHand| explain(body.as_bytes(), &at_hand).map(|found| found.verdict);
/// assert_eq!(verdict(&body, AtHand::new([platform_key.clone()])), Ok(Verdict::Verifies));
/// assert_eq!(verdict(&changed, AtHand::new([platform_key.clone()])), Ok(Verdict::OtherText));
/// let other_key = PrivateKey::generate(1024)?.public_key().clone();
/// assert_eq!(verdict(&body, AtHand::new([other_key])), Ok(Verdict::WrongKey));
/// assert_eq!(verdict(r#"{"code":1,"msg":"NOAUTH"}"#, AtHand::default()), Ok(Verdict::NotSigned));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Verdict {
    /// It verifies with the settings at hand.
    Verifies,
    /// The signature is genuine, and the message is refused for another reason.
    RefusedThoughGenuine,
    /// It verifies under another scheme, which can be configured.
    OtherScheme,
    /// It verifies under another signed set, which can be configured; the scheme may differ too.
    OtherSet,
    /// It verifies once the values are written differently: the body was changed on its way, by parsing and writing it
    /// again, or the gateway signs its values as it does not write them.
    Rewritten,
    /// It was made with the merchant's own key.
    OwnKey,
    /// A key at hand made the signature, but over another text.
    OtherText,
    /// None of the keys at hand made the signature.
    WrongKey,
    /// It is an MD5 signature, not one of RSA.
    Md5,
    /// Nothing in the message is signed.
    NotSigned,
    /// `sign` holds no signature.
    UnreadableSignature,
    /// There is no key at hand.
    NoKey,
}

/// All that is known when the sentence is looked for.
pub(super) struct Case<'a> {
    /// The message, and the configured set.
    pub(super) claim: Claim<'a, 'a>,
    pub(super) at_hand: &'a AtHand,
    pub(super) sign: Option<&'a str>,
    pub(super) canonical: &'a str,
    pub(super) signature_bytes: Option<usize>,
    pub(super) refusal: Option<&'a Refusal>,
    pub(super) kind: &'a Result<MessageKind, ReadError>,
    pub(super) keys: &'a [KeyFinding],
    pub(super) fits: &'a [Fit],
    pub(super) tried: usize,
}

impl Case<'_> {
    /// The short name of the merchant's own key, if it is at hand.
    fn own_fingerprint(&self) -> Option<&str> {
        let own = self.keys.iter().find(|key| key.role == Role::Own);
        own.map(|key| key.fingerprint.as_str())
    }

    /// What to add when the merchant's own key was given as a platform key too.
    pub(super) fn mixed_up(&self) -> &'static str {
        let own = self.own_fingerprint();
        let is_own =
            |key: &KeyFinding| key.role == Role::Platform && Some(key.fingerprint.as_str()) == own;
        if self.keys.iter().any(is_own) {
            "; the platform key given is the merchant's own, which `Merchant::new` refuses: take the gateway's public key \
             from the merchant portal"
        } else {
            ""
        }
    }
}

pub(super) fn conclude(case: &Case<'_>) -> (Verdict, String) {
    let Some(sign) = case.sign else {
        let sentence = "Nothing in it is signed: there is no `sign` with the signed members, as in an answer that only \
                        reports an error; ask the gateway again with a signed query before you believe any of it.";
        return (Verdict::NotSigned, sentence.to_owned());
    };
    let own = case.own_fingerprint();
    let fit = |role| case.fits.iter().find(|fit| fit.role == role);
    // The merchant's own key proves nothing about the gateway, even if it was given as the platform's too.
    let gateways =
        fit(Role::Platform).filter(|fit| own.is_none() || fit.fingerprint.as_deref() != own);
    if let Some(fit) = gateways.or_else(|| fit(Role::Md5Secret)) {
        return fitting(case, fit);
    }
    if let Some(fit) = fit(Role::Own) {
        return own_key(case, fit);
    }
    if is_md5_digits(sign) {
        return (Verdict::Md5, md5(case, sign));
    }
    let Some(bytes) = case.signature_bytes else {
        let sentence = "`sign` is no base64 at all, so it holds no RSA signature: check that the body was captured whole \
                        and byte for byte, then ask the operator how the signature is written.";
        return (Verdict::UnreadableSignature, sentence.to_owned());
    };
    if case.keys.is_empty() {
        let sentence =
            "There is no key at hand: give the gateway's public key, from the merchant portal.";
        return (Verdict::NoKey, sentence.to_owned());
    }
    if let Some(key) = case.keys.iter().find(|key| key.opened.is_made()) {
        return other_text(case, key);
    }
    (Verdict::WrongKey, wrong_key(case, bytes))
}

/// `key` made the signature, and nothing that was tried fits.
fn other_text(case: &Case<'_>, key: &KeyFinding) -> (Verdict, String) {
    let (fingerprint, tried) = (&key.fingerprint, case.tried);
    let whose = if Some(fingerprint.as_str()) == case.own_fingerprint() {
        if *case.kind != Ok(MessageKind::Object) {
            let sentence = format!(
                "The merchant's own key {fingerprint} made this signature, over another text, and the gateway signs its messages \
                 with its own: it is no message of the gateway, so if it is no forgery, look for what signs messages with your \
                 private key{}.",
                case.mixed_up()
            );
            return (Verdict::OtherText, sentence);
        }
        "The merchant's own key"
    } else {
        "The platform key"
    };
    let sentence = match &key.opened {
        Opened::Made { digest, hash } if key.opened.digest().is_some() => format!(
            "{whose} {fingerprint} made this signature, so the key is right, but over another text ({tried} combinations tried): a \
             member was changed, added or removed, or the body was parsed and written again; capture the raw bytes, and if they \
             are raw, ask the operator for the exact text that was signed; its {digest}, after any pre-hash, is {hash}."
        ),
        Opened::Made { digest, .. } => format!(
            "{whose} {fingerprint} made this signature, with {digest}, which is no scheme of this library: ask the operator for the \
             exact algorithm."
        ),
        _ => format!(
            "{whose} {fingerprint} made this signature, but not over a digest that is known: ask the operator for the exact \
             algorithm."
        ),
    };
    (Verdict::OtherText, sentence)
}

fn wrong_key(case: &Case<'_>, bytes: usize) -> String {
    let other_length = case
        .keys
        .iter()
        .all(|key| matches!(key.opened, Opened::OtherLength { .. }));
    // Moduli come in whole blocks; a signature that is a few bytes short was cut off.
    let plausible = (128..=512).contains(&bytes) && bytes.is_multiple_of(32);
    match (other_length, plausible) {
        (true, false) => format!(
            "`sign` holds {bytes} bytes, which is no RSA signature of 1024 to 4096 bits: it was cut off, or is something else; \
             capture the body whole."
        ),
        (true, true) => format!(
            "A key of {} bits made this signature, and none of those at hand has that size: it is another key, so ask the operator \
             for the gateway's present public key.",
            bytes * 8
        ),
        (false, _) => format!(
            "None of the {} key(s) at hand made this signature, under any scheme: it is a forgery or another key, so ask the operator \
             for the gateway's present public key and compare the fingerprints{}.",
            case.keys.len(),
            case.mixed_up()
        ),
    }
}

fn md5(case: &Case<'_>, sign: &str) -> String {
    let unkeyed = ["", "&key="].iter().any(|suffix| {
        hex(&Md5::digest([case.canonical, suffix].concat())).eq_ignore_ascii_case(sign)
    });
    if unkeyed {
        return "`sign` is an MD5 without a secret, which anybody can make: it proves nothing, and can only be a forgery or a mistake."
            .to_owned();
    }
    if case.at_hand.md5_secret.is_some() {
        return "`sign` looks like a keyed MD5, and does not fit the secret at hand under any signed set: it is a forgery or another \
                secret, so compare the secret with the merchant portal's."
            .to_owned();
    }
    "`sign` looks like a keyed MD5, not like RSA: this merchant is set up for RSA, so ask the operator which `signType` the account \
     has, and configure the MD5 secret if it is MD5."
        .to_owned()
}
