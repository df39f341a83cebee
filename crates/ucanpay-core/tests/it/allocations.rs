//! How often verifying asks for memory, and for how much: what the message and its proof own, and two lists of members.

use ucanpay_core::{Fields, Merchant, MerchantId, SignatureScheme, canonical_string};

use crate::fixtures::{private_key, public_key, vectors, verifiers};

#[test]
fn verifying_a_payment_notification_takes_at_most_12_allocations_besides_the_rsa_operation() {
    let vectors = vectors("notifications");
    let body = vectors["cases"][0]["body"].as_str().unwrap().as_bytes();
    for verifier in verifiers(&public_key("platform-2048")) {
        let who = verifier.backend();
        let merchant = Merchant::with_signer(
            MerchantId::new("2000000010").unwrap(),
            private_key("merchant-2048").signer(),
            vec![verifier.clone()],
        )
        .unwrap();
        let digest = SignatureScheme::DOCUMENTED.digest;
        let message = merchant.verify_notification(body).unwrap();
        let signed = SignatureScheme::DOCUMENTED.message(message.signed_text(), None);
        let signature = private_key("platform-2048")
            .signer()
            .sign(digest, &signed)
            .unwrap();

        let bare = allocation_counter::measure(|| {
            assert!(verifier.verify(digest, &signed, &signature));
        });
        let whole = allocation_counter::measure(|| {
            assert!(merchant.verify_notification(body).is_ok());
        });
        let own = whole.count_total - bare.count_total;
        assert!(own <= 12, "{who}: {own}");
    }
}

#[test]
fn a_canonical_string_is_given_its_room_at_once() {
    let body = format!(r#"{{"attach":"{}","body":"latte"}}"#, "x".repeat(4_000));
    let fields = Fields::parse(body.as_bytes()).unwrap();
    let mut canonical = String::new();
    let asked = allocation_counter::measure(|| canonical = canonical_string(&fields).unwrap());
    assert_eq!(asked.count_total, 1);
    // And room for the `&` that the first member needs not.
    assert_eq!(asked.bytes_total, canonical.len() as u64 + 1);
}
