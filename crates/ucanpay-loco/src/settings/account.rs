//! The merchant account that the settings describe, made and checked.

use ucanpay_core::{
    Merchant, MerchantError, MerchantId, PayLinks, PrivateKey, PublicKey, SignedSet,
};
use ucanpay_storefront::{UcanpayProvider, UcanpaySettings};
use ucanpay_transport::Client;

use super::SettingError;
use super::source::{Setting, Source};
use crate::one_line::in_one_line;

pub(super) struct Account {
    pub(super) provider: UcanpayProvider,
    /// Of payments, of refunds.
    pub(super) notify_urls: [String; 2],
}

pub(super) fn read(source: &mut Source<'_>) -> Result<Account, SettingError> {
    let merchant = merchant(source)?;

    let notify = source.required(
        "notify_base_url",
        "it is the app's address as the gateway reaches it, such as https://shop.example",
    )?;
    let mut account = UcanpaySettings::new(&notify.text).map_err(|error| {
        notify.is_wrong(
            format!("cannot be used: {error}"),
            "it is the app's address as the gateway reaches it, such as https://shop.example",
        )
    })?;
    if let Some(links) = source.optional("pay_link_base_url")? {
        if !is_web_address(&links.text) {
            return Err(links.is_wrong(
                "is not an http or https address",
                "it looks like https://pay.example",
            ));
        }
        account.links = PayLinks::default().with_base_url(links.text);
    }

    let mut client = Client::builder(merchant);
    let base_url = source.optional("base_url")?;
    if let Some(base_url) = &base_url {
        client = client.base_url(&base_url.text);
    }
    let client = client.build().map_err(|error| {
        let place =
            base_url.map_or_else(|| "settings.ucanpay.base_url".to_owned(), |url| url.place);
        SettingError::new(
            place,
            format!("cannot be used: {}", in_one_line(&error)),
            "it is the gateway's address, such as https://api.ucanpay.ca",
        )
    })?;
    let notify_urls = [&account.payment_notify_url, &account.refund_notify_url];
    Ok(Account {
        notify_urls: notify_urls.map(|url| url.as_str().to_owned()),
        provider: UcanpayProvider::new(client, account),
    })
}

fn merchant(source: &mut Source<'_>) -> Result<Merchant, SettingError> {
    let id = source.required("merchant_id", "copy it from the merchant portal")?;
    let id = MerchantId::new(&*id.text).map_err(|error| {
        id.is_wrong(
            format!("cannot be a merchant id: {error}"),
            "copy it from the merchant portal",
        )
    })?;
    let private = source.required(
        "private_key_file",
        "name the file with the merchant's own key; `ucanpay key generate` makes one",
    )?;
    let private_key = key(&private, &private.text, PrivateKey::from_bytes)?;
    let platform = source.required(
        "platform_key_file",
        "name the file with the gateway's public key, as the merchant portal shows it",
    )?;
    let platform_keys = platform
        .text
        .split(',')
        .map(str::trim)
        .filter(|path| !path.is_empty())
        .map(|path| key(&platform, path, PublicKey::from_bytes))
        .collect::<Result<Vec<_>, _>>()?;
    let merchant = Merchant::new(id, private_key, platform_keys).map_err(|error| {
        let problem = match error {
            MerchantError::OwnKeyAsPlatformKey => {
                "names the merchant's own key, and the gateway does not sign with that"
            }
            _ => "names no key file",
        };
        platform.is_wrong(
            problem,
            "name the file with the gateway's public key, as the merchant portal shows it",
        )
    })?;
    let Some(set) = source.optional("signed_set")? else {
        return Ok(merchant);
    };
    let signed_set = set.text.parse::<SignedSet>().map_err(|error| {
        set.is_wrong(
            format!("cannot be used: {error}"),
            "`ucanpay explain` finds the one that a captured message needs",
        )
    })?;
    Ok(merchant.with_signed_set(signed_set))
}

fn key<K, E: std::error::Error>(
    setting: &Setting,
    path: &str,
    read: impl FnOnce(&[u8]) -> Result<K, E>,
) -> Result<K, SettingError> {
    let bytes = std::fs::read(path).map_err(|error| {
        setting.is_wrong(
            format!("names {path}, which cannot be read: {error}"),
            "name a file that the app may read, from the folder it is started in",
        )
    })?;
    read(&bytes).map_err(|error| {
        setting.is_wrong(
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
