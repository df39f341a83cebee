//! From the findings to one sentence: which setting makes it verify, whose mistake it is, or what to ask the operator.

use md5::{Digest as _, Md5};

use super::{
    Fit, KeyFinding, Opened, Role,
    display::{printable, scheme_text},
    search::{PATHS, is_md5_digits},
    variant::Difference,
};
use crate::{
    fields::ReadError,
    keyed_md5,
    received::MessageKind,
    response::Untrusted,
    scheme::{PreHash, SignatureScheme, hex},
    verification::{Refusal, SIGN_TYPE},
};

/// What an explanation comes to.
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
    /// It verifies under another rule about which members are signed and how, for which there is no setting.
    OtherRule,
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
    pub(super) sign: Option<&'a str>,
    pub(super) canonical: &'a str,
    pub(super) signature_bytes: Option<usize>,
    pub(super) refusal: Option<&'a Refusal>,
    pub(super) kind: &'a Result<MessageKind, ReadError>,
    pub(super) keys: &'a [KeyFinding],
    pub(super) fits: &'a [Fit],
    pub(super) tried: usize,
    pub(super) scheme: SignatureScheme,
    pub(super) has_secret: bool,
}

impl Case<'_> {
    /// The short name of the merchant's own key, if it is at hand.
    fn own_fingerprint(&self) -> Option<&str> {
        let own = self.keys.iter().find(|key| key.role == Role::Own);
        own.map(|key| key.fingerprint.as_str())
    }

    /// What to add when the merchant's own key was given as a platform key too.
    fn mixed_up(&self) -> &'static str {
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

/// A key of the gateway, or the secret, fits under `fit`.
fn fitting(case: &Case<'_>, fit: &Fit) -> (Verdict, String) {
    let with = match &fit.fingerprint {
        Some(fingerprint) => format!("the platform key {fingerprint}"),
        None => "the MD5 secret".to_owned(),
    };
    let scheme = fit
        .scheme
        .map_or_else(|| "keyed MD5".to_owned(), scheme_text);
    let path = with_path(fit);
    match (case.refusal, case.kind) {
        (None, Ok(_)) => {
            let scheme = match fit.scheme {
                // Named as it is configured: a path that is not given makes two schemes one.
                Some(_) => format!("the scheme `{}`", scheme_text(case.scheme)),
                None => scheme,
            };
            let rest = match (fit.scheme, case.has_secret) {
                (Some(_), false) => "nothing needs to change",
                (Some(_), true) => {
                    "nothing needs to change for a merchant without `Merchant::with_keyed_md5`, and one with that setting \
                     refuses it"
                }
                (None, _) => {
                    "nothing needs to change for a merchant with `Merchant::with_keyed_md5`, and one without it needs that setting"
                }
            };
            let sentence = format!("It verifies with {with} and {scheme}: {rest}.");
            return (Verdict::Verifies, sentence);
        }
        (None, Err(error)) => {
            let sentence = format!(
                "The signature is genuine ({with}), but the message is refused because {error}: ask the operator why."
            );
            return (Verdict::RefusedThoughGenuine, sentence);
        }
        (Some(_), _) => {}
    }
    if let Some(reason) = reason_beside_the_signature(case, fit) {
        let sentence = format!(
            "The signature is genuine ({with}, {scheme}), but the message is refused: {reason}."
        );
        return (Verdict::RefusedThoughGenuine, sentence);
    }
    let setting = setting(case, fit);
    if fit.differences.is_empty() {
        let sentence = match (
            case.scheme.pre_hash,
            fit.scheme.map(|scheme| scheme.pre_hash),
        ) {
            (PreHash::Sha256 | PreHash::Sha256Hex, Some(PreHash::None)) if fit.path.is_none() => {
                format!("It verifies with {with}, but was signed without the pre-hash: {setting}.")
            }
            _ => format!(
                "It verifies with {with}, under another scheme than the configured one: {setting}."
            ),
        };
        return (Verdict::OtherScheme, sentence);
    }
    let differences = joined(&fit.differences);
    if fit
        .differences
        .iter()
        .any(|difference| difference.is_rewriting())
    {
        let sentence = format!(
            "It verifies with {with} ({scheme}{path}) once {differences}: the body was probably parsed and written again before it \
             came here, so verify the bytes exactly as they arrived; if they are, ask the operator whether this is how values are signed."
        );
        return (Verdict::Rewritten, sentence);
    }
    let sentence = format!(
        "It verifies with {with} ({scheme}{path}) when {differences}: no setting does that, so ask the operator to confirm the rule, and \
         change `canonical_string` only then."
    );
    (Verdict::OtherRule, sentence)
}

