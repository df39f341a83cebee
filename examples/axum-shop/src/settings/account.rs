//! The merchant account that the `UCANPAY_*` settings describe, made and checked.

use ucanpay_core::{
    Merchant, MerchantError, MerchantId, PayLinks, PrivateKey, PublicKey, SignedSet,
};
use ucanpay_storefront::{UcanpayProvider, UcanpaySettings};
use ucanpay_transport::Client;

use super::{SettingError, in_one_line};

/// These are set together, or not at all.
pub(super) const ACCOUNT: [&str; 5] = [
    "UCANPAY_BASE_URL",
    "UCANPAY_MERCHANT_ID",
    "UCANPAY_PRIVATE_KEY_FILE",
    "UCANPAY_PLATFORM_KEY_FILE",
    "UCANPAY_NOTIFY_BASE_URL",
];
/// May be set beside them: where pay links lead.
pub(super) const PAY_LINKS: &str = "UCANPAY_PAY_LINK_BASE_URL";

/// May be set beside them: which members are signed, where that is not as documented.
pub(super) const SIGNED_SET: &str = "UCANPAY_SIGNED_SET";

/// The account that the five settings describe, in the order of [`ACCOUNT`].
pub(super) fn provider(
    [base_url, id, private_key, platform_keys, notify_base_url]: [String; 5],
    pay_links: Option<String>,
    signed_set: Option<String>,
) -> Result<UcanpayProvider, SettingError> {
    let [base_name, id_name, private_name, platform_name, notify_name] = ACCOUNT;

    let id = MerchantId::new(id).map_err(|error| {
        SettingError::new(
            id_name,
            format!("cannot be a merchant id: {error}"),
            "copy it from the merchant portal",
        )
    })?;
    let private_key = key(private_name, &private_key, PrivateKey::from_bytes)?;
    let platform_keys = platform_keys
        .split(',')
        .map(str::trim)
        .filter(|path| !path.is_empty())
        .map(|path| key(platform_name, path, PublicKey::from_bytes))
        .collect::<Result<Vec<_>, _>>()?;
    let merchant = Merchant::new(id, private_key, platform_keys).map_err(|error| {
        let problem = match error {
            MerchantError::OwnKeyAsPlatformKey => {
                "names the merchant's own key, and the gateway does not sign with that"
            }
            _ => "names no key file",
        };
        SettingError::new(
            platform_name,
            problem,
            "name the file with the gateway's public key, as the merchant portal shows it",
        )
    })?;
    let merchant = match signed_set {
        None => merchant,
        Some(text) => merchant.with_signed_set(text.parse::<SignedSet>().map_err(|error| {
            SettingError::new(
                SIGNED_SET,
                format!("cannot be used: {error}"),
                "`ucanpay explain` finds the one that a captured message needs",
            )
        })?),
    };

    let mut account = UcanpaySettings::new(&notify_base_url).map_err(|error| {
        SettingError::new(
            notify_name,
            format!("cannot be used: {error}"),
            "it is the shop's address as the gateway reaches it, such as https://shop.example",
        )
    })?;
    if let Some(url) = pay_links {
        if !is_web_address(&url) {
            return Err(SettingError::new(
                PAY_LINKS,
                "is not an http or https address",
                "it looks like https://pay.example",
            ));
        }
        account.links = PayLinks::default().with_base_url(url);
    }
    let client = Client::builder(merchant)
        .base_url(&base_url)
        .build()
        .map_err(|error| {
            SettingError::new(
                base_name,
                format!("cannot be used: {}", in_one_line(&error)),
                "it is the gateway's address, such as https://api.ucanpay.ca",
            )
        })?;
    Ok(UcanpayProvider::new(client, account))
}

fn key<K, E: std::error::Error>(
    setting: &'static str,
    path: &str,
    read: impl FnOnce(&[u8]) -> Result<K, E>,
) -> Result<K, SettingError> {
    let bytes = std::fs::read(path).map_err(|error| {
        SettingError::new(
            setting,
            format!("names {path}, which cannot be read: {error}"),
            "name a file that the shop may read",
        )
    })?;
    read(&bytes).map_err(|error| {
        SettingError::new(
            setting,
            format!("names {path}, which does not hold the key that is needed: {error}"),
            "the file holds one RSA key, as PEM, DER or the portal's base64",
        )
    })
}

fn is_web_address(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with('/')
            && rest
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"?#&=\"<>\\".contains(&b))
    })
}
