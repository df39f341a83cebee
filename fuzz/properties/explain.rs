//! The property of the target `explain`: an explanation comes through any body, and agrees with the merchant.
//!
//! The fuzz target comes in with bytes of its own making, the tests of `ucanpay-core` with the corpus of `envelope`. A panic
//! goes out.

use std::sync::LazyLock;

use ucanpay_core::{AtHand, Merchant, MerchantId, MessageKind, PrivateKey, PublicKey, explain};

/// Panics if a body made of these bytes cannot be explained, or is explained as what it is not.
pub(crate) fn check(input: &[u8]) {
    let accepted = MERCHANT.verify_notification(input).is_ok();
    let Ok(explanation) = explain(input, &AT_HAND) else {
        assert!(!accepted, "accepted, and could not be explained");
        return;
    };
    assert!(explanation.to_string().contains(&explanation.sentence));
    let refused = explanation.refusal.is_some();
    let notification = matches!(
        explanation.kind,
        Some(MessageKind::PaymentNotification | MessageKind::RefundNotification)
    );
    assert!(!(accepted && refused), "accepted, and explained as refused");
    assert!(
        accepted || refused || !notification,
        "refused, and explained as a notification that nothing speaks against"
    );
}

/// The receiver of the vectors.
static MERCHANT: LazyLock<Merchant> = LazyLock::new(|| {
    let key = include_bytes!("../../tests/fixtures/keys/merchant-2048.pkcs8.pem");
    let key = PrivateKey::from_bytes(key).expect("the merchant's test key is a key");
    let id = MerchantId::new("2000000010").expect("the vectors' merchant has a proper number");
    Merchant::new(id, key, [platform_key()]).expect("the two keys differ")
});

static AT_HAND: LazyLock<AtHand> = LazyLock::new(|| AtHand::new([platform_key()]));

fn platform_key() -> PublicKey {
    let key = include_bytes!("../../tests/fixtures/keys/platform-2048.pub.pem");
    PublicKey::from_bytes(key).expect("the gateway's test key is a key")
}
