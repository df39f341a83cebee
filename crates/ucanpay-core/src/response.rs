//! What can be wrong with an answer or a notification, and what the gateway says when it refuses a call.

use crate::{
    error_code::ErrorCode,
    fields::{Fields, ReadError},
};

/// An answer that is not the verified success of its call.
///
/// ```
/// use ucanpay_core::{AnswerError, ErrorClass, OrderQuery};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// let next = match merchant.verify_answer::<OrderQuery>(br#"{"code":1,"msg":"SYSTEMERROR"}"#) {
///     Ok(_) => "compare it with the order",
///     Err(AnswerError::Rejected(error)) if error.code().class() == ErrorClass::NotDone => "act on the cause",
///     Err(AnswerError::Rejected(error)) => error.code().advice(),
///     Err(_) => "the same bytes again, or a query",
/// };
/// assert_eq!(next, "send the same request again, byte for byte");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The gateway refused. Act by [`GatewayError::code`]; unless [signed](GatewayError::signed), only TLS vouches for it,
    /// and it never settles a payment.
    #[error("the gateway refused the call")]
    Rejected(#[source] GatewayError),
    /// The answer is not proven to be the gateway's: the call's effect is unknown.
    #[error("the answer cannot be trusted")]
    Untrusted(#[from] Untrusted),
    /// The answer cannot be read: the call's effect is unknown.
    #[error("the answer cannot be read")]
    Malformed(#[from] ReadError),
}

/// A notification that changes nothing. Answer FAIL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotificationError {
    /// It cannot be read.
    #[error("the notification cannot be read")]
    Malformed(#[from] ReadError),
    /// It is not proven to be the gateway's.
    #[error("the notification cannot be trusted")]
    Untrusted(#[from] Untrusted),
}

/// Why a message is not proven to be the gateway's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Untrusted {
    /// There is no `data`, and nothing else is signed.
    #[error("the message has no data, so nothing in it is signed")]
    NoData,
    /// `data` has no `sign`.
    #[error("the message is not signed")]
    NoSignature,
    /// `sign` is not a string of the right form: canonical base64 with padding, at most 4096 bits of it; or, for a merchant
    /// with an MD5 secret, 32 upper-case hexadecimal digits.
    #[error(
        "the signature is not proper base64, or not 32 upper-case hexadecimal digits where an MD5 secret is configured"
    )]
    BadSignatureText,
    /// `signType` names another algorithm than the one that is configured.
    #[error(
        "the message names another signature algorithm than the configured one (RSA, or MD5 once a secret is configured)"
    )]
    WrongSignType,
    /// The signature fits none of the configured platform keys: a forgery, a wrong key, or another signature scheme.
    #[error(
        "the signature fits none of the {keys} configured platform key(s); if this is genuine, check the platform key and the signature scheme, for example with `ucanpay explain`"
    )]
    NoMatchingKey {
        /// How many keys were tried.
        keys: usize,
    },
    /// The MD5 signature was not made with the configured secret: a forgery, or another secret.
    #[error(
        "the signature does not fit the configured MD5 secret; if this is genuine, check the secret"
    )]
    OtherSecret,
}

/// What the gateway said when it refused a call.
///
/// ```
/// use ucanpay_core::{AnswerError, ErrorCode, OrderQuery};
///
/// # use ucanpay_core::*;
/// # let (key, gateway) = (PrivateKey::generate(1024)?, PrivateKey::generate(1024)?);
/// # let merchant = Merchant::new(MerchantId::new("2000000010")?, key, [gateway.public_key().clone()])?;
/// let answer = merchant.verify_answer::<OrderQuery>(br#"{"code":1,"msg":"NOAUTH: no permission"}"#);
/// let Err(AnswerError::Rejected(error)) = answer else { panic!("{answer:?}") };
/// assert_eq!(error.code(), &ErrorCode::NoAuth);
/// assert_eq!(error.message(), "NOAUTH: no permission");
/// assert!(!error.signed()); // nothing proves it: it settles no payment
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct GatewayError {
    code: ErrorCode,
    message: String,
    signed: bool,
}

impl GatewayError {
    /// Finds the error's name wherever the gateway may have put it: the reference lists names and never shows one.
    pub(crate) fn read(envelope: &Fields<'_>, data: Option<&Fields<'_>>) -> Self {
        const MEMBERS: [&str; 3] = ["errCode", "err_code", "errorCode"];
        let message = envelope.present("msg").unwrap_or_default().trim();
        let code = envelope.present("code").unwrap_or_default();
        let named: Vec<&str> = std::iter::once(envelope)
            .chain(data)
            .flat_map(|fields| MEMBERS.iter().filter_map(|member| fields.present(member)))
            .collect();

        let known = ErrorCode::known(code)
            .or_else(|| ErrorCode::known(message))
            .or_else(|| ErrorCode::known(first_token(message)))
            .or_else(|| named.iter().find_map(|name| ErrorCode::known(name)))
            .or_else(|| ErrorCode::described(message));
        let kept = || ErrorCode::Other(shortened(named.first().unwrap_or(&code), 64));
        Self {
            code: known.unwrap_or_else(kept),
            message: shortened(message, 256),
            signed: data.is_some(),
        }
    }

    /// The error of a body `{"status","error","message"}`, which the operator's other documentation shows for trouble at
    /// its front door. It is never signed, and none of its words is documented.
    pub(crate) fn at_the_door(body: &Fields<'_>) -> Option<Self> {
        let name = body.present("error").or_else(|| body.present("status"))?;
        let message = body.present("message").unwrap_or_default().trim();
        Some(Self {
            code: ErrorCode::known(name).unwrap_or_else(|| ErrorCode::Other(shortened(name, 64))),
            message: shortened(message, 256),
            signed: false,
        })
    }

    /// Which error it is, and with it what to do next.
    #[must_use]
    pub fn code(&self) -> &ErrorCode {
        &self.code
    }

    /// The gateway's own text (`msg`), at most 256 characters, without control characters; it may be empty.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the answer carried signed `data`. An unsigned error may drive a retry or a report; it settles nothing.
    #[must_use]
    pub fn signed(&self) -> bool {
        self.signed
    }
}

/// The first run of the characters that names are made of, if the text begins with one but for a bracket or a quote.
fn first_token(message: &str) -> &str {
    let part_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let message = message.trim_start_matches(['[', '(', '（', '【', '"', '\'']);
    let end = message.find(|c| !part_of_a_name(c));
    &message[..end.unwrap_or(message.len())]
}

fn shortened(text: &str, max: usize) -> String {
    let printable = text.chars().filter(|character| !character.is_control());
    printable.take(max).collect()
}
