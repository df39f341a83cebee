//! The envelope around every answer and notification: `code`, `msg`, `data`, `timestamp`.
//!
//! Only `data` is signed. What stands beside it is read for the error of an answer and decides nothing else.

use std::borrow::Cow;

use crate::fields::{Fields, ReadError, Value};

/// An envelope whose `data` has not been looked into yet.
pub(crate) struct Envelope<'a> {
    fields: Fields<'a>,
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, ReadError> {
        Fields::parse_envelope(body).map(|fields| Self { fields })
    }

    /// The members beside `data`, and `data` itself as raw text.
    pub(crate) fn fields(&self) -> &Fields<'a> {
        &self.fields
    }

    /// `code` as it stands, a number or a string.
    pub(crate) fn code(&self) -> Result<&str, ReadError> {
        let missing = ReadError::Missing { member: "code" };
        self.fields.present("code").ok_or(missing)
    }

    /// The JSON text of `data`: an object, or a string that holds one. `None` when absent, `null` or empty.
    pub(crate) fn data(&self) -> Result<Option<Cow<'_, str>>, ReadError> {
        match self.fields.get("data") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) if text.is_empty() => Ok(None),
            Some(Value::Text(text)) => Ok(Some(Cow::Borrowed(text.as_ref()))),
            Some(Value::Nested(text)) if text.starts_with('{') => Ok(Some(Cow::Borrowed(text))),
            Some(Value::Bool(_) | Value::Number(_) | Value::Nested(_)) => Err(ReadError::Invalid {
                member: "data",
                expected: "an object, or a string that holds one",
            }),
        }
    }
}
