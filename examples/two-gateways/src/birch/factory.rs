//! Birch accounts in a shop's list of accounts.

use std::sync::Arc;

use ucanpay_storefront::{
    AccountSettings, PaymentProvider, ProviderFactory, ProviderId, SettingError,
};

use super::{Birch, BirchSettings, Secret};

/// Makes the providers of accounts with `provider: birch`.
#[derive(Debug)]
pub struct BirchFactory;

impl ProviderFactory for BirchFactory {
    fn kind(&self) -> &'static str {
        "birch"
    }

    fn build(
        &self,
        id: ProviderId,
        account: &AccountSettings,
    ) -> Result<Arc<dyn PaymentProvider>, SettingError> {
        account.refuse_unknown(&["merchant", "secret_file", "gateway", "webhook"])?;
        let required = |name, advice| account.required(name, advice);
        let merchant = required("merchant", "copy it from Birch's portal")?;
        let file = required(
            "secret_file",
            "name the file with the secret that Birch gave out",
        )?;
        let gateway = required("gateway", "it is Birch's address")?;
        let webhook = required("webhook", "it is the shop's address for notifications")?;
        let secret = std::fs::read(file.text()).map_err(|error| {
            // What it names is not repeated: it may be the secret itself.
            file.is_wrong(
                format!("names a file that cannot be read: {error}"),
                "name a file that the shop may read",
            )
        })?;
        let settings = BirchSettings {
            id,
            merchant: merchant.text().to_owned(),
            secret: Secret::new(&secret),
            gateway: gateway.text().to_owned(),
            webhook: webhook.text().to_owned(),
        };
        let birch = Birch::new(settings).map_err(|error| {
            gateway.is_wrong(
                format!("cannot be called: {error}"),
                "look at the network's settings",
            )
        })?;
        Ok(Arc::new(birch))
    }
}
