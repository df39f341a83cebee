//! The merchant account that the `UCANPAY_*` variables describe: the same names, and the same values, as in the shops.
//!
//! Each command reads what it needs and no more. An empty variable counts as not set.

use std::{ffi::OsString, path::Path};

use ucanpay_core::{
    Merchant, MerchantError, MerchantId, NotifyUrl, PayLinks, ReceivedSuffix, SignatureScheme,
    SignedSet,
};
use ucanpay_transport::Client;

use crate::{
    input,
    outcome::{Failure, chain},
};

pub(crate) const BASE_URL: &str = "UCANPAY_BASE_URL";
pub(crate) const MERCHANT_ID: &str = "UCANPAY_MERCHANT_ID";
pub(crate) const PRIVATE_KEY_FILE: &str = "UCANPAY_PRIVATE_KEY_FILE";
pub(crate) const PLATFORM_KEY_FILE: &str = "UCANPAY_PLATFORM_KEY_FILE";
pub(crate) const NOTIFY_BASE_URL: &str = "UCANPAY_NOTIFY_BASE_URL";
pub(crate) const PAY_LINK_BASE_URL: &str = "UCANPAY_PAY_LINK_BASE_URL";
pub(crate) const SCHEME: &str = "UCANPAY_SCHEME";
pub(crate) const SIGNED_SET: &str = "UCANPAY_SIGNED_SET";
const RECEIVED_SUFFIX: &str = "UCANPAY_RECEIVED_SUFFIX";
pub(crate) const MD5_SECRET_FILE: &str = "UCANPAY_MD5_SECRET_FILE";
const FRESH_NONCE_ON_RETRY: &str = "UCANPAY_FRESH_NONCE_ON_RETRY";

/// The environment, or what a test puts in its place.
#[derive(Clone, Copy)]
pub(crate) struct Settings<'a>(pub(crate) &'a dyn Fn(&str) -> Option<OsString>);

