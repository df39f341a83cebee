//! Unguessable letters and digits, from the operating system.

use rand_core::{OsRng, RngCore};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `length` characters of `0-9A-Za-z`, each equally likely.
pub(crate) fn alphanumeric(length: usize) -> String {
    let mut text = String::with_capacity(length);
    let mut bytes = [0; 64];
    while text.len() < length {
        OsRng.fill_bytes(&mut bytes);
        // 248 is four times 62: bytes above it would favour the alphabet's start.
        let fair = bytes.iter().filter(|byte| **byte < 248);
        let letters = fair.map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        text.extend(letters.take(length - text.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{ALPHABET, alphanumeric};

    #[test]
    fn the_length_is_exact_and_every_letter_occurs() {
        for length in [0, 1, 24, 32, 64, 65, 1000] {
            assert_eq!(alphanumeric(length).len(), length);
        }
        let seen: HashSet<char> = alphanumeric(10_000).chars().collect();
        let all: HashSet<char> = ALPHABET.iter().copied().map(char::from).collect();
        assert_eq!(seen, all);
    }
}
