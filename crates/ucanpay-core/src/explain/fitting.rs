//! The sentence when something fits: which setting makes the message verify, and what else is wrong with it.

use super::{
    Fit,
    conclusion::{Case, Verdict},
    display::{printable, scheme_text},
    search::PATHS,
};
use crate::{
    key::PublicKey,
    keyed_md5,
    received::MessageKind,
    response::Untrusted,
    scheme::PreHash,
    signed_set::SignedSet,
    verification::{Claim, Refusal, SIGN_TYPE, prove, prove_by_secret},
};

/// A key of the gateway, or the secret, fits under `fit`.
pub(super) fn fitting(case: &Case<'_>, fit: &Fit) -> (Verdict, String) {
    let with = match &fit.fingerprint {
        Some(fingerprint) => format!("the platform key {fingerprint}"),
        None => "the MD5 secret".to_owned(),
    };
    match (case.refusal, case.kind) {
        (None, Ok(_)) => return (Verdict::Verifies, verifies(case, fit, &with)),
        (None, Err(error)) => {
            let sentence = format!(
                "The signature is genuine ({with}), but the message is refused because {error}: ask the operator why."
            );
            return (Verdict::RefusedThoughGenuine, sentence);
        }
        (Some(_), _) => {}
    }
    let how = how(case, fit);
    let reason = refusal_once_configured(case, fit).and_then(|refusal| reason(&refusal, fit));
    if let Some(reason) = reason.or_else(|| incomplete(case, fit)) {
        let sentence = format!(
            "The signature is genuine ({with}, {how}), but the message is refused: {reason}."
        );
        return (Verdict::RefusedThoughGenuine, sentence);
    }
    if let Some(rewriting) = fit.rewriting {
        let sentence = format!(
            "It verifies with {with} ({how}) once {rewriting}: the body was probably parsed and written again before it came here, \
             so verify the bytes exactly as they arrived; if they are, ask the operator whether this is how values are signed."
        );
        return (Verdict::Rewritten, sentence);
    }
    let setting = setting(case, fit);
    if fit.set != case.claim.set {
        let sentence = format!(
            "It verifies with {with}, under another signed set than the configured one: {setting}."
        );
        return (Verdict::OtherSet, sentence);
    }
    let sentence = match (
        case.at_hand.scheme.pre_hash,
        fit.scheme.map(|scheme| scheme.pre_hash),
    ) {
        (PreHash::Sha256 | PreHash::Sha256Hex, Some(PreHash::None)) if fit.path.is_none() => {
            format!("It verifies with {with}, but was signed without the pre-hash: {setting}.")
        }
        _ => format!(
            "It verifies with {with}, under another scheme than the configured one: {setting}."
        ),
    };
    (Verdict::OtherScheme, sentence)
}

fn verifies(case: &Case<'_>, fit: &Fit, with: &str) -> String {
    let scheme = match fit.scheme {
        // Named as it is configured: a path that is not given makes two schemes one.
        Some(_) => format!("the scheme `{}`", scheme_text(case.at_hand.scheme)),
        None => "keyed MD5".to_owned(),
    };
    let set = match case.claim.set {
        SignedSet::DOCUMENTED => String::new(),
        set => format!(" and the signed set `{set}`"),
    };
    let rest = match (fit.scheme, &case.at_hand.md5_secret) {
        (Some(_), None) => "nothing needs to change",
        (Some(_), Some(_)) => {
            "nothing needs to change for a merchant without `Merchant::with_keyed_md5`, and one with that setting refuses it"
        }
        (None, _) => {
            "nothing needs to change for a merchant with `Merchant::with_keyed_md5`, and one without it needs that setting"
        }
    };
    format!("It verifies with {with} and {scheme}{set}: {rest}.")
}

/// What verification would say if `fit` were configured: asked of verification itself, so that the two cannot differ.
fn refusal_once_configured(case: &Case<'_>, fit: &Fit) -> Option<Refusal> {
    let claim = Claim {
        set: fit.set,
        ..case.claim
    };
    let Some(scheme) = fit.scheme else {
        let secret = case.at_hand.md5_secret.as_ref()?;
        return prove_by_secret(claim, secret).err();
    };
    let keys = case.at_hand.platform_keys.iter();
    let verifiers: Vec<_> = keys.map(PublicKey::verifier).collect();
    prove(claim, &verifiers, scheme, fit.path.as_deref()).err()
}

