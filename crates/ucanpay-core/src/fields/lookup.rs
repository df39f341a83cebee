//! Typed look-ups for the readers of answers and notifications: lenient about form, never about presence.
//!
//! A member that is absent, `null` or empty is `None`; nothing is ever filled in.

use super::{Fields, ReadError};
use crate::types::{Amount, GatewayTime};

impl Fields<'_> {
    /// A member's text: a string's characters, or a number or truth value as it stands.
    pub(crate) fn text(&self, member: &str) -> Option<String> {
        self.present(member).map(str::to_owned)
    }

    pub(crate) fn required_text(&self, member: &'static str) -> Result<String, ReadError> {
        self.text(member).ok_or(ReadError::Missing { member })
    }

    /// Whole cents, as a number or a string of decimal digits.
    pub(crate) fn amount(&self, member: &'static str) -> Result<Option<Amount>, ReadError> {
        self.present(member)
            .map(|text| {
                Amount::from_wire(text).ok_or(ReadError::Invalid {
                    member,
                    expected: "an amount in whole cents, 1 to 9223372036854775807",
                })
            })
            .transpose()
    }

    pub(crate) fn required_amount(&self, member: &'static str) -> Result<Amount, ReadError> {
        self.amount(member)?.ok_or(ReadError::Missing { member })
    }

    pub(crate) fn time(&self, member: &str) -> Option<GatewayTime> {
        self.present(member).map(GatewayTime::new)
    }

    pub(crate) fn present(&self, member: &str) -> Option<&str> {
        self.get(member)?.signed_text()
    }
}
