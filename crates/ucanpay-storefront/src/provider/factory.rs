//! [`ProviderFactory`]: how a provider is made of the settings of an account.

use std::fmt;
use std::sync::Arc;

use super::PaymentProvider;
use crate::id::ProviderId;
use crate::settings::{AccountSettings, SettingError};

/// Makes the providers of one kind, each of the settings of its account. UCanPay's is
/// [`UcanpayFactory`](crate::UcanpayFactory); a provider of your own plugs in the same way.
///
/// ```
/// # #[cfg(feature = "mock")]
/// # {
/// use std::sync::Arc;
/// use ucanpay_storefront::provider::ScriptedProvider;
/// use ucanpay_storefront::{
///     AccountSettings, PaymentProvider, PaymentRegistry, ProviderFactory, ProviderId, SettingError,
/// };
///
/// #[derive(Debug)]
/// struct Scripted;
///
/// impl ProviderFactory for Scripted {
///     fn kind(&self) -> &'static str {
///         "scripted"
///     }
///
///     fn build(&self, id: ProviderId, account: &AccountSettings) -> Result<Arc<dyn PaymentProvider>, SettingError> {
///         account.refuse_unknown(&[])?;
///         Ok(Arc::new(ScriptedProvider::new().with_id(id)))
///     }
/// }
///
/// let accounts: Vec<AccountSettings> = serde_json::from_str(r#"[{ "provider": "scripted" }]"#)?;
/// let registry = PaymentRegistry::builder().factory(Scripted).accounts("accounts", accounts).build()?;
/// assert_eq!(registry.default_id().as_str(), "scripted");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ProviderFactory: fmt::Debug + Send + Sync + 'static {
    /// The word that accounts of this kind have in `provider`. It is also the id of one that has none of its own, so it
    /// keeps the rule of [`ProviderId`]s.
    fn kind(&self) -> &'static str;

    /// Makes the provider of this account, which is called `id`.
    ///
    /// # Errors
    /// [`SettingError`] for the first setting that cannot be used, or is not known:
    /// [`AccountSettings::refuse_unknown`].
    fn build(
        &self,
        id: ProviderId,
        account: &AccountSettings,
    ) -> Result<Arc<dyn PaymentProvider>, SettingError>;
}