impl Settings<'_> {
    /// The value, or `None` if it is not set.
    pub(crate) fn get(&self, name: &str) -> Result<Option<String>, Failure> {
        let Some(value) = (self.0)(name) else {
            return Ok(None);
        };
        let value = value
            .into_string()
            .map_err(|_| Failure::NotDone(format!("{name} is not UTF-8 text")))?;
        Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty()))
    }

    fn needed(&self, name: &str, advice: &str) -> Result<String, Failure> {
        self.get(name)?
            .ok_or_else(|| Failure::NotDone(format!("{name} is not set; {advice}")))
    }

    pub(crate) fn base_url(&self) -> Result<String, Failure> {
        // No default: nobody is to reach the real one by forgetting something.
        self.needed(
            BASE_URL,
            "it is the gateway's address, https://api.ucanpay.ca, or a sandbox's",
        )
    }

    pub(crate) fn merchant_id(&self) -> Result<MerchantId, Failure> {
        let text = self.needed(MERCHANT_ID, "copy it from the merchant portal")?;
        MerchantId::new(text)
            .map_err(|error| Failure::NotDone(format!("{MERCHANT_ID} cannot be used: {error}")))
    }

    pub(crate) fn private_key_file(&self) -> Result<String, Failure> {
        self.needed(
            PRIVATE_KEY_FILE,
            "name the file with the merchant's own key; `ucanpay key generate` makes one",
        )
    }

    pub(crate) fn platform_key_files(&self) -> Result<Vec<String>, Failure> {
        let advice = "name the file with the gateway's public key, as the merchant portal shows it";
        let text = self.needed(PLATFORM_KEY_FILE, advice)?;
        let files = text
            .split(',')
            .map(str::trim)
            .filter(|file| !file.is_empty());
        Ok(files.map(str::to_owned).collect())
    }

    pub(crate) fn signed_set(&self) -> Result<SignedSet, Failure> {
        let Some(text) = self.get(SIGNED_SET)? else {
            return Ok(SignedSet::DOCUMENTED);
        };
        text.parse()
            .map_err(|error| Failure::NotDone(format!("{SIGNED_SET} cannot be used: {error}")))
    }

    pub(crate) fn scheme(&self) -> Result<SignatureScheme, Failure> {
        let Some(name) = self.get(SCHEME)? else {
            return Ok(SignatureScheme::DOCUMENTED);
        };
        SignatureScheme::by_name(&name).ok_or_else(|| {
            Failure::NotDone(format!(
                "{SCHEME} is no scheme that there is; `ucanpay sign --help` lists them, and `ucanpay explain` finds the one that a \
                 captured message needs"
            ))
        })
    }

    /// What the gateway appends to what it signs, under a scheme that appends a path.
    fn received_suffix(&self) -> Result<ReceivedSuffix, Failure> {
        match self.get(RECEIVED_SUFFIX)?.as_deref() {
            None | Some("none") => Ok(ReceivedSuffix::None),
            Some("call") => Ok(ReceivedSuffix::OperationPath),
            Some(path) if path.starts_with('/') => Ok(ReceivedSuffix::Fixed(path.to_owned())),
            Some(_) => Err(Failure::NotDone(format!(
                "{RECEIVED_SUFFIX} cannot be used; write none, call, or a path that begins with /"
            ))),
        }
    }

    fn fresh_nonce_on_retry(&self) -> Result<bool, Failure> {
        match self.get(FRESH_NONCE_ON_RETRY)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Failure::NotDone(format!(
                "{FRESH_NONCE_ON_RETRY} cannot be used; write true or false"
            ))),
        }
    }

    pub(crate) fn merchant(&self) -> Result<Merchant, Failure> {
        let id = self.merchant_id()?;
        let key = input::private_key(Path::new(&self.private_key_file()?))
            .map_err(|failure| failure.about(PRIVATE_KEY_FILE))?;
        let platform_keys = self
            .platform_key_files()?
            .iter()
            .map(|file| input::public_key(Path::new(file)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|failure| failure.about(PLATFORM_KEY_FILE))?;
        let merchant = Merchant::new(id, key, platform_keys).map_err(|error| {
            Failure::NotDone(match error {
                MerchantError::OwnKeyAsPlatformKey => format!(
                    "{PLATFORM_KEY_FILE} names the merchant's own key, and the gateway does not sign with that; name the file \
                     with the gateway's public key"
                ),
                error => format!("{PLATFORM_KEY_FILE}: {error}"),
            })
        })?;
        let merchant = merchant
            .with_scheme(self.scheme()?)
            .with_signed_set(self.signed_set()?)
            .with_received_suffix(self.received_suffix()?);
        Ok(match self.get(MD5_SECRET_FILE)? {
            Some(file) => {
                merchant.with_keyed_md5(input::md5_secret(MD5_SECRET_FILE, Path::new(&file))?)
            }
            None => merchant,
        })
    }

    pub(crate) fn client(&self) -> Result<Client, Failure> {
        let mut builder = Client::builder(self.merchant()?).base_url(&self.base_url()?);
        if self.fresh_nonce_on_retry()? {
            builder = builder.fresh_nonce_on_retry();
        }
        builder.build().map_err(|error| {
            Failure::NotDone(format!("{BASE_URL} cannot be used: {}", chain(&error)))
        })
    }

    /// Where notifications about `topic` go, `payment` or `refund`.
    pub(crate) fn notify_url(&self, topic: &str) -> Result<NotifyUrl, Failure> {
        let base = self.needed(
            NOTIFY_BASE_URL,
            "it is the shop's address as the gateway reaches it, such as https://shop.example",
        )?;
        let url = format!("{}/ucanpay/{topic}", base.trim_end_matches('/'));
        NotifyUrl::new(url).map_err(|error| {
            Failure::NotDone(format!(
                "{NOTIFY_BASE_URL} with /ucanpay/{topic} behind it cannot be used: {error}"
            ))
        })
    }

    pub(crate) fn pay_links(&self) -> Result<PayLinks, Failure> {
        let links = PayLinks::default();
        Ok(match self.get(PAY_LINK_BASE_URL)? {
            Some(url) => links.with_base_url(url),
            None => links,
        })
    }
}
