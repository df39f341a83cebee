//! The strict JSON reader: one pass over the bytes of one object, nothing guessed, nothing re-printed.
//!
//! Comes in: raw bytes. Goes out: the members in message order, each with the characters it had on the wire.
//! It is stricter than most: a name twice, a byte after the object, a lone surrogate or a raw control character is refused,
//! because each of them lets two readers see two different messages under one signature. So is U+0000, which no database
//! keeps: what was verified could not be recorded whole.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::{ReadError, Value};

/// How deep an unknown member of an envelope may be nested before it is refused.
const MAX_DEPTH: usize = 32;

/// As many members as the longest documented message has, in one allocation.
const USUAL_MEMBERS: usize = 16;

/// What to do with an object or an array among the members.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nesting {
    /// The message is flat: refuse.
    Refuse,
    /// The message is an envelope: keep the value's characters, once they are known to be well-formed.
    Keep,
    /// The same, and the members of `data` are wanted too.
    KeepAndReadData,
}

/// The members of an object in message order; a name may stand twice.
pub(super) type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// Reads exactly one object, white space around it allowed.
pub(super) fn read_object(bytes: &[u8], nesting: Nesting) -> Result<Members<'_>, ReadError> {
    Reader::new(bytes)?.whole(nesting)
}

/// Reads an envelope. The members of its `data` come along where that is a flat object.
pub(super) fn read_envelope(bytes: &[u8]) -> Result<(Members<'_>, Option<Members<'_>>), ReadError> {
    let mut reader = Reader::new(bytes)?;
    let members = reader.whole(Nesting::KeepAndReadData)?;
    Ok((members, reader.data))
}

