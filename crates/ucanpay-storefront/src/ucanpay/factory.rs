//! [`UcanpayFactory`]: UCanPay accounts in a list of settings.

use std::fmt;
use std::sync::Arc;

use ucanpay_transport::{Client, ClientBuilder, Error};

use super::UcanpayAccount;
use crate::id::ProviderId;
use crate::provider::{PaymentProvider, ProviderFactory};
use crate::settings::{AccountSettings, SettingError};

type MakeClient = dyn Fn(ClientBuilder) -> Result<Client, Error> + Send + Sync;

/// Makes the providers of accounts with `provider: ucanpay`, whose settings are those of [`UcanpayAccount`].
///
/// ```
/// # #[cfg(feature = "reqwest")]
/// # {
/// use ucanpay_storefront::{AccountSettings, PaymentRegistry, UcanpayFactory};
///
/// // From the shop's configuration, in whatever format that is:
/// let accounts: Vec<AccountSettings> = serde_json::from_str(
///     r#"[
///         { "provider": "ucanpay", "merchant_id": 2000000010, "private_key_file": "merchant.pem",
///           "platform_key_file": "ucanpay.pem", "notify_base_url": "https://shop.example" },
///         { "provider": "ucanpay", "id": "terrace", "merchant_id": 2000000011, "private_key_file": "terrace.pem",
///           "platform_key_file": "ucanpay.pem", "notify_base_url": "https://shop.example" }
///     ]"#,
/// )?;
/// let registry = PaymentRegistry::builder()
///     .factory(UcanpayFactory::new())
///     .accounts("accounts", accounts)
///     .build();
/// let error = registry.unwrap_err().to_string(); // there are no such files
/// assert!(error.starts_with("accounts[0].private_key_file names merchant.pem, which cannot be read: "));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct UcanpayFactory {
    client: Arc<MakeClient>,
}

impl UcanpayFactory {
    /// Each account calls its gateway through the ready HTTP client.
    #[cfg(feature = "reqwest")]
    #[expect(
        clippy::new_without_default,
        reason = "what is there by default is a feature"
    )]
    pub fn new() -> Self {
        Self::with_client(ClientBuilder::build)
    }

    /// Each account calls its gateway through the client that `client` makes, for other time-outs, a rate limit, or another
    /// HTTP service ([`ClientBuilder::build_with`]).
    ///
    /// ```
    /// # #[cfg(feature = "reqwest")]
    /// # {
    /// use std::time::Duration;
    /// use ucanpay_storefront::provider::ProviderFactory;
    /// use ucanpay_storefront::UcanpayFactory;
    ///
    /// let patient = UcanpayFactory::with_client(|client| client.total_timeout(Duration::from_secs(60)).build());
    /// assert_eq!(patient.kind(), "ucanpay"); // for PaymentRegistryBuilder::factory
    /// # }
    /// ```
    pub fn with_client(
        client: impl Fn(ClientBuilder) -> Result<Client, Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            client: Arc::new(client),
        }
    }
}

impl fmt::Debug for UcanpayFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UcanpayFactory").finish_non_exhaustive()
    }
}

impl ProviderFactory for UcanpayFactory {
    fn kind(&self) -> &'static str {
        UcanpayAccount::KIND
    }

    fn build(
        &self,
        _: ProviderId,
        account: &AccountSettings,
    ) -> Result<Arc<dyn PaymentProvider>, SettingError> {
        let account = UcanpayAccount::new(account.clone())?;
        Ok(Arc::new(account.provider_with(&*self.client)?))
    }
}
