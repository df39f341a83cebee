//! How often verifying asks for memory: what the message and its proof own, and two lists of members.

use ucanpay_core::{Merchant, MerchantId, SignatureScheme};

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
