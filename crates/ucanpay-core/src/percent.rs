//! Percent-encoding: of pay links, and of values that a [signed set](crate::SignedSet) encodes.

use std::fmt::Write;

/// What is encoded, and how.
#[derive(Clone, Copy)]
pub(crate) struct Encoding {
    /// What stands as it is, besides letters and digits.
    plain: &'static [u8],
    /// What stands for a space.
    space: &'static str,
}

/// RFC 3986: everything but `A-Z a-z 0-9 - . _ ~`.
pub(crate) const PERCENT: Encoding = Encoding {
    plain: b"-._~",
    space: "%20",
};

/// A form's: everything but `A-Z a-z 0-9 - . _ *`, a space as `+`.
pub(crate) const FORM: Encoding = Encoding {
    plain: b"-._*",
    space: "+",
};

impl Encoding {
    pub(crate) fn push(self, target: &mut String, text: &str) {
        for byte in text.bytes() {
            if byte == b' ' {
                target.push_str(self.space);
            } else if byte.is_ascii_alphanumeric() || self.plain.contains(&byte) {
                target.push(char::from(byte));
            } else {
                write!(target, "%{byte:02X}").expect("writing to a String cannot fail");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoding, FORM, PERCENT};

    fn encoded(encoding: Encoding, text: &str) -> String {
        let mut target = "=".to_owned();
        encoding.push(&mut target, text);
        target
    }

    #[test]
    fn each_encoding_leaves_its_own_characters_as_they_are() {
        let text = "aZ09 -._~*+%&=/é";
        assert_eq!(
            encoded(PERCENT, text),
            "=aZ09%20-._~%2A%2B%25%26%3D%2F%C3%A9"
        );
        assert_eq!(encoded(FORM, text), "=aZ09+-._%7E*%2B%25%26%3D%2F%C3%A9");
    }
}
