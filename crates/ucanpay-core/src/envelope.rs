//! The envelope around every answer and notification: `code`, `msg`, `data`, `timestamp`.
//!
//! Only `data` is signed. What stands beside it is read for the error of an answer and decides nothing else.

use std::borrow::Cow;

use crate::fields::{Fields, ReadError, Value};

/// An envelope, and what is in it.
pub(crate) struct Envelope<'a> {
    fields: Fields<'a>,
    /// The members of `data`, where they could be read on the way.
    data: Option<Fields<'a>>,
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, ReadError> {
        let (fields, data) = Fields::parse_with_data(body)?;
        Ok(Self { fields, data })
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

    /// The members of `data`: an object, or a string that holds one. `None` when absent, `null` or empty.
    pub(crate) fn data(&self) -> Result<Option<Cow<'_, Fields<'_>>>, ReadError> {
        if let Some(data) = &self.data {
            return Ok(Some(Cow::Borrowed(data)));
        }
        let text = match self.fields.get("data") {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Text(text)) if text.is_empty() => return Ok(None),
            Some(Value::Text(text)) => text.as_ref(),
            // It could not be read on the way: this says why.
            Some(Value::Nested(text)) if text.starts_with('{') => text,
            Some(Value::Bool(_) | Value::Number(_) | Value::Nested(_)) => {
                return Err(ReadError::Invalid {
                    member: "data",
                    expected: "an object, or a string that holds one",
                });
            }
        };
        let data = Fields::parse(text.as_bytes())?;
        Ok(Some(Cow::Owned(data)))
    }
}