/// What is wrong with a message beside its signature, which fits.
fn reason(refusal: &Refusal, fit: &Fit) -> Option<String> {
    match refusal {
        Refusal::Malformed(error) => Some(error.to_string()),
        Refusal::Untrusted(Untrusted::WrongSignType) => {
            let name = match fit.scheme {
                Some(_) => SIGN_TYPE,
                None => keyed_md5::SIGN_TYPE,
            };
            Some(format!(
                "`signType` must be exactly `{name}`, the algorithm it was signed with, and no message may choose another; ask the \
                 operator to send it so"
            ))
        }
        Refusal::Untrusted(Untrusted::BadSignatureText) if fit.scheme.is_some() => Some(
            "`sign` must be canonical base64, and has white space, another alphabet or missing padding; something on the way \
             rewrote it"
                .to_owned(),
        ),
        Refusal::Untrusted(Untrusted::BadSignatureText) => {
            Some("an MD5 signature must be 32 upper-case hexadecimal digits".to_owned())
        }
        // A value that was rewritten: the signature fits another text.
        Refusal::Untrusted(_) => None,
    }
}

/// A message that lacks something is refused under any setting, so none is named for it.
fn incomplete(case: &Case<'_>, fit: &Fit) -> Option<String> {
    let error = case.kind.as_ref().err()?;
    // Of a value that was rewritten, that is the first thing to be said.
    fit.rewriting
        .is_none()
        .then(|| format!("{error}; ask the operator why"))
}

/// How to configure what fits: only what differs from the settings at hand.
fn setting(case: &Case<'_>, fit: &Fit) -> String {
    let mut settings = Vec::new();
    match fit.scheme {
        None => settings.push("the MD5 secret (`Merchant::with_keyed_md5`)".to_owned()),
        Some(_) if signs_as_configured(case, fit) => {}
        Some(scheme) => settings.push(match scheme.name() {
            Some(name) => format!("the scheme `{name}`"),
            None => format!("a scheme by its parts ({})", scheme_text(scheme)),
        }),
    }
    if fit.set != case.claim.set {
        let set = fit.set;
        settings.push(format!(
            "the signed set `{set}` (`Merchant::with_signed_set`, `--set {set}`)"
        ));
    }
    let how = format!("configure {}", settings.join(" and "));
    let how = match (fit.scheme, &case.at_hand.md5_secret) {
        (Some(_), Some(_)) => format!("{how}, without `Merchant::with_keyed_md5`"),
        _ => how,
    };
    match fit
        .path
        .as_deref()
        .filter(|_| !signs_as_configured(case, fit))
    {
        Some(path) if *case.kind == Ok(MessageKind::Object) => {
            format!("{how}, and `{}` as the path", printable(path))
        }
        Some(path) if *case.kind == Ok(MessageKind::Answer) && PATHS.contains(&path) => {
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

/// Whether the scheme that fits hands the same bytes to the signature as the configured one, whatever its name.
fn signs_as_configured(case: &Case<'_>, fit: &Fit) -> bool {
    let (configured, path) = (case.at_hand.scheme, case.at_hand.path.as_deref());
    fit.scheme.is_some_and(|scheme| {
        scheme.digest == configured.digest
            && scheme.message("", fit.path.as_deref()) == configured.message("", path)
    })
}

/// The scheme that fits, with its path, and the signed set if it is not the configured one.
fn how(case: &Case<'_>, fit: &Fit) -> String {
    let mut how = fit
        .scheme
        .map_or_else(|| "keyed MD5".to_owned(), scheme_text);
    if let Some(path) = &fit.path {
        how.push_str(&format!(" with {}", printable(path)));
    }
    if fit.set != case.claim.set {
        how.push_str(&format!(", signed set `{}`", fit.set));
    }
    how
}

pub(super) fn own_key(case: &Case<'_>, fit: &Fit) -> (Verdict, String) {
    let (how, mixed_up) = (how(case, fit), case.mixed_up());
    let once = match fit.rewriting {
        Some(rewriting) => format!(", once {rewriting}"),
        None => String::new(),
    };
    let sentence = match case.kind {
        Ok(MessageKind::Object) => format!(
            "It was made with the merchant's own key ({how}{once}): that is right for a request of yours, and wrong for anything \
             that is said to come from the gateway{mixed_up}."
        ),
        _ => format!(
            "It was made with the merchant's own key ({how}{once}), not by the gateway: if it is no forgery, the public key in the \
             merchant portal and the gateway's were mixed up{mixed_up}."
        ),
    };
    (Verdict::OwnKey, sentence)
}
