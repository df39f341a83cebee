//! What is inside a signature, as one key opens it.
//!
//! A PKCS#1 v1.5 signature holds, under the key's public exponent, the name of a digest and the digest itself. Opening it
//! once tells whether this key made it, and what it was made over, so that no variant has to be verified by trial.
//! This is for explanations: whether a message is genuine is decided by a [`Verifier`](crate::Verifier) and nothing else.

use rsa::{BigUint, traits::PublicKeyParts};

use crate::{
    key::PublicKey,
    scheme::{Digest, hex},
};

/// What one key says about a signature.
///
/// ```
/// use ucanpay_core::{AtHand, Opened, explain};
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
/// let other_key = PrivateKey::generate(1024)?.public_key().clone();
/// let explanation = explain(body.as_bytes(), &AtHand::new([platform_key, other_key]))?;
/// assert!(matches!(explanation.keys[0].opened, Opened::Made { digest: "SHA-256", .. }));
/// assert_eq!(explanation.keys[1].opened, Opened::NotMade);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case", tag = "result"))]
#[non_exhaustive]
pub enum Opened {
    /// This key did not make the signature.
    NotMade,
    /// The signature has not the key's length, so this key did not make it.
    OtherLength {
        /// Length of the key, in bytes.
        needed: usize,
    },
    /// This key made the signature, over this digest of a message.
    Made {
        /// The digest's name, such as `SHA-256`.
        digest: &'static str,
        /// The digest, in lower-case hexadecimal.
        hash: String,
    },
    /// This key made it, but over something that is not a known digest.
    MadeOtherwise,
}

/// The digests that can be told by name, with the bytes before the hash. RFC 8017, section 9.2, note 1.
const DIGEST_INFOS: [(&str, &[u8]); 6] = [
    (
        "SHA-256",
        b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
    ),
    (
        "SHA-1",
        b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
    ),
    (
        "MD5",
        b"\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10",
    ),
    (
        "SHA-224",
        b"\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x1c",
    ),
    (
        "SHA-384",
        b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
    ),
    (
        "SHA-512",
        b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
    ),
];

impl Opened {
    pub(super) fn with(key: &PublicKey, signature: &[u8]) -> Self {
        let needed = key.bits().div_ceil(8);
        if signature.len() != needed {
            return Self::OtherLength { needed };
        }
        let sealed = BigUint::from_bytes_be(signature);
        let rsa = key.rsa();
        if &sealed >= rsa.n() {
            return Self::NotMade;
        }
        // Without its leading zero byte: 01, at least eight FF, 00, and what was signed.
        let block = sealed.modpow(rsa.e(), rsa.n()).to_bytes_be();
        let Some((&1, rest)) = block.split_first() else {
            return Self::NotMade;
        };
        let padding = rest.iter().take_while(|byte| **byte == 0xff).count();
        if block.len() + 1 != needed || padding < 8 || rest.get(padding) != Some(&0) {
            return Self::NotMade;
        }
        let signed = &rest[padding + 1..];
        DIGEST_INFOS
            .iter()
            .find_map(|(digest, prefix)| {
                let hash = signed.strip_prefix(*prefix)?;
                // The last byte of the prefix is the length of the hash.
                (hash.len() == usize::from(*prefix.last()?)).then(|| Self::Made {
                    digest,
                    hash: hex(hash),
                })
            })
            .unwrap_or(Self::MadeOtherwise)
    }

    /// The scheme's digest that it was made with.
    pub(super) fn digest(&self) -> Option<Digest> {
        match self {
            Self::Made { digest, .. } => match *digest {
                "SHA-256" => Some(Digest::Sha256),
                "SHA-1" => Some(Digest::Sha1),
                "MD5" => Some(Digest::Md5),
                _ => None,
            },
            Self::NotMade | Self::OtherLength { .. } | Self::MadeOtherwise => None,
        }
    }

    /// Whether this key made the signature, over whatever it was.
    pub(super) fn is_made(&self) -> bool {
        matches!(self, Self::Made { .. } | Self::MadeOtherwise)
    }
}
