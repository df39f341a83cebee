//! An answer's body, gathered chunk by chunk, and never beyond a limit.
//!
//! Both HTTP services of this crate come in with what they read; nobody holds more than was asked for.

use crate::AnswerTooLarge;
use bytes::{Bytes, BytesMut};

/// The longest answer that [`InProcess`](crate::InProcess) and `ReqwestService` read unless told otherwise, in bytes:
/// 256 KiB. The gateway's answers are below 4 KiB.
pub const MAX_ANSWER_BYTES: usize = 256 * 1024;

pub(crate) struct LimitedBody {
    read: BytesMut,
    limit: usize,
}

impl LimitedBody {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            read: BytesMut::new(),
            limit,
        }
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), AnswerTooLarge> {
        if chunk.len() > self.limit - self.read.len() {
            return Err(AnswerTooLarge::new(self.limit));
        }
        self.read.extend_from_slice(chunk);
        Ok(())
    }

    pub(crate) fn finish(self) -> Bytes {
        self.read.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_byte_of_the_limit_is_taken_and_the_next_is_not() {
        let mut body = LimitedBody::new(4);
        body.push(b"abc").unwrap();
        body.push(b"d").unwrap();
        assert_eq!(body.push(b"e"), Err(AnswerTooLarge::new(4)));
        assert_eq!(body.finish(), "abcd");
    }
}
