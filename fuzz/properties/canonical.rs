//! The property of the target `canonical`: the two readings of the signature rules agree. What one takes for a message the other
//! does too, with the same signed text; both call the same texts ambiguous.
//!
//! One reading is the merchant's, of `ucanpay-core`; the other is the gateway's, of the sandbox, which shares no code with
//! it: its files are taken as they stand. The fuzz target comes in with bytes of its own making, the tests of `ucanpay-core` with
//! the corpus of `reader`. A panic goes out.

use ucanpay_core::{Fields, ReadError, canonical_string};

#[path = "../../crates/ucanpay-sandbox/src/message.rs"]
#[allow(dead_code, reason = "the sandbox also writes messages")]
mod message;
#[path = "../../crates/ucanpay-sandbox/src/signed_set.rs"]
#[allow(dead_code, reason = "the sandbox also reads the words of its switch")]
mod signed_set;

use message::Members;

/// Panics if the readings differ in what these bytes say.
pub(crate) fn check(input: &[u8]) {
    let merchants = Fields::parse(input);
    let gateways = std::str::from_utf8(input)
        .ok()
        .and_then(|text| Members::read(text).ok());
    match (merchants, gateways) {
        (Ok(fields), Some(members)) => assert_same_text(&fields, &members),
        // No database keeps that character, and the sandbox writes into one of its own only.
        (Err(ReadError::Nul { .. }), _) | (Err(_), None) => {}
        (Ok(_), None) => panic!("the merchant reads what the gateway refuses"),
        (Err(error), Some(_)) => panic!("the gateway reads what the merchant refuses: {error}"),
    }
}

fn assert_same_text(fields: &Fields<'_>, members: &Members) {
    let merchants = canonical_string(fields).expect("what is flat has a canonical string");
    assert_eq!(merchants, members.canonical(&["sign"]));
    // The sandbox has dropped what is not signed; the merchant refuses a bad name there, too.
    let unsigned = fields
        .iter()
        .any(|(name, value)| value.signed_text().is_none() && name.contains(['&', '=']));
    let ambiguous = fields.refuse_ambiguous().is_err();
    assert_eq!(ambiguous, members.is_ambiguous() || unsigned);
}