/// A place in the text. `at` always stands on a character boundary: it only ever moves over
/// ASCII bytes that were looked at, or to the end of a run that ends before an ASCII byte.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// What was read of an envelope's `data`.
    data: Option<Members<'a>>,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, ReadError> {
        let text = std::str::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 {
            at: error.valid_up_to(),
        })?;
        Ok(Self {
            text,
            at: 0,
            data: None,
        })
    }

    fn whole(&mut self, nesting: Nesting) -> Result<Members<'a>, ReadError> {
        self.skip_white_space();
        let members = self.object(nesting)?;
        self.skip_white_space();
        if self.at < self.text.len() {
            return Err(self.unexpected("the end of the message"));
        }
        Ok(members)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn unexpected(&self, expected: &'static str) -> ReadError {
        ReadError::Syntax {
            at: self.at,
            expected,
        }
    }

    fn skip_white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes `byte`, which is ASCII, or says what was expected.
    fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), ReadError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    fn object(&mut self, nesting: Nesting) -> Result<Members<'a>, ReadError> {
        self.take(b'{', "an object")?;
        let mut members = Vec::with_capacity(USUAL_MEMBERS);
        self.skip_white_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(members);
        }
        loop {
            self.skip_white_space();
            let name = self.string("a member's name")?;
            self.skip_white_space();
            self.take(b':', "a colon")?;
            self.skip_white_space();
            let value = self.value(&name, nesting)?;
            members.push((name, value));
            self.skip_white_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(members);
                }
                _ => return Err(self.unexpected("a comma or the end of the object")),
            }
        }
    }

    fn value(&mut self, name: &str, nesting: Nesting) -> Result<Value<'a>, ReadError> {
        match self.peek() {
            Some(b'{' | b'[') if nesting == Nesting::Refuse => Err(ReadError::nested(name)),
            Some(b'{') if nesting == Nesting::KeepAndReadData && name == "data" => {
                self.data().map(Value::Nested)
            }
            Some(b'{' | b'[') => self.nested().map(Value::Nested),
            _ => self.scalar(),
        }
    }

    /// Reads `data` into members if it is flat, and otherwise walks over it as over anything nested.
    fn data(&mut self) -> Result<&'a str, ReadError> {
        let start = self.at;
        if let Ok(members) = self.object(Nesting::Refuse) {
            self.data = Some(members);
            return Ok(&self.text[start..self.at]);
        }
        self.at = start;
        self.nested()
    }

    fn scalar(&mut self) -> Result<Value<'a>, ReadError> {
        match self.peek() {
            Some(b'"') => self.string("a string").map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.word("true").map(|()| Value::Bool(true)),
            Some(b'f') => self.word("false").map(|()| Value::Bool(false)),
            Some(b'n') => self.word("null").map(|()| Value::Null),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn word(&mut self, word: &'static str) -> Result<(), ReadError> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.unexpected(word))
        }
    }

    /// A number keeps its characters: `1.10` is not `1.1`, and both are signed as they stand.
    fn number(&mut self) -> Result<&'a str, ReadError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.unexpected("a number without leading zeros"));
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<(), ReadError> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.unexpected("a digit"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    /// A string without escapes is a slice of the message; only one with escapes is copied.
    fn string(&mut self, expected: &'static str) -> Result<Cow<'a, str>, ReadError> {
        self.take(b'"', expected)?;
        let plain = self.plain_run()?;
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(text));
                }
                _ => text.push(self.escape()?),
            }
            text.push_str(self.plain_run()?);
        }
    }

    /// The characters up to the next quote or backslash, which is there.
    fn plain_run(&mut self) -> Result<&'a str, ReadError> {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let (blocks, last) = rest.as_chunks::<16>();
        let whole = blocks.iter().take_while(|block| all_plain(block)).count();
        let end = match blocks.get(whole) {
            Some(block) => first_not_plain(*block),
            None => last.iter().take_while(|byte| is_plain(**byte)).count(),
        };
        self.at = start + whole * 16 + end;
        match self.peek() {
            Some(b'"' | b'\\') => Ok(&self.text[start..self.at]),
            Some(_) => Err(self.unexpected("no raw control character")),
            None => Err(self.unexpected("the end of a string")),
        }
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        self.take(b'\\', "an escape")?;
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return Err(self.unexpected("a known escape")),
        };
        self.at += 1;
        Ok(character)
    }

    /// The hexadecimal digits after `\u`, and the second half of a surrogate pair.
    fn unicode_escape(&mut self) -> Result<char, ReadError> {
        let start = self.at;
        let lone = ReadError::Syntax {
            at: start,
            expected: "a paired surrogate",
        };
        let first = self.four_hex_digits()?;
        let scalar = match first {
            0xd800..=0xdbff => {
                if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                    return Err(lone);
                }
                self.at += 2;
                match self.four_hex_digits()? {
                    second @ 0xdc00..=0xdfff => {
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    _ => return Err(lone),
                }
            }
            // No genuine member holds it; databases cut the text off there, or refuse it.
            0 => return Err(ReadError::Nul { at: start }),
            _ => first,
        };
        char::from_u32(scalar).ok_or(lone)
    }

    fn four_hex_digits(&mut self) -> Result<u32, ReadError> {
        let mut number = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.unexpected("four hexadecimal digits"));
            };
            number = number * 16 + digit;
            self.at += 1;
        }
        Ok(number)
    }

    /// Walks over an object or an array without building it; the open brackets are kept in a
    /// list of bounded length, so that no message can exhaust the stack.
    fn nested(&mut self) -> Result<&'a str, ReadError> {
        let start = self.at;
        let mut closers: SmallVec<[u8; MAX_DEPTH]> = SmallVec::new();
        loop {
            self.skip_white_space();
            let opened = match self.peek() {
                Some(b'{') => Some(b'}'),
                Some(b'[') => Some(b']'),
                _ => None,
            };
            if let Some(closer) = opened {
                if closers.len() == MAX_DEPTH {
                    return Err(ReadError::TooDeep { at: self.at });
                }
                self.at += 1;
                closers.push(closer);
                self.skip_white_space();
                if self.peek() != Some(closer) {
                    self.name_if_object(closer)?;
                    continue;
                }
            } else {
                self.scalar()?;
                self.skip_white_space();
            }
            // A value has ended, or a bracket stands before its closer.
            loop {
                let Some(&closer) = closers.last() else {
                    return Ok(&self.text[start..self.at]);
                };
                self.skip_white_space();
                if self.peek() == Some(closer) {
                    self.at += 1;
                    closers.pop();
                    continue;
                }
                self.take(b',', "a comma or a closing bracket")?;
                self.skip_white_space();
                self.name_if_object(closer)?;
                break;
            }
        }
    }

    fn name_if_object(&mut self, closer: u8) -> Result<(), ReadError> {
        if closer == b'}' {
            self.string("a member's name")?;
            self.skip_white_space();
            self.take(b':', "a colon")?;
        }
        Ok(())
    }
}

/// Whether a byte may stand in a string as it is, without ending it.
fn is_plain(byte: u8) -> bool {
    (byte >= 0x20) & (byte != b'"') & (byte != b'\\')
}

/// The place of the first of them that is not plain, found in all sixteen at once: names and most values are shorter.
fn first_not_plain(block: [u8; 16]) -> usize {
    const ONES: u128 = u128::MAX / 0xff;
    const HIGH: u128 = ONES << 7;
    // The lowest high bit that is left stands in the first byte below the bound; above it some may be wrong.
    let below = |bytes: u128, bound: u128| bytes.wrapping_sub(ONES * bound) & !bytes & HIGH;
    let equal = |bytes: u128, byte: u8| below(bytes ^ (ONES * u128::from(byte)), 1);
    let bytes = u128::from_le_bytes(block);
    let found = below(bytes, 0x20) | equal(bytes, b'"') | equal(bytes, b'\\');
    found.trailing_zeros() as usize / 8
}

/// Looks at all of them, and so without a branch for each: a signature has 344.
fn all_plain(block: &[u8; 16]) -> bool {
    block.iter().fold(true, |all, byte| all & is_plain(*byte))
}
