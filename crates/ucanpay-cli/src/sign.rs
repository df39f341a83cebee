//! `ucanpay canonical` and `ucanpay sign`: what is signed, and the signature.

use std::io::Read;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use ucanpay_core::{Fields, Md5Secret, PrivateKey, SignatureScheme, Suffix, Value, keyed_md5};

use crate::{
    args::{CanonicalArguments, SignArguments},
    input,
    outcome::{Done, Failure, chain},
};

/// The canonical string as it is: no line break is added, so that it can be hashed.
pub(crate) fn canonical(
    arguments: &CanonicalArguments,
    stdin: &mut dyn Read,
) -> Result<Done, Failure> {
    let body = input::message(&arguments.message, stdin)?;
    let fields = Fields::parse(&body).map_err(|error| Failure::refused(&error))?;
    let canonical = arguments.set.signed.canonical_string(&fields, None);
    let canonical = canonical.map_err(|error| Failure::refused(&error))?;
    Ok(Done::new(canonical))
}

/// A path that the scheme does not use was given for nothing: somebody expects it to matter.
pub(crate) fn refuse_idle_path(scheme: SignatureScheme, path: Option<&str>) -> Result<(), Failure> {
    if scheme.suffix == Suffix::None && path.is_some() {
        let text = "the scheme appends no path: leave --path out, or choose another, such as --scheme path-suffixed";
        return Err(Failure::NotDone(text.to_owned()));
    }
    Ok(())
}

/// What signs: a key, or the secret in place of it.
enum With {
    Key(Box<PrivateKey>),
    Secret(Md5Secret),
}

impl With {
    /// The name of the algorithm in `signType`.
    fn sign_type(&self) -> &'static str {
        match self {
            Self::Key(_) => "RSA",
            Self::Secret(_) => "MD5",
        }
    }

    fn sign(&self, canonical: &str, arguments: &SignArguments) -> Result<String, Failure> {
        let key = match self {
            Self::Key(key) => key,
            Self::Secret(secret) => return Ok(keyed_md5(canonical, secret)),
        };
        let scheme = arguments.scheme;
        let message = scheme.message(canonical, arguments.path.as_deref());
        let signature = key
            .signer()
            .sign(scheme.digest, &message)
            .map_err(|error| Failure::NotDone(chain(&error)))?;
        Ok(STANDARD.encode(signature))
    }
}

pub(crate) fn sign(arguments: &SignArguments, stdin: &mut dyn Read) -> Result<Done, Failure> {
    if arguments.scheme.suffix == Suffix::Path && arguments.path.is_none() {
        let text = "the scheme appends the path: give it with --path, such as --path /payment/unifiedorder";
        return Err(Failure::NotDone(text.to_owned()));
    }
    refuse_idle_path(arguments.scheme, arguments.path.as_deref())?;
    let with = match (&arguments.key, &arguments.md5_secret_file) {
        (_, Some(file)) => With::Secret(input::md5_secret(file)?),
        (Some(file), None) => With::Key(Box::new(input::private_key(file)?)),
        (None, None) => {
            let text = "nothing to sign with: give --key or --md5-secret-file";
            return Err(Failure::NotDone(text.to_owned()));
        }
    };
    let body = input::message(&arguments.message, stdin)?;
    let fields = Fields::parse(&body).map_err(|error| Failure::refused(&error))?;
    // What is signed here must be what a strict receiver takes.
    let set = arguments.set.signed;
    set.refuse_ambiguous(&fields, None)
        .map_err(|error| Failure::refused(&error))?;
    let named = fields.get("signType").and_then(Value::signed_text);
    if named.is_some_and(|name| name != with.sign_type()) {
        return Err(Failure::Refused(format!(
            "signType names another algorithm than {}, with which this would be signed",
            with.sign_type()
        )));
    }
    let canonical = set
        .canonical_string(&fields, None)
        .map_err(|error| Failure::refused(&error))?;
    let sign = with.sign(&canonical, arguments)?;
    if arguments.only_sign {
        return Ok(Done::new(format!("{sign}\n")));
    }
    // `Fields` has read it, so it is UTF-8 and an object.
    let object = std::str::from_utf8(&body).map_err(|error| Failure::refused(&error))?;
    let signed = with_sign(object, &sign).map_err(|error| Failure::refused(&error))?;
    Ok(Done::new(format!("{}\n", signed.trim())))
}

/// Sets `sign` in the text of an object: in the place where it stands, or at the end. All else stays as it is.
fn with_sign(object: &str, sign: &str) -> Result<String, serde_json::Error> {
    #[derive(Deserialize)]
    struct Signed<'a> {
        #[serde(borrow, default, deserialize_with = "present")]
        sign: Option<&'a RawValue>,
    }

    /// `null` is a value that stands there, not an absent one.
    fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
        Deserialize::deserialize(from).map(Some)
    }

    let value = format!("\"{sign}\"");
    let Signed { sign: old } = serde_json::from_str(object)?;
    if let Some(old) = old {
        // `old` is a slice of `object`.
        let start = old.get().as_ptr() as usize - object.as_ptr() as usize;
        let end = start + old.get().len();
        return Ok([&object[..start], &value, &object[end..]].concat());
    }
    let open = object.trim_end().strip_suffix('}').unwrap_or(object);
    let open = open.trim_end();
    let comma = if open.ends_with('{') { "" } else { "," };
    Ok(format!("{open}{comma}\"sign\":{value}}}"))
}

#[cfg(test)]
mod tests {
    use super::with_sign;

    #[test]
    fn sign_is_set_where_it_stands_and_all_else_stays_as_it_is() {
        for (object, expected) in [
            ("{}", r#"{"sign":"S"}"#),
            (" { } ", r#" {"sign":"S"}"#),
            (r#"{"a":1.10}"#, r#"{"a":1.10,"sign":"S"}"#),
            (
                "{\n \"a\" : \"\\u00e9{\"\n}\n",
                "{\n \"a\" : \"\\u00e9{\",\"sign\":\"S\"}",
            ),
            (r#"{"sign":"old","b":2}"#, r#"{"sign":"S","b":2}"#),
            (r#"{"b":2, "sign" : null}"#, r#"{"b":2, "sign" : "S"}"#),
            (
                r#"{"\u0073ign":12,"x":"\/"}"#,
                r#"{"\u0073ign":"S","x":"\/"}"#,
            ),
        ] {
            assert_eq!(with_sign(object, "S").unwrap(), expected);
        }
    }
}
