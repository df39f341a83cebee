//! The settings are those of a shop.

use std::collections::BTreeSet;

use ucanpay_storefront::UcanpayAccount;

use crate::{gateway::Gateway, program::run};

#[test]
fn every_setting_that_is_named_in_the_help_is_one_of_a_shops() {
    let help = run(&["order", "--help"], b"").stdout;
    let words = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named: BTreeSet<_> = words
        .filter_map(|word| word.strip_prefix("UCANPAY_"))
        .map(str::to_lowercase)
        .collect();
    assert!(named.len() >= 11, "{named:?}");
    let shops = BTreeSet::from(UcanpayAccount::SETTINGS.map(str::to_owned));
    assert!(named.is_subset(&shops), "{named:?}");
}

/// An account of a shop with this setting, and a call of the program's.
fn takes(gateway: &Gateway, name: &str, value: &str) -> (bool, bool) {
    let account = UcanpayAccount::from_environment(|asked| {
        let settings = crate::gateway::settings(&gateway.base);
        let usual = settings.into_iter().find(|(name, _)| *name == asked);
        let usual = usual.map(|(_, value)| value);
        Some((asked == name).then(|| value.to_owned()).or(usual)?.into())
    });
    let query = ["order", "query", "A1", "--dry-run"];
    let placed = gateway.run_with(&query, &[(name, value)]);
    (account.merchant().is_ok(), placed.code == 0)
}

#[test]
fn the_words_of_the_signature_are_taken_as_a_shop_takes_them() {
    let gateway = Gateway::open(|config| config);
    for (name, value, taken) in [
        ("UCANPAY_SCHEME", "single", true),
        ("UCANPAY_SCHEME", "md4", false),
        ("UCANPAY_SIGNED_SET", "empty,form", true),
        ("UCANPAY_SIGNED_SET", "everything", false),
        ("UCANPAY_RECEIVED_SUFFIX", "call", true),
        ("UCANPAY_RECEIVED_SUFFIX", "/payment", true),
        ("UCANPAY_RECEIVED_SUFFIX", "sometimes", false),
        ("UCANPAY_MD5_SECRET_FILE", "/missing", false),
    ] {
        assert_eq!(
            takes(&gateway, name, value),
            (taken, taken),
            "{name}={value}"
        );
    }
}
