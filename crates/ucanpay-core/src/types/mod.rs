//! Values that cannot be wrong: each type checks its field's rule when it is made, so that nothing needs checking when it
//! is sent. One file for a family.

mod money;
mod number;
mod status;
mod text;
mod time;
mod url;

pub use money::{Amount, Currency};
pub use number::{MerchantId, Nonce, OutRefundNo, OutTradeNo, UcpOrderNo, UcpRefundNo};
pub use status::{RefundStatus, SceneType, TradeStatus};
pub use text::{Description, DeviceNo, RefundReason, Subject};
pub use time::{CivilTime, GatewayTime};
pub use url::NotifyUrl;

/// A value breaks its field's rule. Found before anything is sent; correct the value.
///
/// ```
/// use ucanpay_core::OutTradeNo;
///
/// let error = OutTradeNo::new("A-20260301").unwrap_err();
/// assert_eq!((error.member(), error.rule()), ("outTradeNo", "1 to 32 of 0-9, A-Z and a-z"));
/// assert_eq!(error.to_string(), "outTradeNo holds the character '-'; the rule: 1 to 32 of 0-9, A-Z and a-z");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member} {problem}; the rule: {rule}")]
pub struct FieldError {
    member: &'static str,
    rule: &'static str,
    problem: Problem,
}

impl FieldError {
    pub(crate) fn new(member: &'static str, rule: &'static str, problem: Problem) -> Self {
        Self {
            member,
            rule,
            problem,
        }
    }

    /// The gateway's name of the field, such as `outTradeNo`.
    #[must_use]
    pub fn member(&self) -> &'static str {
        self.member
    }

    /// The rule in words.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule
    }
}

/// What was wrong, without the value itself: at most one character of it is shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("is empty")]
    Empty,
    #[error("is {found} characters long")]
    TooLong { found: usize },
    #[error("holds the character {0:?}")]
    Character(char),
    #[error("{0}")]
    Other(&'static str),
}

/// The common part of the text rules: 1 to `max` characters (Unicode scalar values), each of them allowed.
fn check_text(text: &str, max: usize, allowed: fn(char) -> bool) -> Result<(), Problem> {
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    let found = text.chars().count();
    if found > max {
        return Err(Problem::TooLong { found });
    }
    match text.chars().find(|character| !allowed(*character)) {
        Some(character) => Err(Problem::Character(character)),
        None => Ok(()),
    }
}

/// Declares a type around a checked `String`: construction, access, and the conversions that keep the check.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $member:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[doc = concat!("\n\nThe gateway's member `", $member, "`: ", $rule, ".")]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks the value against the field's rule.
            ///
            /// # Errors
            ///
            /// [`FieldError`](crate::FieldError), which names the rule; nothing has been sent.
            pub fn new(value: impl Into<String>) -> Result<Self, crate::types::FieldError> {
                let value = value.into();
                let check: fn(&str) -> Result<(), crate::types::Problem> = $check;
                match check(&value) {
                    Ok(()) => Ok(Self(value)),
                    Err(problem) => Err(crate::types::FieldError::new($member, $rule, problem)),
                }
            }

            /// The text as it goes over the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::types::FieldError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}
use checked_text;
