//! The forms in which a secret could be printed, and the search for them.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Of a long secret any piece of so many bytes is one too many. Of a key's number that is a tenth at most, and far too
/// much to be there by chance.
const PIECE: usize = 20;

/// What must appear nowhere.
#[derive(Default)]
pub(super) struct Secrets {
    /// Every piece of every form of the long ones.
    pieces: HashSet<Vec<u8>>,
    /// The first two bytes of each: most of what is searched is passed over quickly.
    beginnings: HashSet<[u8; 2]>,
    /// The short ones, each in each of its forms, with its name.
    short: Vec<(&'static str, Vec<u8>)>,
}

impl Secrets {
    /// A word, such as a token: as it stands, in hexadecimal digits, in base64.
    pub(super) fn add_word(&mut self, name: &'static str, word: &str) {
        for form in [
            word.to_owned(),
            hex(word.as_bytes()),
            hex(word.as_bytes()).to_uppercase(),
        ] {
            self.short.push((name, form.into_bytes()));
        }
        for form in in_base64(word.as_bytes()) {
            self.short.push((name, form.into_bytes()));
        }
    }

    /// A private RSA key in PKCS#1: each of its secret numbers. (Base64 pieces of them stand in the key's files, too.)
    pub(super) fn add_key(&mut self, pem: &str) {
        let text: String = pem.lines().filter(|line| !line.contains('-')).collect();
        let der = STANDARD.decode(&text).unwrap();
        let numbers = numbers(&der);
        // version, modulus and public exponent are known to everybody.
        let [_, _, _, secret @ ..] = numbers.as_slice() else {
            panic!("a private key has nine numbers");
        };
        assert_eq!(secret.len(), 6, "d, p, q, dp, dq, qinv");
        for number in secret {
            for form in forms(number) {
                self.add_pieces(&form);
            }
        }
    }

    fn add_pieces(&mut self, form: &[u8]) {
        for piece in form.windows(PIECE) {
            self.beginnings.insert([piece[0], piece[1]]);
            self.pieces.insert(piece.to_owned());
        }
    }

    /// The first of them that stands in what was printed, with what surrounds it.
    pub(super) fn found_in(&self, printed: &[u8]) -> Option<String> {
        let around = |at: usize| {
            let some = &printed[at.saturating_sub(200)..printed.len().min(at + 60)];
            String::from_utf8_lossy(some).into_owned()
        };
        for (name, form) in &self.short {
            let mut pieces = printed.windows(form.len());
            if let Some(at) = pieces.position(|piece| piece == form.as_slice()) {
                return Some(format!("{name}: {}", around(at)));
            }
        }
        let mut pieces = printed.windows(PIECE).enumerate();
        let (at, _) = pieces.find(|(_, piece)| {
            self.beginnings.contains(&[piece[0], piece[1]]) && self.pieces.contains(*piece)
        })?;
        Some(format!("a private key: {}", around(at)))
    }
}

/// The INTEGERs of a SEQUENCE.
fn numbers(der: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, _) = element(der);
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (number, behind) = element(rest);
        found.push(
            number
                .iter()
                .copied()
                .skip_while(|byte| *byte == 0)
                .collect(),
        );
        rest = behind;
    }
    found
}

/// The contents of the first element, and what follows it.
fn element(der: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = match der[1] {
        short @ ..0x80 => (usize::from(short), &der[2..]),
        long => {
            let (length, rest) = der[2..].split_at(usize::from(long - 0x80));
            let length = length
                .iter()
                .fold(0, |sum, byte| sum * 256 + usize::from(*byte));
            (length, rest)
        }
    };
    rest.split_at(length)
}

/// A number as it could be printed: raw, hexadecimal, base64 (alone, or within something longer), a list of bytes or of
/// machine words as `Debug` writes them, decimal.
fn forms(number: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![number.to_owned()];
    let mut texts = vec![hex(number), hex(number).to_uppercase(), decimal(number)];
    texts.extend(in_base64(number));
    let list = |numbers: &[u64]| {
        let words: Vec<_> = numbers.iter().map(u64::to_string).collect();
        words.join(", ")
    };
    let bytes: Vec<_> = number.iter().map(|byte| u64::from(*byte)).collect();
    let mut words: Vec<_> = number.rchunks(8).map(word).collect();
    texts.push(list(&bytes));
    texts.push(list(&words));
    words.reverse();
    texts.push(list(&words));
    forms.extend(texts.into_iter().map(String::into_bytes));
    forms
}

fn word(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Base64 stands in three ways, by where in its triplet a text begins; the characters that depend on its neighbours are
/// left out.
fn in_base64(bytes: &[u8]) -> Vec<String> {
    (0..3)
        .map(|before| {
            let mut padded = vec![0; before];
            padded.extend_from_slice(bytes);
            let text = STANDARD.encode(&padded[..padded.len() / 3 * 3]);
            text[if before == 0 { 0 } else { 4 }..].to_owned()
        })
        .collect()
}

/// Long division, from the digit of the ones up.
fn decimal(number: &[u8]) -> String {
    let mut number = number.to_owned();
    let mut digits = Vec::new();
    while number.iter().any(|byte| *byte > 0) {
        let mut rest = 0;
        for byte in &mut number {
            let part = rest * 256 + u32::from(*byte);
            *byte = u8::try_from(part / 10).unwrap();
            rest = part % 10;
        }
        digits.push(char::from_digit(rest, 10).unwrap());
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = include_str!("../../../fixtures/keys/merchant-1024.pkcs1.pem");

    #[test]
    fn a_key_is_found_in_each_form_and_a_word_in_each_of_its_own() {
        let mut secrets = Secrets::default();
        secrets.add_key(PEM);
        secrets.add_word("token", "canary-7f1c2e");
        let text: String = PEM.lines().filter(|line| !line.contains('-')).collect();
        let numbers = numbers(&STANDARD.decode(&text).unwrap());
        let last_line = PEM.lines().rev().nth(1).unwrap();
        for shown in [
            PEM.to_owned(),
            last_line.to_owned(),
            format!("{:?}", numbers[4]),
            hex(&numbers[5]),
            decimal(&numbers[3]),
            "a token, canary-7f1c2e, in the middle".to_owned(),
            STANDARD.encode("Bearer canary-7f1c2e!"),
        ] {
            assert!(secrets.found_in(shown.as_bytes()).is_some(), "{shown}");
        }
        assert_eq!(decimal(&[1, 0]), "256");
    }

    #[test]
    fn what_everybody_may_know_of_a_key_is_no_secret() {
        let mut secrets = Secrets::default();
        secrets.add_key(PEM);
        let public = include_str!("../../../fixtures/keys/merchant-1024.pub.pem");
        let first_lines: Vec<_> = PEM.lines().take(3).collect();
        for shown in [public, &first_lines.join("\n")] {
            assert_eq!(secrets.found_in(shown.as_bytes()), None);
        }
    }
}