/// What else is wrong with a message whose signature would fit as it is.
fn reason_beside_the_signature(case: &Case<'_>, fit: &Fit) -> Option<String> {
    match case.refusal? {
        Refusal::Malformed(error) => Some(error.to_string()),
        Refusal::Untrusted(Untrusted::WrongSignType) => {
            let name = if fit.scheme.is_some() { SIGN_TYPE } else { keyed_md5::SIGN_TYPE };
            Some(format!(
                "`signType` must be exactly `{name}`, the algorithm it was signed with, and no message may choose another; ask the \
                 operator to send it so"
            ))
        }
        Refusal::Untrusted(Untrusted::BadSignatureText) if fit.scheme.is_some() => Some(
            "`sign` must be canonical base64, and has white space, another alphabet or missing padding; something on the way rewrote it"
                .to_owned(),
        ),
        Refusal::Untrusted(Untrusted::BadSignatureText) => {
            Some("an MD5 signature must be 32 upper-case hexadecimal digits".to_owned())
        }
        Refusal::Untrusted(_) => None,
    }
}

/// How to configure what fits.
fn setting(case: &Case<'_>, fit: &Fit) -> String {
    let Some(scheme) = fit.scheme else {
        return "configure the MD5 secret, `Merchant::with_keyed_md5`".to_owned();
    };
    let how = match scheme.name() {
        Some(name) => format!("configure the scheme `{name}`"),
        None => format!("configure a scheme by its parts ({})", scheme_text(scheme)),
    };
    let how = match case.has_secret {
        true => format!("{how}, without `Merchant::with_keyed_md5`"),
        false => how,
    };
    match &fit.path {
        Some(path) if *case.kind == Ok(MessageKind::Object) => {
            format!("{how}, and `{}` as the path", printable(path))
        }
        Some(path) if *case.kind == Ok(MessageKind::Answer) && PATHS.contains(&path.as_str()) => {
            format!(
                "{how}, and let answers end with the path of their call, here `{}` (`Merchant::with_received_suffix`, \
                 `ReceivedSuffix::OperationPath`)",
                printable(path)
            )
        }
        Some(path) => format!(
            "{how}, and `{}` as the path of received messages (`Merchant::with_received_suffix`, `ReceivedSuffix::Fixed`)",
            printable(path)
        ),
        None => how,
    }
}

/// The path that fits, to stand behind its scheme.
fn with_path(fit: &Fit) -> String {
    let path = fit.path.as_deref().map(printable);
    path.map(|path| format!(" with {path}")).unwrap_or_default()
}

fn own_key(case: &Case<'_>, fit: &Fit) -> (Verdict, String) {
    let scheme = fit.scheme.map(scheme_text).unwrap_or_default();
    let (path, mixed_up) = (with_path(fit), case.mixed_up());
    let rule = match joined(&fit.differences) {
        differences if differences.is_empty() => String::new(),
        differences => format!(", when {differences}"),
    };
    let sentence = match case.kind {
        Ok(MessageKind::Object) => format!(
            "It was made with the merchant's own key ({scheme}{path}{rule}): that is right for a request of yours, and wrong for \
             anything that is said to come from the gateway{mixed_up}."
        ),
        _ => format!(
            "It was made with the merchant's own key ({scheme}{path}{rule}), not by the gateway: if it is no forgery, the public key \
             in the merchant portal and the gateway's were mixed up{mixed_up}."
        ),
    };
    (Verdict::OwnKey, sentence)
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
    if case.has_secret {
        return "`sign` looks like a keyed MD5, and does not fit the secret at hand: it is a forgery, another secret or another rule, \
                so compare the secret with the merchant portal's."
            .to_owned();
    }
    "`sign` looks like a keyed MD5, not like RSA: this merchant is set up for RSA, so ask the operator which `signType` the account \
     has, and configure the MD5 secret if it is MD5."
        .to_owned()
}

fn joined(differences: &[Difference]) -> String {
    let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
    texts.join(" and ")
}
