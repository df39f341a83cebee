//! An explanation as people read it: a few lines, the sentence last.

use std::fmt;

use super::{Explanation, Fit, Opened, Role, Standing};
use crate::{
    scheme::{Digest, PreHash, SignatureScheme, Suffix},
    signed_set::SignedSet,
};

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) => writeln!(f, "message    {kind}")?,
            None => writeln!(f, "message    incomplete")?,
        }
        let names = |wanted: Standing| -> Vec<String> {
            let found = self
                .members
                .iter()
                .filter(|member| member.standing == wanted);
            found.map(|member| printable(&member.name)).collect()
        };
        writeln!(f, "signed     {}", listed(&names(Standing::Signed)))?;
        for (standing, why) in [
            (Standing::Signature, "the signature itself"),
            (Standing::Null, "null"),
            (Standing::Empty, "empty"),
            (Standing::LeftOut, "not in the signed set"),
            (Standing::Outside, "outside data"),
        ] {
            let names = names(standing);
            if !names.is_empty() {
                writeln!(f, "skipped    {} ({why})", names.join(" "))?;
            }
        }
        writeln!(f, "canonical  {}", printable(&self.canonical))?;
        writeln!(f, "sha-256    {}", self.sha256)?;
        if let Some(bytes) = self.signature_bytes {
            writeln!(f, "signature  {bytes} bytes")?;
        }
        for key in &self.keys {
            write!(f, "key        {} ({} bits, ", key.fingerprint, key.bits)?;
            f.write_str(match key.role {
                Role::Platform => "platform): ",
                Role::Own | Role::Md5Secret => "the merchant's own): ",
            })?;
            match &key.opened {
                Opened::NotMade if self.signature_bytes.is_none() => {
                    writeln!(f, "has nothing to open")?;
                }
                Opened::NotMade => writeln!(f, "did not make this signature")?,
                Opened::OtherLength { needed } => {
                    writeln!(f, "makes signatures of {needed} bytes, so not this one")?;
                }
                Opened::Made { digest, hash } => {
                    writeln!(f, "made this signature, over {digest} {hash}")?;
                }
                Opened::MadeOtherwise => {
                    writeln!(f, "made this signature, over no known digest")?;
                }
            }
        }
        writeln!(
            f,
            "tried      {} combinations, {} fit",
            self.tried,
            self.fits.len()
        )?;
        for fit in &self.fits {
            writeln!(f, "fits       {fit}")?;
        }
        if let Some(refusal) = &self.refusal {
            writeln!(f, "refused    {refusal}")?;
        }
        write!(f, "\n{}", self.sentence)
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scheme {
            Some(scheme) => f.write_str(&scheme_text(*scheme))?,
            None => f.write_str("keyed MD5")?,
        }
        if let Some(path) = &self.path {
            write!(f, " with {}", printable(path))?;
        }
        if let Some(fingerprint) = &self.fingerprint {
            write!(f, ", key {fingerprint}")?;
        }
        if self.set != SignedSet::DOCUMENTED {
            write!(f, ", signed set {}", self.set)?;
        }
        if let Some(rewriting) = self.rewriting {
            write!(f, ", {rewriting}")?;
        }
        Ok(())
    }
}

/// A scheme's name, or its parts when it has none.
pub(super) fn scheme_text(scheme: SignatureScheme) -> String {
    if let Some(name) = scheme.name() {
        return name.to_owned();
    }
    let pre_hash = match scheme.pre_hash {
        PreHash::None => "none",
        PreHash::Sha256 => "SHA-256",
        PreHash::Sha256Hex => "SHA-256 in hexadecimal",
    };
    let digest = match scheme.digest {
        Digest::Sha256 => "SHA-256",
        Digest::Sha1 => "SHA-1",
        Digest::Md5 => "MD5",
    };
    let suffix = match scheme.suffix {
        Suffix::None => "none",
        Suffix::Path => "path",
    };
    format!("pre-hash {pre_hash}, digest {digest}, suffix {suffix}")
}

#[cfg(feature = "serde")]
#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
pub(super) fn scheme_as_text<S: serde::Serializer>(
    scheme: &Option<SignatureScheme>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match scheme {
        Some(scheme) => serializer.serialize_some(&scheme_text(*scheme)),
        None => serializer.serialize_none(),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.join(" ")
}

/// Control characters escaped: whoever sent the message must not write to the reader's terminal.
pub(super) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            printable.extend(character.escape_debug());
        } else {
            printable.push(character);
        }
    }
    printable
}
