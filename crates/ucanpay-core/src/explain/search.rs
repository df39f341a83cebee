//! Which combinations fit: every scheme over every candidate text, for one key or one secret.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::{Fit, KeyFinding, Opened, Role, variant::Candidate};
use crate::{
    key::PublicKey,
    keyed_md5::{Md5Secret, keyed_md5},
    operation::{CloseOrder, Operation, OrderQuery, Refund, RefundQuery, Reverse, UnifiedOrder},
    scheme::{Digest, PreHash, SignatureScheme, Suffix, hex},
};

/// The six paths that a scheme with [`Suffix::Path`] may have appended.
pub(super) const PATHS: [&str; 6] = [
    UnifiedOrder::PATH,
    OrderQuery::PATH,
    CloseOrder::PATH,
    Reverse::PATH,
    Refund::PATH,
    RefundQuery::PATH,
];

const PRE_HASHES: [PreHash; 3] = [PreHash::None, PreHash::Sha256, PreHash::Sha256Hex];

/// How many schemes there are with so many paths to append, and without one.
pub(super) fn schemes(paths: usize) -> usize {
    const DIGESTS: usize = 3;
    PRE_HASHES.len() * DIGESTS * (1 + paths)
}

/// Base64 of 24 bytes could look so too, but is no RSA signature.
pub(super) fn is_md5_digits(sign: &str) -> bool {
    sign.len() == 32 && sign.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The signature even if its base64 is not canonical, so that this can be told apart from a signature that is wrong.
pub(super) fn leniently_decoded(sign: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let text: String = sign
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| match character {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    LENIENT.decode(text).ok().filter(|bytes| !bytes.is_empty())
}

/// Every combination under which `key` verifies the signature. What the key has opened rules all others out at once.
pub(super) fn fits_of(
    key: &PublicKey,
    finding: &KeyFinding,
    signature: &[u8],
    texts: &[Candidate],
    paths: &[&str],
) -> Vec<Fit> {
    let (Some(digest), Opened::Made { hash, .. }) = (finding.opened.digest(), &finding.opened)
    else {
        return Vec::new();
    };
    let verifier = key.verifier();
    let mut fits = Vec::new();
    for candidate in texts {
        for pre_hash in PRE_HASHES {
            for path in std::iter::once(None).chain(paths.iter().map(Some)) {
                let suffix = match path {
                    Some(_) => Suffix::Path,
                    None => Suffix::None,
                };
                let scheme = SignatureScheme {
                    pre_hash,
                    digest,
                    suffix,
                };
                let message = scheme.message(&candidate.text, path.copied());
                if hashed(digest, &message) == *hash && verifier.verify(digest, &message, signature)
                {
                    fits.push(Fit {
                        role: finding.role,
                        fingerprint: Some(finding.fingerprint.clone()),
                        scheme: Some(scheme),
                        path: path.map(|path| (*path).to_owned()),
                        set: candidate.set,
                        rewriting: candidate.rewriting,
                    });
                }
            }
        }
    }
    fits
}

pub(super) fn fit_of_secret(sign: &str, secret: &Md5Secret, texts: &[Candidate]) -> Option<Fit> {
    let candidate = texts
        .iter()
        .find(|candidate| keyed_md5(&candidate.text, secret).eq_ignore_ascii_case(sign))?;
    Some(Fit {
        role: Role::Md5Secret,
        fingerprint: None,
        scheme: None,
        path: None,
        set: candidate.set,
        rewriting: candidate.rewriting,
    })
}

fn hashed(digest: Digest, message: &[u8]) -> String {
    match digest {
        Digest::Sha256 => hex(&Sha256::digest(message)),
        Digest::Sha1 => hex(&Sha1::digest(message)),
        Digest::Md5 => hex(&Md5::digest(message)),
    }
}
