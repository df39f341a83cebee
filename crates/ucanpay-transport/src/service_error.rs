//! What an HTTP service tells the stack by the type of its errors.
//!
//! The stack knows nothing about foreign services, so it takes every error for "the request may have arrived",
//! unless one of these two is the error or stands in its chain of sources.

use crate::BoxError;
use std::error::Error as StdError;

/// Nothing at all was sent: no connection could be made.
///
/// A service wraps its connection failures in this, and nothing else: one byte on the wire, or an earlier try inside
/// the same `call`, and the outcome is unknown. The stack then reports [`Error::NotSent`](crate::Error::NotSent).
#[derive(Debug, thiserror::Error)]
#[error("no connection to the gateway could be made")]
pub struct ConnectError(#[source] BoxError);

impl ConnectError {
    /// Vouches that `source` ended the call before anything was sent.
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self(source.into())
    }
}

/// The answer was longer than the service is willing to hold; the rest was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is larger than {limit} bytes")]
pub struct AnswerTooLarge {
    limit: usize,
}

impl AnswerTooLarge {
    /// An answer that exceeded `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit }
    }

    /// The limit, in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }
}

/// The first `T` in the chain that starts with `error`.
pub(crate) fn find<'a, T: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a T> {
    std::iter::successors(Some(error), |&error| error.source())
        .find_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_marker_is_found_anywhere_in_the_chain() {
        let marked = ConnectError::new(io::Error::from(io::ErrorKind::ConnectionRefused));
        let wrapped = io::Error::other(ConnectError::new(marked));
        assert!(find::<ConnectError>(&wrapped).is_some());
        assert!(find::<AnswerTooLarge>(&wrapped).is_none());
    }

    #[test]
    fn an_unmarked_refusal_is_no_proof() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(find::<ConnectError>(&refused).is_none());
    }
}
